"""What the state stores with a response: the object that the dialect stores, and the tools of its calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec.structs import replace

from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StorageUpdate
from mockllm.dialects.dialect import StoredPartsDialect, StoringDialect
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.request_reader import engine_context_of


def with_updates(planned: PlannedResponse, request: Request) -> PlannedResponse:
    """Return the response with its updates where they follow from its bytes, which take long to decode."""
    decodes = getattr(engine_context_of(request).dialect, "stores_what_it_decodes", False)
    updates = storage_updates(planned, request) if decodes else ()
    return replace(planned, decoded_updates=updates) if updates else planned


def storage_updates(planned: PlannedResponse, request: Request) -> Sequence[StorageUpdate]:
    """Return the updates of the stored responses. Raise MissingStoredObject for an object of another process."""
    if planned.decoded_updates is not None:
        return planned.decoded_updates
    updates = [StorageUpdate(tool_calls=planned.tools_by_call_id)] if planned.tool_calls else []
    engine_context = engine_context_of(request)
    if not (engine_context.stores_responses and request.may_be_stored):
        return updates
    parts = planned.stored_parts
    if parts is None:
        update = cast(StoringDialect, engine_context.dialect).storage_update(planned.plan, request)
    else:
        update = cast(StoredPartsDialect, engine_context.dialect).update_of(parts, request)
    return updates if update is None else [*updates, update]
