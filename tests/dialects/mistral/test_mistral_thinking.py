"""Mistral's reasoning: parts of the content beside the text, as recorded in July and August 2026."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking, ToolCall
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.providers import generating_dialect
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.vendors.test_recorded_vendor_forms import body, choices, chunks, request

THOUGHT = Thinking(("Let me", " see", "."))
ANSWER = Text(("Yes", "."))


def thinking(text: str, **more: Json) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}


def deltas(model: str) -> list[Json]:
    return [choice["delta"] for choice in choices(chunks("mistral", THOUGHT, ANSWER, model=model))]


def test_thinking_and_text_are_parts_of_the_content() -> None:
    message = body("mistral", THOUGHT, ANSWER)["choices"][0]["message"]
    assert message["content"] == [
        thinking("Let me see.", closed=True),
        {"type": "text", "text": "Yes."},
    ]
    assert body("mistral", ANSWER)["choices"][0]["message"]["content"] == "Yes."


def test_call_is_beside_the_thinking() -> None:
    message = body("mistral", THOUGHT, ToolCall("f", ("{}",)))["choices"][0]["message"]
    assert message["content"] == [thinking("Let me see.", closed=True)]
    assert message["tool_calls"][0]["function"]["name"] == "f"


def test_redacted_thinking_is_left_out() -> None:
    hidden = Thinking((), redacted=True)
    assert body("mistral", hidden, ANSWER)["choices"][0]["message"]["content"] == "Yes."


@pytest.mark.parametrize(
    ("model", "closed"), [("mistral-small-latest", {"closed": True}), ("magistral-medium-latest", {})]
)
def test_streamed_thinking_is_in_parts_before_the_text(model: str, closed: dict[str, Json]) -> None:
    assert deltas(model) == [
        {"role": "assistant", "content": ""},
        {"content": [thinking("Let me")]},
        {"content": [thinking(" see", **closed)]},
        {"content": [thinking(".", **closed)]},
        {"content": "Yes"},
        {"content": "."},
        {"content": ""},
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_parts_are_decoded(stream: bool) -> None:
    dialect = generating_dialect("mistral", "chat")
    assert dialect is not None
    encode = dialect.encode_stream if stream else dialect.encode_body
    decoded = dialect.decode(encode(Reply((Choice((THOUGHT, ANSWER)),)), request(stream=stream), IDENTITY))
    assert decoded is not None
    assert (decoded.thinking, decoded.text) == ("Let me see.", "Yes.")


@pytest.mark.parametrize(
    ("part", "returned"), [(thinking("Hm."), True), ({"type": "text", "text": "Hm."}, False)]
)
def test_thinking_part_is_returned_thinking(part: Json, returned: bool) -> None:
    raw = dumps({"model": "m", "messages": [{"role": "assistant", "content": [part]}]})
    assert ChatRequest(method="POST", path="/", headers={}, raw=raw).thinking_returned is returned


def test_each_choice_begins_its_own_thinking() -> None:
    dialect = generating_dialect("mistral", "chat")
    assert dialect is not None
    reply = Reply((Choice((Thinking(("a", "b")),)), Choice((Thinking(("c",)),))))
    plan = dialect.encode_stream(reply, request(stream=True, n=2), IDENTITY)
    sent = [
        loads(step.payload) for step in plan.steps if isinstance(step, EventStep) and step.kind == "chunk"
    ]
    assert [(each["index"], each["delta"]["content"][0].get("closed")) for (each,) in map(choices_of, sent)] == [
        (0, None), (1, None), (0, True),
    ]  # fmt: skip


def choices_of(event: dict[str, Json]) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = event["choices"]
    return found
