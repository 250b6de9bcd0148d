"""What the state stores with a response: the object that the dialect stores, and the tools of its calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.dialect import StoredPartsDialect, StoringDialect
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.planned_response import PlannedResponse

TOO_LARGE: Final = Failure(
    "request_too_large", 413, "mockllm: what this request stores is larger than this server can store."
)


def with_decoded_updates(planned: PlannedResponse, request: EngineRequest) -> PlannedResponse:
    """Return the response with its updates where they follow from its bytes, which take long to decode."""
    decodes = getattr(request.routing.dialect, "update_needs_no_state", False)
    updates = storage_updates(planned, request) if decodes else ()
    return replace(planned, updates_computed_in_thread=updates) if updates else planned


def storage_updates(planned: PlannedResponse, request: EngineRequest) -> Sequence[StorageUpdate]:
    """Return the updates of the stored objects. Raise MissingStoredObject for an object of another process."""
    if planned.updates_computed_in_thread is not None:
        return planned.updates_computed_in_thread
    updates = [StorageUpdate(tool_calls=planned.tools_by_call_id)] if planned.tool_calls else []
    if not request.response_is_stored:
        return updates
    parts = planned.stored_parts
    if parts is None:
        update = cast(StoringDialect, request.routing.dialect).storage_update(planned.plan, request)
    else:
        update = cast(StoredPartsDialect, request.routing.dialect).update_of(parts, request)
    return updates if update is None else [*updates, update]
