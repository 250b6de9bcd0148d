"""The way of a request through the rules: read, find, settle, plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from mockllm.core.budget import DEFAULT_VALUES
from mockllm.core.failure import Failure
from mockllm.core.randomness import Ids
from mockllm.core.rendering.framing import lasting
from mockllm.core.request.request import VOLATILE, Request
from mockllm.core.request.request_hash import known_hash, looked_up
from mockllm.core.request.stored_responses import StoreUpdate
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.dialects.routes import BASE_URLS, RouteMatch, calls_by_provider
from mockllm.engine import overrides, seed_token
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.candidates import CandidateFinder, RequestValidation
from mockllm.engine.catalog_runtime import CatalogRuntime
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.engine_info import EngineInfo
from mockllm.engine.fast_path import FastPath, build_fast_path
from mockllm.engine.overrides import BadOverride, Override
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.request_context import EngineContext, engine_context
from mockllm.engine.request_reader import RequestReader
from mockllm.engine.responder import NOBODY, Responder, named, reason
from mockllm.scenario.catalog import Catalog, CompiledResponse
from mockllm.scenario.diagnostics import StaleSource
from mockllm.state import SessionView, State

LONGEST = 60.0
"""Seconds that a request may make the server wait, by a template in a duration (`--max-delay`)."""
HASH = "x-mockllm-hash"
LANES = 10_000
"""How many short ways are remembered."""


class Engine:
    """Answers from one catalog. A reload makes a new engine on the same state."""

    def __init__(
        self,
        catalog: Catalog,
        state: State,
        *,
        seed: int = 0,
        longest: float = LONGEST,
        max_generated: int = DEFAULT_VALUES,
        stale: Sequence[StaleSource] = (),
        overrides: bool = False,
        volatile: frozenset[str] = VOLATILE,
        hashed: bool = False,
    ) -> None:
        """`longest`: seconds that a request may make the server wait; `max_generated`: how many values
        `from_schema` generates for one schema; `overrides`: whether its headers may ask for a fault, a delay or a
        rule; `volatile`: the fields of a body that are no part of its hash; `hashed`: whether every answer tells
        its request's hash, not only one that was found by it."""
        self.catalog = catalog
        self._stale = tuple(stale)
        self.state = state
        self.seed = seed
        self.overrides = overrides
        self._volatile = volatile
        self._hashed = hashed
        self.workshop = CatalogRuntime(catalog, longest, max_generated)
        self._keep = self.workshop.keep
        self._index = catalog.index
        self._shared = state.recall("")
        """What is remembered of the session that all requests without one share."""
        self._claims = CandidateFinder(catalog, seed)
        self._lanes: BoundedCache[FastPath | None] = BoundedCache(LANES)
        """The short ways by hits; None where there is none."""

    def request_reader(
        self, method: str, path: str, query_string: str, headers: Mapping[str, str]
    ) -> RequestReader:
        """What reads the requests that have this head. `path` is as on the wire; `headers` are looked up
        without regard to case."""
        return RequestReader(
            method,
            path,
            query_string,
            headers,
            state=self.state,
            shared=self._shared,
            volatile=self._volatile,
            override=self._override,
        )

    def read(
        self,
        method: str,
        path: str,
        query_string: str,
        headers: Mapping[str, str],
        raw: bytes,
        client: str,
        now: float,
    ) -> Request:
        """A single request: see `heading`, and `Heading.read`."""
        return self.request_reader(method, path, query_string, headers).read(raw, client, now)

    def _override(self, headers: Mapping[str, str], session: SessionView | None) -> Override | Failure:
        """What a request's headers want otherwise; a failure where that cannot be."""
        try:
            asked = overrides.read(
                headers, self.catalog, allowed=self.overrides, longest=self.workshop.longest
            )
        except BadOverride as wrong:
            return Failure("bad_request", 400, str(wrong))
        return asked if asked.seed is not None or session is None else asked._replace(seed=session.seed)

    def respond(self, request: Request) -> PlannedResponse:
        """Find, settle, plan; and remember what the dialect says of it. Never raises on any request."""
        context = request.context
        assert type(context) is EngineContext, "the request was read by an engine"
        if context.override is not None:
            return self._overridden(request, context.override)
        hits = self._index.match_mask(request)
        lane = self._lanes.get(hits)
        answer = None if lane is None else lane.answer(request, context.routing.dialect, self._keep)
        if answer is None:
            answer = self._settled(request, hits)
            if hits not in self._lanes:
                self._open_lane(hits)
        if answer.calls or request.memorable:
            self._remember(request, answer)
        return self._told(answer, request)

    def _told(self, answer: PlannedResponse, request: Request) -> PlannedResponse:
        """The answer with the request's hash, where that was looked up or is to be told."""
        hash = looked_up(request) if self._hashed else known_hash(request)
        if hash is None:
            return answer
        plan = answer.plan
        return answer.with_plan(replace(plan, head=plan.head.with_unique_headers(((HASH, hash),))))

    def _overridden(self, request: Request, override: Override | Failure) -> PlannedResponse:
        """The answer to a request that wants something otherwise."""
        if isinstance(override, Failure):
            return self.refuse(override, request)
        answer = self._settled(request, self._index.match_mask(request))
        if answer.calls or request.memorable:
            self._remember(request, answer)
        return self._told(answer._replace(notes=(*answer.notes, *override.notes)), request)

    def _settled(self, request: Request, hits: int) -> PlannedResponse:
        """The long way. What takes a place in limits and loads says when it will have ended."""
        exchange = self._exchange(request, hits, count=True)
        lease = exchange.settled.lease
        drawn = seed_token.told(exchange.seed, exchange.claim, exchange.settled)
        if lease is None:
            return exchange.answer()._replace(drawn=drawn)
        try:
            answer = exchange.answer()
            lease.expect_end(request.now + lasting(answer.plan))
        except BaseException:
            lease.end()
            raise
        return answer._replace(lease=lease, drawn=drawn)

    def _remember(self, request: Request, answer: PlannedResponse) -> None:
        if answer.calls:
            self.state.remember(request.session or "", StoreUpdate(calls=answer.issued))
        if not request.memorable:
            return
        routing = engine_context(request).routing
        memo = getattr(routing.dialect, "store_update", None)
        if memo is not None and isinstance(routing, RouteMatch):
            remembered = memo(answer.plan, request)
            if remembered is not None:
                self.state.remember(request.session or "", remembered)

    def peek(self, request: Request) -> Responder:
        """The exchange as it would be answered now; nothing is counted."""
        return self._exchange(request, self._index.match_mask(request), count=False)

    def refuse(self, failure: Failure, request: Request) -> PlannedResponse:
        """The server itself turns the request away: no rule is asked, nothing is counted."""
        stamp = ResponseIdentity(Ids(self.seed, "refused", 0), request.now)
        dialect: Dialect = engine_context(request).routing.dialect
        plan = named(dialect.error(failure, request, stamp), NOBODY)
        return PlannedResponse(plan, None, notes=(reason(failure),), error=failure.type)

    def info(self) -> EngineInfo:
        """What is loaded."""
        catalog = self.catalog
        named = dict.fromkeys(path for item in catalog.items for path in item.paths)
        rules = Counter(item.where.rpartition(":")[0] for item in catalog.items[: catalog.rules])
        facts = (catalog.rules, catalog.files, tuple(named), BASE_URLS, self._stale)
        return EngineInfo(*facts, calls_by_provider(), tuple(rules.items()))

    def _exchange(self, request: Request, hits: int, *, count: bool) -> Responder:
        context = engine_context(request)
        outcome, override = context.routing, context.override
        verdicts = RequestValidation(
            outcome.dialect if isinstance(outcome, RouteMatch) else None, request, self.catalog.models
        )
        made = self._claims.match(request, hits, verdicts)
        if type(override) is Override:
            if override.seed is not None:
                made = replace(made, seed=override.seed)
            if override.rule is not None:
                made = replace(made, rules=[self._claims.candidate(override.rule, request)])
        settled = self.state.decide(made) if count else self.state.preview(made)
        if type(override) is Override and override.place is not None:
            settled = seed_token.put(settled, made, override.place)
        return Responder(self.workshop, request, outcome, made, settled, verdicts)

    def _open_lane(self, hits: int) -> None:
        """The short way for the next requests with these hits, where there is one."""
        known = self._claims.known(hits)
        if known is None:
            return
        rules, modifiers = known

        def way(saying: CompiledResponse) -> EffectiveSettings:
            return self.workshop.effective_settings(
                rules[0].item, saying, 0, [each.item for each in modifiers]
            )

        self._lanes.put(
            hits, build_fast_path(self.catalog.items, rules, modifiers, way, self.state, self.seed)
        )
