"""`mockllm serve --workers`: the supervisor of several processes on the same addresses."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from mockllm.cli.console import log, print_line, print_mistakes
from mockllm.cli.control_setup import AdminToken, background_tasks, set_up_control_api
from mockllm.cli.listen_addresses import addresses, configure_tls
from mockllm.cli.options import BadOption, limits, unknown_variables
from mockllm.cli.serve import (
    create_builder,
    dashboard_warning,
    no_rules_warning,
    print_ready,
    strict_exit_code,
    warn_about_files,
)
from mockllm.cli.sources import uses_default_pack
from mockllm.cli.startup import gc_paused
from mockllm.cli.store_setup import NoStoreFound, StoreSetup, store_setup
from mockllm.cli.worker_process import serve
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.server.app import App
from mockllm.server.engine_builder import Broken, Builder, LoadedRules
from mockllm.server.http_server import Address, CannotListen, open_as_many_as_allowed, run_on_best_loop
from mockllm.server.reload import Reloader
from mockllm.server.workers.forked_process import fork_workers
from mockllm.server.workers.group_sessions import GroupSessions
from mockllm.server.workers.listening_sockets import listen
from mockllm.server.workers.shareable import beyond_store, unshareable
from mockllm.server.workers.supervisor import Supervisor
from mockllm.state.shared_counts import SharedCounts

ALONE: Final = ("record_misses",)
"""Options that need one process."""


def run_workers(args: argparse.Namespace, values: Mapping[str, Any], token: AdminToken) -> int:
    """Serve with several processes; see `serve.run`."""
    for key in ALONE:
        if values[key]:
            raise BadOption(f"--{key.replace('_', '-')} needs one process: leave out --workers and --store")
    with store_setup(values) as store:
        return _run(args, values, token, store)


def _run(
    args: argparse.Namespace, values: Mapping[str, Any], token: AdminToken, store: StoreSetup | None
) -> int:
    bounds = limits(args, os.environ)
    began = time.time()
    state = GroupSessions(SharedCounts(), unused=bounds.session_ttl, max_sessions=bounds.sessions)
    builder = create_builder(values, state, bounds.generated)
    try:
        with gc_paused():
            engine = builder.first(at_once=True)
        _require_shareable(engine.catalog, store)
    except Broken as broken:
        print_mistakes(broken.mistakes, sys.stderr)
        return 2
    for warning in (
        *unknown_variables(os.environ, builder.variables), *no_rules_warning(engine.info()), *dashboard_warning()
    ):  # fmt: skip
        log(f"warning: {warning}")
    app = App(engine, limits=bounds, open_to_pages=not values["no_cors"])
    trusted = configure_tls(app, values)
    reload = Reloader(app, builder.watched, builder.again, log, began)
    watched = None if values["no_reload"] else reload
    admin_server = set_up_control_api(app, builder, watched, values)
    try:
        where, sockets = listen(addresses(args, values), values["workers"] or 1)
    except CannotListen as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    controlled = admin_server is None
    settings = {
        "values": values, "limits": bounds, "addresses": where, "controlled": controlled, "replica": 0,
        "store": None if store is None else store.address,
    }  # fmt: skip
    forked = fork_workers(sockets, serve)  # before anything here has a thread or an event loop
    supervisor = Supervisor(app, state, sockets, settings, log, forked)
    ready = partial(_print_ready, where, app, values, trusted, token, len(sockets), store)
    tasks = background_tasks(partial(warn_about_files, builder, reload), watched, admin_server)
    open_as_many_as_allowed()

    async def supervise() -> None:
        if store is not None:
            state.store = await store.open(_say_nothing, values["store_wait"])
            settings["replica"] = store.replica
        await _supervise(supervisor, app, builder, engine, ready, tasks, watched, store)
        if state.store is not None:
            state.store.release_replica(0 if store is None else store.replica)
            await asyncio.sleep(0)
            state.store.link.close()

    try:
        run_on_best_loop(supervise())
    except NoStoreFound as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    return strict_exit_code(app.journal.missed) if values["strict"] else 0


def _require_shareable(catalog: Catalog, store: StoreSetup | None) -> None:
    """Raise Broken if a rule counts what the workers cannot share."""
    mistakes = unshareable(catalog) if store is None else beyond_store(catalog)
    if mistakes:
        raise Broken(mistakes)


def _print_ready(
    where: Sequence[Address],
    app: App,
    values: Mapping[str, Any],
    trusted: Path | None,
    token: AdminToken,
    workers: int,
    store: StoreSetup | None,
) -> None:
    print_ready(where, app, uses_default_pack(values), trusted, token)
    if store is not None:
        print_line(f"  Store:      {store.shown}")
    print_line(f"  Workers:    {workers} process{'es' * (workers != 1)}")


def _say_nothing(_: str) -> None:
    """The first worker says what happens to the store."""


async def _supervise(
    supervisor: Supervisor,
    app: App,
    builder: Builder,
    engine: Engine,
    ready: Callable[[], None],
    tasks: Callable[[], Any],
    reload: Reloader | None,
    store: StoreSetup | None,
) -> None:
    """Run the workers until SIGTERM or SIGINT; a second signal does not wait for running responses. SIGHUP
    reloads."""
    loop = asyncio.get_running_loop()
    stopping, hurried = asyncio.Event(), asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def signalled() -> None:
        (hurried if stopping.is_set() else stopping).set()

    def reload_now() -> None:
        if reload is None:
            log("SIGHUP: this server does not reload (--no-reload)")
            return
        task = loop.create_task(reload.now())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    if not sys.stdout.isatty():  # a terminal that closes sends it, and ends the server
        loop.add_signal_handler(signal.SIGHUP, reload_now)

    async def activate(catalog: Catalog, rules: LoadedRules) -> None:
        _require_shareable(catalog, store)
        await supervisor.change(catalog, rules)

    app.start()
    if app.control is not None:
        app.control.context.other_processes = supervisor  # type: ignore[attr-defined]
    await supervisor.start(engine.catalog, builder.rules)
    builder.activate = activate
    ready()
    background = loop.create_task(tasks())
    watch = loop.create_task(store.watch(log)) if store is not None else None
    await stopping.wait()
    background.cancel()
    if watch is not None:
        watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await background
    await supervisor.stop(at_once=hurried)
