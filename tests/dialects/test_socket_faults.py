"""Every fault on the WebSockets and on interactions: it is played, or the log says why it is not."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from tests.dialects.gemini.live.live_socket import GEMINI
from tests.language.virtual_server import NOW, VirtualServer

LOOK: Final[dict[str, Any]] = {"type": "function", "name": "look", "parameters": {"type": "object"}}
ITEM: Final = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
CONTENTS: Final = [{"role": "user", "parts": [{"text": "hi"}]}]
TEXT_ONLY: Final = {"responseModalities": ["TEXT"]}
WIRES: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "responses socket": (
        "WS response.create",
        "/v1/responses",
        {"model": "gpt-5", "input": "hi", "tools": [{**LOOK, "strict": False}]},
    ),
    "realtime text": (
        "WS response.create",
        "/v1/realtime",
        {"model": "gpt-realtime", "input": [ITEM], "tools": [LOOK],
         "realtime": {"output_modalities": ["text"], "conversation_id": "conv_1"}},
    ),
    "live": (
        "WS turn",
        GEMINI,
        {"model": "m", "contents": CONTENTS, "generationConfig": TEXT_ONLY,
         "tools": [{"functionDeclarations": [{"name": "look"}]}]},
    ),
    "interactions": (
        "POST",
        "/v1beta/interactions",
        {"model": "gemini-2.5-flash", "input": "hi", "stream": True, "tools": [LOOK]},
    ),
}  # fmt: skip
"""The method, the path and the body of a request, as the session of a socket makes it."""
REPLIES: Final[dict[str, Any]] = {
    "text": {"chunks": ["one ", "two ", "three ", "four"]},
    "call": {"tool_calls": [{"name": "look", "arguments": {"a": 1, "b": "two"}}]},
}


UNCHANGED: Final = {
    ("no_finish", "live", "call"),  # the turn has no end before the client sends the result
    ("coalesce", "live", "call"),  # one event only, which has no delay
    ("coalesce", "interactions", "call"),
}
"""The cells in which a fault changes nothing."""


def respond(wire: str, reply: dict[str, Any], faults: list[Any]) -> tuple[Plan, str]:
    """Return the plan of a response, and what the log says of it."""
    rule = {"reply": reply, "pace": {"itl": "10ms"}, "faults": faults}
    rules = json.dumps({"mockllm": 1, "rules": [rule]})
    method, path, body = WIRES[wire]
    engine = VirtualServer(rules).engine
    planned = engine.respond(engine.read(method, path, "", {}, json.dumps(body).encode(), "", NOW))
    return planned.plan, "\n".join(planned.notes)


def payloads(plan: Plan) -> list[Any]:
    return [json.loads(data) for data, _ in events(plan) if data.startswith(b"{")]


@pytest.mark.parametrize("reply", REPLIES)
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_on_wire_is_played_or_noted(fault: str, wire: str, reply: str) -> None:
    plain, _ = respond(wire, REPLIES[reply], [])
    plan, notes = respond(wire, REPLIES[reply], [fault])
    if (fault, wire, reply) in UNCHANGED:
        return
    assert (plan == plain) is (f"{fault} not applied: " in notes), (
        "a fault that is right to change nothing here has the cell in UNCHANGED"
    )


def count(value: Any, member: str) -> int:
    """Return how many objects have a member."""
    if isinstance(value, dict):
        return (member in value) + sum(count(each, member) for each in value.values())
    return sum(count(each, member) for each in value) if isinstance(value, list) else 0


@pytest.mark.parametrize(
    ("wire", "fault", "member", "change"),
    [
        ("realtime text", {"role": {"at": "never"}}, "role", -4),
        ("realtime text", {"finish": {"at": "never"}}, "status_details", -1),
        ("realtime text", {"tool_call_chunks": {"index": "missing"}}, "output_index", 0),
        ("live", {"role": {"at": "never"}}, "role", -4),
        ("live", {"empty_chunk": {"form": "empty_text"}}, "modelTurn", 1),
        ("live", {"empty_chunk": {"form": "no_delta"}}, "serverContent", 1),
        ("interactions", {"usage": {"at": "every"}}, "usage", 1),
        ("interactions", {"finish": {"at": "never"}}, "interaction", -1),
        ("interactions", {"empty_chunk": {"form": "null_text"}}, "delta", 1),
        ("interactions", {"empty_chunk": {"form": "no_delta"}}, "event_type", 1),
    ],
)
def test_fault_of_form_changes_members(wire: str, fault: Any, member: str, change: int) -> None:
    plain, _ = respond(wire, REPLIES["text"], [])
    plan, notes = respond(wire, REPLIES["text"], [fault])
    assert count(payloads(plan), member) - count(payloads(plain), member) == change, notes


@pytest.mark.parametrize(
    ("wire", "fault", "member"),
    [
        ("realtime text", {"tool_call_chunks": {"index": "missing"}}, "output_index"),
        ("realtime text", {"tool_call_chunks": {"id": "missing"}}, "call_id"),
        ("live", {"tool_call_chunks": {"id": "missing"}}, "id"),
        ("interactions", {"tool_call_chunks": {"index": "missing"}}, "index"),
        ("interactions", {"tool_call_chunks": {"id": "missing"}}, "id"),
    ],
)
def test_fault_of_calls_changes_members(wire: str, fault: Any, member: str) -> None:
    plain, _ = respond(wire, REPLIES["call"], [])
    plan, notes = respond(wire, REPLIES["call"], [fault])
    assert count(payloads(plan), member) < count(payloads(plain), member), notes


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_on_scripted_handshake_is_played_or_noted(fault: str) -> None:
    plans, notes = [], ""
    for faults in ([], [fault]):
        speech = [{"start": "1s", "stop": "2s", "transcript": "Hi."}]
        rule = {"match": {"api": "handshake"}, "reply": {"user_speech": speech}, "faults": faults}
        engine = VirtualServer(json.dumps({"mockllm": 1, "rules": [rule]})).engine
        planned = engine.respond(
            engine.read("GET", "/v1/realtime", "", {"upgrade": "websocket"}, b"", "", NOW)
        )
        plan, notes = planned.plan, "\n".join(planned.notes)
        plans.append(replace(plan, delivery=replace(plan.delivery, websocket_factory=None)))
    assert (plans[0] == plans[1]) is (f"{fault} not applied: " in notes)
