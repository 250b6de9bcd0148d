"""Requests that come again with the same head and body: what follows from these alone is computed once."""

from __future__ import annotations

import gc

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.request.divided_bodies import MIN_DIVIDED_BYTES
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.fast_path import FastPath
from mockllm.engine.repeated_requests import (
    MAX_BYTES,
    MAX_SEEN,
    SKIPPED,
    RepeatedRequests,
    TrackingLookup,
    tracking_class,
)
from mockllm.engine.request_reader import RequestReader
from tests.engine.cached_and_rendered import CALLS, ask_call
from tests.language.virtual_server import NOW, ClientRequest, VirtualServer, chat_request, raw_request
from tests.unreachable_objects import unreachable_objects

PATH = "/v1/chat/completions"
BODY = dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]})
WITH_INNER_REQUEST = ("bedrock-invoke",)
"""Calls whose body is that of another protocol: the request in it has the time and the client of the outer one."""
RULES = "rules: [{reply: Hello.}]"


def reader_of(engine: Engine, **headers: str) -> RequestReader:
    return engine.request_reader("POST", PATH, "", headers)


def read_repeatedly(engine: Engine, reader: RequestReader, times: int, body: bytes = BODY) -> EngineRequest:
    """Send a request so often. Return the last."""
    for turn in range(times):
        request = reader.read(body, "::1", NOW + turn)
        engine.respond(request)
    return request


def is_repeated(request: EngineRequest) -> bool:
    """Return whether the request has begun with what was computed of an earlier one."""
    repeated = request.repeated
    return repeated is not None and repeated.rule_index is not None


def test_fourth_request_begins_with_what_was_computed() -> None:
    engine = VirtualServer(RULES).engine
    reader = reader_of(engine)
    read_repeatedly(
        engine, reader, 3
    )  # a reader's first, then one that is remembered, then one that is computed
    request = reader.read(BODY, "::1", NOW)
    assert is_repeated(request)
    assert vars(request)["input_tokens"] == reader_of(engine).read(BODY, "::1", NOW).input_tokens
    assert (request.raw, request.client_address, request.now) == (BODY, "::1", NOW)


def test_fast_path_accepts_an_equal_request_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = VirtualServer(RULES)
    reader = reader_of(server.engine)
    request = read_repeatedly(server.engine, reader, 4)
    assert request.repeated is not None
    assert isinstance(request.repeated.accepting_fast_path, FastPath)
    monkeypatch.delattr(FastPath, "accepts")
    assert read_repeatedly(server.engine, reader, 2).repeated is request.repeated


@pytest.mark.parametrize("fields", [{"background": True}, {"temperature": 9}], ids=["background", "invalid"])
def test_fast_path_never_accepts_what_it_cannot_serve(fields: dict[str, object]) -> None:
    engine = VirtualServer(RULES).engine
    reader = engine.request_reader("POST", "/v1/responses", "", {})
    request = read_repeatedly(engine, reader, 4, dumps({"model": "gpt-4o", "input": "hi", **fields}))
    assert request.repeated is not None
    assert request.repeated.accepting_fast_path is None


@pytest.mark.parametrize("stream", [False, True], ids=["non-streaming", "streaming"])
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.covering
def test_repeated_requests_equal_fresh_ones(name: str, stream: bool) -> None:
    """Each value that a repeated request begins with equals that of a request that is read anew."""
    server = VirtualServer("rules: [{match: {user: {contains: h}, turn: 1}, reply: 'You said {{ user }}.'}]")
    sent = ask_call(CALLS[name], "hi", 0, stream=stream)
    head = (sent.method, sent.path, sent.query, {name.lower(): text for name, text in sent.headers.items()})
    reader = server.engine.request_reader(*head)
    for _ in range(3):
        server.engine.respond(reader.read(sent.body, "::1", NOW))
    repeated, fresh = reader.read(sent.body, "::1", NOW), server.engine.read(*head, sent.body, "::1", NOW)
    assert is_repeated(repeated) or name in WITH_INNER_REQUEST
    for attribute, value in vars(repeated).items():
        if attribute not in ("route_mask", "repeated", "field_values"):
            assert value == getattr(fresh, attribute), attribute


def test_repeated_request_has_its_own_time_and_client() -> None:
    server = VirtualServer("rules: [{per: ip, sequence: [one, two]}]")
    for turn, (client, text) in enumerate([("::1", "one")] + [("::1", "two")] * 4 + [("::2", "one")]):
        response = server.respond(raw_request(PATH, BODY, client=client, now=NOW + turn))
        assert (response.text, response.json["created"]) == (text, int(NOW) + turn)


def test_request_that_reads_stored_objects_is_never_repeated() -> None:
    """The cached content of a request to Gemini may expire."""
    engine = VirtualServer(RULES).engine
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    body = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "cachedContent": "cachedContents/nothing",
    }
    reader = engine.request_reader("POST", path, "", {})
    request = read_repeatedly(engine, reader, 5, dumps(body))
    assert not is_repeated(request)


def test_tracking_lookup_records_each_kind_of_lookup() -> None:
    reads = (ObjectLookup.stored, ObjectLookup.all_stored, ObjectLookup.tool_by_call_id)
    for read in reads:
        lookup = TrackingLookup()
        assert not lookup.was_used
        assert not getattr(lookup, read.__name__)("resp_1")
        assert lookup.was_used


