"""How the server closes a connection."""

from __future__ import annotations

import asyncio

from mockllm.server.aiohttp_internals import HttpProtocol
from mockllm.server.server_limits import ServerLimits


class ClosableConnection(HttpProtocol):
    """A protocol that closes its transport, at once or after the client."""

    __slots__ = ("_ended_transport", "_unread_timeout")

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: ServerLimits) -> None:
        super().__init__(loop, limits)
        self._ended_transport: asyncio.Transport | None = None
        """The transport that was detached after its last byte."""
        self._unread_timeout = limits.keepalive

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait for the client."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def close_transport(self, transport: asyncio.Transport) -> None:
        """Close a transport after the written bytes. Abort it once the client has read none of them for the
        keep-alive time: it would wait for ever."""
        transport.close()
        unsent = transport.get_write_buffer_size()
        if unsent:
            self._loop.call_later(self._unread_timeout, self._abort_unread, transport, unsent)

    def _abort_unread(self, transport: asyncio.Transport, unsent_before: int) -> None:
        unsent = transport.get_write_buffer_size()
        if unsent >= unsent_before:
            transport.abort()
        elif unsent:
            self._loop.call_later(self._unread_timeout, self._abort_unread, transport, unsent)

    def close_and_drop_transport(self) -> None:
        """Close the transport after the written bytes, and detach it: nothing more is written."""
        self.closing = True
        if self.transport is not None:
            self.close_transport(self.transport)
            self.transport = None
        elif self._ended_transport is not None:
            self.close_transport(self._ended_transport)

    def close_write_side(self, linger: float) -> None:
        """Send FIN after the written bytes, detach the transport, and end the WebSocket, if one is open. Discard what
        comes until the client closes, for this time at most. The kernel resets a connection that is closed while the
        client still sends, and the client then loses the last bytes. A client that sends no more needs no time. TLS
        and a stream of HTTP/2 end both directions at once."""
        transport = self.transport
        if transport is None:
            return
        if transport.is_closing() or self.half_closed_at is not None or not transport.can_write_eof():
            self.close_and_drop_transport()
            return
        self.pause_input(False)
        self.resume_reading()
        self.closing, self.transport, self._ended_transport = True, None, transport
        transport.write_eof()
        self._loop.call_later(linger, self.close_transport, transport)
        self.end_websocket()

    def end_parser(self) -> None:
        """Release the parser, which refers to this protocol; end the WebSocket, if one is open."""
        del self._requests_parser
        self.end_websocket()

    def end_websocket(self) -> None:
        if self._websocket is not None:
            self._websocket.feed_eof()
            self._websocket = None
