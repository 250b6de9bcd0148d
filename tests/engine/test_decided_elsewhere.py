"""Requests whose counts or earlier responses are not in the process of the engine."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, StoredObject
from mockllm.dialects.openai.responses.websocket import WebSocketLookup
from mockllm.engine import Engine, PlannedResponse, UndecidedResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.fast_path import FastPath
from mockllm.engine.seed_token import token_of
from mockllm.state.fetched_objects import FetchedLookup, MissingStoredObject, ObjectToFetch, RespondAgain
from mockllm.state.shared_counts import CellTable, SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from tests.engine.cached_and_rendered import visible_parts
from tests.language.virtual_server import VirtualServer

SCENARIO = {
    "rules": [
        {"name": "steps", "match": {"user": "step"}, "sequence": ["one", "two"]},
        {"name": "rest", "reply": "Hello."},
    ],
    "modifiers": [
        {"name": "places", "match": {"model": "busy"}, "limit": {"strategy": "fixed-window", "concurrent": 1}}
    ],
}


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Iterator[Engine]:
    counts = SharedCounts()
    scenario = getattr(request, "param", SCENARIO)
    catalog = VirtualServer(dumps(scenario).decode()).engine.catalog
    state = SharedEngineState(counts)
    state.counters_without_session.use(CellTable(counts).assign([item.key for item in catalog.items]))
    yield Engine(catalog, state)
    counts.close()


def chat(engine: Engine, user: str, session: str | None = None, **more: Any) -> EngineRequest:
    headers = {} if session is None else {"x-mockllm-session": session}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}], **more}
    return engine.read("POST", "/v1/chat/completions", "", headers, dumps(body), "", 0.0)


def decided(engine: Engine, request: EngineRequest) -> PlannedResponse:
    """The response after a decision by this process alone, as without a store."""
    response = engine.begin_response(request)
    assert isinstance(response, UndecidedResponse)
    assert isinstance(engine.state, SharedEngineState)
    planned = response.respond(engine.state.local_state.decide(response.inputs))
    assert isinstance(planned, PlannedResponse)
    return planned


def rule(response: PlannedResponse) -> str | None:
    return response.responder_id and response.responder_id.rpartition(":")[2]


def test_request_that_counts_is_undecided(shared: Engine) -> None:
    for text in (b"one", b"two", b"two"):
        response = decided(shared, chat(shared, "step"))
        assert rule(response) == "steps"
        assert any(text in getattr(step, "payload", b"") for step in response.plan.steps)


def test_request_that_counts_nothing_is_decided_at_once(shared: Engine) -> None:
    assert [rule(shared.respond(chat(shared, "hi"))) for _ in range(3)] == ["rest"] * 3


def test_session_is_undecided_also_with_a_cached_response(shared: Engine) -> None:
    for _ in range(3):  # the third one could take the fast path
        shared.respond(chat(shared, "hi"))
    assert rule(decided(shared, chat(shared, "hi", "one"))) == "rest"


def test_lookup_elsewhere_leaves_the_slot(shared: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that lacks an earlier one takes its place once, however often it is planned."""
    state = shared.state
    assert isinstance(state, SharedEngineState)
    undecided = shared.begin_response(chat(shared, "hi", model="busy"))
    assert isinstance(undecided, UndecidedResponse)
    decision = state.local_state.decide(undecided.inputs)
    with monkeypatch.context() as patched:
        patched.setattr(shared, "_plan_response", _lacking)
        to_fetch = undecided.respond(decision)
    assert isinstance(to_fetch, ObjectToFetch)
    assert state.local_state.decide(undecided.inputs).outcome == "limited"
    response = to_fetch.respond_again()
    assert isinstance(response, PlannedResponse)
    assert rule(response) == "rest"
    assert response.slot is not None
    response.slot.release()
    assert state.local_state.decide(undecided.inputs).outcome == "rule"


def _lacking(*_: object) -> PlannedResponse:
    raise MissingStoredObject("", ("tool_call", "call_1"))


def test_lookup_raises_for_what_was_not_fetched(shared: Engine) -> None:
    state = shared.state
    assert isinstance(state, SharedEngineState)
    state.store_elsewhere = _forget
    lookup = state.lookup("one")
    assert isinstance(lookup, FetchedLookup)
    for look_up, key in (
        (lookup.stored, "stored"),
        (lookup.all_stored, "all_stored"),
        (lookup.tool_by_call_id, "tool_call"),
    ):
        with pytest.raises(MissingStoredObject) as raised:
            look_up("name")
        assert (raised.value.session, raised.value.key) == ("one", (key, "name"))
    assert lookup.having(("tool_call", "name"), "tool").tool_by_call_id("name") == "tool"


