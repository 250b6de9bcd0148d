"""The list of all providers. A new provider is a new line here (docs/adding-a-dialect.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects import (
    anthropic_compatible,
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
    anthropic_compatible.PROVIDER,
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


def likely_provider(named: Provider | None, headers: Mapping[str, str], query: str) -> Provider:
    """Return the provider of an unknown path: the one that its prefix names, else that of its client. Azure's own
    paths begin with OpenAI's prefix."""
    hinted = [each for each in REGISTERED if each.has_hint(headers, query)]
    if named is None:
        return hinted[0] if hinted else DEFAULT
    start = f"/{named.name}/"
    return next(
        (each for each in hinted if any(route.path.startswith(start) for route in each.routes)), named
    )
