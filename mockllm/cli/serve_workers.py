"""`mockllm serve --workers`: the supervisor of several processes on the same addresses."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from mockllm.cli.console import log, print_diagnostics, print_line
from mockllm.cli.control_setup import AdminToken, background_tasks, note_providers, set_up_control_api
from mockllm.cli.listen_addresses import addresses, configure_tls, load_certificate_again
from mockllm.cli.option import BadOption
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import limits, unknown_variables
from mockllm.cli.ready_message import dashboard_warning, no_rules_warning, print_ready
from mockllm.cli.server_setup import (
    create_builder,
    exit_code,
    reload_after_signal,
    warn_about_files,
    watch_input_end,
)
from mockllm.cli.sources import sources_step, uses_default_pack
from mockllm.cli.startup import gc_paused_then_frozen
from mockllm.cli.store_setup import NoStoreFound, StoreSetup, store_setup
from mockllm.cli.worker_process import ServeWorkerSettings, serve
from mockllm.dialects import providers  # noqa: F401 - the workers share all dialects
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.server.app import App
from mockllm.server.control.api import ControlApi
from mockllm.server.engine_builder import Broken, Builder, LoadedRules
from mockllm.server.http_server import (
    Address,
    CannotListen,
    Server,
    open_as_many_as_allowed,
    run_on_best_loop,
)
from mockllm.server.reload import NotChanged, Reloader
from mockllm.server.server_signals import ServerSignals
from mockllm.server.workers.forked_process import fork_workers
from mockllm.server.workers.group_engine_state import GroupEngineState
from mockllm.server.workers.listening_sockets import listen
from mockllm.server.workers.shareable import beyond_store, of_one_process, unshareable
from mockllm.server.workers.supervisor import CannotServe, Supervisor
from mockllm.state.shared_counts import SharedCounts


def run_workers(args: argparse.Namespace, values: OptionValues, token: AdminToken) -> int:
    """Serve with several processes; see `serve.run`."""
    if values["record_misses"]:
        raise BadOption("--record-misses needs one process: leave out --workers and --store")
    if values["time_scale"] != 1.0:
        raise BadOption("--time-scale needs one process: several go by the clock of their store")
    with store_setup(values) as store:
        return _run(args, values, token, store)


def _run(args: argparse.Namespace, values: OptionValues, token: AdminToken, store: StoreSetup | None) -> int:
    began = time.time()
    bounds = limits(args, os.environ)
    state = GroupEngineState(SharedCounts(), unused_timeout=bounds.session_ttl, max_sessions=bounds.sessions)
    builder = create_builder(values, state, bounds.generated)
    try:
        engine = _first_engine(builder, store)
        where, sockets = listen(addresses(args, values), values["workers"] or 1)
        app = App(engine, limits=bounds, allow_cors=not values["no_cors"])
        trusted = configure_tls(app, values)
        reload = Reloader(app, builder.watched, builder.again, log, began)
        watched = None if values["no_reload"] else reload
        admin_server = set_up_control_api(app, builder, watched, values)
    except Broken as broken:
        print_diagnostics(broken.diagnostics, sys.stderr)
        return 2
    except CannotListen as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    note_providers(admin_server, where)
    address = None if store is None else store.address
    controlled = admin_server is None
    settings = ServeWorkerSettings(
        values=values, limits=bounds, addresses=where, controlled=controlled, replica=0, store=address
    )
    forked = fork_workers(sockets, serve, () if admin_server is None else admin_server.sockets)
    group = ServedGroup(
        app=app,
        catalog=engine.catalog,
        builder=builder,
        state=state,
        supervisor=Supervisor(app, state, sockets, settings, log, forked),
        settings=settings,
        store=store,
        reload=watched,
        admin_server=admin_server,
        ready=partial(_print_ready, where, app, values, trusted, token, len(sockets), store),
        tasks=background_tasks(partial(warn_about_files, builder, reload), watched, admin_server),
    )
    return _exit_code(group)


class ServedGroup(Struct):
    """The parts of a server with several workers."""

    app: App
    catalog: Catalog
    """The rules at the start."""
    builder: Builder
    state: GroupEngineState
    supervisor: Supervisor
    settings: ServeWorkerSettings
    store: StoreSetup | None
    reload: Reloader | None
    admin_server: Server | None
    ready: Callable[[], None]
    tasks: Callable[[], Coroutine[object, object, None]]


def _first_engine(builder: Builder, store: StoreSetup | None) -> Engine:
    """Return the first engine, and print warnings. Raises Broken."""
    with gc_paused_then_frozen(), sources_step(builder.sources):
        engine = builder.first(at_once=True)
    _require_shareable(engine.catalog, store)
    unknown = unknown_variables(os.environ, builder.variables)
    for warning in (*unknown, *no_rules_warning(engine.info()), *dashboard_warning()):
        log(f"warning: {warning}")
    return engine


def _exit_code(group: ServedGroup) -> int:
    """Serve, and return the exit code."""
    values = group.settings["values"]
    watch_input_end(values)
    open_as_many_as_allowed()
    try:
        run_on_best_loop(_run_group(group))
    except (CannotServe, NoStoreFound) as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    return exit_code(values, group.app)


def _require_shareable(catalog: Catalog, store: StoreSetup | None) -> None:
    """Raise Broken if a rule counts what the workers cannot share."""
    diagnostics = _unshared(store, catalog)
    if diagnostics:
        raise Broken(diagnostics)


def _unshared(store: StoreSetup | None, catalog: Catalog) -> Sequence[Diagnostic]:
    """Return a mistake for each rule that the workers cannot serve."""
    counted = unshareable(catalog) if store is None else beyond_store(catalog)
    return [*counted, *of_one_process(catalog)]


def _print_ready(
    where: Sequence[Address],
    app: App,
    values: OptionValues,
    trusted: Path | None,
    token: AdminToken,
    workers: int,
    store: StoreSetup | None,
) -> None:
    print_ready(where, app, uses_default_pack(values), trusted, token)
    if store is not None:
        print_line(f"  Store:      {store.shown}")
    print_line(f"  Workers:    {workers} process{'es' * (workers != 1)}")


async def _run_group(group: ServedGroup) -> None:
    """Run the workers until SIGTERM or SIGINT. Raises NoStoreFound or CannotServe."""
    store, state = group.store, group.state
    if store is not None:
        state.store = await store.open(log, group.settings["values"]["store_wait"])
        group.settings["replica"] = store.replica
    load = partial(
        load_certificate_again, group.app, group.settings["values"], partial(_tell_certificate, group)
    )
    try:
        await _supervise(group, ServerSignals(partial(reload_after_signal, group.reload, load)))
    finally:
        if state.store is not None and store is not None:
            state.store.release_replica(store.replica)
            await asyncio.sleep(0)
            state.store.link.close()


async def _tell_certificate(group: ServedGroup) -> None:
    """Let the workers load their certificate again. Raises BadOption."""
    try:
        await group.supervisor.load_certificate()
    except NotChanged as reason:
        raise BadOption(f"{reason}; all other workers use the new one") from None


async def _supervise(group: ServedGroup, signals: ServerSignals) -> None:
    """Start the workers, and end them at the first signal, at the second one without their responses. Raises
    CannotServe."""
    app, store, supervisor, builder = group.app, group.store, group.supervisor, group.builder

    async def activate(catalog: Catalog, rules: LoadedRules) -> None:
        _require_shareable(catalog, store)
        await supervisor.change(catalog, rules)

    app.start()
    control = app.control if group.admin_server is None else group.admin_server.app.control
    assert isinstance(control, ControlApi), "the control API was set up"
    control.context.other_processes = supervisor
    if control.context.editor is not None:
        control.context.editor.refused = partial(_unshared, store)
    builder.activate = activate  # SIGHUP may reload while the workers start
    supervisor.on_failure = signals.stopping.set
    await supervisor.start(group.catalog, builder.rules)
    if store is not None:
        store.on_replica = supervisor.renumber
        if store.replica != group.settings["replica"]:
            await supervisor.renumber(store.replica)
    group.ready()
    loop = asyncio.get_running_loop()
    tasks = loop.create_task(group.tasks())
    watch = None if store is None else loop.create_task(store.watch(log))
    await signals.stopping.wait()
    await _cancelled(tasks)
    with signals.reported_wait(app.limits.grace, log):
        await supervisor.stop(at_once=signals.hurried)
    if watch is not None:  # the workers' last requests need the store
        await _cancelled(watch)
    if supervisor.failure:
        raise CannotServe(supervisor.failure)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
