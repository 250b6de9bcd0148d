"""The order of messages and the ids of calls that Mistral requires of a chat."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps
from tests.dialects.vendors.test_vendor_calls import IDENTITY, payload, route_request
from tests.language.virtual_server import VirtualServer, raw_request

CHAT = "/mistral/v1/chat/completions"
USER: Json = {"role": "user", "content": "hi"}
TEXT: Json = {"role": "assistant", "content": "Hello."}
SYSTEM: Json = {"role": "system", "content": "Be brief."}
ORDER = ("invalid_request_message_order", "3230", None)
CALLS = ("invalid_function_call", "3280", None)
ENDS = "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
UNEQUAL = "Not the same number of function calls and responses"


def called(*ids: str) -> Json:
    function: Json = {"name": "look", "arguments": "{}"}
    return {"role": "assistant", "tool_calls": [{"id": id, "function": function} for id in ids]}


def result(id: str) -> Json:
    return {"role": "tool", "tool_call_id": id, "content": "wet"}


LOOKED: list[Json] = [USER, called("abcdefgh1"), result("abcdefgh1")]


def refusal(messages: list[Json], **fields: Json) -> Json:
    dialect, request = route_request(CHAT, {"model": "m", "messages": messages, **fields})
    failure = dialect.check(request)
    if failure is None:
        return None
    plan = dialect.error(failure, request, IDENTITY)
    body = payload(plan)
    assert (plan.head.status, body["raw_status_code"]) == (400, 400)
    return (body["message"], (body["type"], body["code"], body["param"]))


def wrong_id(id: str) -> Json:
    return (f"Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.", CALLS)


@pytest.mark.parametrize(
    ("messages", "refused"),
    [
        ([USER, TEXT], (ENDS, ORDER)),
        ([USER, {**TEXT, "prefix": False}], (ENDS, ORDER)),
        ([USER, called("abcdefgh1")], (ENDS, ORDER)),
        ([USER, result("abcdefgh1")], ("Unexpected role 'tool' after role 'user'", ORDER)),
        ([USER, TEXT, USER, result("a")], ("Unexpected role 'tool' after role 'user'", ORDER)),
        ([result("abcdefgh1")], (UNEQUAL, ORDER)),
        ([USER, TEXT, result("abcdefgh1")], (UNEQUAL, ORDER)),
        ([USER, called("abcdefgh1"), USER], (UNEQUAL, ORDER)),
        ([*LOOKED, USER], ("Unexpected role 'user' after role 'tool'", ORDER)),
        ([*LOOKED, SYSTEM, USER], ("Unexpected role 'system' after role 'tool'", ORDER)),
        ([USER, TEXT, SYSTEM, USER], ("Unexpected role 'system' after role 'assistant'", ORDER)),
        ([USER, called("call_1234567890"), result("call_1234567890")], wrong_id("call_1234567890")),
        ([USER, called("abcdefgh1\n"), result("abcdefgh1\n")], wrong_id("abcdefgh1\n")),
        ([USER, called("abcdefgh1", "b"), result("abcdefgh1"), result("b")], wrong_id("b")),
    ],
)
def test_wrong_order_or_id_is_refused(messages: list[Json], refused: Json) -> None:
    assert refusal(messages) == refused


@pytest.mark.parametrize(
    "messages",
    [
        [USER, {**TEXT, "prefix": True}],
        LOOKED,
        [*LOOKED, TEXT, USER],
        [SYSTEM, USER, SYSTEM, USER, {**TEXT, "prefix": True}],
        [USER, {**TEXT, "tool_calls": None}, USER],
        [USER, {**TEXT, "tool_calls": []}, USER],
        [USER, called("null"), result("null")],
        [*LOOKED, {"role": "developer", "content": "Be brief."}, USER],
    ],
)
def test_usual_order_is_accepted(messages: list[Json]) -> None:
    assert refusal(messages) is None


def test_refusal_of_a_content_stays() -> None:
    assert refusal([{"role": "user"}])[0] == "Invalid value for 'content': expected a string, got null."


def test_result_of_another_call_stays_refused() -> None:
    message, _ = refusal([USER, called("abcdefgh1"), result("abcdefgh2")])
    assert "not found in 'tool_calls'" in message


def test_longer_conversation_is_checked_at_its_new_messages() -> None:
    server = VirtualServer("rules: [{reply: Yes.}]")
    start: list[Json] = [{"role": "user", "content": "x" * 5_000}]
    turn: list[Json] = [called("abcdefgh1"), result("abcdefgh1"), TEXT, USER]
    for messages, status in (
        (start, 200),
        (start + turn, 200),
        (start + turn + turn, 200),
        ([*start, *turn, called("call_1"), result("call_1")], 400),
        ([*start, *turn, *turn[:2]], 200),
        ([*start, *turn, *turn[:2], USER], 400),
    ):
        response = server.respond(raw_request(CHAT, {"model": "m", "messages": messages}))
        assert response.status == status, dumps(messages[-1])


@pytest.mark.parametrize(("temperature", "accepted"), [(1.5, True), (1.7, False), (0, True), (-0.1, False)])
def test_temperature_is_at_most_one_and_a_half(temperature: float, accepted: bool) -> None:
    dialect, request = route_request(CHAT, {"model": "m", "messages": [USER], "temperature": temperature})
    failure = dialect.check(request)
    assert (failure is None) is accepted
    if failure is not None:
        (entry,) = payload(dialect.error(failure, request, IDENTITY))["detail"]
        assert entry["loc"] == ["body", "temperature"]
