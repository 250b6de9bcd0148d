"""The trace of a request, also of one that the server responds to by itself: a page, a preflight, the control API."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from mockllm.core.rendering.plan import Delivery, Plan
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.response_builder import ResponseBuilder
from mockllm.engine.session_id import path_without_session
from mockllm.scenario.control_paths import has_control_call
from mockllm.testing.expectations import Outcome
from mockllm.testing.match_trace import MatchTrace, match_trace

CONTROL_API: Final = "mockllm:control"
"""What responds to the calls of the control API."""


class ServerParts(NamedTuple):
    """What a server has besides rules, by its options: a control API on its port, without --admin-port, and responses
    to preflights, without --no-cors."""

    control_api: bool = True
    preflights: bool = True


def trace_of(
    engine: Engine,
    request: EngineRequest,
    path: str,
    parts: ServerParts,
    builder: ResponseBuilder | None = None,
) -> MatchTrace:
    """Return the trace of a request to a server with these parts. `path` is the one that its client sends, with
    session and provider. `builder`: that of its preview, if there is one."""
    trace = match_trace(engine, request, builder)
    own = _own_response(engine, request, path, parts)
    if own is None:
        return trace
    unmatched = replace(trace.decision, outcome="no_rule", selected_rule=None, selected_modifiers=())
    outcome = Outcome(request, own)
    return replace(
        trace,
        outcome=outcome,
        decision=unmatched,
        tried=(),
        unshown=0,
        applied=(),
        blocked_modifiers=(),
        step=None,
    )


def _own_response(
    engine: Engine, request: EngineRequest, path: str, parts: ServerParts
) -> PlannedResponse | None:
    """Return the response of the server itself; None where rules respond."""
    from mockllm.server.builtin_pages import (  # imports the server
        health,
        home,
        is_preflight,
        preflight,
        refusal_below_health,
        text_page,
    )
    from mockllm.server.request_target import is_control_path

    of_control_api = is_control_path(path) and (_is_control_call(path) or not engine.serves(request))
    if parts.control_api and of_control_api:
        plan = Plan(text_page(200, "").head, (), delivery=Delivery(sends_nothing=True))
        return PlannedResponse(plan, CONTROL_API)
    about, page, reads = engine.info(), path_without_session(path), request.method in ("GET", "HEAD")
    if reads and page == "/health":
        return PlannedResponse(health(about, uptime=0), "mockllm:health")
    if reads and page == "/":
        return PlannedResponse(home(about, ""), "mockllm:home")
    refusal = refusal_below_health(about, request.method, page)
    if refusal is not None:
        return PlannedResponse(refusal, "mockllm:health")
    if parts.preflights and request.method == "OPTIONS" and is_preflight(request.headers):
        return PlannedResponse(preflight(request.headers), "mockllm:preflight")
    return None


def _is_control_call(path: str) -> bool:
    """Return whether the control API has a call at one of its paths, so that no rule gets it."""
    return not path.startswith("/api") or has_control_call(path)
