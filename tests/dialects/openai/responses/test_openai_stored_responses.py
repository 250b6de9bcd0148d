"""Stored responses: create, get, continue, list and delete."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.placeholders import Placeholders
from mockllm.core.rendering.plan import CutStep, EventStep, Plan
from mockllm.core.rendering.prerendered_response import prerender_response
from mockllm.core.reply.reply import Choice, NativePart, Part, Refusal, Reply, Text, Thinking, ToolCall
from mockllm.core.request import stored_history
from mockllm.core.request.messages import ResultPart
from mockllm.core.request.request_keys import conversation
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.provider import (
    CANCEL_RESPONSE,
    COMPACT,
    DELETE_RESPONSE,
    GET_RESPONSE,
    INPUT_ITEMS,
)
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.responses.input_calls import CompactRequest
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.openai.responses.stored_calls import StoredCall, StoredRequest
from mockllm.state.local_objects import LocalObjects
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.responses.responses_requests import SIMPLE

CALL = ToolCall("get_weather", ('{"city": "Paris"}',), "call_1")
OUTPUT: Json = {"type": "function_call_output", "call_id": "call_1", "output": '{"degrees": 21}'}


class Session:
    """A server's session: parses requests with its store, responds, and updates the store."""

    def __init__(self) -> None:
        self.memory = LocalObjects()
        self.responses = 0

    def read(self, **fields: Json) -> ResponsesRequest:
        return self.of_bytes(dumps({**SIMPLE, **fields}))

    def of_bytes(self, raw: bytes) -> ResponsesRequest:
        lookup = self.memory.lookup("")
        return ResponsesRequest(
            method="POST", path="/v1/responses", headers={}, raw=raw, object_lookup=lookup
        )

    def respond(self, *parts: Part, stream: bool = False, **fields: Json) -> str:
        """Serve a request, update the store, and return the response's id."""
        request = self.read(**fields, stream=stream)
        plan = (RESPONSES.encode_stream if stream else RESPONSES.encode_body)(
            Reply((Choice(parts),)), request, self.identity()
        )
        self.remember(RESPONSES.storage_update(plan, request))
        last = plan.steps[-1]
        assert isinstance(last, EventStep)
        content = loads(last.payload)
        return str(content.get("response", content)["id"])

    def identity(self) -> ResponseIdentity:
        self.responses += 1
        return ResponseIdentity(IDENTITY.ids.__class__(0, "", self.responses), IDENTITY.now)

    def remember(self, memo: StorageUpdate | None) -> None:
        if memo is not None:
            self.memory.apply_storage_update("", memo)

    def stored(self, id: str, query: str = "", method: str = "GET") -> StoredRequest:
        return StoredRequest(
            method=method,
            path=f"/v1/responses/{id}",
            headers={},
            query_string=query,
            path_variables={"response": id},
            object_lookup=self.memory.lookup(""),
        )

    def call(self, call: StoredCall, id: str, query: str = "") -> Plan | Failure:
        request = self.stored(id, query)
        assert call.check(request) is call.check_readable(request) is None
        return call.own_response(request, IDENTITY)


def body(response: Plan | Failure) -> Json:
    assert isinstance(response, Plan)
    assert isinstance(response.steps[0], EventStep)
    return loads(response.steps[0].payload)


def events(response: Plan | Failure) -> list[Json]:
    assert isinstance(response, Plan)
    assert response.streamed
    return [loads(step.payload) for step in response.steps if isinstance(step, EventStep)]


@pytest.mark.parametrize("stream", [False, True])
def test_stored_response_equals_the_response(stream: bool) -> None:
    session = Session()
    id = session.respond(Text(("Hi",)), stream=stream)
    match = body(session.call(GET_RESPONSE, id))
    assert (match["id"], match["output"][0]["content"][0]["text"]) == (id, "Hi")


