"""Requests that Mistral accepts and OpenAI refuses, requests that both refuse, and Mistral's models."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.dialect import ModelsDialect, ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.providers import generating_dialect
from mockllm.dialects.router import RouteMatch, find_route

IDENTITY = ResponseIdentity(Ids(0, "mistral", 1), 1_760_000_000.0)
CALL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
ID = "abcdefgh1"
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Well."}]}


def check_failure(body: Any, vendor: str = "mistral") -> Failure | None:
    dialect = generating_dialect(vendor, "chat")
    assert dialect is not None
    return dialect.check(ChatRequest(method="POST", path="/", headers={}, raw=dumps(body)))


def chat_body(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}], **more}


TAKEN: dict[str, Any] = {
    "a call of any tool": chat_body("hi", tools=[CALL], tool_choice="any"),
    "an image by its address": chat_body([{"type": "image_url", "image_url": "https://localhost/a.png"}]),
    "a document": chat_body([{"type": "document_url", "document_url": "https://localhost/a.pdf"}]),
    "a tool without a type": chat_body("hi", tools=[{"function": CALL["function"]}]),
    "a message without calls": {
        "model": "m",
        "messages": [
            {"role": "assistant", "content": "x", "tool_calls": []},
            {"role": "user", "content": "y"},
        ],
    },
    "a call without a type": {
        "model": "m",
        "messages": [
            {"role": "assistant", "tool_calls": [{"id": ID, "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": ID, "content": "x"},
        ],
    },
    "its own thinking, sent back": {
        "model": "m",
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [THOUGHT]},
            {"role": "user", "content": "more"},
        ],
    },
}


@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN.keys())
def test_mistral_accepts_its_form_and_openai_refuses(body: Any) -> None:
    assert check_failure(body) is None
    assert check_failure(body, "groq") is not None


REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ([], "expected an object"),
    "no messages": ({"model": "m"}, "messages"),
    "messages that are none": ({"model": "m", "messages": "hi"}, "messages"),
    "a message that is none": ({"model": "m", "messages": [1]}, "messages[0]"),
    "a part that is none": (chat_body([1]), "content[0]"),
    "a tool that is none": (chat_body("hi", tools=[1]), "tools[0]"),
    "a part of no kind": (chat_body([{"type": "smell"}]), "smell"),
    "too hot, beside a word of its own": (
        chat_body("hi", tools=[CALL], tool_choice="any", temperature=9),
        "temp",
    ),
}


@pytest.mark.parametrize(("body", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_request_invalid_for_both_is_refused(body: Any, named: str) -> None:
    failure = check_failure(body)
    assert failure is not None
    assert named in (failure.message or "")


@pytest.mark.parametrize("path", ["/mistral/v1/models", "/mistral/v1/models/mine"])
def test_mistral_models_have_type_and_capabilities(path: str) -> None:
    match = find_route("GET", path, {})
    assert isinstance(match, RouteMatch)
    listed: ModelsDialect = match.dialect  # type: ignore[assignment]
    result = match.dialect.request_class(
        method="GET", path=path, headers={}, path_variables=match.path_variables
    )
    plan = listed.own_response_from_models(("mine",), result, IDENTITY)
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    content = loads(step.payload)
    model = content["data"][0] if path.endswith("models") else content
    assert (model["id"], model["type"]) == ("mine", "base")
    assert model["capabilities"]["function_calling"] is True
