"""Responses that take long to plan: deferred, and the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.budget import CHARACTERS_PER_VALUE, LONG_SCHEMA, QUICK_VALUES, Budget, PlanningTooLong
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering import event_parser
from mockllm.core.rendering.framing import framed
from mockllm.core.request.stored_objects import StoredObject
from mockllm.core.schema_values.sizes import written_schema
from mockllm.dialects.openai import completions
from mockllm.engine import DeferredResponse, Engine, PlannedResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.planner import LONG_STREAM, LONG_TEXT
from mockllm.state.fetched_objects import MissingStoredObject, ObjectToFetch
from tests.language.virtual_server import VirtualServer

LONG = "abcdefghi " * (LONG_STREAM + 1)


def engine(reply: Any, *, limited: bool = False, **settings: Any) -> Engine:
    rule = {"reply": reply, **settings}
    modifier = {"name": "one", "limit": {"strategy": "fixed-window", "concurrent": 1}}
    return VirtualServer(dumps({"rules": [rule], "modifiers": [modifier] * limited}).decode()).engine


def chat(engine: Engine, path: str = "/v1/chat/completions", **more: Any) -> EngineRequest:
    body = {
        "model": "gpt-4o",
        "stream": True,
        "messages": [{"role": "user", "content": "hello " * 5_000}],
        **more,
    }
    return engine.read("POST", path, "", {}, dumps(body), "", 0.0)


def deferred(engine: Engine, request: EngineRequest) -> PlannedResponse:
    """The response to a request that must be deferred."""
    response = engine.begin_response(request)
    assert isinstance(response, DeferredResponse)
    return planned(response)


def planned(response: DeferredResponse) -> PlannedResponse:
    """The response of its plan, which needs no stored object."""
    result = response.work_in_thread()()
    assert isinstance(result, PlannedResponse)
    return result


def body(response: PlannedResponse) -> bytes:
    return b"".join(item for item in framed(response.plan) if isinstance(item, bytes))


PACE: Mapping[str, Any] = {"pace": {"chunk_size": "10 characters"}}


@pytest.mark.parametrize(
    ("reply", "settings"),
    [(LONG, PACE), ("{{ user }}{{ user }}", {}), ("a " * LONG_TEXT, {})],
    ids=["many chunks", "a template", "a long text"],
)
def test_long_reply_deferred_has_same_bytes(reply: str, settings: dict[str, Any]) -> None:
    at_once, later = engine(reply, **settings), engine(reply, **settings)
    for _ in range(2):  # the third is from the response cache
        expected = at_once.respond(chat(at_once))
        response = deferred(later, chat(later))
        assert body(response) == body(expected)
        assert replace(response, content=expected.content) == expected


def test_short_reply_is_not_deferred() -> None:
    short = engine("abcdefghi " * 100, **PACE)
    assert isinstance(short.begin_response(chat(short)), PlannedResponse)


def test_many_choices_of_a_short_reply_are_deferred() -> None:
    short = engine("abcdefghi " * 100, **PACE)
    assert body(deferred(short, chat(short, n=50)))


def with_schema(size: int) -> dict[str, Any]:
    """Return a tool and a response format with a schema of about so many bytes."""
    return of_schema({"type": "string", "description": "x" * size})


def of_schema(part: Json) -> dict[str, Any]:
    """Return a tool and a response format with a schema that has this part."""
    schema = {"type": "object", "properties": {"a": part}, "required": ["a"]}
    function = {"name": "look", "parameters": schema}
    return {
        "stream": False,
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [{"type": "function", "function": function}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    }


generated = pytest.mark.parametrize(
    "reply",
    [
        {"json": "from_schema"},
        {"tool_calls": "from_schema"},
        {"tool_calls": [{"name": "look", "arguments": "from_schema"}]},
    ],
    ids=["json", "a call", "arguments"],
)


@generated
def test_value_of_a_long_schema_is_deferred(reply: Any) -> None:
    at_once, later = engine(reply), engine(reply)
    for size in (10, LONG_SCHEMA, 10, LONG_SCHEMA):  # the later ones are from the response cache
        expected = at_once.respond(chat(at_once, **with_schema(size)))
        if size == LONG_SCHEMA:
            assert body(deferred(later, chat(later, **with_schema(size)))) == body(expected)
        else:
            response = later.begin_response(chat(later, **with_schema(size)))
            assert isinstance(response, PlannedResponse)
            assert body(response) == body(expected)


SLOW: Mapping[str, Json] = {
    "many values": {"type": "array", "minItems": QUICK_VALUES, "items": {"anyOf": [{"type": "integer"}]}},
    "many characters": {"type": "string", "minLength": QUICK_VALUES * CHARACTERS_PER_VALUE},
    "a schema within itself": {"$ref": "#"},
}


@generated
@pytest.mark.parametrize("part", SLOW.values(), ids=SLOW)
def test_slow_value_of_short_schema_is_deferred(reply: Any, part: Json) -> None:
    at_once, later = engine(reply), engine(reply)
    for _ in range(2):
        expected = at_once.respond(chat(at_once, **of_schema(part)))
        assert body(deferred(later, chat(later, **of_schema(part)))) == body(expected)


def test_schema_deeper_than_can_be_written_is_long() -> None:
    schema: Any = {"type": "string"}
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    with pytest.raises(PlanningTooLong):
        written_schema(schema, Budget(deferrable=True))


@pytest.mark.parametrize(
    "match", [{"api": "embeddings"}, {"user": "other"}], ids=["of a rule", "without a rule"]
)
def test_many_vectors_are_deferred(match: dict[str, Any]) -> None:
    rule = {"match": match, "reply": {"embedding": [0.5] * 8}}
    vectors = VirtualServer(dumps({"rules": [rule]}).decode()).engine

    def embed(count: int) -> EngineRequest:
        return chat(vectors, "/v1/embeddings", input=["a"] * count, model="text-embedding-3-small")

    assert isinstance(vectors.begin_response(embed(2)), PlannedResponse)
    expected = vectors.respond(embed(20))
    assert body(deferred(vectors, embed(20))) == body(expected)


def test_long_echo_is_deferred() -> None:
    at_once, echoing, short = engine("hello"), engine("hello"), engine("hello")

    def complete(prompt: str, **more: Any) -> EngineRequest:
        return chat(echoing, "/v1/completions", prompt=prompt, stream=False, **more)

    assert isinstance(short.begin_response(complete("a b " * 9_000, logprobs=5)), PlannedResponse)
    assert isinstance(short.begin_response(complete("a b " * 200, echo=True, logprobs=5)), PlannedResponse)
    for sent in (
        {"prompt": "a b " * 9_000},
        {"prompt": "a b " * 900, "logprobs": 5},
        {"prompt": "a b " * 90, "n": 100},
    ):
        expected = at_once.respond(complete(echo=True, **sent))
        assert body(deferred(echoing, complete(echo=True, **sent))) == body(expected)


@pytest.mark.parametrize(
    "sent", [{"prompt": "a b " * 26_000, "logprobs": 5}, {"prompt": "a b " * 26_000, "n": 10}], ids=str
)
def test_echo_beyond_the_limit_is_refused(sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def planned(*_: object) -> None:
        raise AssertionError("the reply is planned")

    monkeypatch.setattr(completions, "supported_reply", planned)
    echoing = engine("hello")
    response = echoing.respond(chat(echoing, "/v1/completions", stream=False, echo=True, **sent))
    assert response.status == 400
    assert b"--max-generated-values" in body(response)


def test_tokens_of_a_long_text_are_deferred() -> None:
    at_once, later = engine("hello"), engine("hello")

    def tokenize(count: int) -> EngineRequest:
        return chat(at_once, "/vllm/tokenize", prompt="hello " * count)

    assert isinstance(at_once.begin_response(tokenize(10)), PlannedResponse)
    expected = at_once.respond(tokenize(20_000))
    assert body(deferred(later, tokenize(20_000))) == body(expected)


def test_deferred_response_has_its_slot_to_the_end() -> None:
    one = engine(LONG, **PACE, limited=True)
    response = one.begin_response(chat(one))
    assert isinstance(response, DeferredResponse)
    slot = response.slot
    assert slot is not None
    assert one.respond(chat(one)).status == 429
    assert planned(response).slot is slot
    slot.release()
    assert one.respond(chat(one)).status == 200


def test_deferred_response_is_stored_by_its_dialect() -> None:
    stored = engine(LONG, **PACE)
    request = chat(stored, "/v1/responses", input="hi", store=True)
    response = deferred(stored, request)
    assert response.plan.steps
    assert len(stored.state.lookup("").all_stored("resp_")) == 1


@pytest.mark.parametrize(
    ("path", "sent", "prefix"),
    [
        ("/v1/chat/completions", {"store": True}, "chatcmpl-"),
        ("/v1beta/interactions", {"input": "hi", "model": "gemini-2.5-flash", "messages": None}, "v1_"),
    ],
)
def test_thread_decodes_a_long_stream_to_store(
    path: str, sent: dict[str, Any], prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = VirtualServer(dumps({"validation": "off", "rules": [{"reply": LONG, **PACE}]}).decode()).engine
    response = stored.begin_response(chat(stored, path, **sent))
    assert isinstance(response, DeferredResponse)
    complete = response.work_in_thread()
    monkeypatch.setattr(event_parser, "sent_bytes", lacking)
    completed = complete()
    assert isinstance(completed, PlannedResponse)
    assert completed.updates_computed_in_thread is None, "the journal would store the object, too"
    assert len(stored.state.lookup("").all_stored(prefix)) == 1


def test_plan_in_a_thread_is_deferred_again_by_a_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """The object is fetched, and the thread plans once more. The request is counted once, and its slot stays."""
    long = engine(LONG, **PACE, limited=True)
    response = long.begin_response(chat(long))
    assert isinstance(response, DeferredResponse)
    with monkeypatch.context() as patched:
        patched.setattr(long, "_plan_response", lacking)
        to_fetch = response.work_in_thread()()
    assert isinstance(to_fetch, ObjectToFetch)
    assert to_fetch.key == ("stored", "resp_1")
    again = to_fetch.respond_again()
    assert isinstance(again, DeferredResponse)
    assert again.slot is response.slot
    assert planned(again).status == 200


def lacking(*_: object) -> PlannedResponse:
    raise MissingStoredObject("", ("stored", "resp_1"))


def test_failure_of_planner_without_slot_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    broken = engine("hello")
    monkeypatch.setattr(broken._planner, "plan", fails)
    with pytest.raises(ZeroDivisionError):
        broken.respond(chat(broken))


def test_has_rule_counts_nothing() -> None:
    one = VirtualServer("rules: [{match: {model: gpt-4o}, times: 1, reply: hello}]").engine
    assert one.has_rule(chat(one))
    assert not one.has_rule(chat(one, model="other"))
    assert one.serves(chat(one, model="other"))
    assert one.respond(chat(one)).status == 200


def test_long_turn_does_not_overwrite_a_later_turn() -> None:
    """What is stored follows from the conversation as it is when the plan is made, not when planning began."""
    long = engine("a " * LONG_TEXT)

    def turn(text: str, **more: Any) -> EngineRequest:
        sent = {"model": "gpt-4o", "input": text, "conversation": "conv_1", **more}
        return long.read("POST", "/v1/responses", "", {}, dumps(sent), "", 0.0)

    first = long.begin_response(turn("first"))
    assert isinstance(first, DeferredResponse)
    complete = first.work_in_thread()
    assert deferred(long, turn("second"))
    complete()
    stored = long.stored("", "conv_1")
    assert isinstance(stored, StoredObject)
    users = [item for item in loads(stored.request_body)["input"] if item["role"] == "user"]
    assert [item["content"][0]["text"] for item in users] == ["second", "first"]
