"""Serves together the requests that come in one turn of the loop, on all connections.

What they write leaves together behind that. With a system call between every two requests each costs a third more,
because the processor's caches have lost the code.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Sequence
from math import inf
from typing import Final, Protocol

from mockllm.server.deadlines import Deadlines

MAX_TOGETHER: Final = 32
"""How many requests at most are served in one turn."""
MAX_TURN: Final = 0.0005
"""Seconds after which the other requests of a turn wait for the next one: running streams must be in time."""


class ServedConnection(Protocol):
    """A connection with requests. `scheduled`: whether it waits for the end of the turn."""

    scheduled: bool

    def serve_next(self) -> None: ...

    def force_close(self) -> None: ...


class Turns:
    """The connections with a request that waits for the end of the turn, and what is written then."""

    def __init__(self, deadlines: Deadlines, loop: asyncio.AbstractEventLoop) -> None:
        self._deadlines = deadlines
        self._loop = loop
        self._woken = False
        self._held = False
        self.waiting: list[ServedConnection] = []
        self.outbox: list[tuple[asyncio.Transport, bytes]] | None = None
        """What is written at the end of the turn; None between turns."""

    def schedule(self, connection: ServedConnection) -> None:
        """Serve the next request of a connection at the end of this turn."""
        if not connection.scheduled:
            connection.scheduled = True
            self.waiting.append(connection)
            self._wake()

    def hold(self) -> None:
        """Serve no request before `release`. Responses that have begun go on."""
        self._held = True

    def release(self) -> None:
        """Serve the requests that came meanwhile, and all later ones."""
        self._held = False
        if self.waiting:
            self._wake()

    def _wake(self) -> None:
        if not self._woken and not self._held:
            self._woken = True
            self._loop.call_soon(self._serve_turn)

    def _serve_turn(self) -> None:
        self._woken = False
        if self._held:
            return
        turn, self.waiting = self.waiting[:MAX_TOGETHER], self.waiting[MAX_TOGETHER:]
        self.waiting[:0] = self.serve(turn, self._deadlines.time() + MAX_TURN)
        if self.waiting:
            self._wake()

    def serve_now(self, connection: ServedConnection) -> None:
        """Serve the next request of a connection before the end of the turn."""
        if connection.scheduled:  # twice in one turn would mix what is written at its end with what is played
            self.waiting.remove(connection)
        self.serve([connection])

    def serve(self, turn: Sequence[ServedConnection], until: float = inf) -> Sequence[ServedConnection]:
        """Serve the next request of each connection. Return those for which no time was left until `until`, on the
        clock of the deadlines. Running streams do not wait: what is due leaves between two requests."""
        late: Sequence[ServedConnection] = ()
        outbox = self.outbox = []
        for number, connection in enumerate(turn, 1):
            connection.scheduled = False
            try:
                connection.serve_next()
            except Exception:  # of this connection; the others are served all the same
                traceback.print_exc(file=sys.stderr)
                connection.force_close()
            if self._deadlines.catch_up() > until:
                late = turn[number:]
                break
        self.outbox = None
        for transport, data in outbox:
            transport.write(data)
        return late
