"""Requests for the tests of OpenAI's other protocols: legacy completions, embeddings, moderations."""

from __future__ import annotations

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.openai.completions_request import CompletionsRequest
from mockllm.dialects.openai.embeddings import OpenAiEmbeddingsRequest
from mockllm.dialects.openai.moderations import ModerationsRequest


def completion(**fields: Json) -> CompletionsRequest:
    return raw_completion({"model": "gpt-3.5-turbo-instruct", "prompt": "Say hi", **fields})


def raw_completion(body: Json) -> CompletionsRequest:
    return CompletionsRequest(method="POST", path="/v1/completions", headers={}, raw=dumps(body))


def embedding(**fields: Json) -> OpenAiEmbeddingsRequest:
    return raw_embedding({"model": "text-embedding-3-small", "input": "hello", **fields})


def raw_embedding(body: Json) -> OpenAiEmbeddingsRequest:
    return OpenAiEmbeddingsRequest(method="POST", path="/v1/embeddings", headers={}, raw=dumps(body))


def moderation(**fields: Json) -> ModerationsRequest:
    return raw_moderation({"input": "hello", **fields})


def raw_moderation(body: Json) -> ModerationsRequest:
    return ModerationsRequest(method="POST", path="/v1/moderations", headers={}, raw=dumps(body))


def body_of(plan: object) -> Json:
    """Return the body of a non-streaming response."""
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    return loads(step.payload)
