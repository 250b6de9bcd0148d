"""Calls of Anthropic and Google that are answered without a reply: counts, models, embeddings. The recorded
request alone says what is answered."""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Reply
from mockllm.dialects import anthropic, gemini
from mockllm.dialects.dialect import LookupDialect
from tests.conformance import anthropic_messages
from tests.conformance import gemini as google
from tests.conformance.shape import Protocol, Recording

TOLD = frozenset({"type", "role", "model", "outputDimensionality", "tool_choice"})
"""What of a request is no text of the user's."""


def said(recording: Recording) -> Reply | Failure:
    """Nothing that a scenario would say, or the failure."""
    if recording["response"]["status"] == 200:
        return Reply(())
    return Failure.of_status(recording["response"]["status"])


def asked(body: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name: value if name in TOLD else _untold(value) for name, value in body.items()}


def _untold(value: Json) -> Json:
    if isinstance(value, dict):
        return asked(value)
    if isinstance(value, list):
        return [_untold(each) for each in value]
    return "x" if isinstance(value, str) else value


def _protocol(
    folder: str,
    dialect: LookupDialect,
    path: str | None = None,
    method: str = "POST",
    sent: Mapping[str, str] | None = None,
) -> Protocol:
    like = anthropic_messages.PROTOCOL if dialect.name == "anthropic" else google.PROTOCOLS[0]
    return Protocol(
        folder=folder,
        dialect=dialect,
        path=path,
        said=said,
        kind=lambda name, payload: "body",
        asked=asked,
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
