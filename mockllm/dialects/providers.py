"""The list of all providers. A new provider is a new line here (docs/adding-a-dialect.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects import (
    anthropic,
    azure,
    bedrock,
    cohere,
    google,
    huggingface,
    mcp,
    mistral,
    ollama,
    openai,
    vendors,
    vllm,
)
from mockllm.dialects.provider import Provider

REGISTERED: Final[tuple[Provider, ...]] = (
    openai.PROVIDER,
    anthropic.PROVIDER,
    google.GEMINI,
    azure.PROVIDER,
    google.VERTEX,
    ollama.PROVIDER,
    bedrock.PROVIDER,
    *vendors.PROVIDERS,
    mistral.PROVIDER,
    huggingface.PROVIDER,
    vllm.PROVIDER,
    cohere.PROVIDER,
    mcp.PROVIDER,
)
"""The first one is the default: examples without a provider use it, and so does an unknown path. Where providers
share a path and the request has no hint, the provider that comes first serves it."""
BY_NAME: Final[Mapping[str, Provider]] = {provider.name: provider for provider in REGISTERED}
DEFAULT: Final = REGISTERED[0]