@pytest.mark.parametrize("stream", [False, True])
def test_prerendered_response_is_stored_with_its_values(stream: bool) -> None:
    session, placeholders = Session(), Placeholders(IDENTITY.ids, 7.0, 1)
    request = session.read(stream=stream)
    say = RESPONSES.encode_stream if stream else RESPONSES.encode_body
    identity = ResponseIdentity(placeholders.ids, placeholders.now)
    plan = say(Reply((Choice((Text(("Hi",)),)),)), request, identity)
    prerendered = prerender_response(plan, placeholders)
    memo = RESPONSES.storage_update(
        prerendered.plan(prerendered.compute_placeholder_values(IDENTITY.ids.id_seed, 7, 1)), request
    )
    assert memo is not None
    assert memo.names[0].startswith("resp_")


def test_history_has_a_bound_on_its_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_history, "MAX_OBJECTS", 40)
    session = Session()
    first = session.respond(Text(("one",)), input="a")
    second = session.respond(Text(("two",)), input="b", previous_response_id=first)
    large = [{"role": "user", "content": "c"}] * 50
    third = session.respond(Text(("three",)), input=large, previous_response_id=second)
    assert len(session.read(input="x", previous_response_id=second).messages) == 5
    assert len(session.read(input="x", previous_response_id=third).messages) == 52


@pytest.mark.parametrize("finish", ["incomplete", "failed"])
def test_incomplete_and_failed_responses_are_stored(finish: str) -> None:
    session = Session()
    request = session.read(stream=True)
    reply = Reply(
        (Choice((Text(("Hi",)),), "length"),), failure=Failure("overloaded") if finish == "failed" else None
    )
    memo = RESPONSES.storage_update(RESPONSES.encode_stream(reply, request, IDENTITY), request)
    assert memo is not None
    session.remember(memo)
    assert body(session.call(GET_RESPONSE, memo.names[0]))["status"] == finish


def without_last_step(plan: Plan) -> Plan:
    return replace(plan, steps=plan.steps[:-1])


def reset(plan: Plan) -> Plan:
    return replace(plan, steps=(*plan.steps, CutStep("reset", 1)))


def without_end(plan: Plan) -> Plan:
    prerendered = prerender_response(without_last_step(plan), Placeholders(IDENTITY.ids, 7.0, 1))
    return prerendered.plan(prerendered.compute_placeholder_values(IDENTITY.ids.id_seed, 7, 1))


def without_steps(plan: Plan) -> Plan:
    return replace(plan, steps=())


@pytest.mark.parametrize("fault", [without_last_step, reset, without_end, without_steps])
def test_broken_stream_is_not_stored(fault: object) -> None:
    request = Session().read(stream=True)
    plan = RESPONSES.encode_stream(Reply((Choice((Text(("Hi",)),)),)), request, IDENTITY)
    assert callable(fault)
    assert RESPONSES.storage_update(fault(plan), request) is None


def test_errors_and_raw_bodies_are_not_stored() -> None:
    request = Session().read()
    assert (
        RESPONSES.storage_update(RESPONSES.error(Failure("overloaded"), request, IDENTITY), request) is None
    )
    for payload in (b"plain text", b"[]", b'{"object": "response"}', b'{"id": "x"}'):
        plan = Plan(
            RESPONSES.error(Failure("overloaded"), request, IDENTITY).head, (EventStep(payload, 0, "body"),)
        )
        assert RESPONSES.storage_update(plan, request) is None


def test_response_without_store_stores_only_its_calls() -> None:
    session = Session()
    id = session.respond(CALL, NativePart("openai", {"type": "function_call", "name": 7}), store=False)
    assert isinstance(session.call(GET_RESPONSE, id), Failure)
    assert session.read(input=[OUTPUT]).tool_results[0].name == "get_weather"
    assert session.respond(Text(("x",)), store=None, user='"store"') != id


def test_output_has_its_tools_name_and_the_history() -> None:
    session = Session()
    first = session.respond(CALL, input="weather?", instructions="Be brief.")
    request = session.read(input=[OUTPUT], previous_response_id=first)
    assert request.tool_results == (ResultPart("call_1", "get_weather", '{"degrees": 21}'),)
    assert (request.user, request.turn, request.system) == ("weather?", 2, None)
    assert RESPONSES.check(request) is None
    second = session.respond(Text(("21.",)), input=[OUTPUT], previous_response_id=first, stream=True)
    third = session.read(input="thanks", previous_response_id=second)
    assert [message.role for message in third.messages] == ["user", "assistant", "tool", "assistant", "user"]
    assert (third.turn, third.user) == (3, "thanks")


