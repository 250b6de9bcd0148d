"""Streams with questions to the client that are resumed: before and after the client has responded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mockllm.dialects.mcp.dialects import ASK_TIMEOUT
from tests.dialects.mcp.messages import SERVER, call
from tests.dialects.mcp.test_mcp_resumption import PRIMED, ids_of, listen
from tests.language.virtual_server import NOW, ClientResponse, VirtualServer

FILES = (
    SERVER.replace("    page: 2\n", "    sessions: false\n")
    + """
rules:
  - match: {mcp: {tool: get_news, responses: {$.who.action: cancel}}}
    error: rate_limit
  - match: {mcp: {tool: get_news, responses: {$.seat: {exists: true}}}}
    reply: Done.
  - match: {mcp: {tool: get_news, responses: {$.who: {exists: true}}}}
    reply: {mcp: {events: [{log: again}], ask: {seat: {method: elicitation/create}}}}
  - match: {mcp: {tool: get_news}}
    reply: {mcp: {events: [{log: first}], ask: {who: {method: elicitation/create}, all: {method: roots/list}}}}
"""
)


def awaited_by(response: ClientResponse) -> Any:
    return response.planned.plan.delivery.expected_responses


class Client:
    """A client whose connections break, with its own clock."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self.server = VirtualServer(FILES)
        self.request = call("get_news", headers=headers)
        self.now = NOW
        self.response = self.server.respond(self.request)

    @property
    def awaited(self) -> Any:
        return awaited_by(self.response)

    def answer(self, seconds: float = 0.0, **responses: Any) -> list[str]:
        """Respond to the questions; return the ids of what follows."""
        self.now += seconds
        request = self.server.engine.read(
            "POST", self.request.path, "", self.request.headers, self.request.body, "", NOW
        )
        body = request.with_client_responses(self.awaited.key, responses)
        self.response = self.server.respond(replace(self.request, body=body, now=self.now))
        return ids_of(self.response)

    def resume(self, last: str) -> ClientResponse:
        return self.server.respond(listen(last, self.now))


def methods(response: ClientResponse) -> list[Any]:
    return [event.json.get("method") or event.json for event in response.events]


def test_questions_are_sent_again_behind_an_id() -> None:
    client = Client()
    first = ids_of(client.response)
    rest = client.resume(first[0])
    assert methods(rest)[:2] == ["elicitation/create", "roots/list"]
    assert "did not respond" in methods(rest)[2]["error"]["message"]
    assert [event.at for event in rest.events] == [0, 0, ASK_TIMEOUT]
    awaited = awaited_by(rest)
    assert (awaited, awaited.resumes) == (client.awaited._replace(resumes=True), True)


def test_wait_goes_on_behind_the_last_question() -> None:
    client = Client()
    rest = client.resume(ids_of(client.response)[2])
    assert awaited_by(rest).names == ("who", "all")
    assert [event.at for event in rest.events] == [ASK_TIMEOUT]


@pytest.mark.parametrize(("headers", "primed"), [({}, 0), (PRIMED, 1)])
def test_result_after_a_response_can_be_resumed(headers: dict[str, str], primed: int) -> None:
    client = Client(headers)
    first = ids_of(client.response)
    stream = first[0].rpartition("_")[0]
    assert client.answer(5, who={"action": "accept"}) == [
        f"{stream}_{n}" for n in (3 + primed, 4 + primed, 5 + primed)
    ]
    rest = client.resume(first[primed])
    assert methods(rest)[2:4] == ["notifications/message", "elicitation/create"]
    assert awaited_by(rest).names == ("seat",)
    client.answer(5, seat={})
    rest = client.resume(first[primed])
    assert methods(rest)[-1]["result"]["content"] == [{"type": "text", "text": "Done."}]
    assert [event.at for event in rest.events] == [0] * 5
    assert awaited_by(rest) is None
    assert ids_of(rest) == [f"{stream}_{n + primed}" for n in range(1, 6)]


def test_error_after_a_response_can_be_resumed() -> None:
    client = Client()
    first = ids_of(client.response)
    client.answer(who={"action": "cancel"})
    assert "error" in methods(client.resume(first[2]))[0]


def test_unknown_wait_begins_a_new_stream() -> None:
    client = Client()
    stream = ids_of(client.response)[0].rpartition("_")[0]
    request = client.server.engine.read(
        "POST", client.request.path, "", client.request.headers, client.request.body, "", NOW
    )
    body = request.with_client_responses("unknown", {"who": {"action": "accept"}})
    ids = ids_of(client.server.respond(replace(client.request, body=body)))
    assert len(ids) == 3
    assert not ids[0].startswith(stream)


@pytest.mark.parametrize("sent", [{"modern": True}, {"headers": {"x-mockllm-stdio": "1"}}])
def test_questions_without_resumption_have_no_ids(sent: dict[str, Any]) -> None:
    assert ids_of(VirtualServer(FILES).respond(call("get_news", **sent))) == []


def test_response_over_stdio_continues_the_call() -> None:
    client = Client({"x-mockllm-stdio": "1"})
    assert client.answer(who={"action": "accept"}) == []
    assert awaited_by(client.response).names == ("seat",)
    client.answer(seat={})
    assert client.response.json["result"]["content"] == [{"type": "text", "text": "Done."}]
