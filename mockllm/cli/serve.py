"""`mockllm serve`."""

from __future__ import annotations

import argparse
import os
import shlex
import socket
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from mockllm import __version__
from mockllm.cli.console import ThrottledLog, access_log_of, log, print_line, print_mistakes
from mockllm.cli.control_setup import (
    AdminToken,
    admin_token,
    allowed_hosts,
    background_tasks,
    note_providers,
    set_up_control_api,
)
from mockllm.cli.listen_addresses import addresses, configure_tls, load_certificate_again
from mockllm.cli.option import BadOption, OptionValues, add
from mockllm.cli.options import (
    LOAD_OPTIONS,
    SERVING,
    add_limits,
    limits,
    option_values,
    unknown_variables,
    volatile,
)
from mockllm.cli.sources import (
    DEFAULT_PACK,
    FOLDER,
    misnamed_files,
    scenario_sources,
    sources_step,
    uses_default_pack,
)
from mockllm.cli.startup import gc_paused_then_frozen
from mockllm.cli.trace_setup import traces
from mockllm.cli.units import byte_text
from mockllm.core.display import counted
from mockllm.core.request.server_address import SESSION_PREFIX
from mockllm.engine import Engine, EngineInfo
from mockllm.engine.settings import EngineSettings
from mockllm.recordings.atomic_files import probe
from mockllm.server.app import App
from mockllm.server.builtin_pages import FINDINGS, amount
from mockllm.server.engine_builder import Broken, Builder
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
    values = option_values(args, (*LOAD_OPTIONS, *SERVING), os.environ)
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
        print_mistakes(broken.mistakes, sys.stderr)
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


def _engine_state(bounds: ServerLimits) -> EngineState:
    """Return a state that logs which sessions ended."""
    return EngineState(max_sessions=bounds.sessions, unused_timeout=bounds.session_ttl, log=ThrottledLog(log))


async def reload_after_signal(
    reload: Reloader | None, load_certificate: Callable[[], Awaitable[None]]
) -> None:
    """Load the certificate and the files again after a SIGHUP."""
    await load_certificate()
    if reload is None:
        log("SIGHUP: this server does not reload (--no-reload)")
    else:
        await reload.reload_now()


def watch_input_end(values: OptionValues) -> None:
    """Stop the server when standard input closes, if the command line says so."""
    if values["until_stdin_closes"]:
        from mockllm.cli.input_end import stop_at_input_end

        stop_at_input_end()


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


async def warn_about_files(builder: Builder, reload: Reloader) -> None:
    """Print warnings about the files. The start does not wait for them."""
    reload.report_first_warnings(await builder.looked_over())


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


def create_builder(values: OptionValues, state: EngineState, max_generated: int) -> Builder:
    """Create the builder of the engine, for the start and each reload."""
    settings = EngineSettings(
        seed=values["seed"],
        max_wait=values["max_delay"],
        max_generated=max_generated,
        allow_overrides=values["allow_overrides"],
        volatile=volatile(values),
        hash_header=values["verbose"] and not values["quiet"],
        unmatched_status=values["miss_status"],
        proxy_hosts=allowed_hosts(values),
        time_scale=values["time_scale"],
    )
    sources = replace(scenario_sources(values, os.environ), examples=False)
    return Builder(sources, state, settings, strict=values["strict"])


def exit_code(values: OptionValues, app: App) -> int:
    """Return the exit code of a server that has stopped. Print the exit report of --strict."""
    unmatched = app.journal.unmatched if values["strict"] else 0
    if unmatched:
        print(f"mockllm: {counted(unmatched, 'unmatched request')}", file=sys.stderr)
    return int(unmatched > 0)


def no_rules_warning(about: EngineInfo) -> Iterator[str]:
    """Yield a warning if no rule is loaded."""
    if not about.rules:
        yield "no rule is loaded, so every request gets a 404; scenario files end in .yaml or .yml"


def dashboard_warning() -> Iterator[str]:
    """Yield a warning if the dashboard was not built, with the message of the build."""
    home = Path(__file__).parent.parent / "dashboard"
    if not (home / "index.html").exists():
        reason = home / "unbuilt.txt"
        detail = f": {reason.read_text(encoding='utf-8').strip()}" if reason.exists() else ""
        yield f"the dashboard is not built{detail}"


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


def print_ready(
    where: Sequence[Address],
    app: App,
    default_pack: bool = False,
    trusted: Path | None = None,
    token: AdminToken = AdminToken(),  # noqa: B008 - immutable
) -> None:
    """Print the addresses, the loaded rules and the base URL of each SDK. The admin token is printed only when it was
    just generated, because these lines end up in logs."""
    about = app.engine.info()
    print_line(
        f"mockllm {__version__}: {amount(about)}, listening on {', '.join(each.url for each in where)}"
    )
    first = where[0]
    base = first._replace(host="localhost").url if first.everywhere else first.url
    for name, path in about.bases:
        print_line(f"  {name + ':':<11} base_url = {base}{path}")
    if about.findings:
        print_line(f"  {FINDINGS} (base_url = {base}{SESSION_PREFIX}NAME/v1):")
        for line in textwrap.wrap(", ".join(about.findings), 100, break_on_hyphens=False):
            print_line(f"    {line}")
    alone = all(address.host in ("localhost", "127.0.0.1", "::1") for address in where)
    if app.control is not None:
        others = (
            "other machines need the admin token"
            if token.text
            else "for this machine only: no --admin-token is set"
        )
        suffix = f"?token={token.text}" if token.generated else "" if alone else f" ({others})"
        print_line(f"  Dashboard:  {base}/dashboard{suffix}")
    if token.generated:
        print_line(f"  Other machines need the admin token. It was created in {token.generated}.")
    for line in _reached(first, app, trusted, alone=alone):
        print_line(f"  {line}")
    if default_pack:
        _print_default_pack_note()
    journal = app.journal
    print_line(
        f"  Journal:    the last {journal.max_entries} requests, in {byte_text(journal.max_bytes)} at most"
    )


def _print_default_pack_note() -> None:
    """Print why the pack `default` is served, and what else can be."""
    if any(Path(FOLDER).glob("*/pack.yaml")):
        found, advice = "Only packs", "`--pack NAME` serves another one."
    else:
        found, advice = "No scenario files", "`mockllm init` writes scenarios to start from."
    print_line(f"  {found} in ./{FOLDER}; serving the pack `{DEFAULT_PACK}`. {advice}")
    for warning in misnamed_files():
        log(f"warning: {warning}")


def _reached(first: Address, app: App, trusted: Path | None, *, alone: bool) -> Iterator[str]:
    """Yield lines about upstreams, certificates and reachability."""
    if app.provider_proxy is not None:
        there = ", ".join(f"{name}: {url}" for name, url in app.provider_proxy.upstreams.bases.items())
        yield f"Unmatched requests are forwarded ({there}) and recorded in {app.provider_proxy.out}."
    if trusted is not None:
        yield f"HTTPS clients must trust the CA: export SSL_CERT_FILE={shlex.quote(str(trusted))}"
    if first.everywhere:
        named = first._replace(host=socket.gethostname()).url
        yield f"Containers and other machines: {named}, or this machine's address in place of its name."
    if alone:
        yield "Only this machine can reach it; --host 0.0.0.0 opens it to containers and the network."
