"""One client's connection with HTTP/2: frames in, one stream for each request, frames out. It holds the bounds on
streams, frames and time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Final, Protocol, cast

from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import H2Error, ProtocolError

from mockllm.server.app import App
from mockllm.server.exchange_end import record_unread_request
from mockllm.server.http2.flood_guard import OTHERS_PER_SECOND, RESETS_PER_SECOND, FloodGuard
from mockllm.server.http2.h2_library import (
    CONNECTION_WINDOW,
    MAX_SETTINGS,
    MAX_STREAMS,
    REFUSED_STREAMS,
    bound_encoder,
    open_h2,
)
from mockllm.server.http2.request_lines import request_lines
from mockllm.server.http2.stream import Http2Stream
from mockllm.server.reading_connection import ReadingConnection
from mockllm.server.ready_connections import ReadyConnections

MIN_SLICE: Final = 512
MAX_SLICE: Final = 4096
"""Bytes that are parsed at once: many where frames are large, few where they are small."""
MAX_PARSING_SECONDS: Final = 0.001
MAX_SENDING_SECONDS: Final = 0.001
"""Seconds after which the rest of what has come, or is to be sent, waits for the loop's next iteration: other clients
are served."""


class Http2ConnectionOwner(Protocol):
    """What an HTTP/2 connection needs of the object that has all connections of the server."""

    ready_connections: ReadyConnections

    def add(self, connection: Http2Connection) -> bool:
        """Add a connection. Return whether its address has no more of them than the limit allows."""

    def remove(self, connection: Http2Connection) -> None:
        """Remove a connection that has ended."""


class Http2Connection(asyncio.Protocol):
    """A connection with HTTP/2, and the streams that are open on it."""

    def __init__(self, owner: Http2ConnectionOwner, app: App, loop: asyncio.AbstractEventLoop) -> None:
        self._owner, self._app, self._loop = owner, app, loop
        self.ready_connections = owner.ready_connections
        self.h2 = open_h2(app.limits)
        self.streams: dict[int, Http2Stream] = {}
        self.transport: asyncio.Transport | None = None
        self.client_address = ""
        self.full = False
        """Whether the client has not read what was sent before."""
        self._inbox = bytearray()
        self._slice = MIN_SLICE
        self._parsing = False
        """Whether bytes of the inbox are parsed, or wait for the loop's next iteration."""
        self._ending = False
        """Whether the connection ends: nothing that comes is read."""
        self._draining = False
        """Whether the client knows that the connection ends with its streams."""
        self._unread = 0
        now = loop.time()
        self._resets, self._others = FloodGuard(RESETS_PER_SECOND, now), FloodGuard(OTHERS_PER_SECOND, now)
        self._idle: asyncio.TimerHandle | None = None
        self._touched: dict[int, Http2Stream] = {}
        """The streams of whose requests something has come."""
        self._window_opened = False
        self._last_sent = 0
        """The stream of the last frame that was sent by turns."""
        self._sends_later = False
        """Whether frames will be sent in the loop's next iteration."""
        self._pings: dict[bytes, tuple[Callable[[], None], asyncio.TimerHandle]] = {}
        """What to do when the client has received the frames before a ping."""
        self._ping_numbers = count(1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.client_address = peer[0] if type(peer) is tuple else str(peer or "")
        self._owner.add(self)
        self._wait(self._app.limits.head_time)
        if self._app.draining:
            self.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ending = True
        self.transport = None
        self._cancel_idle()
        for _, timer in self._pings.values():
            timer.cancel()
        self._inbox.clear()
        self._lose_streams(exc or ConnectionResetError("the client has disconnected"))
        self._owner.remove(self)

    def _lose_streams(self, reason: Exception) -> None:
        for stream in tuple(self.streams.values()):
            stream.client_gone(reason)

    def pause_writing(self) -> None:
        self.full = True
        self._pause()

    def resume_writing(self) -> None:
        self.full = False
        self._pause()
        self._send_pending()
        self.send()

    def _pause(self) -> None:
        """Read only while the client reads, since frames demand frames, and while all that has come is parsed."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            if self.full or self._inbox:
                transport.pause_reading()
            else:
                transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if not self._ending:
            self._inbox += data
            if not self._parsing:
                self._parse()

    def _parse(self) -> None:
        """Parse what has come, in slices; the rest of much work in the loop's next iteration."""
        self._parsing = True
        end = self._loop.time() + MAX_PARSING_SECONDS
        while self._inbox and not self._ending:
            data = bytes(self._inbox[: self._slice])
            del self._inbox[: self._slice]
            self._receive(data)
            if self._loop.time() > end:
                self._slice = MIN_SLICE
                break
            self._slice = min(2 * self._slice, MAX_SLICE)
        self._pass_requests()
        self.send()
        if self._inbox and not self._ending:
            self._loop.call_soon(self._parse)
        else:
            self._parsing = False
        self._pause()

    def _receive(self, data: bytes) -> None:
        try:
            received = self.h2.receive_data(data)
        except ProtocolError as error:
            self._refuse(error.error_code)
            return
        for event in received:
            self._handle(event)
            if self._ending:
                return
        if self._unread * 2 >= CONNECTION_WINDOW:
            self.h2.increment_flow_control_window(self._unread)
            self._unread = 0
        self.send()  # `h2` discards what waits where a client says GOAWAY

    def _handle(self, event: events.Event) -> None:
        match event:
            case events.RequestReceived():
                self._open_stream(event)
            case events.DataReceived():
                self._receive_body(event)
            case events.StreamEnded() | events.TrailersReceived():
                self._end_request(event)
            case events.StreamReset():
                self._reset_stream(event)
            case events.WindowUpdated():
                self._window_opened = True
            case events.RemoteSettingsChanged():
                if len(self.h2.remote_settings) > MAX_SETTINGS:
                    self._refuse(ErrorCodes.ENHANCE_YOUR_CALM)
                    return
                bound_encoder(self.h2)
                self._window_opened = True
                self._count_rare_frame()
            case events.PingAckReceived():
                self._end_ping(event.ping_data)
            case events.PingReceived() | events.PriorityUpdated() | events.UnknownFrameReceived():
                self._count_rare_frame()
            case events.ConnectionTerminated():
                self._let_client_leave(event)

    def _pass_requests(self) -> None:
        """Pass what has come of requests to their connections, and send what the client's windows allow now."""
        touched, self._touched = self._touched, {}
        for stream in touched.values():
            if not self._ending:
                stream.pass_request()
        if self._window_opened:
            self._window_opened = False
            self._send_pending()

    def _send_pending(self) -> None:
        """Send frames of all streams by turns; the rest of many in the loop's next iteration."""
        self._sends_later = False
        end = self._loop.time() + MAX_SENDING_SECONDS
        waiting = [stream for stream in self.streams.values() if stream.unsent_bytes]
        ready = deque(sorted(waiting, key=lambda stream: (stream.id <= self._last_sent, stream.id)))
        while ready and not self._ending:
            stream = ready.popleft()
            self._last_sent = stream.id
            if stream.send_frame():
                ready.append(stream)
            self.send()
            if ready and self._loop.time() > end:
                self.send_later()
                return

    def send_later(self) -> None:
        """Send more frames in the loop's next iteration."""
        if not self._sends_later:
            self._sends_later = True
            self._loop.call_soon(self._send_pending)

    def _open_stream(self, event: events.RequestReceived) -> None:
        id, lines = event.stream_id, request_lines(event.headers)
        if self._draining or self._has_too_many_streams():
            self._refuse_stream(id, ErrorCodes.REFUSED_STREAM)
        elif lines is None:
            self._refuse_stream(id, ErrorCodes.PROTOCOL_ERROR)
        else:
            self._cancel_idle()
            stream = self._touched[id] = Http2Stream(self, id, lines, self._app, self._loop)
            self.streams[id] = stream

    def _refuse_stream(self, id: int, code: ErrorCodes) -> None:
        with suppress(H2Error):  # the client has reset it
            self.h2.reset_stream(id, code)
        self._count_rare_frame()

    def _has_too_many_streams(self) -> bool:
        """`h2` counts streams whose frames have come and wait here, too."""
        count = len(self.streams)
        if count >= MAX_STREAMS:  # the exchange of a finished one ends in a moment
            count -= sum(stream.finished for stream in self.streams.values())
        return count >= MAX_STREAMS or len(self.streams) >= REFUSED_STREAMS

    def _receive_body(self, event: events.DataReceived) -> None:
        self._unread += event.flow_controlled_length
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.receive(event.data, event.flow_controlled_length)
            self._touched[stream.id] = stream
        # several clients end each request with an empty frame
        if not event.data and event.stream_ended is None:
            self._count_rare_frame()

    def _end_request(self, event: events.StreamEnded | events.TrailersReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.end_request(event.headers if isinstance(event, events.TrailersReceived) else ())
            self._touched[stream.id] = stream

    def _reset_stream(self, event: events.StreamReset) -> None:
        self._touched.pop(event.stream_id, None)
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.client_gone(ConnectionResetError("the client has reset the stream"))
        if not self._resets.allows(self._loop.time()):
            self._refuse(ErrorCodes.ENHANCE_YOUR_CALM)

    def _count_rare_frame(self) -> None:
        """Count a frame of which a client needs few. End the connection beyond the bound."""
        if not self._others.allows(self._loop.time()):
            self._refuse(ErrorCodes.ENHANCE_YOUR_CALM)

    def _let_client_leave(self, event: events.ConnectionTerminated) -> None:
        self._draining = True
        if event.error_code != ErrorCodes.NO_ERROR or not self.streams:
            self._close()

    def _refuse(self, code: ErrorCodes | int) -> None:
        """End the connection of a client that breaks the protocol or the bounds, and log it."""
        if self._ending:
            return
        name = code.name if isinstance(code, ErrorCodes) else str(code)
        record_unread_request(self._app, 400, f"HTTP/2: {name}")
        if code == ErrorCodes.ENHANCE_YOUR_CALM:
            self.h2.close_connection(code)
        self._ending = True
        self.send()
        self._inbox.clear()
        self._lose_streams(ConnectionResetError("the client breaks the protocol"))
        self._linger()

    def _linger(self) -> None:
        """Close the connection when the client has read why. All that it sends until then is discarded: the system
        would send RST for unread data, which overtakes GOAWAY."""
        transport = self.transport
        if transport is not None:
            if transport.can_write_eof():
                transport.write_eof()
            self._cancel_idle()
            self._idle = self._loop.call_later(self._app.limits.linger, self._close)

    def send(self) -> None:
        """Send the frames that are ready."""
        data = self.h2.data_to_send()
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def end_stream(self, stream: Http2Stream) -> None:
        """Forget a stream: nothing more is received or sent on it."""
        if self.streams.pop(stream.id, None) is None or self.streams or self._ending:
            return
        if self._draining:
            self._close()
        else:
            self._wait(self._app.limits.keepalive)

    def when_received(self, call: Callable[[], None]) -> None:
        """Call this when the client has received all frames that were sent, or after the linger time. A client
        acknowledges a ping after the frames before it (RFC 9113, section 6.7)."""
        data = next(self._ping_numbers).to_bytes(8, "big")
        self.h2.ping(data)
        self._pings[data] = call, self._loop.call_later(self._app.limits.linger, self._end_ping, data)

    def _end_ping(self, data: bytes) -> None:
        # without a timer, the server did not send this one
        call, timer = self._pings.pop(data, (self._count_rare_frame, None))
        if timer is not None:
            timer.cancel()
        call()

    def _wait(self, seconds: float) -> None:
        """Close the connection if no request comes in time."""
        self._cancel_idle()
        self._idle = self._loop.call_later(seconds, self.drain)

    def _cancel_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def drain(self) -> None:
        """Announce the end of the connection; it ends with its last stream."""
        if self._draining or self._ending or self.transport is None:
            return
        self._draining = True
        self.h2.close_connection()
        self.send()
        if not self.streams:
            self._close()

    def _close(self) -> None:
        """Close the connection after the written bytes, or when the client does not read them."""
        self._ending = True
        self.send()
        if self.transport is not None:
            self.transport.close()
            self._abort_unread(self.transport, self.transport.get_write_buffer_size() + 1)

    def _abort_unread(self, transport: asyncio.Transport, before: int) -> None:
        """Abort a connection whose client has read nothing for the linger time."""
        unsent_bytes = transport.get_write_buffer_size()
        self._cancel_idle()
        if unsent_bytes >= before:
            transport.abort()
        elif unsent_bytes:
            self._idle = self._loop.call_later(
                self._app.limits.linger, self._abort_unread, transport, unsent_bytes
            )

    async def shutdown(self, seconds: float) -> None:
        """End all streams; each has these seconds to end by itself."""
        self.drain()
        await asyncio.gather(*[stream.connection.shutdown(seconds) for stream in self.streams.values()])
        self._close()

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait for the client."""
        waiting = sum(stream.unsent_bytes for stream in self.streams.values())
        return waiting + (0 if self.transport is None else self.transport.get_write_buffer_size())

    # What the connections of the streams expect of who makes them.

    def add(self, connection: ReadingConnection) -> bool:
        return True

    def remove(self, connection: ReadingConnection) -> None: ...

    def switch_to_http2(self, connection: ReadingConnection, data: bytes) -> None:
        raise AssertionError("a stream has no preface")