def test_calls_of_previous_response_need_outputs() -> None:
    session = Session()
    first = session.respond(CALL)
    failure = RESPONSES.check(session.read(previous_response_id=first))
    assert failure is not None
    assert failure.message == "No tool output found for function call call_1."


def test_conversation_continues_by_its_id() -> None:
    session = Session()
    for payload in ("one", "two"):
        session.respond(Text((payload,)), input=payload, conversation="conv_1")
    request = session.read(input="three", conversation={"id": "conv_1"})
    assert [message.text for message in request.messages] == ["one", "one", "two", "two", "three"]
    assert RESPONSES.check(request) is None


def test_item_reference_finds_the_stored_item() -> None:
    session = Session()
    first = session.respond(CALL)
    item = body(session.call(GET_RESPONSE, first))["output"][0]["id"]
    request = session.read(input=[{"type": "item_reference", "id": item}, OUTPUT])
    assert request.tool_results[0].name == "get_weather"
    assert RESPONSES.check(request) is None
    strange = session.read(input=[{"type": "item_reference", "id": first}])
    assert RESPONSES.check(strange) is not None


def test_chain_is_one_conversation_with_its_first_request() -> None:
    session = Session()
    start: Mapping[str, Json] = {"input": "hi", "instructions": "Be brief."}
    first = session.respond(Text(("a",)), **start)
    second = session.respond(Text(("b",)), input="more", previous_response_id=first)
    last = session.read(input="and more", instructions="Other.", previous_response_id=second)
    assert conversation(last) == conversation(session.read(**start))
    assert conversation(last) != conversation(session.read(input="and more", instructions="Other."))


def test_chain_ends_at_a_missing_response() -> None:
    session = Session()
    first = session.respond(Text(("a",)), input="one")
    second = session.respond(Text(("b",)), input="two", previous_response_id=first)
    session.remember(DELETE_RESPONSE.storage_update(_delete(session, first), session.stored(first)))
    assert [message.text for message in session.read(input="x", previous_response_id=second).messages] == [
        *("two", "b", "x")
    ]


def _delete(session: Session, id: str) -> Plan:
    plan = session.call(DELETE_RESPONSE, id)
    assert isinstance(plan, Plan)
    return plan


def test_unreadable_body_is_no_history() -> None:
    session = Session()
    request = session.of_bytes(b"no json")
    plan = RESPONSES.encode_body(Reply((Choice((Text(("a",)),)),)), request, IDENTITY)
    memo = RESPONSES.storage_update(plan, request)
    assert memo is not None
    session.remember(memo)
    later = session.read(input="x", previous_response_id=memo.names[0])
    assert [message.text for message in later.messages] == ["a", "x"]


def test_compact_returns_user_messages_and_a_sealed_item() -> None:
    session = Session()
    first = session.respond(Text(("a",)), input="one")
    raw = dumps({"model": "gpt-5", "input": "two", "previous_response_id": first})
    request = CompactRequest(
        method="POST",
        path="/v1/responses/compact",
        headers={},
        raw=raw,
        object_lookup=session.memory.lookup(""),
    )
    assert COMPACT.check(request) is COMPACT.check_readable(request) is None
    result = body(COMPACT.own_response(request, IDENTITY))
    assert result["object"] == "response.compaction"
    assert [item["type"] for item in result["output"]] == ["message", "message", "compaction"]
    assert result["usage"]["input_tokens"] == request.input_tokens
    assert RESPONSES.check(session.read(input=result["output"])) is None
    assert session.read(input=result["output"]).user == "two"


@pytest.mark.parametrize("raw", [b"[]", b'{"input": 7}', b'{"input": "x"}'])
def test_compact_of_invalid_input_is_a_400(raw: bytes) -> None:
    request = CompactRequest(method="POST", path="/v1/responses/compact", headers={}, raw=raw)
    failure = COMPACT.check(request)
    assert failure is not None
    assert COMPACT.error(failure, request, IDENTITY).head.status == 400


# --- the calls -------------------------------------------------------------------------------------


