"""Divides what a connection reads at the ends of heads and bodies.

aiohttp's parser does not tell where in a read a request begins, nor whether it holds a part of a head. And it loses
the requests of a read in which an error follows, or an upgrade. So it gets one head, or a part of one body, at a
time. It gets both together where a read begins with a whole head, and no
other request waits or is being served. During a body in HTTP chunks, whose end only the
parser finds, it gets all that was read.
"""

from __future__ import annotations

from typing import Final

from mockllm.server.aiohttp_internals import RawRequestMessage, StreamReader

END_OF_HEAD: Final = b"\r\n\r\n"
END_OF_HEAD_LENGTH: Final = len(END_OF_HEAD)
CONTENT_LENGTH: Final = "content-length"


class ParsePosition:
    """The position of a connection in its requests: at the start of one, in a head, or in a body."""

    __slots__ = ("_head_tail", "_rest", "at_start", "http_chunked", "in_head")

    def __init__(self) -> None:
        self.at_start = True
        """Whether the next byte begins a request."""
        self.in_head = False
        """Whether a head has begun that has not ended."""
        self.http_chunked = False
        """Whether the body has HTTP chunks: only the parser finds its end."""
        self._rest = 0
        """Bytes of the body that have not come, if it has no HTTP chunks."""
        self._head_tail = b""
        """The last bytes of a head, which may begin its end."""

    def end(self, data: bytes, start: int) -> int:
        """Return where the bytes end that the parser gets next, from `start` on: one head, or the rest of a body. For
        a body in HTTP chunks, they are all of `data`."""
        if self.http_chunked:
            return len(data)
        if self._rest:
            return min(start + self._rest, len(data))
        if self._head_tail:
            end = (self._head_tail + data[start : start + 3]).find(END_OF_HEAD)
            if end >= 0:
                return start + end + END_OF_HEAD_LENGTH - len(self._head_tail)
        end = data.find(END_OF_HEAD, start)
        return len(data) if end < 0 else end + END_OF_HEAD_LENGTH

    def advance(self, part: bytes, message: RawRequestMessage | None, body: StreamReader | None) -> None:
        """Advance by a part that was parsed. `message` is the request whose head ends in it, if one does. `body` is
        that of the last request of the connection."""
        ended = body is None or body.is_eof()
        if message is not None:
            self.http_chunked = message.chunked and not ended
            self._rest = (
                0 if ended or body is None else int(message.headers.get(CONTENT_LENGTH, 0)) - body.total_bytes
            )
        elif self._rest:
            self._rest -= len(part)
        elif self.http_chunked:
            self.http_chunked = not ended
        else:
            self.in_head = self.in_head or bool(part.strip(b"\r\n"))
            self._head_tail = (self._head_tail + part)[1 - END_OF_HEAD_LENGTH :]
            self.at_start = not self.in_head
            return
        self.in_head, self._head_tail = False, b""
        self.at_start = not (self._rest or self.http_chunked)
