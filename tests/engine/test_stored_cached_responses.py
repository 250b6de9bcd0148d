"""Cached responses are stored as those that are rendered, though what is stored of them is not read from a plan."""

from __future__ import annotations

from typing import Any, Final

import pytest

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.openai.responses.dialect import Responses
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

RULES: Final = """
validation: lenient
rules:
  - match: {tool_result: {name: get_weather}}
    reply: "{{ tool_result.name }}"
  - {match: {model: text}, reply: "An answer with \\"quotes\\" and é."}
  - match: {model: calls}
    reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}}, {name: other, arguments: {}}]}
  - {match: {model: reasoning}, reply: {thinking: First this., text: Then that.}}
  - {match: {model: generated}, reply: {tool_calls: from_schema}}
"""
FIELDS: Final = ("city", "country", "description", "summary")
SCHEMA: Final = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in FIELDS},
    "required": FIELDS,
}
MODELS: Final = ("text", "calls", "reasoning", "generated")


def ask(server: VirtualServer, model: str, stream: bool, **fields: object) -> dict[str, Any]:
    tool = {"type": "function", "name": "get_weather", "parameters": SCHEMA}
    body = {"model": model, "input": "The weather?", "stream": stream, "tools": [tool], **fields}
    received = server.respond(raw_request("/v1/responses", body))
    assert received.status == 200, received
    return completed(received)


def completed(received: ClientResponse) -> dict[str, Any]:
    found: dict[str, Any] = received.events[-1].json["response"] if received.streamed else received.json
    return found


@pytest.fixture
def read_plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans from which what is stored is read."""
    plans: list[Plan] = []
    storage_update = Responses.storage_update

    def counted(self: Responses, plan: Plan, request: Request) -> StorageUpdate | None:
        plans.append(plan)
        return storage_update(self, plan, request)

    monkeypatch.setattr(Responses, "storage_update", counted)
    return plans


@pytest.mark.parametrize("stream", [False, True], ids=["non-streaming", "streamed"])
@pytest.mark.parametrize("model", MODELS)
def test_stored_response_is_the_sent_one(model: str, stream: bool, read_plans: list[Plan]) -> None:
    server = VirtualServer(RULES)
    for _ in range(5):
        sent = ask(server, model, stream)
        stored = server.respond(raw_request(f"/v1/responses/{sent['id']}", None, method="GET"))
        assert stored.json == sent
    numbered = model == "generated" and stream  # each event has a number: such a stream is rendered each time
    assert len(read_plans) == 5 if numbered else len(read_plans) < 5


@pytest.mark.parametrize("fields", [{"store": False}, {"store": True}], ids=["declined", "stored"])
@pytest.mark.parametrize("stream", [False, True], ids=["non-streaming", "streamed"])
@pytest.mark.parametrize("model", ["calls", "generated"])
def test_tools_of_cached_calls_are_known(model: str, stream: bool, fields: dict[str, bool]) -> None:
    server = VirtualServer(RULES)
    for _ in range(5):
        call = next(item for item in ask(server, model, stream, **fields)["output"] if "call_id" in item)
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
        received = server.respond(raw_request("/v1/responses", {"model": model, "input": [result]}))
        assert completed(received)["output"][0]["content"][0]["text"] == "get_weather"


def test_declined_cached_response_is_not_stored(read_plans: list[Plan]) -> None:
    server = VirtualServer(RULES)
    for _ in range(5):
        id = ask(server, "text", False, store=False)["id"]
        assert server.respond(raw_request(f"/v1/responses/{id}", None, method="GET")).status == 404
    assert len(read_plans) < 5


def test_cached_response_continues_a_conversation() -> None:
    server = VirtualServer(RULES)
    created = server.respond(raw_request("/v1/conversations", {})).json["id"]
    for number in range(1, 6):
        ask(server, "text", False, conversation=created)
        items = server.respond(
            raw_request(f"/v1/conversations/{created}/items", None, method="GET", query="limit=100")
        )
        assert len(items.json["data"]) == 2 * number
