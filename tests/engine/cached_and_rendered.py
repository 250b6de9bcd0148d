"""Plays requests with the response cache and without it, and compares."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS
from mockllm.dialects.route_table import ROUTES
from mockllm.engine import Engine, PlannedResponse
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.response_cache import ResponseCache
from mockllm.engine.settings import EngineSettings
from mockllm.state.engine_state import EngineState
from tests.language.virtual_server import NOW, ClientRequest, VirtualServer, raw_request


class Call(NamedTuple):
    """A generating call of a provider or vendor; `path` is None where the dialect's own examples have the path."""

    dialect: ReplyDialect
    path: str | None = None


def _calls() -> Iterator[tuple[str, Call]]:
    known = set()
    for call in GENERATING_CALLS:
        known.add(id(call.dialect))
        yield call.name, Call(call.dialect)
    for route in ROUTES:
        continues = "{conversation}" in route.path  # what is stored: test_mistral_conversation_cache.py
        if route.dialect.generates and not continues and id(route.dialect) not in known:
            known.add(id(route.dialect))
            path = f"/{route.provider}" * route.needs_prefix + next(route.paths()).replace(
                "{deployment}", "gpt-4o"
            )
            yield f"{route.provider}-{route.call.id}", Call(cast(ReplyDialect, route.dialect), path)


CALLS = dict(_calls())
"""Every generating call of every provider and vendor, by its provider and its id."""


class NoCache(ResponseCache):
    """Renders each response."""

    def render_and_cache(self, key, identity, request, render, *more):  # type: ignore[no-untyped-def]
        return render(identity, request, more[-1] if more else None)

    def find_or_render_stream(self, key, identity, request, render):  # type: ignore[no-untyped-def]
        return render(identity, request, None)


def ask_call(call: Call, user: str, turn: int, *, stream: bool, model: str | None = None) -> ClientRequest:
    """A request of this call, `turn` seconds after the first."""
    request = NeutralRequest(user=user, stream=stream, max_tokens=500, model=model)
    composed = call.dialect.build_request(request)
    path, _, query = composed.path.partition("?")
    more = {"query": query, "headers": composed.headers, "now": NOW + turn}
    return raw_request(call.path or path, dumps(composed.body), **more)


def server_with(scenario: str, settings: EngineSettings | None = None) -> VirtualServer:
    """A game whose engine has these settings."""
    game = VirtualServer(scenario)
    if settings is not None:
        game.engine = Engine(game.engine.catalog, EngineState(), settings)
    return game


def without_cache(scenario: str, settings: EngineSettings | None = None) -> VirtualServer:
    """A game whose engine caches neither responses nor rendered replies."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("mockllm.engine.planner.ResponseCache", NoCache)
        game = server_with(scenario, settings)
    game.engine._planner._static_replies = BoundedCache(0)
    return game


def visible_parts(planned: PlannedResponse) -> dict[str, object]:
    """All that a client and the journal see of a response."""
    plan: Plan = planned.plan
    return {
        "status": plan.head.status,
        "headers": plan.head.headers,
        "written": joined(plan),
        "framing": plan.framing,
        "delay": plan.delay,
        "calls": planned.tools_by_call_id,
        "told": (
            planned.responder_id,
            planned.modifiers,
            planned.notes,
            planned.unmatched,
            planned.error,
            planned.faults,
        ),
    }


def joined(plan: Plan) -> list[object]:
    """Waits and cuts, and all bytes between two of them as one."""
    items: list[object] = [b""]
    for item in framed(plan):
        if isinstance(item, bytes) and isinstance(items[-1], bytes):
            items[-1] += item
        else:
            items.append(item)
    return items


def compare(
    scenario: str, requested: Sequence[ClientRequest], settings: EngineSettings | None = None
) -> VirtualServer:
    """Assert that each response equals one that is rendered without the caches, also after a worker's journal has
    pickled it. Return the game with the caches."""
    cached, rendered = server_with(scenario, settings), without_cache(scenario, settings)
    for number, each in enumerate(requested):
        expected = visible_parts(rendered.respond(each).planned)
        planned = cached.respond(each).planned
        assert visible_parts(planned) == expected, f"request {number}"
        pickled: PlannedResponse = pickle.loads(pickle.dumps(replace(planned, slot=None)))
        assert visible_parts(pickled) == expected, f"request {number}"
    assert not rendered.engine._planner.response_cache.entries
    return cached
