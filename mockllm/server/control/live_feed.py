"""The live feed at `/ws`: metrics once a second, requests as they arrive, and the names of changed objects.

Nothing runs without followers, and no response waits for followers. One task builds each frame once for all
followers, in slices, and disconnects followers that do not read. A frame contains only the newest requests, and the
number of those left out.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Final, Protocol

from aiohttp.web import BaseRequest, WebSocketResponse

from mockllm import __version__
from mockllm.core.json.codec import Json, dumps
from mockllm.server.client_messages import VERSION, ClientMessages, handshake_refusal
from mockllm.server.control import journal_queries
from mockllm.server.control.context import ControlContext
from mockllm.server.control.handlers.metrics import metrics_view, second_view, second_views
from mockllm.server.control.journal_queries import in_thread_if_large
from mockllm.server.control.problem import Problem
from mockllm.server.metrics import SecondCounters
from mockllm.server.server_limits import KIB, MIB

INTERVAL: Final = 1.0
"""Seconds between two frames of metrics, which are sent just after a full second."""
TICK: Final = 0.25
"""Shortest time in seconds between two frames of events."""
LAG: Final = 0.02
"""Seconds after a tick of the clock, because a timer may fire early."""
MAX_EVENTS: Final = 100
"""Most events in one frame."""
SLICE: Final = 10
"""Events built in one iteration of the event loop: a third of a millisecond of work."""
MAX_FRAME: Final = 256 * KIB
"""Approximate bound in bytes of the events in a frame: a path may be long."""
MAX_UNREAD: Final = MIB
"""Most unread bytes of a follower before it is disconnected."""
MAX_FOLLOWERS: Final = 32
"""Most followers at a time."""
MAX_MESSAGE: Final = 4 * KIB
"""Largest message in bytes that a follower may send; all messages are ignored."""
HEARTBEAT: Final = 30.0
"""Seconds between two pings to a follower."""


class FrameSink(Protocol):
    """The connection of a follower, or of other followers of this feed."""

    def write(self, data: bytes) -> None: ...

    def get_write_buffer_size(self) -> int: ...

    def is_closing(self) -> bool: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class LiveFeed:
    """Sends frames to its followers, on the event loop of the server."""

    def __init__(self, context: ControlContext | None) -> None:
        """Without a context, a subclass begins and ends what sends the frames."""
        self._context = context
        self._followers: set[FrameSink] = set()
        self._sender: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._followers)

    async def follow(self, request: BaseRequest) -> None:
        """Take over a connection until the client disconnects. Raises Problem."""
        if len(self._followers) >= MAX_FOLLOWERS:
            raise Problem(503, f"The live feed already has {MAX_FOLLOWERS} followers, its maximum.")
        response = WebSocketResponse(
            compress=False, max_msg_size=MAX_MESSAGE, heartbeat=HEARTBEAT, autoping=False
        )
        status = handshake_refusal(request, response)
        if status is not None:
            raise Problem(status, f"This is not a WebSocket handshake (RFC 6455, GET, version {VERSION}).")
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return
        transport.write(frame({"type": "hello", "version": __version__, "interval": INTERVAL}))
        self.attach(transport)
        try:
            async for _ in ClientMessages(response):
                pass
        finally:
            self.detach(transport)

    def attach(self, follower: FrameSink) -> None:
        """Send all further frames to a follower."""
        self._followers.add(follower)
        if len(self._followers) == 1:
            self._begin()

    def detach(self, follower: FrameSink) -> None:
        """Send no more frames to a follower."""
        if follower in self._followers:
            self._followers.remove(follower)
            if not self._followers:
                self._end()

    def _begin(self) -> None:
        assert self._context is not None, "a feed without a context is begun elsewhere"
        self._sender = asyncio.get_running_loop().create_task(self._run(self._context))

    def _end(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None

    def close(self) -> None:
        """Close the connections of all followers, because the server stops."""
        for transport in tuple(self._followers):
            if not transport.is_closing():
                transport.write(GOING_AWAY)
                transport.close()

    async def _run(self, context: ControlContext) -> None:
        """Send frames at each tick of the clock, until cancelled."""
        await context.collect()
        events = FeedEvents(context)
        while True:
            now = time.time()
            await asyncio.sleep(TICK - now % TICK + LAG)
            try:
                await context.collect()
                self.send([frame(content) async for content in events.since(time.time())])
            except Exception:  # an internal error ends this tick, not the feed
                traceback.print_exc(file=sys.stderr)

    def send(self, frames: Iterable[bytes]) -> None:
        data = b"".join(frames)
        for transport in tuple(self._followers) if data else ():
            if transport.get_write_buffer_size() > MAX_UNREAD:
                transport.abort()
            elif not transport.is_closing():
                transport.write(data)


class FeedEvents:
    """The contents of frames since the last call."""

    def __init__(self, context: ControlContext) -> None:
        self._context = context
        self._sent_total = context.journal.total
        self._second = int(time.time())
        self._sent_seconds = {view.at: view for view in second_views(context)}
        self._engine = context.engine
        self._stale = self._engine.info().stale
        self._snapshot = self._state()

    async def since(self, now: float) -> AsyncIterator[Json | bytes]:
        """Yield the frames' contents, `now` in seconds since the epoch, in slices, so that no stream waits."""
        if int(now) > self._second:
            self._second = int(now)
            yield self._metrics(now)
        if (changed := self._changed()) is not None:
            yield changed
        if (events := await self._events()) is not None:
            yield events

    def _metrics(self, now: float) -> Json:
        """Return the metrics, the last full second, and all seconds that changed.

        A response may be counted after the frame of its second. On a busy machine a frame may come after several
        seconds."""
        view = metrics_view(self._context)
        seconds = {view.at: view for view in second_views(self._context)}
        changed = [each for at, each in seconds.items() if self._sent_seconds.get(at) != each]
        self._sent_seconds = seconds
        last = seconds.get(int(now) - 1) or second_view(SecondCounters(int(now) - 1))
        return {
            "type": "metrics",
            "at": round(now, 3),
            "metrics": view.model_dump(mode="json"),
            "second": last.model_dump(mode="json"),
            "seconds": [each.model_dump(mode="json") for each in changed],
        }

    async def _events(self) -> bytes | None:
        journal = self._context.journal
        total = journal.total
        new, self._sent_total = total - self._sent_total, total
        if new <= 0:
            return None
        size = 0
        texts: list[bytes] = []
        for entry in journal.newest(min(new, MAX_EVENTS)):
            if len(texts) % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            shown = await in_thread_if_large(entry, partial(journal_queries.summary, entry))
            text = shown.model_dump_json().encode()
            size += len(text)
            if size > MAX_FRAME and texts:
                break
            texts.append(text)
        if not texts:
            return None
        dropped = new - len(texts)
        return b'{"type":"events","events":[%b],"dropped":%d}' % (b",".join(texts[::-1]), dropped)

    def _changed(self) -> Json:
        state, before = self._state(), self._snapshot
        self._snapshot = state
        names: list[Json] = [name for name, value in state.items() if value != before[name]]
        return {"type": "changed", "what": names} if names else None

    def _state(self) -> dict[str, object]:
        """Return values that differ from earlier ones if an object has changed."""
        context, engine = self._context, self._context.engine
        overlays = context.overlays
        if engine is not self._engine:
            self._engine, self._stale = engine, engine.info().stale
        return {
            "rules": (engine, context.resets),
            "overlay": () if overlays is None else overlays.all,
            "config": context.settings,
            "stale": (self._stale, context.store_problem),
            "sessions": frozenset(context.sessions),
            "journal": context.journal.clears,
        }


def frame(content: Json | bytes) -> bytes:
    """Return a text frame from server to client (RFC 6455, section 5.2): final, not masked."""
    data = content if isinstance(content, bytes) else dumps(content)
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + data
    return b"\x81\x7f" + size.to_bytes(8, "big") + data


GOING_AWAY: Final = b"\x88\x02\x03\xe9"
"""A close frame of code 1001."""
