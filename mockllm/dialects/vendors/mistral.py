"""Mistral's refusals of requests that OpenAI accepts, from recordings of August 2026."""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json

MAX_INPUTS: Final = 256
"""The most texts of an embeddings request."""


def check_chat(body: dict[str, Json]) -> Failure | None:
    """Return the refusal of probabilities, which no recorded model has."""
    if body.get("logprobs") is not True:
        return None
    return _refusal("This model has no logprobs.", "invalid_request_invalid_args", "3051")


def check_embeddings(body: dict[str, Json]) -> Failure | None:
    """Return the refusal of too many texts."""
    inputs = body.get("input")
    if type(inputs) is not list or len(inputs) <= MAX_INPUTS:
        return None
    return _refusal(f"A request has at most {MAX_INPUTS} inputs.", "invalid_request_prompt", "3210")


def _refusal(message: str, kind: str, code: str) -> Failure:
    return Failure("bad_request", message=message, fields={"type": kind, "code": code})
