"""Plans a response that is deferred: in another thread, then in the event loop, which changes the state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import NamedTuple, NoReturn

from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.pending_responses import DeferredResponse
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.response_builder import ResponseBuilder
from mockllm.engine.storage_updates import with_decoded_updates
from mockllm.state.fetched_objects import ObjectToFetch, value_or_fetch


class DeferredPlan(NamedTuple):
    """What plans a deferred response, and what stores and finishes it."""

    builder: ResponseBuilder
    plan: Callable[[], PlannedResponse]
    store_and_finish: Callable[[PlannedResponse, EngineRequest], PlannedResponse]

    def response(self) -> DeferredResponse:
        return DeferredResponse(self.builder.decision.slot, self.work_in_thread)

    def work_in_thread(self) -> Callable[[], PlannedResponse | ObjectToFetch]:
        """Plan in another thread, which changes only caches, also the prompt caches of the state, which have a lock.
        Return what the event loop calls then. Where planning fails, this frees the slot, and raises the error."""
        request = self.builder.request
        try:
            planned = value_or_fetch(lambda: with_decoded_updates(self.plan(), request))
        except Exception as error:
            return partial(self._fail, error)
        if isinstance(planned, ObjectToFetch):
            to_fetch = ObjectToFetch(planned.session, planned.key, self.response)
            return lambda: to_fetch
        end = inf if planned.slot is None else self.builder.inputs.scenario_time + planned.longest_duration

        def complete() -> PlannedResponse:
            if planned.slot is not None:
                planned.slot.expect_end(end)
            return self.store_and_finish(planned, request)

        return partial(value_or_fetch, complete)

    def _fail(self, error: Exception) -> NoReturn:
        if self.builder.decision.slot is not None:
            self.builder.decision.slot.release()
        raise error
