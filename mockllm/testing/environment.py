"""The environment variables by which SDKs and frameworks find a server, and keys that are none."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.providers import REGISTERED
from mockllm.engine.session_id import PREFIX

KEY: Final = "mockllm"
"""Any key will do; a real one must not be sent."""
HERE: Final = "127.0.0.1,localhost"


def variables(base: str) -> dict[str, str]:
    """For a server at this URL: base URLs as the official SDKs read them, keys, and no proxy in between."""
    addresses = {
        name: base + provider.base for provider in REGISTERED for name in provider.base_url_variables
    }
    return {
        "MOCKLLM_BASE_URL": base,
        "MOCKLLM_URL": base.partition(PREFIX)[0],  # for `mockllm verify` and its like, whatever the session
        **addresses,
        **{name: KEY for provider in REGISTERED for name in provider.key_variables},
        "NO_PROXY": HERE,
        "no_proxy": HERE,
    }
