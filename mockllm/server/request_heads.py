"""The heads of requests: what follows from a head is computed once for all requests that begin with its bytes.

A client sends the same head again and again, on one connection or on many; only the length of the body differs.
Parsing a head and finding its route and its session cost most of a small request. Heads that came twice are
cached, up to a bound. A head with a header that is known to vary is cached at once, without that header's value.
If it comes with the same value again, it is cached as a whole, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Final, final

from msgspec import Struct
from multidict import CIMultiDict, CIMultiDictProxy

from mockllm.core.request.header_lines import combine_lines
from mockllm.core.request.server_address import SESSION_PREFIX
from mockllm.scenario.control_paths import RESERVED_SEGMENTS
from mockllm.server.aiohttp_internals import RawRequestMessage
from mockllm.server.http1 import NO_CONSTRAINTS, HttpConstraints
from mockllm.server.parse_position import CONTENT_LENGTH, END_OF_HEAD, END_OF_HEAD_LENGTH
from mockllm.server.protocols import EngineProtocol, RequestReaderProtocol
from mockllm.server.request_target import read_target, replace_surrogates
from mockllm.server.varying_request_heads import VaryingHeads, VaryingValues

MAX_CACHED_HEADS: Final = 4096
"""The most entries of each table: heads by their bytes without the length of the body, and heads by all bytes. A full
table is cleared, the second one also with the first."""
MAX_HEAD_LENGTH: Final = 2048
"""A longer head is not cached: bytes."""
MAX_SEEN_HEADS: Final = 20_000
"""The most hashes of heads that came."""
MAX_DIGITS: Final = 10
"""The most digits of a `Content-Length` in a cached head."""
_LENGTH_LINE: Final = b"\r\nContent-Length:"


def readable_headers(headers: Mapping[str, str], ascii: bool) -> Mapping[str, str]:
    """Return the headers as they are if all are ASCII and no name has several lines. Else return them by their names
    in lower case, with U+FFFD for bytes that are not UTF-8. aiohttp leaves such bytes as lone surrogates, which no
    JSON can hold. `ascii`: whether all are known to be ASCII."""
    if len(set(map(str.lower, headers))) == len(headers) and (ascii or "".join(headers.values()).isascii()):
        return headers
    return {name: replace_surrogates(value) for name, value in combine_lines(headers.items()).items()}


_SERVER_PATHS: Final = (*(f"/{first}" for first in sorted(RESERVED_SEGMENTS)), SESSION_PREFIX)
"""The beginnings of the paths to which this server may respond without the engine, or that name a session."""


def http_constraints(message: RawRequestMessage) -> HttpConstraints:
    """Return how a request constrains the HTTP message of its response by its head."""
    head_only, http10 = message.method == "HEAD", message.version == (1, 0)
    if head_only or http10 or message.should_close:
        return HttpConstraints(head_only, http10, message.should_close)
    return NO_CONSTRAINTS


@final
class RequestHead:
    """One head. `message` is what aiohttp's parser returns of it. `path` and `query_string` are those of its target,
    percent-encoded as they came; `path` is empty if the target is no path. `may_skip_engine`: whether the control
    API or a built-in page may respond, or a web page may send a preflight. It is true of all paths with a session
    prefix. `headers` have no lone surrogates. `body_length` is the length of the body in bytes, if the head is
    cached."""

    __slots__ = (
        "_engine",
        "_is_unique",
        "_length_name",
        "_original",
        "_reader",
        "body_length",
        "constraints",
        "headers",
        "may_skip_engine",
        "message",
        "over_tls",
        "path",
        "query_string",
    )  # fmt: skip

    def __init__(self, message: RawRequestMessage, ascii: bool, over_tls: bool = False) -> None:
        """`ascii`: whether only ASCII was parsed on the connection. `over_tls`: whether the connection has TLS."""
        self.message = message
        self.over_tls = over_tls
        self.path, self.query_string = read_target(message) or ("", "")
        path = self.path
        self.headers = readable_headers(message.headers, ascii)
        self.constraints: HttpConstraints = http_constraints(message)
        self.may_skip_engine = (
            path == "/" or not path or message.method == "OPTIONS" or path.startswith(_SERVER_PATHS)
        )
        self.body_length = 0
        self._engine: EngineProtocol | None = None
        self._length_name = ""
        """The name of the header with that length, as the client writes it; empty until it is needed."""
        self._original: RequestHead | None = None
        """The head from which this one differs in the length of the body, or in values of headers."""
        self._is_unique = False
        """Whether no other request is likely to have this head: it has values that vary from request to request."""

    def of_websocket_message(self, method: str) -> RequestHead:
        """Return the head of a message on the WebSocket of this handshake, as if the message were a request."""
        return RequestHead(self.message._replace(method=method), False, self.over_tls)

    def with_varied_values(
        self, length_text: bytes, values: VaryingValues = (), *, is_unique: bool = False
    ) -> RequestHead:
        """Return the same head, which is ASCII, with another `content-length`. `length_text` is its value, empty if
        there is none. `values` are other values of headers. `is_unique`: no other request is likely to have them.
        Only `headers`, `message.headers` and `body_length` depend on these; `message.raw_headers` stay those of the
        first head."""
        head = RequestHead.__new__(RequestHead)
        headers = CIMultiDict(self.headers)
        for name, value in values:
            headers[name] = value
        if length_text:
            if not self._length_name:
                self._length_name = next(name for name in headers if name.lower() == CONTENT_LENGTH)
            headers[self._length_name] = length_text.decode()
        head.headers = CIMultiDictProxy(headers)
        head.message = self.message._replace(headers=head.headers)
        head.path, head.query_string, head.may_skip_engine = (
            self.path,
            self.query_string,
            self.may_skip_engine,
        )
        head.constraints, head.body_length, head.over_tls = (
            self.constraints,
            int(length_text or 0),
            self.over_tls,
        )
        head._engine, head._original, head._length_name = None, self, self._length_name
        head._is_unique = is_unique
        return head

    @property
    def header_lines(self) -> Mapping[str, str]:
        """All lines of the headers by their names as the client wrote them; a name may have several."""
        return CIMultiDict((name, replace_surrogates(line)) for name, line in self.message.headers.items())

    @property
    def may_be_cached(self) -> bool:
        """Whether the head may be cached: no HTTP chunks, upgrade, content encoding, `Expect` or close."""
        message = self.message
        headers = message.headers
        prevents_caching = message.chunked or message.upgrade or message.should_close
        return not (prevents_caching or "expect" in headers or "content-encoding" in headers)

    def reader(self, engine: EngineProtocol) -> RequestReaderProtocol:
        """Return the engine's reader of the requests with this head."""
        if self._engine is not engine:
            self._engine = engine
            if self._original is not None:
                original = self._original.reader(engine)
                self._reader = original.with_headers(self.headers, is_unique=self._is_unique)
                return self._reader
            self._reader = engine.request_reader(
                self.message.method, self.path, self.query_string, self.headers, over_tls=self.over_tls
            )
        return self._reader


