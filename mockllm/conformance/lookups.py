"""Calls of Anthropic and Google without a reply: counts, models, embeddings. The recorded request alone
determines the response.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.conformance import anthropic_messages
from mockllm.conformance import gemini as google
from mockllm.conformance.shape import Protocol, Recording, without_texts
from mockllm.core.failure import Failure
from mockllm.core.reply.reply import Reply
from mockllm.dialects import anthropic, gemini
from mockllm.dialects.dialect import OwnResponseDialect

TEXTLESS_FIELDS = frozenset({"type", "role", "model", "outputDimensionality", "tool_choice"})
"""The request fields that contain no texts of the user."""


def decode(recording: Recording) -> Reply | Failure:
    """Return an empty reply, or the failure."""
    if recording["response"]["status"] == 200:
        return Reply(())
    return Failure.of_status(recording["response"]["status"])


def _protocol(
    folder: str,
    dialect: OwnResponseDialect,
    path: str | None = None,
    method: str = "POST",
    sent: Mapping[str, str] | None = None,
) -> Protocol:
    like = anthropic_messages.PROTOCOL if dialect.name == "anthropic" else google.PROTOCOLS[0]
    return Protocol(
        folder=folder,
        dialect=dialect,
        path=path,
        decode=decode,
        kind=lambda name, payload: "body",
        settings=lambda body: without_texts(body, TEXTLESS_FIELDS),
        method=method,
        sent=sent or {},
        noise=like.noise,
    )


PROTOCOLS = (
    _protocol("anthropic-count-tokens", anthropic.COUNT, "/v1/messages/count_tokens"),
    _protocol("anthropic-models", anthropic.MODELS, "/v1/models", "GET", {"anthropic-version": "2023-06-01"}),
    _protocol("gemini-countTokens", gemini.COUNT),
    _protocol("gemini-models", gemini.MODELS, "/v1beta/models", "GET"),
    _protocol("gemini-batchEmbedContents", gemini.EMBEDDINGS),
    _protocol("vertex-countTokens", gemini.COUNT),
    _protocol("vertex-embedContent", gemini.EMBEDDINGS),
    _protocol("vertex-predict", gemini.EMBEDDINGS),
)
