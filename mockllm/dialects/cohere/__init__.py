"""Cohere's API, version 2: chat, embed and rerank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.cohere.chat import CohereChat
from mockllm.dialects.cohere.lookups import CohereEmbed, CohereRerank
from mockllm.dialects.cohere.request import DEFAULT_MODEL
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute

CHAT: Final = CohereChat()
EMBED: Final = CohereEmbed()
RERANK: Final = CohereRerank()
_COUNTS: Final[Mapping[str, str]] = {
    "input_tokens": "usage: {input_tokens: …}",
    "output_tokens": "usage: {output_tokens: …}",
}
WRITTEN: Final[Mapping[str, str]] = {
    "message.content": "parts or text",
    "message.tool_plan": "text",
    "message.tool_calls": "tool_calls",
    "finish_reason": "finish_reason: {raw: …}",
    **{
        f"usage.{units}.{name}": word
        for units in ("billed_units", "tokens")
        for name, word in _COUNTS.items()
    },
    "usage.tokens.reasoning_tokens": "usage: {reasoning_tokens: …}",
    "usage.cached_tokens": "usage: {cached_tokens: …}",
}
"""The members of responses that the server writes from a reply, by path, with the word of the language for each."""
PROVIDER: Final = Provider(
    name="cohere",
    title="Cohere",
    prefixed=True,
    routes=(
        ProviderRoute(
            "POST",
            "/v2/chat",
            ProviderCall("chat", CHAT, operation="chat", title="Cohere: chat, embed, rerank"),
        ),
        ProviderRoute("POST", "/v2/embed", ProviderCall("embeddings", EMBED, operation="embeddings")),
        ProviderRoute("POST", "/v2/rerank", ProviderCall("rerank", RERANK)),
    ),
    known_models=frozenset({DEFAULT_MODEL, "embed-v4.0", "rerank-v3.5"}),
    hosts=("api.cohere.com", "api.cohere.ai"),
    base_url_variables=("CO_API_URL",),
    key_variables=("CO_API_KEY",),
    written_members=WRITTEN,
)
PROVIDERS: Final = (PROVIDER,)
