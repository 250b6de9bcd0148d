"""`mockllm serve`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from mockllm.cli.console import ThrottledLog, access_log_of, log, print_diagnostics
from mockllm.cli.control_setup import (
    AdminToken,
    admin_token,
    allowed_hosts,
    background_tasks,
    note_providers,
    set_up_control_api,
)
from mockllm.cli.listen_addresses import addresses, configure_tls, load_certificate_again
from mockllm.cli.option import BadOption, add
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import (
    LOAD_OPTIONS,
    SERVING,
    add_limits,
    limits,
    option_values,
    unknown_variables,
    without_effect,
)
from mockllm.cli.ready_message import dashboard_warning, no_rules_warning, print_ready
from mockllm.cli.server_setup import (
    create_builder,
    exit_code,
    reload_after_signal,
    warn_about_files,
    watch_input_end,
)
from mockllm.cli.sources import (
    sources_step,
    uses_default_pack,
)
from mockllm.cli.startup import gc_paused_then_frozen
from mockllm.cli.trace_setup import traces
from mockllm.engine import Engine
from mockllm.recordings.atomic_files import probe
from mockllm.server.app import App
from mockllm.server.engine_builder import Broken
from mockllm.server.http_server import Address, CannotListen, Server, serve
from mockllm.server.http_server import run as run_server
from mockllm.server.pending_recordings import PendingRecordings
from mockllm.server.reload import Reloader
from mockllm.server.server_limits import ServerLimits
from mockllm.state.engine_state import EngineState

USAGE: Final = "%(prog)s [--scenarios DIR] [--pack NAME[,NAME]] [--port PORT] [option ...]"
ABOUT: Final = (
    "Serves scenarios until Ctrl-C or SIGTERM. Without --scenarios and --pack it serves ./scenarios if that "
    "folder contains scenario files, else the pack `default`. Changed files are reloaded while it runs."
)
NOTE: Final = (
    "The variable in brackets sets the same value; the option has priority. SECONDS may have a "
    "unit (500ms, 2m), and so may BYTES (64KiB, 1MiB)."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage, parser.description, parser.epilog = USAGE, ABOUT, NOTE
    add(parser, (*LOAD_OPTIONS, *SERVING))
    add_limits(parser)


def run(args: argparse.Namespace) -> int:
    values = _values(args)
    token = admin_token(values)
    values = {**values, "admin_token": token.text}
    if (values["workers"] or 1) > 1 or values["store"]:  # one process needs no supervisor
        from mockllm.cli.serve_workers import run_workers

        return run_workers(args, values, token)
    bounds = limits(args, os.environ)
    began = time.time()
    prepare_recordings(values)
    builder = create_builder(values, _engine_state(bounds), bounds.generated)
    try:
        with gc_paused_then_frozen(), sources_step(builder.sources):
            engine = builder.first(at_once=True)
    except Broken as broken:
        print_diagnostics(broken.diagnostics, sys.stderr)
        return 2
    empty = () if values["record_misses"] else no_rules_warning(engine.info())
    for warning in (*unknown_variables(os.environ, builder.variables), *empty, *dashboard_warning()):
        log(f"warning: {warning}")
    app = _create_app(args, values, engine, bounds)
    trusted = configure_tls(app, values)
    reload = Reloader(app, builder.watched, builder.again, log, began)
    watched = None if values["no_reload"] else reload
    if watched is not None and app.provider_proxy is not None:
        app.provider_proxy.pending = PendingRecordings(watched.check)
    try:
        admin_server = set_up_control_api(app, builder, watched, values)
        watch_input_end(values)
        tasks = background_tasks(partial(warn_about_files, builder, reload), watched, admin_server)
        with traces(app, addresses(args, values), log):
            ready = partial(_ready, admin_server, app, uses_default_pack(values), trusted, token)
            again = partial(reload_after_signal, watched, partial(load_certificate_again, app, values))
            run_server(serve(app, addresses(args, values), ready, tasks, again, log))
    except CannotListen as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    return exit_code(values, app)


def _values(args: argparse.Namespace) -> OptionValues:
    """Return the values of the options, with a warning for each option without effect."""
    values = option_values(args, (*LOAD_OPTIONS, *SERVING), os.environ)
    for warning in without_effect(args, values):
        log(f"warning: {warning}")
    return values


def _engine_state(bounds: ServerLimits) -> EngineState:
    """Return a state that logs which sessions ended."""
    return EngineState(max_sessions=bounds.sessions, unused_timeout=bounds.session_ttl, log=ThrottledLog(log))


def _create_app(args: argparse.Namespace, values: OptionValues, engine: Engine, bounds: ServerLimits) -> App:
    """Return the application with the settings of the command line."""
    lines = None if values["quiet"] else access_log_of(values)
    app = App(engine, limits=bounds, allow_cors=not values["no_cors"], access_log=lines)
    app.webhook_hosts = allowed_hosts(values)
    app.gzip = values["gzip"]
    if values["record_misses"]:
        from mockllm.cli.record import create_recorder

        app.provider_proxy = create_recorder(values, values["record_misses"], addresses(args, values))
    return app


def prepare_recordings(values: OptionValues) -> None:
    """Create the folder of recordings, so that it is served and watched. Raise BadOption."""
    if not values["record_misses"]:
        if values["upstream"]:
            raise BadOption("--upstream needs a folder for the recordings: --record-misses DIR")
        return
    if not values["upstream"]:
        raise BadOption("--record-misses needs the provider's URL: --upstream openai=https://api.openai.com")
    try:
        Path(values["record_misses"]).mkdir(parents=True, exist_ok=True)
        probe(Path(values["record_misses"]))
    except OSError as error:
        raise BadOption(f"--record-misses {values['record_misses']}: {error.strerror}") from None


def _ready(
    admin_server: Server | None,
    app: App,
    default_pack: bool,
    trusted: Path | None,
    token: AdminToken,
    where: Sequence[Address],
) -> None:
    """Tell the control API and the user where the server listens."""
    note_providers(admin_server, where)
    print_ready(where, app, default_pack, trusted, token)
