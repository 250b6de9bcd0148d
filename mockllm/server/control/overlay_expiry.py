"""The end of a session's overlay together with its session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from mockllm.server.overlay_store import OverlayStore
from mockllm.state.sessions import Sessions

MAX_INTERVAL: Final = 5.0
"""Longest interval in seconds between two searches for expired sessions with an overlay."""


class OverlayExpiry:
    """Drops the overlays of sessions that end; while a session has an overlay, it searches for expired sessions."""

    def __init__(self, state: Sessions, overlays: OverlayStore) -> None:
        self._state = state
        self._overlays = overlays
        self._timer: asyncio.TimerHandle | None = None
        self._drops: set[asyncio.Task[None]] = set()
        state.ended.append(self._drop)

    def schedule(self) -> None:
        """Schedule the next search, unless one is scheduled."""
        if self._timer is None:
            interval = max(0.1, min(MAX_INTERVAL, self._state.unused))
            self._timer = asyncio.get_running_loop().call_later(interval, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self._state.expire(time.monotonic())
        if self._overlays.sessions:
            self.schedule()

    def _drop(self, ids: Sequence[str]) -> None:
        ended = [id for id in ids if id in self._overlays.sessions]
        if ended:
            task = asyncio.get_running_loop().create_task(self._overlays.drop(ended))
            self._drops.add(task)
            task.add_done_callback(self._drops.discard)
