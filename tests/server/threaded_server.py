"""A server on an event loop in a thread of the test's process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from mockllm.server.app import App
from mockllm.server.http_server import Address, Server, run_on_best_loop
from mockllm.server.journal.entry import JournalEntry
from tests.waiting import until


class ThreadedServer:
    """A server on an event loop in a thread, for tests: `with ThreadedServer(app) as url: …`."""

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
        """Start the server and return its URL. Raises CannotListen."""
        self._thread.start()
        self._began.wait()
        if self._failed is not None:
            raise self._failed
        return self.url

    def stop(self) -> None:
        """Stop within the grace time; return when the loop is closed."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Serve no request meanwhile, except of a client that closes its connection."""
        self._loop.call_soon_threadsafe(self._server.pause)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._server.resume)

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


def written_down(server: ThreadedServer, path: str) -> JournalEntry:
    """The last record of a path; it is written just after the response's last byte."""
    found = until(lambda: [record for record in list(server.app.journal) if record.target == path])
    return found[-1]
