"""Listens, says so, and ends well: addresses, signals, and the last answers.

`Server` lives on a running loop; `run` gives it one of its own until a signal comes (the command line), and
`Threaded` one in a thread (tests).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from mockllm.server.app import App
from mockllm.server.connection import Listener
from mockllm.server.gc_policy import GcPolicy

T = TypeVar("T")

_BACKLOG: Final = 4096
_NO_IPV6: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EINVAL})
_TRIES: Final = 20


class Address(NamedTuple):
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int
    tls: bool = False

    @property
    def everywhere(self) -> bool:
        """Whether it is all of this machine's addresses, and so none that a client could be given."""
        return self.host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def is_at(self, url: str) -> bool:
        """Whether a URL leads here, as far as its name tells."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        here = {self.host, socket.gethostname(), "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104
        return port == self.port != 0 and host in here


class CannotListen(Exception):
    """Why an address cannot be served, as one line for a person."""


class Server:
    """Serves an app on its addresses."""

    def __init__(self, app: App, addresses: Sequence[Address]) -> None:
        self.app = app
        self._addresses = addresses
        self._sockets: list[asyncio.Server] = []
        self.listening: list[Address] = []

    async def start(self) -> None:
        """Listen; `listening` then holds each address as it was asked for, with its port. CannotListen where
        one cannot be had, and then none is."""
        sockets: list[tuple[socket.socket, bool]] = []
        try:
            for address in self._addresses:
                bound = bind(address)
                sockets += [(sock, address.tls) for sock in bound]
                self.listening.append(address._replace(port=bound[0].getsockname()[1]))
        except CannotListen:
            for sock, _ in sockets:
                sock.close()
            raise
        self._listener = Listener(self.app)
        loop = asyncio.get_running_loop()
        for sock, tls in sockets:
            server = await loop.create_server(
                self._listener, sock=sock, backlog=_BACKLOG, ssl=self.app.tls if tls else None
            )
            self._sockets.append(server)

    async def stop(self, *, at_once: asyncio.Event | None = None) -> None:
        """Accept nobody, let running answers finish for the grace time or until `at_once`, then end."""
        self.app.draining = True
        for listening in self._sockets:
            listening.close()
        if self.app.control is not None:
            self.app.control.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + self.app.limits.grace
        # Polled: an event would cost every request something.
        while self._busy() and loop.time() < end and not (at_once and at_once.is_set()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.app.stopped = True
        await self._listener.shutdown(0.1)
        if self.app.recorder is not None:
            await self.app.recorder.close()

    async def cut(self) -> None:
        """End at once: nobody is waited for, whoever is connected is cut off."""
        self.app.draining = self.app.stopped = True
        for listening in self._sockets:
            listening.close()
        for connection in tuple(self._listener.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)  # the loop tells the connections, which end their handlers
        await self._listener.shutdown(0.1)
        if self.app.recorder is not None:
            await self.app.recorder.close()

    def _busy(self) -> bool:
        """Whether answers are being given, or have not left this process."""
        return (
            self.app.running > 0
            or any(self.app.playing.values())
            or bool(self._listener.turns.waiting)
            or (self.app.recorder is not None and self.app.recorder.busy)
            or any(
                connection.transport is not None and connection.transport.get_write_buffer_size()
                for connection in self._listener.connections
            )
        )


def bind(address: Address) -> list[socket.socket]:
    """The bound sockets of an address; `localhost` is both 127.0.0.1 and ::1, where there is IPv6, on one
    port. CannotListen otherwise."""
    host, port = address.host, address.port
    if host != "localhost":
        return [_bound(host, port)]
    for attempt in range(_TRIES):
        first = _bound("127.0.0.1", port)
        try:
            return [first, _bound("::1", first.getsockname()[1])]
        except CannotListen as exc:
            reason = exc.__cause__
            if isinstance(reason, OSError) and reason.errno in _NO_IPV6:
                return [first]
            first.close()
            if port or attempt == _TRIES - 1:
                raise
    raise AssertionError  # pragma: no cover - the loop returns or raises


def _bound(host: str, port: int) -> socket.socket:
    sock: socket.socket | None = None
    try:
        if not 0 <= port <= 65535:
            raise OverflowError(port)  # some resolvers take it modulo 65536
        family, kind, protocol, _, where = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
        if sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        sock.bind(where)
        sock.listen(_BACKLOG)  # taken now: that the port is free must not be found out later
        sock.setblocking(False)
        return sock
    except (OSError, OverflowError, UnicodeError) as exc:
        if sock is not None:
            sock.close()
        raise CannotListen(_reason(host, port, exc)) from exc


def _reason(host: str, port: int, exc: Exception) -> str:
    if isinstance(exc, socket.gaierror | UnicodeError):
        return f"{host!r} is no address of this machine; choose another with --host"
    if isinstance(exc, OverflowError):
        return f"{port} is no port; choose one from 0 to 65535 with --port"
    number = exc.errno if isinstance(exc, OSError) else None
    if number == errno.EADDRINUSE:
        return f"port {port} is in use; choose another with --port (0 takes a free one)"
    if number == errno.EACCES:
        return f"port {port} needs more rights than this user has; choose another with --port"
    if number == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; choose another with --host"
    return f"cannot listen on {host}:{port}: {exc}"


def run_on_best_loop(main: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, on uvloop where it is installed."""
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
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; a second signal does not wait for running answers. `ready` is told where
    once the sockets listen; `beside` (the reload) runs from then on."""
    server = Server(app, addresses)
    loop = asyncio.get_running_loop()
    asked, hurried = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurried if asked.is_set() else asked).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # no such thing on Windows' loops
            loop.add_signal_handler(number, signalled)
    await server.start()
    GcPolicy(lambda: app.running > 0, lambda: app.engine).begin(loop)
    ready(server.listening)
    task = loop.create_task(beside()) if beside is not None else None
    await asked.wait()
    if task is not None:
        task.cancel()
    await server.stop(at_once=hurried)


def run(
    app: App,
    addresses: Sequence[Address],
    ready: Callable[[Sequence[Address]], None],
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """`serve` on a loop of its own. CannotListen where an address cannot be had."""
    _open_as_many_as_allowed()
    run_on_best_loop(serve(app, addresses, ready, beside))


def _open_as_many_as_allowed() -> None:
    """Each connection is an open file. Shells allow a program 1024 of them and leave it to the program to ask for
    more; beyond, a client is cut off and nobody is told."""
    try:
        import resource
    except ImportError:  # no such bound on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems allow less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class ThreadedServer:
    """A server on a loop in a thread of its own, for tests: `with Threaded(app) as url: …`."""

    def __init__(self, app: App, address: Address = Address("127.0.0.1", 0)) -> None:  # noqa: B008 - immutable
        self.app = app
        self._server = Server(app, [address])
        self._began = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._live, name="mockllm", daemon=True)

    @property
    def url(self) -> str:
        return self._server.listening[0].url

    @property
    def port(self) -> int:
        return self._server.listening[0].port

    def start(self) -> str:
        """The URL, once it listens. CannotListen where it cannot."""
        self._thread.start()
        self._began.wait()
        if self._failed is not None:
            raise self._failed
        return self.url

    def stop(self) -> None:
        """Ends as the grace time allows; returns when the loop is closed."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _live(self) -> None:
        try:
            run_on_best_loop(self._main())
        except BaseException as exc:
            self._failed = exc
        finally:
            self._began.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        await self._server.start()
        self._began.set()
        await self._end.wait()
        await self._server.stop()