def test_deleted_response_is_not_found() -> None:
    session = Session()
    id = session.respond(Text(("Hi",)))
    plan = _delete(session, id)
    assert body(plan) == {"id": id, "object": "response", "deleted": True}
    session.remember(DELETE_RESPONSE.storage_update(plan, session.stored(id, method="DELETE")))
    gone = session.call(GET_RESPONSE, id)
    assert isinstance(gone, Failure)
    assert gone.message == f"Response with id '{id}' not found."
    assert GET_RESPONSE.error(gone, session.stored(id), IDENTITY).head.status == 404
    assert DELETE_RESPONSE.storage_update(plan, session.stored(id)) is None


def test_failed_deletion_deletes_nothing() -> None:
    session = Session()
    id = session.respond(Text(("Hi",)))
    plan = GET_RESPONSE.error(Failure("overloaded"), session.stored(id), IDENTITY)
    assert DELETE_RESPONSE.storage_update(plan, session.stored(id)) is None


def test_response_is_found_only_by_its_own_id() -> None:
    session = Session()
    session.respond(Text(("Hi",)), conversation="conv_1")
    assert isinstance(session.call(GET_RESPONSE, "conv_1"), Failure)


def test_cancel_needs_a_background_response() -> None:
    session = Session()
    refused = session.call(CANCEL_RESPONSE, session.respond(Text(("Hi",))))
    assert isinstance(refused, Failure)
    assert refused.message == "Cannot cancel a synchronous response."
    assert (
        body(session.call(CANCEL_RESPONSE, session.respond(Text(("Hi",)), background=True)))["background"]
        is True
    )


def test_stored_response_is_returned_as_a_stream() -> None:
    session = Session()
    parts = (Thinking(("a",)), Text(("b", "c")), Refusal(("d",)), CALL, ToolCall("sql", ("e",), "call_2"))
    id = session.respond(*parts, tools=[{"type": "custom", "name": "sql"}])
    payload = events(session.call(GET_RESPONSE, id, "stream=true"))
    assert [event["sequence_number"] for event in payload] == list(range(len(payload)))
    assert [event["delta"] for event in payload if "delta" in event] == [
        *("a", "bc", "d", '{"city": "Paris"}', "e")
    ]
    assert payload[0]["response"]["output"] == []
    assert payload[-1]["response"] == body(session.call(GET_RESPONSE, id))
    assert payload[-1]["type"] == "response.completed"
    rest = events(session.call(GET_RESPONSE, id, "stream=true&starting_after=3"))
    assert rest == payload[4:]
    assert all([*event][1:] == sorted([*event][1:]) for event in payload)


def test_input_items_are_listed() -> None:
    session = Session()
    history = [{"role": "assistant", "content": "earlier"}, {"role": "user", "content": "weather?"}]
    first = session.respond(CALL, input=history)
    second = session.respond(Text(("21.",)), input=[OUTPUT], previous_response_id=first)
    listed = body(session.call(INPUT_ITEMS, second, "order=asc"))
    assert [item["type"] for item in listed["data"]] == [
        *("message", "message", "function_call", "function_call_output")
    ]
    assert [item["content"][0]["type"] for item in listed["data"][:2]] == ["output_text", "input_text"]
    assert (listed["first_id"], listed["has_more"]) == (listed["data"][0]["id"], False)
    assert body(session.call(INPUT_ITEMS, second))["data"] == listed["data"][::-1]


def test_input_items_have_pages() -> None:
    session = Session()
    id = session.respond(
        Text(("x",)), input=[{"role": "user", "content": str(number)} for number in range(3)]
    )
    page = body(session.call(INPUT_ITEMS, id, "limit=2&order=asc"))
    assert ([item["content"][0]["text"] for item in page["data"]], page["has_more"]) == (["0", "1"], True)
    rest = body(session.call(INPUT_ITEMS, id, f"order=asc&after={page['last_id']}"))
    assert ([item["content"][0]["text"] for item in rest["data"]], rest["has_more"]) == (["2"], False)
    none = body(session.call(INPUT_ITEMS, session.respond(Text(("x",)), input=[])))
    assert (none["data"], none["first_id"], none["last_id"]) == ([], None, None)