class SplitHead(Struct, frozen=True):
    """A head that is split around the value of its Content-Length. `find_or_split` returns it for a whole head in
    three cases. The head is not cached. Its body is too long, or is not exactly the rest of the data. Or the head is
    cached with another length of the body, and cannot be adapted. Its headers are a copy (`readable_headers`), since
    some are repeated or not ASCII."""

    end: int
    """The length of the head, in bytes."""
    without_length: bytes
    """The head without the length of the body."""
    length_text: bytes
    """The length of the body as it is written; empty if the head has none."""
    body_length: int
    """Its value, 0 if the head has none; -1 if it is no number of at most `MAX_DIGITS` digits."""


class RequestHeadCache:
    """The heads that came more than once, and those with values that vary, by their bytes without the length of the
    body."""

    def __init__(self, max_body: float = inf, max_header: float = inf) -> None:
        """`max_body`: the most bytes of the body after a cached head; `max_header`: the most bytes of a header."""
        self._heads: dict[bytes, RequestHead] = {}
        self._by_exact_bytes: dict[bytes, RequestHead] = {}
        """The same heads, each with one length of the body, by all their bytes."""
        self._seen: set[int] = set()
        self._varying: VaryingHeads[RequestHead] = VaryingHeads(max_header)
        self._max_body = max_body

    def clear(self) -> None:
        """Drop all heads."""
        self._heads.clear()
        self._by_exact_bytes.clear()
        self._varying.clear()

    def find_or_split(self, data: bytes) -> RequestHead | SplitHead | None:
        """Return the cached head that the data begins with, if the rest is exactly its body, and not too long. Else
        return the head, split around its length; None if the data has no whole head."""
        end = data.find(END_OF_HEAD) + END_OF_HEAD_LENGTH
        # where `data.find` returned -1, `end` is 3, and no cached head is so short
        head = self._by_exact_bytes.get(data[:end])
        if head is not None and len(data) == end + head.body_length:
            return head
        if end < END_OF_HEAD_LENGTH:
            return None
        split = _split(data, end)
        length = split.body_length
        if len(data) != end + length or length > self._max_body:
            return split
        head = self._heads.get(split.without_length)
        if head is None:
            return self._with_other_values(split) or split
        if split.length_text.decode("latin-1") != head.headers.get(CONTENT_LENGTH, ""):
            if head.headers is not head.message.headers:
                return split  # `with_varied_values` is for heads of ASCII; these are a copy by `readable_headers`
            head = head.with_varied_values(split.length_text)
        if len(self._by_exact_bytes) >= MAX_CACHED_HEADS:
            self._by_exact_bytes.clear()
        self._by_exact_bytes[data[:end]] = head
        return head

    def _with_other_values(self, split: SplitHead) -> RequestHead | None:
        """Return the head that is known with other values of headers; None where none is. It is cached if it has come
        with these values before: a client's key, for example, differs from that of others, but not each time."""
        varying = self._varying.find(split.without_length) if split.end <= MAX_HEAD_LENGTH else None
        if varying is None:
            return None
        known, values = varying
        is_unique = not self._has_come(split.without_length)
        head = known.with_varied_values(split.length_text, values, is_unique=is_unique)
        if not is_unique:
            self._add(split.without_length, head)
        return head

    def add_if_repeated(self, head: RequestHead, split_head: SplitHead) -> None:
        """Cache the head of a request if it came before, or at once if it has a header whose value is known to vary.
        All of the request has come, and nothing else. Only a head that `may_be_cached`, of at most `MAX_HEAD_LENGTH`
        bytes, is cached."""
        head_key = split_head.without_length
        if split_head.end > MAX_HEAD_LENGTH or not head.may_be_cached:
            return
        if split_head.length_text and head.message.headers.getall(CONTENT_LENGTH) != [
            split_head.length_text.decode("latin-1")
        ]:
            return  # more than one Content-Length, or one in an unusual form
        if self._has_come(head_key):
            head.body_length = split_head.body_length
            self._add(head_key, head)
        elif head.headers is head.message.headers:  # else a copy, see `find_or_split`
            self._varying.add(head_key, head, head.message.headers)

    def _has_come(self, head_key: bytes) -> bool:
        """Return whether a head has come before, by the hash of its bytes without the length of the body."""
        key_hash = hash(head_key)
        if key_hash in self._seen:
            return True
        if len(self._seen) >= MAX_SEEN_HEADS:
            self._seen.clear()
        self._seen.add(key_hash)
        return False

    def _add(self, head_key: bytes, head: RequestHead) -> None:
        if len(self._heads) >= MAX_CACHED_HEADS:
            self._heads.clear()
            self._by_exact_bytes.clear()
        self._heads[head_key] = head


def _split(data: bytes, end: int) -> SplitHead:
    """Return the head that ends at `end`, split around its length."""
    at = data.find(_LENGTH_LINE, 0, end)
    if at < 0:
        at = data[:end].lower().find(_LENGTH_LINE.lower())
        if at < 0:
            return SplitHead(end, data[:end], b"", 0)
    at += len(_LENGTH_LINE)
    at += data[at : at + 1] == b" "
    after = data.find(b"\r", at, end)
    length_text = data[at:after]
    length = int(length_text) if length_text.isdigit() and len(length_text) <= MAX_DIGITS else -1
    return SplitHead(end, data[:at] + data[after:end], length_text, length)