def test_lookup_after_a_decision_counts_once(shared: Engine) -> None:
    """What was decided in this process before the lookup is not decided again."""
    state = shared.state
    assert isinstance(state, SharedEngineState)
    state.store_elsewhere = _forget
    request = shared.read("GET", "/v1/responses/resp_1", "", {}, b"", "", 0.0)
    request.object_lookup = state.lookup("")
    numbers = state.counters_without_session
    before = numbers.take_numbers(0)
    to_fetch = shared.begin_response(request)
    assert isinstance(to_fetch, ObjectToFetch)
    again = to_fetch.respond_again()  # another lookup of the same request
    assert isinstance(again, ObjectToFetch)
    request.object_lookup = FetchedLookup("", {again.key: None})
    response = again.respond_again()
    assert isinstance(response, PlannedResponse)
    assert response.plan.head.status == 404
    assert numbers.take_numbers(0) == before + 1


def test_lookup_of_the_check_comes_before_the_decision(shared: Engine) -> None:
    """The inputs of a decision need no stored object: another process decides by them."""
    state = shared.state
    assert isinstance(state, SharedEngineState)
    state.store_elsewhere = _forget
    body = {"model": "gpt-4o", "input": "step", "previous_response_id": "resp_1"}
    request = shared.read("POST", "/v1/responses", "", {}, dumps(body), "", 0.0)
    request.object_lookup = state.lookup("")
    to_fetch = shared.begin_response(request)
    assert isinstance(to_fetch, ObjectToFetch)
    assert to_fetch.key == ("stored", "resp_1")
    request.object_lookup = FetchedLookup("", {to_fetch.key: None})
    undecided = to_fetch.respond_again()
    assert isinstance(undecided, UndecidedResponse)
    assert state.local_state.decide(undecided.inputs).outcome == "invalid"


