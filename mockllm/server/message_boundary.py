"""Where requests begin and end in the bytes of a connection, which aiohttp's parser does not tell."""

from __future__ import annotations

from typing import Final

from mockllm.server.aiohttp_internals import RawRequestMessage, StreamReader

END_OF_HEAD: Final = b"\r\n\r\n"
LENGTH: Final = "content-length"


class MessageBoundary:
    """Follows the reads of a connection. Where a boundary is not certain, a later read shows it. Until then each
    request is parsed."""

    __slots__ = ("_rest", "_was_in_body", "at_start", "in_head")

    def __init__(self) -> None:
        self.at_start = True
        """Whether the next byte certainly begins a request."""
        self.in_head = False
        """Whether a head has certainly begun that has not ended."""
        self._was_in_body = False
        self._rest: int | None = None
        """Bytes of the current body that have not come; None if that is not known."""

    def follow(
        self, data: bytes, message: RawRequestMessage | None, body: StreamReader | None, *, single: bool
    ) -> None:
        """Note a read that was parsed. `message`: the last request whose head ends in it, if one does. `body`: the
        body of the last request of the connection. `single`: whether only one head ends in the read."""
        rest, self._rest, self.at_start = self._rest, None, False
        self.in_head = message is None and not self._was_in_body and bool(data)
        self._was_in_body = in_body = body is not None and not body.is_eof()
        if body is None or self.in_head:
            return
        if in_body:
            if message is None:
                self._rest = None if rest is None else rest - len(data)
            elif LENGTH in message.headers:
                self._rest = int(message.headers[LENGTH]) - body.total_bytes
        elif message is None and rest is not None:
            self.at_start = rest == len(data)
        elif message is not None and (length := int(message.headers.get(LENGTH, 0))):
            # the first end of a head is that of this request, unless it began in the read before
            end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
            self.at_start = single and data[0] not in b"\r\n" and len(data) == end + length
        else:
            # the end of a head, or of chunks: a part of a head does not end like that
            self.at_start = data.endswith(END_OF_HEAD)
