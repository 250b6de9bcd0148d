"""Reads the HTTP/1.1 bytes of one response, as the server itself writes them: also those of its faults."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

END_OF_HEAD: Final = b"\r\n\r\n"
END_OF_LINE: Final = b"\r\n"
MAX_SIZE_LINE: Final = 18
"""Bytes of the line with the size of a chunk."""
HOP_BY_HOP: Final = frozenset(
    {b"connection", b"transfer-encoding", b"keep-alive", b"upgrade", b"proxy-connection"}
)
"""Header fields that HTTP/2 forbids (RFC 9113, section 8.2.2)."""

NextPart: TypeAlias = Literal["head", "sized", "size", "chunk", "after chunk", "trailers", "open", "end"]
"""The next part of the response. `open` is a body that ends with its connection."""


class ResponseFields(NamedTuple):
    """The head of a response as HTTP/2 has it. `informational`: another head follows."""

    fields: list[tuple[bytes, bytes]]
    informational: bool


class MalformedResponse(Exception):
    """The bytes are no response of HTTP/1.1: a fault has broken them. `before`: the parts that came before."""

    def __init__(self, before: list[ResponseFields | bytes]) -> None:
        super().__init__("the response is malformed")
        self.before = before


class ResponseReader:
    """Reads the bytes of one response as they come. `complete`: its end has come."""

    def __init__(self, head_only: bool) -> None:
        """`head_only`: the response has no body, because the request is a HEAD."""
        self._head_only = head_only
        self._data = bytearray()
        self._next_part: NextPart = "head"
        self._left = 0

    @property
    def complete(self) -> bool:
        return self._next_part == "end"

    def close(self) -> None:
        """End a body without a length: the connection has ended."""
        if self._next_part == "open":
            self._next_part = "end"

    def feed(self, data: bytes) -> list[ResponseFields | bytes]:
        """Return the heads and the parts of the body that have come. Raises MalformedResponse."""
        self._data += data
        parts: list[ResponseFields | bytes] = []
        try:
            while self._data:
                part = self._next()
                if part is None:
                    break
                if part:
                    parts.append(part)
        except ValueError as error:
            raise MalformedResponse(parts) from error
        return parts

    def _next(self) -> ResponseFields | bytes | None:
        """Return the next part, which may be empty; None if more data is needed. Raises ValueError."""
        part = self._next_part
        if part == "head":
            end = self._data.find(END_OF_HEAD)
            return None if end < 0 else self._head(self._take(end + len(END_OF_HEAD)))
        if part in ("sized", "chunk"):
            return self._counted()
        if part in ("open", "end"):  # after the end is what a wrong length leaves over
            return self._take(len(self._data))
        return self._line(part)

    def _head(self, head: bytes) -> ResponseFields:
        first, *lines = head[: -len(END_OF_HEAD)].split(END_OF_LINE)
        status = first.split(b" ")[1]
        fields = [(b":status", status)]
        chunked, length = False, -1
        for line in lines:
            name, _, value = line.partition(b":")
            name, value = name.strip().lower(), value.strip()
            chunked = chunked or (name == b"transfer-encoding" and value.lower() == b"chunked")
            if name == b"content-length" and value.isdigit():
                length = int(value)
            if name not in HOP_BY_HOP:
                fields.append((name, value))
        informational = 100 <= int(status) < 200
        if not informational:
            self._next_part, self._left = self._body(int(status), chunked, length), max(length, 0)
        return ResponseFields(fields, informational)

    def _body(self, status: int, chunked: bool, length: int) -> NextPart:
        if self._head_only or status in (204, 304):
            return "end"
        if chunked:
            return "size"
        if length < 0:
            return "open"
        return "sized" if length else "end"

    def _counted(self) -> bytes:
        part = self._take(min(self._left, len(self._data)))
        self._left -= len(part)
        if not self._left:
            self._next_part = "end" if self._next_part == "sized" else "after chunk"
        return part

    def _line(self, part: NextPart) -> bytes | None:
        """Take a line of the framing."""
        end = self._data.find(END_OF_LINE)
        if end < 0:
            if part != "trailers" and len(self._data) > MAX_SIZE_LINE:
                raise ValueError("no size of a chunk")
            return None
        line = self._take(end + len(END_OF_LINE))[:-2]
        if part == "size":
            self._left = int(line, 16)
            if self._left < 0:
                raise ValueError("no size of a chunk")
            self._next_part = "chunk" if self._left else "trailers"
        elif part == "after chunk":
            if line:
                raise ValueError("a chunk is longer than its size")
            self._next_part = "size"
        elif not line:
            self._next_part = "end"
        return b""

    def _take(self, count: int) -> bytes:
        taken = bytes(memoryview(self._data)[:count])
        del self._data[:count]
        return taken
