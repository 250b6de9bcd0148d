"""The responses that wait until a client of the control API releases them (`hold`), by session and name."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from mockllm.server.deadlines import Deadlines

MAX_REMEMBERED: Final = 1_000
"""The most names that are stored because they were released before a response waited for them."""

HoldKey = tuple[str, str]
"""A session (empty: none) and a name."""


class HeldResponses:
    """The responses that wait, by session and name, in the order of their requests."""

    def __init__(self) -> None:
        self._waiting: dict[HoldKey, list[Future[bool]]] = {}
        self._released: OrderedDict[HoldKey, None] = OrderedDict()

    async def wait(self, key: HoldKey, at_most: float, deadlines: Deadlines) -> bool:
        """Return when the name is released, or after `at_most` seconds; whether it was released. After a
        release for which no response waited, the next response does not wait."""
        if key in self._released:
            del self._released[key]
            return True
        future: Future[bool] = get_running_loop().create_future()

        def give_up(monotonic: float) -> None:
            if not future.done():
                future.set_result(False)

        deadline = deadlines.call_at(deadlines.time() + at_most, give_up)
        self._waiting.setdefault(key, []).append(future)
        try:
            return await future
        finally:
            deadline.cancel()
            waiting = self._waiting.get(key, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._waiting.pop(key, None)

    def release(self, key: HoldKey) -> int:
        """Release all responses that wait for a name; return their number. If none waits, the next one will not."""
        waiting = [future for future in self._waiting.pop(key, ()) if not future.done()]
        for future in waiting:
            future.set_result(True)
        if not waiting:
            self._released[key] = None
            while len(self._released) > MAX_REMEMBERED:
                self._released.popitem(last=False)
        return len(waiting)

    def is_released(self, key: HoldKey) -> bool:
        """Return whether the next response will not wait for a name, since a release came before it."""
        return key in self._released

    def names(self, session: str) -> list[str]:
        """Return the names for which responses of a session wait."""
        return sorted(name for of_session, name in self._waiting if of_session == session)

    def waiting(self, key: HoldKey) -> int:
        """Return how many responses wait for a name."""
        return len(self._waiting.get(key, ()))

    def forget(self, sessions: Sequence[str]) -> None:
        """Forget the releases of sessions that end, for which no response has waited."""
        for key in [key for key in self._released if key[0] in sessions]:
            del self._released[key]
