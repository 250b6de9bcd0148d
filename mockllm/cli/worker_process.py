"""The process of one worker of `mockllm serve --workers`. Its supervisor starts it with the number of a socket."""

from __future__ import annotations

import signal
import socket
import sys
from functools import partial
from typing import cast

from mockllm.cli.console import access_log_of, log
from mockllm.cli.control_setup import allowed_hosts
from mockllm.cli.listen_addresses import configure_tls
from mockllm.cli.option import BadOption
from mockllm.cli.option_values import OptionValues
from mockllm.cli.server_setup import create_builder
from mockllm.cli.startup import aiohttp_client_deferred, gc_paused_then_frozen
from mockllm.cli.trace_setup import traces
from mockllm.engine import Engine
from mockllm.server.app import App
from mockllm.server.http_server import Server, open_as_many_as_allowed, run_on_best_loop
from mockllm.server.workers.channel import CallFailed, first_message
from mockllm.server.workers.forked_process import ORDERS_OF_SUPERVISOR
from mockllm.server.workers.no_store import NoStore
from mockllm.server.workers.shared_connections import SharedConnections
from mockllm.server.workers.worker import MarkedJournal, Worker, WorkerStoreClient
from mockllm.server.workers.worker_settings import WorkerSettings
from mockllm.state.shared_counts import CellTable, SharedCounts
from mockllm.state.shared_engine_state import NUMBERS_PER_GROUP, SharedEngineState


class ServeWorkerSettings(WorkerSettings):
    """The settings of the workers of `serve`."""

    values: OptionValues


def main() -> None:
    """Serve until the supervisor ends, to whose socket the argument is a descriptor."""
    serve(socket.socket(fileno=int(sys.argv[1])))


def serve(end: socket.socket) -> None:
    """Serve until the supervisor at this channel ends."""
    for number in ORDERS_OF_SUPERVISOR:
        signal.signal(number, signal.SIG_IGN)
    try:
        settings = cast(ServeWorkerSettings, first_message(end).values[0])
    except EOFError:
        return
    end.setblocking(False)
    open_as_many_as_allowed()
    with gc_paused_then_frozen(), aiohttp_client_deferred():
        from mockllm.server import connection  # noqa: F401 - loads aiohttp
    run_on_best_loop(_run(settings, end))


async def _run(settings: ServeWorkerSettings, end: socket.socket) -> None:
    values = settings["values"]
    bounds = settings["limits"]
    counts = SharedCounts(settings["counts"])
    first_number = settings["replica"] * NUMBERS_PER_GROUP
    state = SharedEngineState(
        counts, first_number=first_number, max_sessions=bounds.sessions, unused_timeout=bounds.session_ttl
    )
    builder = create_builder(values, state, bounds.generated)
    cell = CellTable.SERVED + settings["index"]
    counts[cell] = 0
    connections = SharedConnections(counts.fd, values["workers"] or 1, settings["index"])
    store_client = _store_client(settings, state)

    def make_app(engine: Engine) -> App:
        lines = None if values["quiet"] else access_log_of(values)
        app = App(engine, limits=bounds, allow_cors=not values["no_cors"], access_log=lines)
        app.started = settings["started"]
        app.gzip = values["gzip"]
        app.webhook_hosts = allowed_hosts(values)
        app.store_client = store_client
        app.report_connections = connections.total
        app.counting_rounds = state.counters_without_session
        app.journal = MarkedJournal(bounds.journal, bounds.journal_bytes, app.metrics, counts, cell)
        _load_certificate(values, app)
        tracing.enter_context(traces(app, settings["addresses"], log))
        return app

    def listen(app: App) -> Server:
        return Server(app, (), [(socket.socket(fileno=fd), tls) for fd, tls in settings["listening"]])

    from contextlib import ExitStack

    with ExitStack() as tracing:
        load, controlled = partial(_load_certificate, values), settings["controlled"]
        worker = Worker(state, builder, make_app, listen, store_client, load, controlled=controlled)
        await worker.channel.open(end)
        await worker.run()
    store_client.close()


def _load_certificate(values: OptionValues, app: App) -> None:
    """Load the certificate of new connections. Raises CallFailed: the supervisor could read the files."""
    try:
        configure_tls(app, values)
    except BadOption as changed:
        raise CallFailed(str(changed)) from None


def _store_client(settings: ServeWorkerSettings, state: SharedEngineState) -> WorkerStoreClient:
    """Return what decides the requests that count."""
    if settings["store"] is None:
        return NoStore(state)
    from mockllm.store.store_client import StoreClient

    values = settings["values"]
    unused_timeout = settings["limits"].session_ttl
    return StoreClient(
        settings["store"],
        state,
        _log_nothing,
        wait=values["store_wait"],
        on_failure=values["store_failure"],
        unused_timeout=unused_timeout,
    )


def _log_nothing(_: str) -> None:
    """The supervisor says what happens to the store, in one line for all processes."""
