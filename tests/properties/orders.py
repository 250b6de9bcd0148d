"""The legal orders of each protocol's events as small state machines, and what a stream says when it is read.

Written from the protocols' descriptions, not from the encoders: a reader is what they are held against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mockllm.core.json.codec import loads
from mockllm.core.rendering.encoder import Event
from mockllm.core.rendering.plan import EventStep, Plan

Machine: TypeAlias = Mapping[str, Mapping[str, str]]
"""State → what may come there → the state after it."""


@dataclass
class DecodedContent:
    """The content of a response: for each choice its text, refusal, calls and finish; and its usage."""

    choices: list[tuple[str, str, tuple[tuple[str, str], ...], str | None]]
    usage: tuple[int, int] | None = None
    broken: bool = False


def walk(machine: Machine, state: str, event: str) -> str:
    """The next state. AssertionError where the event is not legal there."""
    assert event in machine[state], f"{event} after {state}"
    return machine[state][event]


def payloads(plan: Plan) -> list[Event]:
    return [(step.payload, step.event) for step in plan.steps if isinstance(step, EventStep)]


# --- OpenAI chat completions ---------------------------------------------------------------------

CHOICE: Machine = {
    "nothing": {"role": "said", "role and call": "call"},
    "said": {"content": "said", "refusal": "said", "open": "call", "finish": "finished"},
    "call": {"arguments": "call", "open": "call", "content": "said", "refusal": "said", "finish": "finished"},
    "finished": {},
}
ANSWER: Machine = {
    "running": {"chunk": "running", "usage": "counted", "done": "end", "error": "end"},
    "counted": {"done": "end"},
    "end": {},
}


class ChatReader:
    """One choice of a stream."""

    def __init__(self) -> None:
        self.state = "nothing"
        self.text = self.refusal = ""
        self.calls: list[list[str]] = []
        self.finish: str | None = None

    def chunk(self, choice: dict[str, Any]) -> None:
        delta, calls = choice["delta"], choice["delta"].get("tool_calls")
        if choice["finish_reason"] is not None:
            assert delta == {}, "a finish says nothing else"
            self.finish = choice["finish_reason"]
            self.to("finish")
        elif "role" in delta:
            assert delta["role"] == "assistant"
            self.to("role and call" if calls else "role")
        elif calls:
            self.to("open" if "id" in calls[0] else "arguments")
        else:
            self.to("refusal" if "refusal" in delta else "content")
        for call in calls or ():
            if "id" in call:
                assert call["index"] == len(self.calls), "calls are numbered in their order"
                self.calls.append([call["function"]["name"], ""])
            assert call["index"] == len(self.calls) - 1, "one call after the other"
            self.calls[-1][1] += call["function"]["arguments"]
        self.text += delta.get("content") or ""
        self.refusal += delta.get("refusal") or ""

    def to(self, event: str) -> None:
        self.state = walk(CHOICE, self.state, event)

    @property
    def reported(self) -> tuple[str, str, tuple[tuple[str, str], ...], str | None]:
        return self.text, self.refusal, tuple((name, text) for name, text in self.calls), self.finish


def read_chat(plan: Plan, count: int) -> DecodedContent:
    """A stream of `count` choices."""
    state, usage, readers = "running", None, [ChatReader() for _ in range(count)]
    tops: set[tuple[Any, ...]] = set()
    broken = False
    for payload, event in payloads(plan):
        assert event is None
        if payload == b"[DONE]":
            state = walk(ANSWER, state, "done")
            continue
        chunk = loads(payload)
        if "error" in chunk:
            state, broken = walk(ANSWER, state, "error"), True
            continue
        tops.add((chunk["id"], chunk["object"], chunk["created"], chunk["model"]))
        if chunk["choices"]:
            (choice,) = chunk["choices"]
            state = walk(ANSWER, state, "chunk")
            readers[choice["index"]].chunk(choice)
        else:
            assert all(reader.state == "finished" for reader in readers), "usage comes last"
            state = walk(ANSWER, state, "usage")
            usage = (chunk["usage"]["prompt_tokens"], chunk["usage"]["completion_tokens"])
    assert state == "end"
    assert len(tops) <= 1, "one id, time and model"
    assert broken or all(reader.state == "finished" for reader in readers)
    return DecodedContent([reader.reported for reader in readers], usage, broken)


def whole_chat(plan: Plan) -> DecodedContent:
    ((payload, _),) = payloads(plan)
    body = loads(payload)
    found = []
    for number, choice in enumerate(body["choices"]):
        assert choice["index"] == number
        message = choice["message"]
        calls = tuple(
            (call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls", ())
        )
        found.append((message["content"] or "", message["refusal"] or "", calls, choice["finish_reason"]))
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    return DecodedContent(found, (usage["prompt_tokens"], usage["completion_tokens"]))


# --- Anthropic messages --------------------------------------------------------------------------

MESSAGE: Machine = {
    "nothing": {"message_start": "between", "error": "end"},
    "between": {"content_block_start": "block", "message_delta": "ending", "error": "end"},
    "block": {
        "content_block_delta": "block",
        "ping": "block",
        "content_block_stop": "between",
        "error": "end",
    },
    "ending": {"message_stop": "end"},
    "end": {},
}
BLOCK: Mapping[str, Machine] = {
    "text": {"open": {"text_delta": "open"}},
    "tool_use": {"open": {"input_json_delta": "open"}},
    "thinking": {"open": {"thinking_delta": "open", "signature_delta": "signed"}, "signed": {}},
}
SAYS = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}


def read_messages(plan: Plan) -> DecodedContent:
    state, blocks, inside, pings = "nothing", list[list[str]](), "", 0
    finish: str | None = None
    usage: dict[str, int] = {}
    broken = False
    for payload, name in payloads(plan):
        event = loads(payload)
        assert event["type"] == name
        state = walk(MESSAGE, state, name or "")
        pings += name == "ping"
        if name == "message_start":
            assert (event["message"]["content"], event["message"]["stop_reason"]) == ([], None)
            usage |= event["message"]["usage"]
        elif name == "content_block_start":
            assert event["index"] == len(blocks)
            block, inside = event["content_block"], "open"
            assert block.get("text", "") == block.get("thinking", "") == ""
            blocks.append([block["type"], block.get("name", ""), ""])
        elif name == "content_block_delta":
            assert event["index"] == len(blocks) - 1
            delta = event["delta"]
            inside = walk(BLOCK[blocks[-1][0]], inside, delta["type"])
            blocks[-1][2] += delta.get(SAYS.get(delta["type"], ""), "")
        elif name == "content_block_stop":
            assert event["index"] == len(blocks) - 1
            assert inside == "signed" or blocks[-1][0] != "thinking", "thinking is signed before it stops"
        elif name == "message_delta":
            finish = event["delta"]["stop_reason"]
            usage |= event["usage"]
        broken = broken or name == "error"
    assert state == "end"
    assert pings <= 1
    return DecodedContent(
        [_of_blocks(blocks, finish)], (usage["input_tokens"], usage["output_tokens"]), broken
    )


def whole_messages(plan: Plan) -> DecodedContent:
    ((payload, _),) = payloads(plan)
    body = loads(payload)
    blocks = []
    for block in body["content"]:
        text = block.get("text") or block.get("thinking") or ""
        if block["type"] == "tool_use":
            text = block["input"]
        blocks.append([block["type"], block.get("name", ""), text])
    usage = body["usage"]
    return DecodedContent(
        [_of_blocks(blocks, body["stop_reason"])], (usage["input_tokens"], usage["output_tokens"])
    )


def _of_blocks(
    blocks: Sequence[Sequence[Any]], finish: str | None
) -> tuple[str, str, tuple[tuple[str, Any], ...], str | None]:
    """Thinking is in the place of a refusal, which this protocol says as text."""
    text = "".join(reported for kind, _, reported in blocks if kind == "text")
    thinking = "".join(reported for kind, _, reported in blocks if kind == "thinking")
    calls = tuple((name, reported) for kind, name, reported in blocks if kind == "tool_use")
    return text, thinking, calls, finish
