"""Serves the requests that are ready, one of each connection, in the next iteration of the event loop. It serves up
to 32 of them, or as many as half a millisecond allows. `serve_now` serves the next request of one
connection at once: for a client that ends its half of the connection, or disconnects.

`ReadyConnections` writes their responses together after that. With a system call between every two requests, each
costs a third more, because the processor's caches then no longer hold the code.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Sequence
from math import inf
from typing import Final, Protocol

from mockllm.server.deadlines import Deadlines
from mockllm.server.protocols import CountingRounds
from mockllm.state.fetched_objects import MissingStoredObject

MAX_SERVED: Final = 32
"""The most requests that are served in one iteration."""
MAX_SERVING_SECONDS: Final = 0.0005
"""Seconds after which the remaining requests wait for a further iteration: running streams must be in time."""


class ServedConnection(Protocol):
    """A connection with requests. `scheduled`: whether `serve_next_or_resume` will be called. It is then in
    `ReadyConnections.waiting`, or among those that are served in this iteration and were not reached yet."""

    scheduled: bool

    def serve_next_or_resume(self) -> None: ...

    def close_and_drop_transport(self) -> None: ...


class ReadyConnections:
    """The connections with a request that is ready to be served, and what is written after all are served."""

    def __init__(
        self,
        deadlines: Deadlines,
        loop: asyncio.AbstractEventLoop,
        counting_rounds: CountingRounds | None = None,
    ) -> None:
        self._deadlines = deadlines
        self._loop = loop
        self._counting_rounds = counting_rounds
        self._serving_scheduled = False
        self._paused = False
        self.waiting: list[ServedConnection] = []
        self.write_queue: list[tuple[asyncio.Transport, bytes]] | None = None
        """The bytes to write after all requests are served; None while no request is served."""

    def schedule(self, connection: ServedConnection) -> None:
        """Serve the next request of a connection in the next iteration, if it is reached within the bounds of that
        iteration."""
        if not connection.scheduled:
            connection.scheduled = True
            self.waiting.append(connection)
            if not self._serving_scheduled:  # most are scheduled behind another: without a call
                self._schedule_serving()

    def pause(self) -> None:
        """Serve no request before `resume`, except of a client that ends its half of the connection or disconnects.
        Responses that have begun go on."""
        self._paused = True

    def resume(self) -> None:
        """Serve the requests that came meanwhile, and all later ones."""
        self._paused = False
        if self.waiting:
            self._schedule_serving()

    def _schedule_serving(self) -> None:
        if not (self._serving_scheduled or self._paused):
            self._serving_scheduled = True
            self._loop.call_soon(self._serve_ready)

    def _serve_ready(self) -> None:
        self._serving_scheduled = False
        if self._paused:
            return
        ready, self.waiting = self.waiting, []
        if len(ready) > MAX_SERVED:
            ready, self.waiting = ready[:MAX_SERVED], ready[MAX_SERVED:]
        unserved = self.serve(ready, self._deadlines.time() + MAX_SERVING_SECONDS)
        if unserved:
            self.waiting[:0] = unserved
        if self.waiting:
            self._schedule_serving()

    def serve_now(self, connection: ServedConnection) -> None:
        """Serve the next request of a connection at once."""
        assert self.write_queue is None, "not while `serve` runs"
        # `serve` must not reach the connection twice: a player of its second response would write before the queued
        # bytes of its first one.
        if connection.scheduled:
            self.waiting.remove(connection)
        self.serve([connection])

    def serve(self, ready: Sequence[ServedConnection], until: float = inf) -> Sequence[ServedConnection]:
        """Serve the next request of each connection, in this order, until a time on the clock of the deadlines.
        Return the connections that were not reached before it. Running streams do not wait: what is due is sent
        between two requests."""
        unserved: Sequence[ServedConnection] = ()
        write_queue = self.write_queue = []
        try:
            if self._counting_rounds is not None:
                self._counting_rounds.begin_round(len(ready))
            connections = iter(ready)
            for connection in connections:
                connection.scheduled = False
                try:
                    connection.serve_next_or_resume()
                # of this connection: the others are served all the same. The second is no `Exception`
                except (Exception, MissingStoredObject):
                    traceback.print_exc(file=sys.stderr)
                    connection.close_and_drop_transport()
                if self._deadlines.run_due_actions() > until:
                    unserved = [*connections]
                    break
            if self._counting_rounds is not None:
                self._counting_rounds.end_round()
        finally:  # a failed count does not hold back the responses of others
            self.write_queue = None
            for transport, data in write_queue:
                transport.write(data)
        return unserved
