"""Environment variables by which SDKs and frameworks find a server, with dummy keys."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.routes import BASES
from mockllm.engine.session_id import PREFIX

KEY: Final = "mockllm"
"""A dummy key; a real one must not be sent."""
HERE: Final = "127.0.0.1,localhost"


def variables(base: str) -> dict[str, str]:
    """Return the variables for a server at this URL: base URLs for the official SDKs, keys, and no proxy."""
    openai, azure = base + BASES["openai"], base + BASES["azure"]
    return {
        "MOCKLLM_BASE_URL": base,
        "MOCKLLM_URL": base.partition(PREFIX)[
            0
        ],  # for `mockllm verify` and similar commands, without the session
        "OPENAI_BASE_URL": openai,
        "OPENAI_API_BASE": openai,  # older SDKs, LangChain
        "OPENAI_API_KEY": KEY,
        "AZURE_OPENAI_ENDPOINT": azure,
        "AZURE_OPENAI_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": base + BASES["anthropic"],
        "ANTHROPIC_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": base + BASES["gemini"],
        "GOOGLE_VERTEX_BASE_URL": base + BASES["vertex"],
        "GEMINI_API_KEY": KEY,
        "GOOGLE_API_KEY": KEY,  # has priority if both are set
        "NO_PROXY": HERE,
        "no_proxy": HERE,
    }
