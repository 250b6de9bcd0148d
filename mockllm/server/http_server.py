"""The HTTP server: addresses, signals, and the end of running responses.

`Server` runs on an existing event loop, `run` on a new loop until a signal (for the command line).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Final, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from mockllm.server.app import App
from mockllm.server.batch_server_protocol import BatchServerProtocol
from mockllm.server.connection_factory import ConnectionFactory
from mockllm.server.gc_policy import GcPolicy
from mockllm.server.server_signals import ServerSignals
from mockllm.server.tls_listener import TlsListener

T = TypeVar("T")
AsyncCall: TypeAlias = Callable[[], Coroutine[object, object, None]]

_BACKLOG: Final = 4096
_NO_IPV6: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EINVAL})
_TRIES: Final = 20


class Address(NamedTuple):
    """An address to listen on; port 0 selects a free one. `option` is the one that the port is from."""

    host: str
    port: int
    tls: bool = False
    option: str = "--port"

    @property
    def everywhere(self) -> bool:
        """Whether it means all addresses of this machine, and so is not a client's target."""
        return self.host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def is_at(self, url: str) -> bool:
        """Return whether the name and port of a URL refer to this address."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        here = {self.host, socket.gethostname(), "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104
        return port == self.port != 0 and host in here


class CannotListen(Exception):
    """The reason why an address cannot be used, as one line for the user."""


def _make_batch_server(app: App) -> BatchServerProtocol:
    from mockllm.server.batches import BatchServer  # imported with the first batch

    return BatchServer(app)


class Server:
    """Serves an app on its addresses."""

    def __init__(
        self, app: App, addresses: Sequence[Address], bound: Sequence[tuple[socket.socket, bool]] = ()
    ) -> None:
        """`bound` are sockets that listen already, each with whether it serves HTTPS."""
        self.app = app
        app.make_batch_server = _make_batch_server
        self._addresses = addresses
        self._bound = [*bound]
        self._servers: list[asyncio.Server] = []
        self._tls_listeners: list[TlsListener] = []
        self.listening: list[Address] = []

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The sockets that are bound."""
        return [sock for sock, _ in self._bound]

    def bind(self) -> None:
        """Bind all addresses; `listening` then contains them with their ports. Raises CannotListen if one fails, and
        then binds none."""
        try:
            for address in self._addresses[len(self.listening) :]:
                bound = bind(address)
                self._bound += [(sock, address.tls) for sock in bound]
                self.listening.append(address._replace(port=bound[0].getsockname()[1]))
        except CannotListen:
            for sock, _ in self._bound:
                sock.close()
            raise

    async def start(self) -> None:
        """Listen on all addresses. Raises CannotListen as `bind`."""
        self.bind()
        self._connection_factory = ConnectionFactory(self.app)
        loop = asyncio.get_running_loop()
        for sock, tls in self._bound:
            if tls and sys.platform != "win32":  # its loop has no `add_reader`
                self._tls_listeners.append(TlsListener(self.app, self._connection_factory, sock))
                continue
            server = await loop.create_server(
                self._connection_factory,
                sock=sock,
                backlog=_BACKLOG,
                ssl=self.app.tls if tls else None,
                ssl_handshake_timeout=self.app.limits.head_time if tls else None,
            )
            self._servers.append(server)

    def pause(self) -> None:
        """Serve no request before `resume`, except of a client that ends its half of its connection or leaves."""
        self.app.rule_change_done = asyncio.Event()
        self._connection_factory.ready_connections.pause()

    def resume(self) -> None:
        """Serve the requests that came meanwhile, and all later ones."""
        rule_change_done, self.app.rule_change_done = self.app.rule_change_done, None
        if rule_change_done is not None:
            rule_change_done.set()
        self._connection_factory.ready_connections.resume()

    async def stop(self, *, at_once: asyncio.Event | None = None) -> None:
        """Accept no connections, let running responses finish for the grace time or until `at_once`, then end."""
        self._accept_no_more()
        self._connection_factory.drain()
        if (control := self.app.control_in_use) is not None:
            control.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + self.app.limits.grace
        # Polled, because an event would slow down every request.
        while self._busy() and loop.time() < end and not (at_once and at_once.is_set()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await self._end()

    async def cut(self) -> None:
        """End at once and abort all connections."""
        self._accept_no_more()
        self.app.aborting_responses = True
        for connection in tuple(self._connection_factory.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)  # the loop notifies the connections, which end their handlers
        await self._end()

    def _accept_no_more(self) -> None:
        self.app.draining = True
        for listening in self._servers:
            listening.close()
        for secure in self._tls_listeners:
            secure.close()

    async def _end(self) -> None:
        self.app.aborting_responses = True
        for secure in self._tls_listeners:
            secure.cut()
        await self._connection_factory.shutdown(0.1)
        self.app.worker_thread.close()
        self.app.reading_thread.close()
        if self.app.webhooks is not None:
            await self.app.webhooks.close()
        if self.app.batches is not None:
            await self.app.batches.close()
        if self.app.provider_proxy is not None:
            await self.app.provider_proxy.close()

    def _busy(self) -> bool:
        """Return whether responses are in flight or not yet flushed."""
        return (
            self.app.unfinished_exchanges > 0
            or any(self.app.responses_in_flight.values())
            or bool(self._connection_factory.ready_connections.waiting)
            or (self.app.provider_proxy is not None and self.app.provider_proxy.busy)
            or any(connection.unsent_bytes for connection in self._connection_factory.connections)
        )


def bind(address: Address) -> list[socket.socket]:
    """Return the bound sockets of an address. `localhost` means 127.0.0.1 and, with IPv6, ::1 on the same port.
    Raises CannotListen."""
    host, port = address.host, address.port
    if host != "localhost":
        return [_bound(address)]
    for attempt in range(_TRIES):
        first = _bound(address._replace(host="127.0.0.1"))
        try:
            return [first, _bound(address._replace(host="::1", port=first.getsockname()[1]))]
        except CannotListen as exc:
            reason = exc.__cause__
            if isinstance(reason, OSError) and reason.errno in _NO_IPV6:
                return [first]
            first.close()
            if port or attempt == _TRIES - 1:
                raise
    raise AssertionError  # pragma: no cover - the loop returns or raises


def _bound(address: Address) -> socket.socket:
    host, port = address.host, address.port
    try:
        if not 0 <= port <= 65535:
            raise OverflowError(port)  # some resolvers use it modulo 65536
        family, _, _, _, where = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = (
            family == socket.AF_INET6 and host == "::"
        )  # it listens now, so that a port conflict is detected
        sock = socket.create_server(where, family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except (OSError, OverflowError, UnicodeError) as exc:
        raise CannotListen(cannot_listen(address, exc)) from exc
    sock.setblocking(False)
    return sock


def cannot_listen(address: Address, exc: Exception) -> str:
    """Return why an address cannot be used, as one line for the user."""
    host, port, option = address.host, address.port, address.option
    host_option = option if option == "--listen" else "--host"
    if isinstance(exc, socket.gaierror | UnicodeError):
        return f"{host!r} is not an address of this machine; choose another with {host_option}"
    if isinstance(exc, OverflowError):
        return f"{port} is not a port; choose one from 0 to 65535 with {option}"
    reasons = {
        errno.EADDRINUSE: f"port {port} is in use; choose another with {option} (0 takes a free one)",
        errno.EACCES: f"port {port} needs more rights than this user has; choose another with {option}",
        errno.EADDRNOTAVAIL: f"{host} is not an address of this machine; choose another with {host_option}",
    }
    number = exc.errno if isinstance(exc, OSError) else None
    return reasons.get(number or 0, f"cannot listen on {host}:{port}: {exc}")


def run_on_best_loop(main: Coroutine[object, object, T]) -> T:
    """Run like `asyncio.run`, on uvloop if it is installed."""
    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


async def serve(
    app: App,
    addresses: Sequence[Address],
    ready: Callable[[Sequence[Address]], None],
    beside: AsyncCall | None = None,
    reload: AsyncCall | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or SIGINT; a second signal does not wait for running responses. `ready` gets the addresses
    when the sockets listen; `beside` (which watches files) runs from then on, and `reload` after a SIGHUP."""
    server = Server(app, addresses)
    loop = asyncio.get_running_loop()
    signals = ServerSignals(reload)
    await server.start()
    GcPolicy(lambda: app.unfinished_exchanges > 0, lambda: app.engine).begin(loop)
    ready(server.listening)
    task = loop.create_task(beside()) if beside is not None else None
    await signals.stopping.wait()
    if task is not None:
        task.cancel()
    with signals.reported_wait(app.limits.grace, log):
        await server.stop(at_once=signals.hurried)


def run(serving: Coroutine[object, object, None]) -> None:
    """Run `serve` on a new event loop. Raises CannotListen."""
    open_as_many_as_allowed()
    run_on_best_loop(serving)


def open_as_many_as_allowed() -> None:
    """Raise the limit of open files to its maximum.

    Each connection is an open file. Shells allow 1024 of them by default, and a program may raise this limit; beyond
    it, connections fail without a message.
    """
    try:
        import resource
    except ImportError:  # no such limit on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems allow less than they report
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
