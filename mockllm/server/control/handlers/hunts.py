"""The handler that shows the report of the last hunt."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.context import ControlContext
from mockllm.server.control.models.hunts import LastHunt, StoredHunt
from mockllm.server.control.problem import Problem

REPORT: Final = "hunt.json"
FOLDER: Final = "hunt"
"""The default folder of `mockllm hunt`."""
MAX_REPORT: Final = 16 * 1024 * 1024
"""Most bytes of a report."""


async def show_hunt(context: ControlContext, call: ApiCall) -> BaseModel:
    """The report of the last `mockllm hunt`: what broke the client, and what was tried.

    It is in the folder of scenarios, or in the folder `hunt` beside it.
    """
    folder = None if context.folder is None else Path(context.folder)
    for place in () if folder is None else (folder / REPORT, folder.parent / FOLDER / REPORT):
        try:
            with place.open("rb") as file:
                content = file.read(MAX_REPORT + 1)
        except OSError:
            continue
        try:
            return LastHunt(report=StoredHunt.model_validate_json(content[:MAX_REPORT]))
        except ValidationError:
            raise Problem(422, f"{place} is no report of `mockllm hunt`.") from None
    return LastHunt(report=None)


ROUTES: Final = (ApiRoute("GET", "/api/hunt", show_hunt, LastHunt),)
