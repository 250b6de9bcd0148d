"""The engine: reads a request, finds candidates, decides, and returns a planned response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from msgspec.structs import replace

from mockllm.core.budget import PlanningTooLong
from mockllm.core.failure import Failure
from mockllm.core.load.plan_queue import PlanQueueEntry
from mockllm.core.randomness import Ids
from mockllm.core.request.mcp_server import without_mcp_sessions
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import hash_of
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup, StorageUpdate, StoredObject
from mockllm.core.selection.decision import Decision, DecisionInputs
from mockllm.core.time_scale import ScenarioClock, reported_time_scale
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.router import NoRoute, RouteMatch
from mockllm.engine.assessment import RequestAssessment
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.candidates import CandidateFinder
from mockllm.engine.deferred_plans import DeferredPlan
from mockllm.engine.engine_info import EngineInfo, engine_info
from mockllm.engine.engine_request import EngineRequest, ReadAhead
from mockllm.engine.fast_path import FastPath
from mockllm.engine.fast_path_builder import build_fast_path
from mockllm.engine.override_headers import overrides_or_failure
from mockllm.engine.pending_responses import DeferredResponse, ResponseInputs, UndecidedResponse
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.planner import ResponsePlanner
from mockllm.engine.prompt_caching import PromptCaching
from mockllm.engine.repeated_requests import RepeatedRequest, RepeatedRequests
from mockllm.engine.request_reader import ReaderInputs, RequestReader
from mockllm.engine.response_builder import ResponseBuilder
from mockllm.engine.rule_header import NO_RULE, with_rule_header
from mockllm.engine.seed_token import decision_at, seed_token
from mockllm.engine.settings import DEFAULT_SETTINGS, EngineSettings
from mockllm.engine.storage_updates import TOO_LARGE, storage_updates
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.diagnostics import StaleSource
from mockllm.state.engine_state import EngineState
from mockllm.state.fetched_objects import MissingStoredObject, ObjectToFetch, RespondAgain, value_or_fetch

HASH_HEADER: Final = "x-mockllm-hash"
MAX_FAST_PATHS: Final = 10_000
"""The most fast paths that are cached."""


class Engine:
    """Responds to requests from one catalog. A reload makes a new engine with the same state."""

    def __init__(
        self,
        catalog: Catalog,
        state: EngineState,
        settings: EngineSettings = DEFAULT_SETTINGS,
        *,
        stale: Sequence[StaleSource] = (),
    ) -> None:
        """Make an engine. `stale`: the scenario files whose reload failed."""
        self.catalog = catalog
        self._stale = tuple(stale)
        self.state = state
        self.settings = settings
        self.seed = settings.seed
        self._clock = ScenarioClock(settings.time_scale)
        self._always_sends_hash = settings.hash_header
        self._sent_as_planned = settings.time_scale == 1.0 and not settings.hash_header
        """Whether responses without a session have no time scale and, by the settings, no `x-mockllm-hash`."""
        self._planner = ResponsePlanner(catalog, settings, PromptCaching(state))
        self._index = catalog.index
        self._repeated_requests = RepeatedRequests()
        self._reader_inputs = ReaderInputs(
            state,
            state.lookup(""),
            settings.volatile,
            partial(overrides_or_failure, catalog, settings.allow_overrides, self._planner.max_wait),
            # several workers without a store have no common objects, so MCP clients get no sessions
            catalog.mcp_servers if state.stores_objects else without_mcp_sessions(catalog.mcp_servers),
            catalog.root_provider,
            self._repeated_requests,
        )
        self._candidates = CandidateFinder(catalog, settings.seed)
        self._fast_paths: BoundedCache[FastPath | None] = BoundedCache(MAX_FAST_PATHS)
        """By match mask. None: no fast path is possible. No entry: not known, or the mask does not determine it."""

    def request_reader(
        self, method: str, path: str, query_string: str, headers: Mapping[str, str], *, over_tls: bool = False
    ) -> RequestReader:
        """Return the reader of requests with this head: `path` as on the wire, `headers` by lower-case names."""
        return RequestReader(method, path, query_string, headers, self._reader_inputs, over_tls)

    def read(
        self,
        method: str,
        path: str,
        query_string: str,
        headers: Mapping[str, str],
        raw: bytes,
        client_address: str,
        now: float,
        monotonic: float | None = None,
    ) -> EngineRequest:
        """Return a single request: see `request_reader`, and `RequestReader.read`."""
        reader = self.request_reader(method, path, query_string, headers)
        return reader.read(raw, client_address, now, monotonic)

    def respond(self, request: EngineRequest) -> PlannedResponse:
        """Decide and plan, and store what the dialect stores of the response. The state has to have all counts."""
        response = self.begin_response(request, deferrable=False)
        assert isinstance(response, PlannedResponse), "the counts are in this process"
        return response

    def begin_response(
        self, request: EngineRequest, *, deferrable: bool = True
    ) -> PlannedResponse | DeferredResponse | UndecidedResponse | ObjectToFetch:
        """Decide and plan, and store what the dialect stores of the response.
        A `deferrable` response is deferred where planning takes long, and while a load needs the ends of earlier
        responses, whose plans are missing. With a state that lacks counts it may be undecided. Return an
        ObjectToFetch where an object is missing here. Responding again after the fetch does not count again.
        """
        repeated = request.repeated
        try:
            if repeated is None or repeated.rule_index is not self._index or request.read_ahead is not None:
                return self._match_and_respond(request, repeated, deferrable)
            return self._respond_to_match(request, repeated.match_mask, repeated, deferrable)
        except MissingStoredObject as missing:
            again = partial(self.begin_response, request, deferrable=deferrable)
            return ObjectToFetch(missing.session, missing.key, again)

    def _match_and_respond(
        self, request: EngineRequest, repeated: RepeatedRequest | None, deferrable: bool
    ) -> PlannedResponse | DeferredResponse | UndecidedResponse | ObjectToFetch:
        """Respond to a request without a stored match mask of this engine, or that a thread has read ahead."""
        read_ahead, failure = request.read_ahead, request.override_or_failure
        if failure is not None and isinstance(failure, Failure):
            return self.refuse(failure, request)
        if read_ahead is not None and read_ahead.rule_index is self._index:
            response = self._decide_and_plan(request, read_ahead.mask, None, None, deferrable=deferrable)
            request.read_ahead = None  # it refers to the request: only a garbage collection would free both
            return response
        if repeated is not None and repeated.compute_from is not None:  # not computed yet
            self._repeated_requests.add(repeated, request, self._index, self._precompute)
            repeated = None  # what it has computed serves later requests
        route_mask = request.route_mask
        if route_mask.rule_index is not self._index:
            route_mask.rule_index, route_mask.mask = self._index, self._index.route_mask(request)
        mask = self._index.match_mask(request, route_mask.mask)
        return self._respond_to_match(request, mask, repeated, deferrable)

    def _respond_to_match(
        self, request: EngineRequest, mask: int, repeated: RepeatedRequest | None, deferrable: bool
    ) -> PlannedResponse | DeferredResponse | UndecidedResponse | ObjectToFetch:
        """Respond by the match mask of a request: the fast path does, if it can."""
        may_be_fast = request.override_or_failure is None
        fast_path = self._fast_paths.get(mask) if may_be_fast else None
        planned = None if fast_path is None else fast_path.respond(request, repeated)
        if planned is not None:
            may_store = planned.tool_calls or request.session is not None or request.response_is_stored
            if self._sent_as_planned and not may_store and request.computed_hash is None:
                return planned
            return value_or_fetch(partial(self._store_and_finish, planned, request))
        response = self._decide_and_plan(request, mask, fast_path, repeated, deferrable=deferrable)
        if may_be_fast and type(response) is not DeferredResponse and mask not in self._fast_paths:
            self._add_fast_path(mask, request)
        return response

    def _precompute(self, request: Request, repeated: RepeatedRequest) -> None:
        """Let the fast path of a repeated request compute what it needs of the head and the body."""
        fast_path = self._fast_paths.get(repeated.match_mask)
        if fast_path is not None:
            fast_path.precompute(request, repeated)

    def _decide_and_plan(
        self,
        request: EngineRequest,
        mask: int,
        fast_path: FastPath | None,
        repeated: RepeatedRequest | None,
        *,
        deferrable: bool,
    ) -> PlannedResponse | DeferredResponse | UndecidedResponse | ObjectToFetch:
        """Decide, and respond by the decision. Only a fast path with `only_after_decision` may respond by it."""
        inputs, assessment = self._decision_inputs(request, mask, repeated)
        notes = request.override.notes
        response_inputs = ResponseInputs(request, inputs, assessment, notes, fast_path, repeated, deferrable)
        if not self.state.can_decide(inputs):
            inputs.read_all_of_request()  # a missing object interrupts it here, before the store decides
            return UndecidedResponse(inputs, partial(self._respond_decided, response_inputs))
        return self._respond_or_defer(response_inputs, PlanQueueEntry())

    def _respond_or_defer(
        self, response_inputs: ResponseInputs, entry: PlanQueueEntry
    ) -> PlannedResponse | DeferredResponse | ObjectToFetch:
        """Decide and respond. Defer it while earlier responses of its loads lack plans. `entry` queues it."""
        inputs = response_inputs.decision_inputs
        if response_inputs.deferrable and self.state.waits_for_plans(inputs, entry):
            respond = partial(self._respond_or_defer, response_inputs, entry)
            return DeferredResponse(entry, work_in_thread=lambda: respond)  # it only waits for its turn there
        return self._respond_decided(response_inputs, self.state.decide(inputs))

    def _respond_decided(
        self, response_inputs: ResponseInputs, decision: Decision, *, storage_changed: bool = False
    ) -> PlannedResponse | DeferredResponse | ObjectToFetch:
        """Respond by a decision, which has counted the request. `storage_changed`: what the request has read of the
        store was changed meanwhile, so it reads again."""
        if storage_changed:
            response_inputs.request.forget_read_values()
        try:
            return value_or_fetch(partial(self._fast_or_planned_response, response_inputs, decision))
        except Exception:
            if decision.slot is not None:
                decision.slot.release()
            raise

    def _fast_or_planned_response(
        self, response_inputs: ResponseInputs, decision: Decision
    ) -> PlannedResponse | DeferredResponse:
        """Respond by the fast path or a plan. May raise MissingStoredObject."""
        request, fast_path = response_inputs.request, response_inputs.fast_path
        respond_again = None
        if not request.generates:  # after a conflict, it responds again by what is stored at that time
            respond_again = partial(self._respond_decided, response_inputs, decision, storage_changed=True)
        if fast_path is not None and fast_path.only_after_decision:
            cached = fast_path.respond_decided(
                request, response_inputs.repeated, response_inputs.decision_inputs, decision
            )
            if cached is not None:
                return self._store_and_finish(cached, request, respond_again)
        builder = self._builder_of(
            request, response_inputs.decision_inputs, response_inputs.assessment, decision
        )
        planned = self._plan_with_slot(builder, response_inputs.notes, deferrable=response_inputs.deferrable)
        if isinstance(planned, DeferredResponse):
            return planned
        return self._store_and_finish(planned, request, respond_again)

    def _plan_with_slot(
        self, builder: ResponseBuilder, notes: Sequence[str], *, deferrable: bool
    ) -> PlannedResponse | DeferredResponse:
        """Plan the response. If it has a slot on limits and loads, the slot gets its expected end."""
        builder.deferrable, builder.is_preview = deferrable, False
        slot = builder.decision.slot
        try:
            planned = self._plan_response(builder, notes)
            if slot is not None:
                slot.expect_end(builder.inputs.scenario_time + planned.longest_duration)
        except PlanningTooLong:
            builder.deferrable = False
            deferred = DeferredPlan(
                builder, lambda: self._plan_response(builder, notes), self._store_and_finish
            )
            return deferred.response()
        return planned

    def _plan_response(self, builder: ResponseBuilder, notes: Sequence[str]) -> PlannedResponse:
        decision, admission = builder.decision, builder.decision.admission
        token = seed_token(builder.seed, builder.inputs, decision)
        planned = builder.build()
        return replace(
            planned,
            notes=(*planned.notes, *notes),
            seed_token=token,
            slot=decision.slot,
            continuous_batch_times=None if admission is None else admission.continuous_batch_times,
        )

    def _store_and_finish(
        self, planned: PlannedResponse, request: EngineRequest, respond_again: RespondAgain | None = None
    ) -> PlannedResponse:
        """Store what the dialect stores of a planned response. Return that response with its time scale and with the
        webhooks and the batch job of what was stored. Add the header with the request's hash if a `match` has read
        that, or every response has it. If another request has changed what this one has read, `respond_again` makes a
        new response. Without it, the plan stays, and only the storage updates are made again."""
        updates = storage_updates(planned, request)
        if updates and respond_again is None:
            respond_again = partial(value_or_fetch, partial(self._store_and_finish, planned, request))
        if planned.updates_computed_in_thread is not None:  # `updates` has them; the journal needs none
            planned = replace(planned, updates_computed_in_thread=None)
        scale = self.time_scale(request.session)
        if scale != 1.0:
            webhooks = tuple(webhook.scaled(scale, request.monotonic) for webhook in planned.webhooks)
            planned = replace(planned, time_scale=scale, webhooks=webhooks)
        for update in updates:
            update = update if scale == 1.0 else update.scaled(scale, request.monotonic)
            arguments = request.session or "", update, request.object_lookup, respond_again
            # `is_optional`: the response stays correct without the update
            if not (self.state.apply_storage_update(*arguments) or update.is_optional):
                return replace(self.refuse(TOO_LARGE, request), slot=planned.slot)
            if update.webhooks:
                planned = replace(planned, webhooks=planned.webhooks + update.webhooks)
            if update.batch_job is not None:
                planned = replace(planned, batch_job=update.batch_job)
        hash = hash_of(request) if self._always_sends_hash else request.computed_hash
        if hash is None:
            return planned
        head = planned.plan.head.with_per_response_headers(((HASH_HEADER, hash),))
        return planned.with_plan(replace(planned.plan, head=head))

    def stored(self, session: str, id: str) -> StoredObject | ObjectToFetch | None:
        """Return what is stored under an id, in this process or elsewhere."""
        return value_or_fetch(partial(self.state.lookup(session).stored, id))

    def apply_storage_update(
        self, session: str, update: StorageUpdate, read_lookup: ObjectLookup = EMPTY_LOOKUP
    ) -> bool:
        """Store what changes without a request. `read_lookup` is what was read to make the update."""
        return self.state.apply_storage_update(session, update, read_lookup)

    def time_scale(self, session: str | None) -> float:
        """Return the factor on all times of scenarios for the requests of a session."""
        return self._clock_of(session).scale

    def change_time_scale(self, session: str, scale: float | None, monotonic: float, now: float) -> None:
        """Set the time scale of a session; None: the server's."""
        self.state.change_time_scale(session, scale, self._clock, monotonic, now)

    def _clock_of(self, session: str | None) -> ScenarioClock:
        return self._clock if session is None else self.state.clock(session) or self._clock

    def read_ahead(self, request: EngineRequest) -> None:
        """Read in a thread what a decision needs of a long request or history. Only the request and caches change."""
        with suppress(MissingStoredObject):  # `begin_response` reads it again
            mask = self._index.match_mask(request)
            inputs, assessment = self._decision_inputs(request, mask)
            inputs.read_all_of_request()
            _ = request.input_tokens  # planning reads them, also where the response is cached
            request.read_ahead = ReadAhead(self._index, mask, inputs, assessment)

    def preview(self, request: EngineRequest) -> ResponseBuilder:
        """Return the builder of the present decision on a request. Nothing is counted."""
        inputs, assessment = self._decision_inputs(request, self._index.match_mask(request))
        decision = self.state.decide(inputs, count=False)
        return self._builder_of(request, inputs, assessment, decision)

    def has_rule(self, request: EngineRequest) -> bool:
        """Return whether a rule matches, even one that a guard blocks. Nothing is counted."""
        return bool(self._decision_inputs(request, self._index.match_mask(request))[0].rules)

    def serves(self, request: EngineRequest) -> bool:
        """Return whether a provider has the path, or would have it with its prefix before it (`lacks_prefix`). True,
        too, where a rule matches, even one that a guard blocks."""
        routing = request.routing
        if not isinstance(routing, NoRoute) or routing.lacks_prefix:
            return True
        return bool(value_or_fetch(partial(self.has_rule, request)))  # an object to fetch is true

    def refuse(self, failure: Failure, request: EngineRequest) -> PlannedResponse:
        """Return the server's own error response to a request. No rule is evaluated, nothing is counted."""
        request.object_lookup = EMPTY_LOOKUP  # what the store lacks is not fetched for an error
        identity = ResponseIdentity(Ids(self.seed, "refused", 0), request.now)
        plan = request.routing.dialect.error(failure, request, identity)
        plan = with_rule_header(plan, NO_RULE)
        return PlannedResponse(plan, None, notes=(failure.short_message,), error=failure.type)

    def info(self) -> EngineInfo:
        """Return what is loaded."""
        return engine_info(self.catalog, self._stale)

    def _decision_inputs(
        self, request: EngineRequest, mask: int, repeated: RepeatedRequest | None = None
    ) -> tuple[DecisionInputs, RequestAssessment]:
        """Return what the decision on a request depends on, with its own overrides, and its assessment. `repeated`:
        what is known of the request."""
        read_ahead, clock = request.read_ahead, self._clock_of(request.session)
        if read_ahead is not None and read_ahead.rule_index is self._index:
            scenario_time = clock.time(request.monotonic)
            inputs = replace(read_ahead.inputs, scenario_time=scenario_time, time_scale=clock.scale)
            return inputs, read_ahead.assessment
        dialect = request.routing.dialect if isinstance(request.routing, RouteMatch) else None
        is_valid = repeated is not None and repeated.passes_validation
        assessment = RequestAssessment(dialect, request, self.catalog.models, passes_validation=is_valid)
        inputs = self._candidates.decision_inputs_of(request, mask, assessment, request.override, clock)
        return inputs, assessment

    def _builder_of(
        self,
        request: EngineRequest,
        inputs: DecisionInputs,
        assessment: RequestAssessment,
        decision: Decision,
    ) -> ResponseBuilder:
        if request.override.position is not None:
            decision = decision_at(decision, inputs, request.override.position)
        scale = self.time_scale(request.session)
        reported = scale if scale == 1.0 else reported_time_scale(request.headers, scale)
        return ResponseBuilder(self._planner, request, inputs, decision, assessment, reported)

    def _add_fast_path(self, mask: int, request: EngineRequest) -> None:
        """Cache the fast path for the next requests with this match mask, where one is possible."""
        candidates = self._candidates.candidates_of_mask(mask, request)
        if candidates is not None:
            unscaled = self._clock.scale == 1.0
            path = build_fast_path(*candidates, self._planner, self.state, self.seed, unscaled_time=unscaled)
            self._fast_paths.put(mask, path)
