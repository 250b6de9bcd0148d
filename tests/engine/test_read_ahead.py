"""Long requests that a thread reads before the decision: deferred, and the same bytes."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping
from typing import Any

import pytest

from mockllm.core.json.codec import dumps, loads
from mockllm.core.rendering.framing import framed
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.engine import DeferredResponse, Engine, PlannedResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.state.fetched_objects import MissingStoredObject
from tests.language.virtual_server import VirtualServer

RULES = """
rules:
  - {match: {user: hello}, reply: "{{ user }} {{ turn }}"}
  - {match: {user: cached}, reply: cached}
"""


def engine(rules: str = RULES) -> Engine:
    return VirtualServer(rules).engine


def chat(engine: Engine, text: str, headers: Mapping[str, str] | None = None, **more: Any) -> EngineRequest:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return engine.read("POST", "/v1/chat/completions", "", headers or {}, dumps(body), "", 0.0)


def body(response: object) -> bytes:
    if isinstance(response, DeferredResponse):
        response = response.work_in_thread()()
    assert isinstance(response, PlannedResponse)
    return b"".join(item for item in framed(response.plan) if isinstance(item, bytes))


@pytest.mark.parametrize(
    ("text", "more"), [("hello", {}), ("cached", {}), ("other", {}), ("hello", {"n": "x"})], ids=str
)
@pytest.mark.parametrize("headers", [{}, {"x-mockllm-seed": "7"}], ids=["plain", "seed"])
def test_read_request_has_the_same_response(text: str, more: dict[str, Any], headers: dict[str, str]) -> None:
    at_once, later = engine(), engine()
    for _ in range(3):
        expected = at_once.respond(chat(at_once, text, headers, **more))
        request = chat(later, text, headers, **more)
        later.read_ahead(request)
        response = later.begin_response(request)
        assert body(response) == body(expected)


def test_long_call_that_stores_is_planned_at_once() -> None:
    """It reads and writes what is stored without another request between the two."""
    here = engine()
    created = here.read("POST", "/v1/conversations", "", {}, b"{}", "", 0.0)
    id = loads(body(here.respond(created)))["id"]
    items = {"items": [{"role": "user", "content": "long " * 50_000}]}
    long = here.read("POST", f"/v1/conversations/{id}/items", "", {}, dumps(items), "", 0.0)
    assert isinstance(here.begin_response(long), PlannedResponse)


def test_decision_has_the_time_after_the_reading() -> None:
    here = engine()
    request = chat(here, "hello")
    here.read_ahead(request)
    request.monotonic = 7.0
    assert here.preview(request).inputs.scenario_time == 7.0


@pytest.mark.parametrize("text", ["hello", "cached", "other"])
def test_read_request_is_freed_after_its_response(text: str) -> None:
    """Long requests that wait for a garbage collection take gigabytes."""
    here = engine()
    request = chat(here, text)
    here.read_ahead(request)
    gc.disable()
    try:
        left = weakref.ref(request)
        body(here.begin_response(request))
        del request
        assert left() is None
    finally:
        gc.enable()


def test_read_request_of_another_engine_is_read_again() -> None:
    old, new = engine(), engine("rules: [{reply: new}]")
    request = chat(old, "hello")
    old.read_ahead(request)
    assert b"new" in body(new.begin_response(request))


class _Elsewhere(ObjectLookup):
    """Another process has all objects."""

    def stored(self, name: str) -> StoredObject | None:
        raise MissingStoredObject("", ("stored", name))


def test_read_request_that_lacks_an_object_is_read_later() -> None:
    one = engine()
    sent = dumps({"model": "gpt-4o", "input": "hello", "previous_response_id": "resp_1"})
    request = one.read("POST", "/v1/responses", "", {}, sent, "", 0.0)
    lookup, request.object_lookup = request.object_lookup, _Elsewhere()
    one.read_ahead(request)
    request.object_lookup = lookup
    assert isinstance(one.begin_response(request), PlannedResponse)


def test_history_in_another_process_is_not_read_in_a_thread() -> None:
    sent = dumps({"model": "gpt-4o", "input": "hello", "previous_response_id": "resp_1"})
    request = engine().read("POST", "/v1/responses", "", {}, sent, "", 0.0)
    request.object_lookup = _Elsewhere()
    assert not request.has_unread_history
