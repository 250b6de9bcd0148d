"""Sessions as the control API tells and ends them, and the end of an overlay with its session."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from mockllm.core.display import brief
from mockllm.server.control.api_types import ApiCall
from mockllm.server.control.models import resources
from mockllm.server.control.problem import Problem
from mockllm.server.overlay_store import OverlayStore
from mockllm.state import State

if TYPE_CHECKING:
    from mockllm.server.control.control import ControlApi

EVERY: Final = 5.0
"""Seconds at most until the overlay ends of a session that has ended unheard."""
NAMED: Final = 10


async def list_sessions(control: ControlApi, call: ApiCall) -> BaseModel:
    state = control.engine.state
    state.expire(time.time())
    held = state.held()
    overlays = {} if control.overlays is None else control.overlays.sizes
    requests = Counter(each.session for each in control.journal)
    found = [
        resources.SessionInfo(
            id=id,
            used=round(held[id].used, 6) if id in held else None,
            seed=held[id].seed if id in held else None,
            overlay=overlays.get(id, 0),
            requests=requests[id],
        )
        for id in control.sessions
    ]
    found.sort(key=lambda each: each.used or 0.0, reverse=True)
    return resources.SessionList(sessions=found, unused=state.unused if isfinite(state.unused) else None)


async def end_session(control: ControlApi, call: ApiCall) -> BaseModel:
    id = call.params["session"]
    known = control.sessions
    if id not in known:
        there = f"there are {', '.join(known[:NAMED])}" if known else "there is none"
        raise Problem(404, f"There is no session {brief(id)}: {there}.")
    control.engine.state.end(id)
    if control.overlays is not None:
        await control.overlays.drop([id])
    control.resets += 1
    return resources.Done(done=f"session {id}")


class OverlayExpiry:
    """Ends the overlays of sessions that end; while there are any, it looks whether one has not been used for too
    long."""

    def __init__(self, state: State, overlays: OverlayStore) -> None:
        self._state = state
        self._overlays = overlays
        self._looking: asyncio.TimerHandle | None = None
        self._dropping: set[asyncio.Task[None]] = set()
        state.ended.append(self._ended)

    def tend(self) -> None:
        """A session has an overlay."""
        if self._looking is None:
            pause = max(0.1, min(EVERY, self._state.unused))
            self._looking = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        self._looking = None
        self._state.expire(time.time())
        if self._overlays.sessions:
            self.tend()

    def _ended(self, ids: Sequence[str]) -> None:
        gone = [id for id in ids if id in self._overlays.sessions]
        if gone:
            task = asyncio.get_running_loop().create_task(self._overlays.drop(gone))
            self._dropping.add(task)
            task.add_done_callback(self._dropping.discard)
