"""Streams of responses that a client resumes by the id of the last event that it has."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.dialects.mcp.resumption import RESUMABLE
from tests.dialects.mcp.messages import SERVER, ToolClient, call, rpc
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

FILES = (
    SERVER.replace("    page: 2\n", "    sessions: false\n")
    + """
rules:
  - match: {mcp: {tool: get_news}}
    reply:
      text: News.
      mcp: {events: [{log: first}, {wait: 2s}, {log: second}, {log: third}]}
"""
)
CUT = FILES + "    faults: [{close: {after: {chunks: 1}}}]\n"
PRIMED = {"mcp-protocol-version": "2025-11-25"}


def ids_of(response: ClientResponse) -> list[str]:
    return re.findall(r"^id: (\S+)$", sent_bytes(response.planned.plan).decode(), re.MULTILINE)


def listen(last: str, now: float = NOW, headers: dict[str, str] | None = None) -> ClientRequest:
    sent = {"accept": "text/event-stream", "last-event-id": last, **(headers or {})}
    return raw_request("/mcp/weather", method="GET", headers=sent, now=now)


def logs(response: ClientResponse) -> list[Any]:
    messages = [event.json for event in response.events]
    return [each["params"]["data"] if "params" in each else each["result"] for each in messages]


def test_each_event_has_an_id_of_its_stream() -> None:
    server = VirtualServer(FILES)
    first, second = (ids_of(server.respond(call("get_news"))) for _ in range(2))
    stream = first[0].rpartition("_")[0]
    assert first == [f"{stream}_{number}" for number in range(4)]
    assert not set(first) & set(second)


def test_stream_since_2025_11_begins_with_an_id() -> None:
    response = VirtualServer(FILES).respond(call("get_news", headers=PRIMED))
    (id, *rest) = ids_of(response)
    assert sent_bytes(response.planned.plan).startswith(f"event: message\nid: {id}\ndata: \n\n".encode())
    assert len(rest) == 4


@pytest.mark.parametrize("sent", [{"modern": True}, {"headers": {"x-mockllm-stdio": "1"}}])
def test_client_that_cannot_resume_gets_no_ids(sent: dict[str, Any]) -> None:
    files = FILES.replace("reply:\n", "stream: true\n    reply:\n")
    assert ids_of(VirtualServer(files).respond(call("get_news", **sent))) == []


def test_cut_stream_goes_on_at_its_times() -> None:
    server = VirtualServer(CUT)
    (last,) = ids_of(server.respond(call("get_news")))
    rest = server.respond(listen(last, NOW + 0.5))
    assert rest.headers["content-type"] == "text/event-stream"
    assert [event.at for event in rest.events] == [1.5, 1.5, 1.5]
    assert logs(rest) == ["second", "third", {"content": [{"type": "text", "text": "News."}]}]
    (again, *_) = ids_of(rest)
    assert logs(server.respond(listen(again, NOW + 9)))[0] == "third"


def test_rest_of_a_cut_stream_has_its_pace() -> None:
    server = VirtualServer(CUT + "    pace: {itl: 3s}\n")
    (last,) = ids_of(server.respond(call("get_news")))
    assert [event.at for event in server.respond(listen(last)).events] == [2.0, 5.0, 5.0]


def test_stream_cut_before_its_first_event_goes_on() -> None:
    server = VirtualServer(FILES + "    faults: [{close: {after: {chunks: 0}}}]\n")
    (last,) = ids_of(server.respond(call("get_news", headers=PRIMED)))
    assert logs(server.respond(listen(last)))[0] == "first"


def test_nothing_follows_the_last_event() -> None:
    server = VirtualServer(FILES)
    last = ids_of(server.respond(call("get_news")))[-1]
    assert (server.respond(listen(last)).status, server.respond(listen(last)).events) == (200, [])


@pytest.mark.parametrize(
    "changed",
    ["", "x", "{stream}_", "{stream}_-1", "{stream}_²", "{stream}_1234567890", "{stream}_4", "{stream}_00"],
)
def test_unknown_event_id_is_refused(changed: str) -> None:
    server = VirtualServer(FILES)
    stream = ids_of(server.respond(call("get_news")))[0].rpartition("_")[0]
    response = server.respond(listen(changed.format(stream=stream)))
    assert (response.status, response.json["error"]["message"]) == (400, "Invalid event ID")


def test_stream_is_stored_for_some_time() -> None:
    server = VirtualServer(FILES)
    (last, *_) = ids_of(server.respond(call("get_news")))
    assert server.respond(listen(last, NOW + 2 + RESUMABLE)).status == 200
    response = server.respond(listen(last, NOW + 3 + RESUMABLE))
    assert (response.status, response.json["error"]["code"]) == (400, -32000)


def test_stream_belongs_to_the_session_of_its_client() -> None:
    client = ToolClient(FILES.replace("    sessions: false\n", ""))
    (last, *_) = ids_of(client.call("get_news"))
    opening = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "b", "version": "1"},
    }
    other = client.server.respond(rpc("initialize", opening)).headers["mcp-session-id"]
    statuses = [
        client.server.respond(listen(last, headers={"mcp-session-id": str(session)})).status
        for session in (client.session, other, "unknown")
    ]
    assert statuses == [200, 400, 404]


def test_stream_belongs_to_its_server() -> None:
    server = VirtualServer(FILES.replace("rules:", "  - {name: other, sessions: false}\nrules:"))
    last = ids_of(server.respond(call("get_news")))[0]
    assert server.respond(listen(last)).status == 200
    other = dataclasses.replace(listen(last), path="/mcp/other")
    assert server.respond(other).status == 400


def test_resuming_since_2026_is_not_allowed() -> None:
    server = VirtualServer(FILES)
    (last, *_) = ids_of(server.respond(call("get_news")))
    assert server.respond(listen(last, headers={"mcp-protocol-version": "2026-07-28"})).status == 405
