"""The responses protocol over a WebSocket, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.dialects.openai.responses.websocket import REMEMBERED, MessageRequest
from tests.dialects.virtual_socket import VirtualSocket

RULES = """
rules:
  - {name: limited, match: {model: limited}, error: rate_limit}
  - {name: plain, match: {model: plain}, http: {body: {type: mine}}}
  - {name: paced, match: {model: paced}, reply: {parts: [one, two]}, pace: {ttft: 1s, itl: 1s}}
  - {name: whole, match: {model: whole}, reply: Whole., stream: false}
  - {name: turns, reply: "Turn {{ turn }}."}
"""


def socket() -> VirtualSocket:
    return VirtualSocket(RULES, "/v1/responses")


def create(model: str = "m", **fields: Any) -> Any:
    return {"type": "response.create", "model": model, "input": "hi", **fields}


def test_socket_opens_without_a_message() -> None:
    assert socket().opening == []


@pytest.mark.parametrize("store", [True, False])
def test_socket_remembers_its_responses(store: bool) -> None:
    opened = socket()
    first = opened.send(create(store=store))[-1]["response"]
    second = opened.send(create(previous_response_id=first["id"]))[-1]["response"]
    assert second["output"][0]["content"][0]["text"] == "Turn 2."


def test_socket_forgets_the_oldest_responses() -> None:
    opened = socket()
    first = opened.send(create(store=False))[-1]["response"]["id"]
    for _ in range(REMEMBERED):
        opened.send(create(store=False))
    (error,) = opened.send(create(previous_response_id=first))
    assert error["error"]["code"] == "previous_response_not_found"


def test_stream_id_is_on_every_event() -> None:
    assert {event["stream_id"] for event in socket().send(create(stream_id="a"))} == {"a"}
    assert all("stream_id" not in event for event in socket().send(create()))


def test_warm_up_has_no_output_and_no_rule() -> None:
    opened = socket()
    events = opened.send(create(generate=False))
    assert [event["type"] for event in events] == [
        *("response.created", "response.in_progress", "response.completed")
    ]
    assert events[-1]["response"]["output"] == []


def test_error_is_one_event_with_status_and_headers() -> None:
    (error,) = socket().send(create("limited"))
    assert (error["type"], error["status"]) == ("error", 429)
    assert error["headers"]["retry-after-ms"] == "494"
    assert "content-type" not in error["headers"]


def test_plain_http_is_one_message() -> None:
    assert socket().send(create("plain")) == [{"type": "mine"}]


def test_background_is_refused() -> None:
    (error,) = socket().send(create(background=True))
    assert (error["status"], error["error"]["param"]) == (400, "background")
    assert socket().send(create(background=False))[-1]["type"] == "response.completed"


def test_invalid_body_is_refused() -> None:
    (error,) = socket().send({"type": "response.create", "model": "m"})
    assert error["error"]["code"] == "missing_required_parameter"


@pytest.mark.parametrize("stream", ["", "a"])
@pytest.mark.parametrize(("after", "items"), [(0.0, 0), (1.5, 1)])
def test_cancelled_response_ends_with_what_was_sent(stream: str, after: float, items: int) -> None:
    opened = socket()
    opened.held.add("response.create")
    opened.send(create("paced", **({"stream_id": stream} if stream else {})))
    (end,) = opened.send({"type": "response.cancel", **({"stream_id": stream} if stream else {})}, after)
    assert (end["type"], end["response"]["status"]) == ("response.incomplete", "cancelled")
    assert len(end["response"]["output"]) == items
    assert end.get("stream_id", "") == stream
    (error,) = opened.send(create(previous_response_id=end["response"]["id"])) or [None]
    assert error is None


def test_cancelled_error_needs_no_end() -> None:
    opened = socket()
    opened.held.add("response.create")
    opened.send(create("limited"))
    assert opened.send({"type": "response.cancel"}) == []
    assert opened.send({"type": "response.cancel"}) == []


@pytest.mark.parametrize("stream", ["", "a"])
def test_response_cancelled_in_its_delay_begins_and_ends(stream: str) -> None:
    opened = VirtualSocket("rules: [{reply: Hi., delay: 1s}]", "/v1/responses")
    opened.held.add("response.create")
    of_stream = {"stream_id": stream} if stream else {}
    opened.send(create(**of_stream))
    created, end = opened.send({"type": "response.cancel", **of_stream})
    assert (created["type"], end["type"]) == ("response.created", "response.incomplete")
    assert created["response"]["id"] == end["response"]["id"]
    assert [event["sequence_number"] for event in (created, end)] == [0, 1]
    assert {event.get("stream_id", "") for event in (created, end)} == {stream}


def test_error_cancelled_in_its_delay_is_sent() -> None:
    opened = VirtualSocket("rules: [{error: rate_limit, delay: 1s}]", "/v1/responses")
    opened.held.add("response.create")
    opened.send(create())
    (error,) = opened.send({"type": "response.cancel"})
    assert (error["type"], error["status"]) == ("error", 429)


def test_lookup_of_a_socket_includes_its_session() -> None:
    opened = socket()
    lookup = opened.session.lookup(opened.engine.state.lookup(""))
    assert not lookup.all_stored("resp_")
    assert lookup.tool_by_call_id("call_1") is None


def test_response_without_stream_is_messages_all_the_same() -> None:
    assert socket().send(create("whole"))[-1]["type"] == "response.completed"


def test_broken_end_is_not_remembered() -> None:
    opened = socket()
    request = MessageRequest(method="WS", path="/", headers={}, raw=b"{}")
    step = EventStep(b'{"type":"response.completed",', 0, "end")
    plan = Plan(ResponseHead(200, ()), (step,), Framing.WEBSOCKET)
    assert opened.session.messages("", request, plan) is plan


def test_message_is_no_background_request() -> None:
    request = MessageRequest(method="WS", path="/", headers={}, raw=b'{"background": true, "stream": false}')
    assert (request.background, request.stream) == (False, True)


@pytest.mark.parametrize("parsed", [False, True])
def test_fields_of_messages_are_documented(parsed: bool) -> None:
    raw = json.dumps(create(stream_id="a", generate=True, colour="blue")).encode()
    request = MessageRequest(method="WS", path="/", headers={}, raw=raw, provider="openai")
    if parsed:
        request.parse_body()
    assert request.undocumented_fields == ["colour"]


def test_exact_validation_accepts_messages() -> None:
    opened = VirtualSocket("validation: exact\nrules: [reply: hello]", "/v1/responses")
    assert opened.send(create(stream_id="a", generate=True))[-1]["type"] == "response.completed"
    (error,) = opened.send(create(colour="blue"))
    assert error["error"]["message"] == "Unknown parameter: 'colour'."


def test_what_codex_reports_is_ignored() -> None:
    assert socket().send({"type": "response.processed", "response_id": "r"}) == []


@pytest.mark.parametrize(
    ("message", "param"),
    [("no json", None), ("[]", None), (b"{}", None), ("{}", "type"), ('{"type": "x"}', "type")],
)
def test_other_message_is_an_error(message: Any, param: str | None) -> None:
    (error,) = socket().send(message)
    assert (error["status"], error["error"].get("param")) == (400, param)


def test_stored_responses_of_the_session_are_found() -> None:
    opened = socket()
    body = json.dumps({"model": "m", "input": "hi"}).encode()
    sent = opened.engine.respond(opened.engine.read("POST", "/v1/responses", "", {}, body, "", 0.0))
    id = json.loads(sent.plan.steps[0].payload)["id"]  # type: ignore[union-attr]
    assert opened.send(create(previous_response_id=id))[-1]["type"] == "response.completed"


@pytest.mark.parametrize(
    "fault", ["malformed", "merged_events", "{malformed: {at: {chunk: 1}, data: '[]', then: go_on}}"]
)
def test_cancelled_response_may_have_a_broken_event(fault: str) -> None:
    rule = f"{{reply: {{parts: [one, two]}}, pace: {{itl: 1s}}, faults: [{fault}]}}"
    opened = VirtualSocket(f"rules: [{rule}]", "/v1/responses")
    opened.held.add("response.create")
    opened.send(create())
    (end,) = opened.send({"type": "response.cancel"}, 1.5)
    assert end["response"]["status"] == "cancelled"
