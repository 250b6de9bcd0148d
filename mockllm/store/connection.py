"""A connection to a Valkey or Redis server: commands of one iteration of the event loop are sent in one write.

The package `redis` reads the address, and `hiredis` the replies. Requests do not use its client, which takes several
times as long for a command.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast
from urllib.parse import SplitResult, parse_qs, urlsplit

from msgspec import Struct

from mockllm.store.refusals import error_text, refusal_text
from mockllm.store.store_tls import FILES, BadStoreFile, StoreTls

if TYPE_CHECKING:
    from redis.asyncio.connection import ConnectKwargs

Argument: TypeAlias = bytes | str | int | float
StoreReply: TypeAlias = "bytes | int | float | Exception | list[StoreReply] | dict[object, object] | None"
"""What `hiredis` reads. The command says which of them its reply is, but a server that is no store may send any."""
CONNECT_TIME: Final = 5.0
"""Seconds in which a connection is made."""
SCHEMES: Final = ("redis", "rediss", "valkey", "valkeys", "unix")
EXTRA: Final = "pip install 'mockllm-scenarios[redis]'"
FORMS: Final = (
    "expected redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss://… (TLS) or unix:///PATH; DATABASE and "
    "PORT are numbers; in a password / is written as %2F, # as %23, ? as %3F and @ as %40"
)
SECURE: Final = ("rediss", "valkeys")
"""The schemes of stores with TLS."""
IN_QUERY: Final = frozenset(("db", "username", "password"))
"""Parameters in the query of an address."""
TLS_HINT: Final = (
    "an address rediss:// may have ssl_ca_certs, ssl_certfile and ssl_keyfile, and the variable SSL_CERT_FILE also "
    "names a file with the CA of the store"
)
STRANGE_REPLY: Final = "its reply is not of the protocol of Redis: the address may be that of another server"


class StoreAway(Exception):
    """The store cannot be reached; the message says why."""


class StoreRefused(Exception):
    """The store refuses a command; the message is the store's."""


class BadAddress(ValueError):
    """An address that names no store; the message is one line."""


class StoreAddress(Struct, frozen=True):
    """Where the store is. `shown` has no password."""

    shown: str
    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    db: int = 0
    username: str | None = None
    password: str | None = None
    tls: StoreTls | None = None


def has_client() -> bool:
    """Return whether the packages of the extra `redis` are installed."""
    return find_spec("redis") is not None and find_spec("hiredis") is not None


def store_address(url: str) -> StoreAddress:
    """Read `redis://host:port/db`, `rediss://…` (TLS), `valkey://…`, `unix:///path`. Raises BadAddress."""
    if not has_client():
        raise BadAddress(f"a store needs the packages redis and hiredis: {EXTRA}")
    try:
        parts = urlsplit(url)
        found = _parsed(url, parts)
    except ValueError:  # its message may have a part of the password
        raise BadAddress(FORMS) from None
    _check_query(parts)
    host, port, db = found.get("host", "localhost"), found.get("port", 6379), found.get("db", 0)
    _check_host(host)
    files = parse_qs(parts.query)
    place = found.get("path") or f"{host}:{port}" + (f"/{db}" if db else "")
    return StoreAddress(
        f"{parts.scheme}://{place}",
        host,
        port,
        found.get("path"),
        db,
        found.get("username"),
        found.get("password"),
        StoreTls(*(files.get(name, [None])[0] for name in FILES)) if parts.scheme in SECURE else None,
    )


def _parsed(url: str, parts: SplitResult) -> ConnectKwargs:
    """Return the parts of an address as `redis` reads them. Raises ValueError."""
    from redis.asyncio.connection import parse_url

    database = parts.path.strip("/")
    if parts.scheme == "unix":
        known = not parts.hostname and bool(database)
    else:
        known = parts.scheme in SCHEMES and (not database or database.isdecimal())
    if not known or parts.fragment or "@" in parts.query:  # these may be the rest of a password
        raise ValueError(url)
    return parse_url(url.replace("valkey", "redis", 1) if parts.scheme.startswith("valkey") else url)


def _check_query(parts: SplitResult) -> None:
    """Raise BadAddress for a parameter without effect: most are those of the client of the package `redis`."""
    parameters = parse_qs(parts.query).keys()
    unknown = sorted(parameters - IN_QUERY.union(FILES if parts.scheme in SECURE else ()))
    if unknown:
        certificates = any(each.startswith("ssl_") for each in unknown)
        hint = f"; {TLS_HINT}" if certificates else ""
        raise BadAddress(f"{', '.join(unknown)} has no effect in this address: leave it out{hint}")
    if "ssl_keyfile" in parameters and "ssl_certfile" not in parameters:
        raise BadAddress("ssl_keyfile is the key of a certificate: ssl_certfile names its file")


def _check_host(host: str) -> None:
    """Raise BadAddress for a host that no query to a name server can have."""
    try:
        host.encode("idna")
        valid = host.isprintable()
    except UnicodeError:
        valid = False
    if not valid:
        form = "each part between its dots has 1 to 63 characters, all of them printable"
        raise BadAddress(f"the host in this address is not a name: {form}")


