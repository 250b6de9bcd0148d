"""Bodies without a path and without messages: the call that each is a body of."""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.core.json.codec import Json


def is_embeddings_body(body: Mapping[str, Json]) -> bool:
    """Return whether a field is of embeddings alone, or the model's name says so."""
    model = body.get("model")
    named = isinstance(model, str) and "embedding" in model
    return "input" in body and (named or "dimensions" in body or "encoding_format" in body)


def is_responses_body(body: Mapping[str, Json]) -> bool:
    """Return whether it has an input, as responses and embeddings have, or a prompt template."""
    return ("input" in body and not is_embeddings_body(body)) or isinstance(body.get("prompt"), dict)


def is_completions_body(body: Mapping[str, Json]) -> bool:
    return "prompt" in body and not isinstance(body["prompt"], dict)
