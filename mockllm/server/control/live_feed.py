"""The live feed at `/ws`: what is counted once a second, what came as it comes, and what was changed.

Nothing runs while nobody follows, and nothing waits for who does: what is to be told is made once for all, in turns
of its own, and whoever does not read is cut off. Told are the newest requests alone, of more only how many.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Final

from aiohttp.web import BaseRequest, WebSocketResponse

from mockllm import __version__
from mockllm.core.json.codec import Json, dumps
from mockllm.server.control import journal_queries
from mockllm.server.control.handlers import metrics
from mockllm.server.control.problem import Problem
from mockllm.server.server_limits import KIB, MIB

if TYPE_CHECKING:
    from mockllm.server.control.control import ControlApi

INTERVAL: Final = 1.0
"""Seconds between two frames of metrics, which come right behind a full second."""
BEAT: Final = 0.25
"""Seconds between two frames of events at least."""
LAG: Final = 0.02
"""Seconds behind a beat of the clock: a timer may come early."""
EVENTS: Final = 100
"""So many events at most are in one frame."""
SLICE: Final = 10
"""So many events are made in one turn of the loop: a third of a millisecond."""
FRAME: Final = 256 * KIB
"""So many bytes of events, about: a path may be long."""
UNREAD: Final = MIB
"""Whoever has left more bytes unread is cut off."""
FOLLOWERS: Final = 32
"""So many may follow at a time."""
HEARD: Final = 4 * KIB
"""The largest message that is taken from a follower; all of them are ignored."""
HEARTBEAT: Final = 30.0
"""Seconds after which a follower is asked whether it is still there."""


class LiveFeed:
    """Tells its followers. It lives on the loop of whoever serves it."""

    def __init__(self, control: ControlApi) -> None:
        self._control = control
        self._followers: set[asyncio.Transport] = set()
        self._telling: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._followers)

    async def follow(self, request: BaseRequest) -> None:
        """Takes the connection over; returns when the client has left. Problem where it cannot be."""
        if len(self._followers) >= FOLLOWERS:
            raise Problem(503, f"{FOLLOWERS} follow already.")
        answer = WebSocketResponse(compress=False, max_msg_size=HEARD, heartbeat=HEARTBEAT)
        if not answer.can_prepare(request):
            raise Problem(400, "This is no handshake of a WebSocket (RFC 6455, version 13).")
        await answer.prepare(request)
        transport = request.transport
        if transport is None:
            return
        transport.write(frame({"type": "hello", "version": __version__, "interval": INTERVAL}))
        self._followers.add(transport)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell())
        try:
            async for _ in answer:
                pass
        finally:
            self._followers.discard(transport)
            if not self._followers and self._telling is not None:
                self._telling.cancel()
                self._telling = None

    def close(self) -> None:
        """The server stops: followers are told so."""
        for transport in self._followers:
            if not transport.is_closing():
                transport.write(GOING_AWAY)
                transport.close()

    async def _tell(self) -> None:
        """Beat by beat of the clock, until cancelled."""
        news = FeedEvents(self._control)
        while True:
            now = time.time()
            await asyncio.sleep(BEAT - now % BEAT + LAG)
            try:
                self._send([frame(each) async for each in news.since(time.time())])
            except Exception:  # a mistake of ours ends this beat, not the feed
                traceback.print_exc(file=sys.stderr)

    def _send(self, frames: Iterable[bytes]) -> None:
        data = b"".join(frames)
        for transport in tuple(self._followers) if data else ():
            if transport.get_write_buffer_size() > UNREAD:
                transport.abort()
            elif not transport.is_closing():
                transport.write(data)


class FeedEvents:
    """What is new since it was asked last."""

    def __init__(self, control: ControlApi) -> None:
        self._control = control
        self._told = control.journal.total
        self._second = int(time.time())
        self._engine = control.engine
        self._stale = self._engine.info().stale
        self._standing = self._stands()

    async def since(self, now: float) -> AsyncIterator[Json | bytes]:
        """The frames' contents, `now` in seconds since the epoch. Made in slices, so that no stream waits."""
        if int(now) > self._second:
            self._second = int(now)
            yield self._metrics(now)
        if (changed := self._changed()) is not None:
            yield changed
        if (events := await self._events()) is not None:
            yield events

    def _metrics(self, now: float) -> Json:
        view = metrics.viewed(self._control)
        second = metrics.second(self._control, int(now) - 1)
        return {
            "type": "metrics",
            "at": round(now, 3),
            "metrics": view.model_dump(mode="json"),
            "second": second.model_dump(mode="json"),
        }

    async def _events(self) -> bytes | None:
        journal = self._control.journal
        total = journal.total
        new, self._told = total - self._told, total
        if new <= 0:
            return None
        size = 0
        told: list[bytes] = []
        for each in journal.newest(min(new, EVENTS)):
            if len(told) % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            text = journal_queries.summary(each).model_dump_json().encode()
            size += len(text)
            if size > FRAME and told:
                break
            told.append(text)
        if not told:
            return None
        dropped = new - len(told)
        return b'{"type":"events","events":[%b],"dropped":%d}' % (b",".join(told[::-1]), dropped)

    def _changed(self) -> Json:
        stands, before = self._stands(), self._standing
        self._standing = stands
        what: list[Json] = [name for name, each in stands.items() if each != before[name]]
        return {"type": "changed", "what": what} if what else None

    def _stands(self) -> dict[str, object]:
        """What there is, so that it differs where something was changed."""
        control, engine = self._control, self._control.engine
        overlays = control.overlays
        if engine is not self._engine:
            self._engine, self._stale = engine, engine.info().stale
        return {
            "rules": (engine, control.resets),
            "overlay": () if overlays is None else overlays.all,
            "config": control.settings,
            "stale": self._stale,
            "sessions": frozenset(control.sessions),
        }


def frame(content: Json | bytes) -> bytes:
    """One text frame from server to client (RFC 6455, section 5.2): final, not masked."""
    data = content if isinstance(content, bytes) else dumps(content)
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + data
    return b"\x81\x7f" + size.to_bytes(8, "big") + data


GOING_AWAY: Final = b"\x88\x02\x03\xe9"
"""A close frame of code 1001."""