class ReplyReceiver(Protocol):
    """Gets the reply to one command. A future is one."""

    def done(self) -> bool:
        """Return whether the reply does not matter any more."""

    def set_result(self, result: StoreReply, /) -> object: ...

    def set_exception(self, error: Exception, /) -> object:
        """Get StoreRefused or StoreAway in place of the reply."""


class StoreConnection(asyncio.Protocol):
    """One connection. `lost` is called with the reason when it has ended."""

    def __init__(self, lost: Callable[[str], None]) -> None:
        from hiredis import ProtocolError, Reader, pack_command

        self._reader = Reader()
        self._protocol_error = ProtocolError
        # hiredis says that it takes tuples of one item.
        self._pack = cast(Callable[[tuple[Argument, ...]], bytes], pack_command)
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._receivers: deque[ReplyReceiver | None] = deque()
        self._seen = 0
        """The number of commands that were sent when `expire` was last called."""
        self._sent = 0
        self._reason = ""
        """Why this process ends the connection."""
        self._unsent: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def send(self, *arguments: Argument) -> asyncio.Future[StoreReply]:
        """Send a command at the end of this iteration. The result is its reply, or StoreRefused or StoreAway."""
        future: asyncio.Future[StoreReply] = self._loop.create_future()
        self.queue(arguments, future)
        return future

    def post(self, *arguments: Argument) -> None:
        """Send a command whose reply does not matter."""
        self.queue(arguments, None)

    def queue(self, arguments: Sequence[Argument], receiver: ReplyReceiver | None) -> None:
        """Send a command at the end of this iteration, and give its reply to the receiver, if there is one."""
        if self._transport is None:
            if receiver is not None and not receiver.done():
                receiver.set_exception(StoreAway(self._reason or "not connected"))
            return
        if not self._unsent:
            self._loop.call_soon(self.flush)
        self._unsent.append(self._pack(tuple(arguments)))
        self._receivers.append(receiver)
        self._sent += 1

    def flush(self) -> None:
        """Send the commands of this iteration."""
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None:
            self._transport.write(b"".join(unsent))

    def expire(self) -> None:
        """End the connection if a command has no reply that was sent before the last call of this method. Calls at
        intervals cost less than a timer for each command."""
        due, self._seen = self._seen, self._sent
        if self._replied < due:  # a reply may be there that a busy process has not read yet
            self._loop.call_soon(self._end_overdue, due)

    def _end_overdue(self, due: int) -> None:
        if self._replied < due:
            self.abort("it does not reply")

    @property
    def _replied(self) -> int:
        return self._sent - len(self._receivers)

    def abort(self, reason: str) -> None:
        """End the connection at once, for this reason."""
        self._reason = reason
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not False:
                refusal = refusal_text(str(reply)) if isinstance(reply, Exception) else None
                if not self._receivers:  # a store refuses a connection without a command
                    self.abort(refusal or STRANGE_REPLY)
                    return
                receiver = self._receivers.popleft()
                if receiver is None or receiver.done():
                    continue
                if refusal is not None:
                    receiver.set_exception(StoreRefused(refusal))
                else:
                    receiver.set_result(reply)
        except self._protocol_error:
            self.abort(STRANGE_REPLY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._reason:
            self._reason = error_text(exc) if isinstance(exc, OSError) else "it has closed the connection"
        reason = self._reason
        receivers, self._receivers = self._receivers, deque()
        for receiver in receivers:
            if receiver is not None and not receiver.done():
                receiver.set_exception(StoreAway(reason))
        self._lost(reason)

    def close(self) -> None:
        """End the connection. `lost` is not called."""
        self._lost = _ignored
        if self._transport is not None:
            self._transport.close()


def _ignored(reason: str) -> None: ...


async def connect(address: StoreAddress, lost: Callable[[str], None]) -> StoreConnection:
    """Return a connection that is logged in and has its database. Raises StoreAway or StoreRefused."""
    created: list[StoreConnection] = []

    def make() -> StoreConnection:
        created.append(StoreConnection(lost))
        return created[0]

    try:
        async with asyncio.timeout(CONNECT_TIME):
            connection = await _connected(address, make)
            if address.password is not None:
                await connection.send("AUTH", *filter(None, (address.username, address.password)))
            if address.db:
                await connection.send("SELECT", address.db)
            return connection
    except BaseException as error:
        for each in created:
            each.close()
        if isinstance(error, TimeoutError):
            hint = "; a store without TLS has an address redis://" if address.tls else ""
            raise StoreAway(f"no connection within {CONNECT_TIME:g} s{hint}") from None
        if isinstance(error, OSError):
            authorities = None if address.tls is None else address.tls.authorities
            raise StoreAway(error_text(error, authorities)) from None
        if isinstance(error, BadStoreFile):
            raise StoreAway(str(error)) from None
        raise


async def _connected(address: StoreAddress, make: Callable[[], StoreConnection]) -> StoreConnection:
    loop = asyncio.get_running_loop()
    if address.path is not None:
        return (await loop.create_unix_connection(make, address.path))[1]
    context = None if address.tls is None else address.tls.context()
    transport, connection = await loop.create_connection(make, address.host, address.port, ssl=context)
    transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
