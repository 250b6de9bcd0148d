"""Recorded streams that a client resumes by the recorded ids of their events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, RawStep, ResponseHead
from mockllm.dialects.mcp.replayed import recorded_events
from tests.dialects.mcp.messages import call
from tests.dialects.mcp.test_mcp_resumption import listen, logs
from tests.language.virtual_server import NOW, ClientRequest, VirtualServer

RESULT = {"content": [{"type": "text", "text": "News."}]}


def block(data: Any, id: str = "") -> str:
    named = f"id: {id}\n" if id else ""
    text = data if type(data) is str else json.dumps(data)
    return f"{named}event: message\ndata: {text}\n\n"


def frame(seconds: int, data: str) -> dict[str, Any]:
    return {"at": f"{seconds}s", "data": data}


def log(text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": text}}


FRAMES = [
    frame(0, block(log("first"), "a/1")),
    frame(1, ": ping\n\n" + block(log("second"))),
    frame(2, block(log("third"), "a/2")[:20]),
    frame(3, block(log("third"), "a/2")[20:]),
    frame(3, block({"jsonrpc": "2.0", "id": 7, "result": RESULT}, "a/3")),
]


def server(frames: list[dict[str, Any]], faults: str = "[{close: {after: {bytes: 60}}}]") -> VirtualServer:
    return VirtualServer(f"""
mcp:
  - {{name: weather, sessions: false, tools: [get_news]}}
rules:
  - match: {{mcp: {{tool: get_news}}}}
    replay: {{headers: {{content-type: text/event-stream}}, frames: {json.dumps(frames)}}}
    faults: {faults}
""")


def resumed(frames: list[dict[str, Any]], last: str, now: float = NOW, **sent: Any) -> Any:
    served = server(frames)
    assert served.respond(called(**sent)).status == 200
    return served.respond(listen(last, now))


def called(**sent: Any) -> ClientRequest:
    return call("get_news", id=5, **sent)


def test_recorded_stream_goes_on_behind_an_id() -> None:
    rest = resumed(FRAMES, "a/1")
    assert [event.at for event in rest.events] == [1.0, 3.0, 3.0]
    assert logs(rest) == ["second", "third", RESULT]
    assert rest.bytes.decode().count("id: ") == 2
    assert b"id: a/2\n" in rest.bytes
    assert rest.events[-1].json["id"] == 5


def test_recorded_ids_resume_in_any_order() -> None:
    assert logs(resumed(FRAMES, "a/2", NOW + 9)) == [RESULT]
    assert logs(resumed(FRAMES, "a/3")) == []


def test_unknown_recorded_id_is_refused() -> None:
    assert resumed(FRAMES, "a/4").status == 400


def test_recorded_stream_without_ids_cannot_be_resumed() -> None:
    frames = [frame(0, block(log("first"))), frame(1, block({"jsonrpc": "2.0", "id": 7, "result": RESULT}))]
    assert resumed(frames, "x_0").status == 400


def test_recorded_json_cannot_be_resumed() -> None:
    served = VirtualServer("""
mcp:
  - {name: weather, sessions: false, tools: [get_news]}
rules:
  - match: {mcp: {tool: get_news}}
    replay: {headers: {content-type: application/json}, frames: ['{"jsonrpc": "2.0", "id": 7, "result": {}}']}
""")
    assert served.respond(called()).status == 200
    assert served.respond(listen("x_0")).status == 400


@pytest.mark.parametrize("sent", [{"modern": True}, {"headers": {"x-mockllm-stdio": "1"}}])
def test_client_without_resumption_stores_no_recording(sent: dict[str, Any]) -> None:
    assert resumed(FRAMES, "a/1", **sent).status == 400


def test_recorded_bytes_stay_where_ids_are() -> None:
    body = server(FRAMES, "[]").respond(called()).bytes.decode()
    sent = "".join(each["data"] for each in FRAMES)
    assert body == sent.replace('"id": 7', '"id":5')


def test_events_end_with_a_cut() -> None:
    steps = (RawStep(b"id: 1\ndata: a\ndata: b\n\ndata: c", 0), CutStep("close", 0))
    (event,) = recorded_events(Plan(ResponseHead(200, ()), steps, Framing.SSE))
    assert event == EventStep(b"a\nb", 0, "open", None, "1")
