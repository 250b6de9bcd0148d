"""Calls without a reply: counts, models, embeddings and moderations. The recorded request alone determines the
response.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.conformance import anthropic_messages, gemini, openai_chat, vendors
from mockllm.conformance.shape import Protocol, Recording, without_texts
from mockllm.core.failure import Failure
from mockllm.core.reply.reply import Reply
from mockllm.dialects.anthropic import provider as anthropic
from mockllm.dialects.azure import provider as azure
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.gemini import dialects as google
from mockllm.dialects.openai import provider as openai
from mockllm.dialects.providers import BY_NAME

TEXTLESS_FIELDS: Final = frozenset({
    "type", "role", "model", "outputDimensionality", "tool_choice", "encoding_format", "dimensions",
})  # fmt: skip
"""The request fields that contain no texts of the user."""
NOISE: Final = {
    "anthropic": anthropic_messages.PROTOCOL.noise,
    "gemini": gemini.PROTOCOLS[0].noise,
    "openai": openai_chat.PROTOCOL.noise | vendors.NOISE,
}


def decode(recording: Recording) -> Reply | Failure:
    """Return an empty reply, or the failure. Only OpenAI's errors have `param` and `code`."""
    if recording["response"]["status"] == 200:
        return Reply(())
    match recording["response"]["body"]:
        case {"error": {"param": _, "code": _}}:
            return openai_chat.decode(recording)
    return Failure.of_status(recording["response"]["status"])


def lookup(
    folder: str,
    dialect: Dialect,
    path: str | None = None,
    method: str = "POST",
    sent: Mapping[str, str] | None = None,
    before: str = "",
) -> Protocol:
    return Protocol(
        folder=folder,
        dialect=dialect,
        path=path,
        decode=decode,
        kind=lambda name, payload: "body",
        settings=lambda body: without_texts(body, TEXTLESS_FIELDS),
        method=method,
        sent=sent or {},
        noise=NOISE.get(dialect.name, NOISE["openai"]),
        before=before,
    )


def _embeddings(vendor: str) -> Protocol:
    """Return the protocol of a vendor's embeddings call."""
    dialect = BY_NAME[vendor].call("embeddings").dialect
    return lookup(f"{vendor}-embeddings", dialect, before=f"/{vendor}")


PROTOCOLS = (
    lookup("openai-embeddings", openai.EMBEDDINGS, "/v1/embeddings"),
    lookup("openai-moderations", openai.MODERATIONS, "/v1/moderations"),
    lookup("azure-embeddings", azure.EMBEDDINGS, before="/azure"),
    *map(_embeddings, ("mistral", "perplexity", "openrouter")),
    lookup("anthropic-count-tokens", anthropic.COUNT, "/v1/messages/count_tokens"),
    lookup("anthropic-models", anthropic.MODELS, "/v1/models", "GET", {"anthropic-version": "2023-06-01"}),
    lookup("gemini-countTokens", google.COUNT),
    lookup("gemini-models", google.MODELS, "/v1beta/models", "GET"),
    lookup("gemini-batchEmbedContents", google.EMBEDDINGS),
    lookup("vertex-countTokens", google.COUNT),
    lookup("vertex-embedContent", google.EMBEDDINGS),
    lookup("vertex-predict", google.EMBEDDINGS),
)
