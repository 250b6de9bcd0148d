"""`mockllm serve`."""

from __future__ import annotations

import argparse
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from mockllm import __version__
from mockllm.cli.admin_token import AdminToken, admin_token
from mockllm.cli.console import lines_of, say, say_line
from mockllm.cli.control_setup import beside, steered, together
from mockllm.cli.diagnostic_output import list_mistakes
from mockllm.cli.gc_pause import staying
from mockllm.cli.listen_addresses import addresses, secured
from mockllm.cli.options import (
    FALLBACK,
    FOLDER,
    LOADING,
    SERVING,
    BadOption,
    add,
    add_limits,
    fallen_back,
    limits,
    settled,
    strangers,
    volatile,
    wanted,
)
from mockllm.cli.trace_setup import traced
from mockllm.engine import EngineInfo
from mockllm.recordings.atomic_files import probe
from mockllm.server.app import App
from mockllm.server.builtin_pages import amount
from mockllm.server.engine_builder import Broken, Builder
from mockllm.server.http_server import Address, CannotListen
from mockllm.server.http_server import run as run_server
from mockllm.server.reload import Reloader
from mockllm.server.server_limits import KIB, MIB
from mockllm.state.sessions import Sessions

USAGE: Final = "%(prog)s [--scenarios DIR] [--pack NAME[,NAME]] [--port PORT] [option ...]"
ABOUT: Final = (
    "Serves scenarios until Ctrl-C or SIGTERM. With neither --scenarios nor --pack it serves ./scenarios if "
    "there are any in that folder, else the pack `default`. What is saved while it runs answers from then on."
)
NOTE: Final = (
    "An option may also be given by the variable in brackets; the option itself goes first. SECONDS may carry a "
    "unit (500ms, 2m), BYTES too (64KiB, 1MiB)."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage, parser.description, parser.epilog = USAGE, ABOUT, NOTE
    add(parser, (*LOADING, *SERVING))
    add_limits(parser)


def run(given: argparse.Namespace) -> int:
    values = settled(given, (*LOADING, *SERVING), os.environ)
    token = admin_token(values)
    values = {**values, "admin_token": token.text}
    bounds = limits(given, os.environ)
    began = time.time()
    recording(values)
    sessions = Sessions(most=bounds.sessions, unused=bounds.session_ttl, say=say)
    builder = built(values, sessions, bounds.generated)
    try:
        with staying():
            engine = builder.first(at_once=True)
    except Broken as broken:
        list_mistakes(broken.mistakes, sys.stderr)
        return 2
    empty = () if values["record_misses"] else nothing(engine.info())
    for warning in (*strangers(os.environ, builder.variables), *empty, *unbuilt()):
        say(f"warning: {warning}")
    lines = None if values["quiet"] else lines_of(values)
    app = App(engine, limits=bounds, open_to_pages=not values["no_cors"], lines=lines)
    app.gzip = values["gzip"]
    trusted = secured(app, values)
    if values["record_misses"]:
        from mockllm.cli.record import recorder_of

        app.recorder = recorder_of(values, values["record_misses"], addresses(given, values))
    reload = Reloader(app, builder.watched, builder.again, say, began)
    watched = None if values["no_reload"] else reload
    aside = steered(app, builder, watched, values)
    try:
        with traced(app, addresses(given, values), say):
            run_server(
                app, addresses(given, values),
                lambda where: ready(where, app, fallen_back(values), trusted, token),
                together(partial(look_over, builder, reload), beside(watched, aside)),
            )  # fmt: skip
    except CannotListen as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    return reported(app.journal.missed) if values["strict"] else 0


async def look_over(builder: Builder, reload: Reloader) -> None:
    """Says what is worth a line about the files. A start does not wait for that."""
    reload.begun_with(await builder.looked_over())


def recording(values: Mapping[str, Any]) -> None:
    """Makes the folder of what is recorded, so that it is served and watched. Raises BadOption."""
    if not values["record_misses"]:
        if values["upstream"]:
            raise BadOption(
                "--upstream says where misses go; say where they are recorded: --record-misses DIR"
            )
        return
    if not values["upstream"]:
        raise BadOption("--record-misses: say where requests go: --upstream openai=https://api.openai.com")
    try:
        Path(values["record_misses"]).mkdir(parents=True, exist_ok=True)
        probe(Path(values["record_misses"]))
    except OSError as error:
        raise BadOption(f"--record-misses {values['record_misses']}: {error.strerror}") from None


def built(values: Mapping[str, Any], sessions: Sessions, max_generated: int) -> Builder:
    """What makes the engine, now and at each reload."""
    return Builder(
        replace(wanted(values, os.environ), examples=False),
        sessions,
        seed=values["seed"],
        longest=values["max_delay"],
        max_generated=max_generated,
        strict=values["strict"],
        overrides=values["allow_overrides"],
        volatile=volatile(values),
        hashed=values["verbose"] and not values["quiet"],
    )


def reported(missed: int) -> int:
    """The exit report of --strict, and its code."""
    if missed:
        print(f"mockllm: {missed} request{'s' * (missed != 1)} that no rule answered", file=sys.stderr)
    return 1 if missed else 0


def nothing(about: EngineInfo) -> Iterator[str]:
    """A line where there is nothing that could answer."""
    if not about.rules:
        yield "no rule is loaded, so every request gets a 404; scenario files end in .yaml or .yml"


def unbuilt() -> Iterator[str]:
    """A line where the dashboard was not built, with what the build said."""
    home = Path(__file__).parent.parent / "dashboard"
    if not (home / "index.html").exists():
        why = home / "unbuilt.txt"
        told = f": {why.read_text(encoding='utf-8').strip()}" if why.exists() else ""
        yield f"the dashboard is not built{told}"


def ready(
    where: Sequence[Address],
    app: App,
    fallen_back: bool = False,
    trusted: Path | None = None,
    token: AdminToken = AdminToken(),  # noqa: B008 - immutable
) -> None:
    """Where it listens, what is loaded, and what to give each SDK. The token of others than this machine is told
    only when it was just made: lines end up in logs."""
    about = app.engine.info()
    say_line(f"mockllm {__version__}: {amount(about)}, listening on {', '.join(each.url for each in where)}")
    first = where[0]
    base = first._replace(host="localhost").url if first.everywhere else first.url
    for name, path in about.bases:
        say_line(f"  {name + ':':<11} base_url = {base}{path}")
    alone = all(address.host in ("localhost", "127.0.0.1", "::1") for address in where)
    if app.control is not None:
        others = (
            "others give the admin token" if token.text else "for this machine only: no --admin-token is set"
        )
        made = f"?token={token.text}" if token.made else "" if alone else f" ({others})"
        say_line(f"  Dashboard:  {base}/dashboard{made}")
    if token.made:
        say_line(f"  Others than this machine steer it with the admin token that was made in {token.made}.")
    for line in _reached(first, app, trusted, alone=alone):
        say_line(f"  {line}")
    if fallen_back:
        say_line(
            f"  No scenario files in ./{FOLDER}, so the pack `{FALLBACK}` answers; "
            "`mockllm init` makes scenarios of your own."
        )
    kept = app.journal
    say_line(f"  Journal:    the last {kept.size} requests, in {size(kept.room)} at most")


def _reached(first: Address, app: App, trusted: Path | None, *, alone: bool) -> Iterator[str]:
    """Whom it reaches, and who reaches it."""
    if app.recorder is not None:
        there = ", ".join(f"{name}: {url}" for name, url in app.recorder.upstreams.bases.items())
        yield f"What no rule answers is passed on ({there}) and recorded in {app.recorder.out}."
    if trusted is not None:
        yield f"HTTPS clients must trust its CA: export SSL_CERT_FILE={shlex.quote(str(trusted))}"
    if first.everywhere:
        named = first._replace(host=socket.gethostname()).url
        yield f"Containers and other machines: {named}, or this machine's address in place of its name."
    if alone:
        yield "Only this machine can reach it; --host 0.0.0.0 opens it to containers and the network."


def size(count: int) -> str:
    """`64 MiB`, `300 bytes`."""
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"
