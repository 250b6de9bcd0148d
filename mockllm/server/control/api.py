"""The control API: finds the route of a call, checks access and values, and runs the route's handler.

Modules that need the models are imported in functions: the start of the server does not wait for them.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from mockllm.core.display import brief
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.server.app import App
from mockllm.server.control.access import SAFE, Access, is_local
from mockllm.server.control.api_types import JSON, PROBLEM, ApiCall, TextResponse
from mockllm.server.control.body_text import model_json, visible
from mockllm.server.control.context import ControlContext
from mockllm.server.control.lazy_routes import LazyRoutes
from mockllm.server.control.problem import FieldProblem, Problem, method_problem, validation_problem
from mockllm.server.journal.journal import ENTRIES_AT_ONCE
from mockllm.server.protocols import EngineProtocol
from mockllm.server.reload import NotChanged
from mockllm.server.request_target import LIVE_FEED_PATH
from mockllm.server.server_limits import ServerLimits

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from mockllm.server.control.costs import CostCounters
    from mockllm.server.control.live_feed import LiveFeed


class ControlApi(LazyRoutes):
    """Responds to the calls of the control API on one context."""

    def __init__(self, context: ControlContext, access: Access | None = None) -> None:
        self.context = context
        self._access = access or Access()
        self.feed: LiveFeed | None = None
        super().__init__()

    async def respond(
        self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client_address: str
    ) -> Plan:
        """Return the response to a call; an unexpected exception becomes a 500."""
        try:
            if path.split("/", 2)[1] == "dashboard":
                from mockllm.server.control import dashboard

                providers = self.context.provider_address
                return dashboard.respond(
                    self._access, method, path, query, headers, raw, client_address, providers
                )
            try:
                self._access.check(method, headers, client_address)
            except Problem:
                if path != "/metrics" or method not in SAFE:
                    raise
                return self._open_metrics(headers.get("accept", ""))
            return success_plan(await self._run(method, path, query, raw, headers, client_address))
        except Problem as problem:
            return problem_plan(problem)
        except NotChanged as reason:
            return problem_plan(Problem(503, f"The rules were not changed: {reason}."))
        except Exception:
            return _internal_error()

    async def follow(
        self, request: BaseRequest, headers: Mapping[str, str], client_address: str
    ) -> Plan | None:
        """Send the live feed to a client until it disconnects. Return a plan where the call is refused."""
        try:
            self._access.check("CONNECT", headers, client_address)  # GET skips the origin check
            await self.live_feed.follow(request)
            return None
        except Problem as problem:
            return problem_plan(problem)
        except Exception:
            return _internal_error()

    def refused_follower(self, headers: Mapping[str, str], client_address: str) -> Plan | None:
        """Return the response to a client that may not follow the live feed; None if it may."""
        try:
            self._access.check("CONNECT", headers, client_address)
            return None
        except Problem as problem:
            return problem_plan(problem)

    @property
    def live_feed(self) -> LiveFeed:
        """The live feed; it is made at the first use."""
        from mockllm.server.control.live_feed import LiveFeed

        if self.feed is None:
            self.feed = LiveFeed(self.context)
        return self.feed

    def close(self) -> None:
        """Close the connections of all followers, because the server stops."""
        if self.feed is not None:
            self.feed.close()

    def refuse(self, failure: Failure) -> Plan:
        """Return the response to a call that the server refused: too large, too slow or too deep."""
        return problem_plan(Problem(failure.status or 400, failure.message or "The call is refused."))

    def _open_metrics(self, accept: str) -> Plan:
        """Return the metrics that any client may read: those of the provider whose paths need no prefix. Raises the
        Problem that is being handled where there are none."""
        from mockllm.server.control.prometheus import metrics_page
        from mockllm.server.control.serving_page import serving_form

        if serving_form(self.context) is None:
            raise
        return success_plan(TextResponse(*metrics_page(self.context, accept, None)))

    async def _counted_costs(self) -> CostCounters:
        """Return the costs so far; the counters are made at the first scrape."""
        from mockllm.server.control.costs import CostCounters

        context = self.context
        if context.costs is None:
            context.costs = CostCounters()
        await context.costs.count(context.journal, context.engine, context.prices)
        return context.costs

    async def _run(
        self, method: str, path: str, query: str, raw: bytes, headers: Mapping[str, str], client_address: str
    ) -> object:
        if path == "/metrics":
            if method not in ("GET", "HEAD"):
                raise method_problem(method, path, ["GET"])
            from mockllm.server.control.prometheus import metrics_page

            await self.context.collect()
            return TextResponse(
                *metrics_page(self.context, headers.get("accept", ""), await self._counted_costs())
            )
        if path == LIVE_FEED_PATH:
            raise Problem(426, "This path is a WebSocket, the live feed: send a request with an upgrade.")
        from mockllm.server.control.models.base import NoParameters
        from mockllm.server.control.routes import find

        route, params = find(method, path)
        options = _validated(route.query or NoParameters, _parameters(query))
        body = None
        if route.body_model is not None:
            try:
                body = _validated(route.body_model, _json(raw))
            except Problem as problem:
                if route.further_problems is not None:
                    problem.body.errors += await asyncio.to_thread(route.further_problems, self.context, raw)
                raise
        elif route.raw is None and route.method != "GET":
            _validated(NoParameters, _json(raw))
        await self._make_entries()
        call = ApiCall(params, options, body, raw, is_local(headers, client_address), headers)
        before = self.context.count_changes
        result = await route.handler(self.context, call)
        if route.method != "GET":
            await self.context.conclude(before)
        return result

    async def _make_entries(self) -> None:
        """Make the journal's entries in batches; under load, more entries than these may arrive meanwhile."""
        await self.context.collect()
        journal = self.context.journal
        for _ in range(journal.max_entries // ENTRIES_AT_ONCE + 1):
            if not journal.make_entries(ENTRIES_AT_ONCE):
                break
            await asyncio.sleep(0)


class AdminPortApp(App):
    """An app with only the control API and `/health`."""

    def __init__(self, control: ControlApi, *, limits: ServerLimits | None = None) -> None:
        self._context = control.context
        super().__init__(control.context.engine, limits=limits, allow_cors=False)
        self.control = control
        self.control_only = True

    @property
    def engine(self) -> EngineProtocol:
        """The current engine of the controlled app."""
        return self._context.engine

    @engine.setter
    def engine(self, engine: EngineProtocol) -> None:
        """Ignore what the constructor of `App` sets: this app always has the engine of the controlled one."""


def _internal_error() -> Plan:
    traceback.print_exc(file=sys.stderr)
    return problem_plan(Problem(500, "mockllm itself has failed; its log has the traceback."))


def _json(raw: bytes) -> Json:
    """Parse a body; an empty body is an empty object."""
    if not raw.strip():
        return {}
    try:
        data: Json = loads(raw)
    except JSONDecodeError as error:
        raise Problem(400, f"The body is not JSON: {error.msg} (line {error.lineno}).") from None
    return data


def _validated(model: type[BaseModel], data: Json) -> BaseModel:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise validation_problem(error, model) from None


def _parameters(query: str) -> dict[str, Json]:
    """Parse a query string in which no parameter may occur twice."""
    values: dict[str, Json] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in values:
            raise Problem(
                422, f"{brief(name)} occurs twice.", [FieldProblem(field=name, message="occurs twice")]
            )
        values[name] = value
    return values


def success_plan(result: BaseModel | TextResponse | Json) -> Plan:
    """Return the response for a handler's result."""
    if isinstance(result, TextResponse):
        return plan(200, result.data, result.content_type, *result.headers)
    assert isinstance(result, BaseModel)
    return plan(200, model_json(result), JSON)


def problem_plan(problem: Problem) -> Plan:
    """Return the response to a refused call."""
    data = visible(problem.body.model_dump_json(exclude_none=True).encode()) + b"\n"
    headers = (("WWW-Authenticate", "Bearer"),) if problem.status == 401 else ()
    if problem.allowed:
        headers = (("Allow", ", ".join(problem.allowed)),)
    if problem.status == 426:  # of the live feed
        headers = (("Sec-WebSocket-Version", "13"),)
    if problem.retry_after is not None:
        headers = (("Retry-After", str(problem.retry_after)),)
    return plan(problem.status, data, PROBLEM, *headers)


def plan(status: int, data: bytes, content_type: str, *headers: tuple[str, str]) -> Plan:
    """Return a non-streaming response that no cache may store and no page of another origin may load."""
    fields = (
        ("Content-Type", content_type),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        *headers,
    )
    return Plan(ResponseHead(status, fields), (EventStep(data, 0, "body"),))