@pytest.mark.parametrize("name", ["client_address", "now", "monotonic"])
def test_tracking_request_records_read_client_or_time(name: str) -> None:
    lookup, kind = TrackingLookup(), tracking_class(Request)
    tracking = kind.__new__(kind)
    vars(tracking).update({name: 1, "raw": b"", "object_lookup": lookup})
    assert not tracking.raw
    assert not lookup.was_used
    assert getattr(tracking, name) == 1
    assert lookup.was_used


def test_request_is_not_repeated_by_another_head() -> None:
    server = VirtualServer("rules: [{match: {headers: {x-a: b}}, reply: with}, {reply: without}]")
    for _ in range(4):
        for headers, text in (({"x-a": "b"}, "with"), ({}, "without")):
            assert server.respond(raw_request(PATH, BODY, headers=headers)).text == text


@pytest.mark.parametrize(
    "headers", [{"x-mockllm-session": "s"}, {"x-mockllm-seed": "7"}], ids=["session", "override"]
)
def test_request_of_session_or_override_is_never_repeated(headers: dict[str, str]) -> None:
    engine = VirtualServer(RULES, allow_overrides=True).engine
    assert not is_repeated(read_repeatedly(engine, reader_of(engine, **headers), 5))


def test_long_body_is_never_repeated() -> None:
    engine = VirtualServer(RULES).engine
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * MIN_DIVIDED_BYTES}]}
    assert not is_repeated(read_repeatedly(engine, reader_of(engine), 5, dumps(body)))


def test_request_for_an_engine_is_matched_anew_by_another() -> None:
    """After a reload a request may come to another engine."""
    first, second = VirtualServer(RULES).engine, VirtualServer("rules: [{name: b, reply: Bye.}]").engine
    reader = reader_of(first)
    read_repeatedly(first, reader, 3)
    request = reader.read(BODY, "::1", NOW)
    assert is_repeated(request)
    assert (second.respond(request).responder_id or "").endswith(":b")


def test_invalid_request_is_refused_each_time() -> None:
    server = VirtualServer(RULES)
    sent = chat_request("hi", temperature=9)
    assert [server.respond(sent).status for _ in range(5)] == [400] * 5


def test_repeated_requests_are_bounded() -> None:
    engine = VirtualServer(RULES).engine
    reader = reader_of(engine)
    for number in range(MAX_SEEN + 100):
        read_repeatedly(
            engine, reader, 3, BODY[:-1] + b" " * (number % 2_000) + b"}" + b" " * (number // 2_000)
        )
    repeated = engine._repeated_requests
    assert sum(repeated.attributes_by_key._sizes.values()) <= MAX_BYTES
    assert len(repeated._seen) <= MAX_SEEN


def test_large_values_of_repeated_requests_are_bounded() -> None:
    """Empty objects take fifty times as many bytes as their JSON."""
    engine = VirtualServer("validation: off\nrules: [{reply: Hello.}]").engine
    reader = reader_of(engine)
    for number in range(400):
        read_repeatedly(
            engine, reader, 3, BODY[:-1] + b',"metadata":[%b{}],"seed":%d}' % (b"{}," * 700, number)
        )
    assert 100 < len(engine._repeated_requests.attributes_by_key) < 350


def test_too_many_bodies_in_turn_are_never_computed() -> None:
    repeated = RepeatedRequests()
    keys = [(None, b"%d" % number) for number in range(MAX_SEEN + 1)]
    assert not any(repeated.has_come_before(key) for _ in range(3) for key in keys)
    assert repeated.has_come_before(keys[-1])


def read_new_ones(reader: RequestReader, count: int) -> None:
    for number in range(count):
        reader.read(b"%d" % number, "::1", NOW)


def test_request_after_many_new_ones_is_found_again() -> None:
    engine = VirtualServer(RULES).engine
    reader = reader_of(engine)
    read_new_ones(reader, MAX_SEEN + 2)
    assert engine._repeated_requests.to_skip == SKIPPED
    read_repeatedly(engine, reader, 2 * (SKIPPED + 1) + 1)
    assert is_repeated(reader.read(BODY, "::1", NOW))
    assert engine._repeated_requests.to_skip == 0


def test_known_request_ends_the_row_of_new_ones() -> None:
    engine = VirtualServer(RULES).engine
    reader = reader_of(engine)
    read_repeatedly(engine, reader, 4)
    read_new_ones(reader, MAX_SEEN)
    read_repeatedly(engine, reader, 1)
    reader.read(b"new", "::1", NOW)
    assert engine._repeated_requests.to_skip == 0


def test_dropped_requests_leave_no_cycle() -> None:
    """The garbage collector runs only while no client sends requests."""
    engine = VirtualServer(RULES).engine
    read_repeatedly(engine, reader_of(engine), 5)
    gc.collect()
    engine._repeated_requests.attributes_by_key.clear()
    assert unreachable_objects() == []


def test_repeated_request_that_is_refused_leaves_no_cycle() -> None:
    """The server may refuse a request that was read, before the engine responds to it."""
    engine = VirtualServer(RULES).engine
    reader = reader_of(engine)
    read_repeatedly(engine, reader, 1)
    gc.collect()
    for turn in range(3):
        reader.read(BODY, "::1", NOW + turn)
    assert unreachable_objects() == []


def test_hash_of_a_repeated_request_is_in_its_response() -> None:
    server = VirtualServer("rules: [{match: {hash: '" + "0" * 64 + "'}, reply: a}, {reply: b}]")
    sent: ClientRequest = chat_request("hi")
    hashes = {server.respond(sent).headers["x-mockllm-hash"] for _ in range(5)}
    assert len(hashes) == 1
