"""The handler that releases responses which wait (`hold`)."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from mockllm.core.display import brief
from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.context import ControlContext
from mockllm.server.control.models.base import Released
from mockllm.server.control.models.rules import SessionQuery

MAX_NAMES: Final = 10
"""The most names that a hint has."""


async def release(context: ControlContext, call: ApiCall[SessionQuery]) -> BaseModel:
    """Release all responses that wait for a name; where none waits, the next one does not wait."""
    name, session, held = call.params["name"], call.query.session or "", context.held_responses
    released = held.release((session, name))
    hint = None
    if not released and (names := held.names(session)):
        shown = ", ".join(map(brief, names[:MAX_NAMES]))
        hint = f"No response waits for this name; responses wait for {shown}."
    return Released(name=name, released=released, hint=hint)


ROUTES: Final = (ApiRoute("POST", "/api/release/{name}", release, Released, query=SessionQuery),)
