"""The handler that releases responses which wait (`hold`)."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.context import ControlContext
from mockllm.server.control.models.base import Released
from mockllm.server.control.models.rules import SessionQuery


async def release(context: ControlContext, call: ApiCall[SessionQuery]) -> BaseModel:
    """Release all responses that wait for a name; where none waits, the next one does not wait."""
    name = call.params["name"]
    return Released(name=name, released=context.held_responses.release((call.query.session or "", name)))


ROUTES: Final = (ApiRoute("POST", "/api/release/{name}", release, Released, query=SessionQuery),)