def test_rule_that_needs_a_lookup_may_serve_a_path(shared: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    request = shared.read("GET", "/nothing", "", {}, b"", "", 0.0)
    assert not shared.serves(request)
    monkeypatch.setattr(shared, "has_rule", _lacking)
    assert shared.serves(request)


def test_lookup_of_a_cached_response_counts_once(shared: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    state = shared.state
    assert isinstance(state, SharedEngineState)
    for _ in range(3):  # the last one takes the fast path
        shared.respond(chat(shared, "hi"))
    before = state.counters_without_session.take_numbers(0)
    request = chat(shared, "hi", store=True)
    with monkeypatch.context() as patched:
        patched.setattr("mockllm.engine.engine.storage_updates", _lacking)
        to_fetch = shared.begin_response(request)
    assert isinstance(to_fetch, ObjectToFetch)
    assert isinstance(to_fetch.respond_again(), PlannedResponse)
    assert state.counters_without_session.take_numbers(0) == before + 1


LENIENT = {"validation": "lenient", "rules": [{"reply": "Hello."}]}


@pytest.mark.parametrize("shared", [LENIENT], indirect=True)
def test_lookup_of_a_cached_response_comes_before_the_count(shared: Engine) -> None:
    """The prompt's tokens include the name of a tool whose call another process may have made."""
    state = shared.state
    assert isinstance(state, SharedEngineState)
    for _ in range(3):  # the last one takes the fast path
        shared.respond(chat(shared, "hi"))
    state.store_elsewhere = _forget
    before = state.counters_without_session.take_numbers(0)
    result = {"role": "tool", "tool_call_id": "call_1", "content": "Done."}
    request = chat(shared, "hi", messages=[{"role": "user", "content": "hi"}, result])
    request.object_lookup = state.lookup("")
    to_fetch = shared.begin_response(request)
    assert isinstance(to_fetch, ObjectToFetch)
    request.object_lookup = FetchedLookup("", {to_fetch.key: "find"})
    assert isinstance(to_fetch.respond_again(), PlannedResponse)
    assert state.counters_without_session.take_numbers(0) == before + 1


def _forget(*_: object) -> None: ...


VARYING = {
    "rules": [
        {"name": "calls", "match": {"tools": "*"}, "reply": {"tool_calls": "from_schema"}},
        {"name": "text", "match": {"user": "text"}, "per": "conversation", "reply": "You said {{ user }}."},
        {"name": "ended", "match": {"user": "end"}, "sequence": ["only"], "then": "error"},
        {"name": "steps", "sequence": ["one", "two"], "then": "cycle"},
    ],
    "modifiers": [
        {"name": "marked", "match": {"model": "own"}, "headers": {"x-ratelimit-limit-requests": "mine"}},
        {"name": "limit", "limit": {"strategy": "token-bucket", "requests": 100, "window": "1h"}},
    ],
}
TOOL = {
    "type": "function",
    "function": {"name": "find", "parameters": {"properties": {"name": {"type": "string"}}}},
}


STEPS = {"rules": [{"name": "steps", "sequence": ["one", "two"], "then": "cycle"}]}
DELAY = {"limit": {"strategy": "leaky-bucket", "requests": 60, "window": "1m", "queue": 500}}
SEQUENCES = {
    "no limit": STEPS,
    "delay": {**STEPS, "modifiers": [DELAY]},
    "prompt cache": {**STEPS, "modifiers": [{"cache": True}]},
}


@pytest.mark.parametrize("shared", SEQUENCES.values(), ids=SEQUENCES, indirect=True)
def test_cached_sequences_equal_those_decided_here(shared: Engine, request: pytest.FixtureRequest) -> None:
    """Also where a limit delays the response, and where a long prompt is looked up in the prompt cache."""
    scenario = request.node.callspec.params["shared"]
    here = VirtualServer(dumps(scenario).decode()).engine
    for number in range(12):
        for user in ("hi", "long " * 2_000):
            expected, response = here.respond(chat(here, user)), decided(shared, chat(shared, user))
            assert visible_parts(response) == visible_parts(expected), (number, user[:5])


@pytest.mark.parametrize("shared", [VARYING], indirect=True)
def test_cached_responses_equal_those_decided_here(shared: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sequence, a scope, a template, a generated tool call, limits that refuse at last, and unknown fields."""
    here, quick = VirtualServer(dumps(VARYING).decode()).engine, 0
    original = FastPath.respond_decided

    def counted(*arguments: Any) -> PlannedResponse | None:
        nonlocal quick
        response = original(*arguments)
        quick += response is not None
        return response

    monkeypatch.setattr(FastPath, "respond_decided", counted)
    kinds: list[dict[str, Any]] = [{}, {"model": "own"}, {"made_up": 1}, {"stream": True}, {"tools": [TOOL]}]
    for number in range(40):
        for user in ("hi", "text", "end"):
            more = kinds[number % len(kinds)]
            expected = here.respond(chat(here, user, **more))
            response = decided(shared, chat(shared, user, **more))
            assert visible_parts(response) == visible_parts(expected), (number, user)
            tokens = [token_of(each.seed_token, each.id_seed) for each in (response, expected)]
            # no response depends on the counts of modifiers
            assert tokens[0].partition(",m")[0] == tokens[1].partition(",m")[0], (number, user)
    assert quick > 30, "most are cached: each kind from its third response on"


def test_repeated_storage_reads_the_lookup_again(shared: Engine) -> None:
    assert isinstance(shared.state, SharedEngineState)
    repeats: list[RespondAgain | None] = []
    shared.state.store_elsewhere = lambda _session, _update, _read, repeat: repeats.append(repeat)
    request = shared.read("POST", "/v1/conversations", "", {}, b"{}", "", 0.0)
    first = shared.begin_response(request)
    assert isinstance(first, PlannedResponse)
    assert "body" in vars(request)
    repeat = repeats[0]
    assert repeat is not None
    request.raw = b'{"metadata": {"a": "b"}}'  # as another request would have changed what it reads
    again = repeat()
    assert isinstance(again, PlannedResponse)
    assert request.body == {"metadata": {"a": "b"}}
    assert len(repeats) == 2


def test_lookup_has_the_version_of_what_it_found() -> None:
    found = StoredObject("a", None, b"{}", b"{}", version=b"7")
    fetched = FetchedLookup("", {("stored", "a"): found, ("stored", "b"): None})
    lookup = WebSocketLookup(OrderedDict(), fetched)
    assert [lookup.version(name) for name in "abc"] == [b"7", b"", None]
    assert EMPTY_LOOKUP.version("a") is None
