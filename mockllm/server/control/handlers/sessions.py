"""Handlers that list and end sessions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from math import isfinite
from typing import Final

from pydantic import BaseModel

from mockllm.core.display import brief
from mockllm.core.redaction import Redactor
from mockllm.server.control.api_types import ApiCall
from mockllm.server.control.context import ControlContext
from mockllm.server.control.models.base import Done
from mockllm.server.control.models.session_list import SessionInfo, SessionList
from mockllm.server.control.problem import Problem

MAX_LISTED: Final = 10
"""Most session ids in an error message."""


async def list_sessions(context: ControlContext, call: ApiCall) -> BaseModel:
    state = context.engine.state
    state.expire(time.time())
    used = state.held()
    overlays = {} if context.overlays is None else context.overlays.sizes
    requests = Counter(entry.session for entry in context.journal)
    shown = _shown_ids(context)
    sessions = [
        SessionInfo(
            id=shown[id],
            used=round(used[id].used, 6) if id in used else None,
            seed=used[id].seed if id in used else None,
            overlay=overlays.get(id, 0),
            requests=requests[id],
        )
        for id in context.sessions
    ]
    sessions.sort(key=lambda session: session.used or 0.0, reverse=True)
    return SessionList(sessions=sessions, unused=state.unused if isfinite(state.unused) else None)


async def end_session(context: ControlContext, call: ApiCall) -> BaseModel:
    shown = _shown_ids(context)
    known = {shown[id]: id for id in context.sessions}
    id = call.params["session"]
    id = known.get(id, id)
    if id not in known.values():
        hint = f"the server has {', '.join(islice(known, MAX_LISTED))}" if known else "the server has none"
        raise Problem(404, f"There is no session {brief(Redactor().session(id))}: {hint}.")
    context.engine.state.end(id)
    if context.overlays is not None:
        await context.overlays.drop([id])
    context.resets += 1
    return Done(done=f"session {shown[id]}")


def _shown_ids(context: ControlContext) -> Mapping[str, str]:
    """Return the ids of sessions as readers see them: a client may use its key as the id."""
    redactors = {entry.session: entry.redactor for entry in context.journal}
    return {id: redactors.get(id, Redactor()).session(id) for id in context.sessions}
