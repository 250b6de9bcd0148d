"""What the engine returns where it cannot make a response at once; see also `ObjectToFetch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from mockllm.core.selection.decision import Decision, DecisionInputs, InFlightSlot
from mockllm.engine.assessment import RequestAssessment
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.fast_path import FastPath
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.repeated_requests import RepeatedRequest
from mockllm.state.fetched_objects import ObjectToFetch


class DeferredResponse(Struct, frozen=True):
    """A response of one of two kinds. One kind takes long to plan: the request is counted, and its slot is taken.
    The second kind waits until earlier responses are planned: the request is not counted yet, and `slot` is its
    entry in the queues (`PlanQueueEntry`).

    `work_in_thread` may run in another thread. It plans a response of the first kind; one of the second kind only
    waits for its turn there. It returns a function that completes the response. This may instead return the object
    that the response lacks, or a response that is deferred again. The event loop calls this function, because it
    changes the state. One thread plans all, in their order.
    """

    slot: InFlightSlot | None
    work_in_thread: Callable[[], Callable[[], PlannedResponse | DeferredResponse | ObjectToFetch]]


class ResponseInputs(NamedTuple):
    """What the response to a request is made of, once there is a decision. `notes` are those of its overrides,
    `repeated` is what is known of the request. `deferrable`: whether the response may be deferred."""

    request: EngineRequest
    decision_inputs: DecisionInputs
    assessment: RequestAssessment
    notes: Sequence[str]
    fast_path: FastPath | None
    repeated: RepeatedRequest | None
    deferrable: bool


class UndecidedResponse(Struct, frozen=True):
    """A response to a request whose counts are not in this process. Nothing is counted.

    `inputs` is what the decision needs; it needs no stored object any more. `respond` takes the decision and returns
    the response.
    """

    inputs: DecisionInputs
    respond: Callable[[Decision], PlannedResponse | DeferredResponse | ObjectToFetch]
