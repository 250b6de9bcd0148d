"""Set-up of the control API of `serve`: admin token, access rules, port, background tasks and explanations."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from mockllm.cli.option import BadOption
from mockllm.cli.option_values import OptionValues
from mockllm.cli.price_file import read_prices
from mockllm.cli.sources import FOLDER, known_names
from mockllm.core.json.codec import Json
from mockllm.engine import Engine
from mockllm.server.app import App
from mockllm.server.control.access import Access
from mockllm.server.control.api import AdminPortApp, ControlApi
from mockllm.server.control.context import ControlContext
from mockllm.server.control.problem import diagnostics_problem
from mockllm.server.engine_builder import Builder
from mockllm.server.http_server import Address, Server
from mockllm.server.overlay_store import OverlayStore
from mockllm.server.reload import Reloader
from mockllm.server.scenario_editor import ScenarioEditor
from mockllm.server.worker_thread import run_in_thread

FIRST_REQUESTS_ALONE: Final = 0.1
"""Seconds after the start in which nothing delays a client's first request: scripts send it at once."""
LENGTH: Final = 24
"""Random bytes of a generated token."""
MODE: Final = 0o600
"""Readable by the group too: a container beside the server reads the file as a member."""


def set_up_control_api(
    app: App, builder: Builder, reload: Reloader | None, values: OptionValues
) -> Server | None:
    """Add the control API to the app. Return a separate server for it if it has its own port, which it listens on.
    Raises CannotListen."""
    host, port, token = values["host"], values["admin_port"], values["admin_token"]
    names = filter(None, (host.lower(), socket.gethostname().lower()))  # an empty host means all addresses
    access = Access(token or None, frozenset(names))
    control = create_control_api(
        app, builder, reload, access, folder(values), edit=values["edit"], own_port=port is not None
    )
    control.context.prices = read_prices(values["prices"])
    control.context.proxy_hosts = allowed_hosts(values)
    if port is None:
        app.control = control
        return None
    server = Server(AdminPortApp(control, limits=app.limits), [Address(host, port, option="--admin-port")])
    server.bind()
    return server


def note_providers(admin_server: Server | None, where: Sequence[Address]) -> None:
    """Tell a control API with its own port where the provider routes are."""
    if admin_server is not None:
        control = admin_server.app.control
        assert isinstance(control, ControlApi), "the server is that of the control API"
        control.context.provider_address = where[0]


def create_control_api(
    app: App,
    builder: Builder,
    reload: Reloader | None,
    access: Access,
    folder: str | None = None,
    *,
    edit: bool = False,
    own_port: bool = False,
) -> ControlApi:
    """Create the control API of an app. `edit`: whether it may write the scenario files of the folder. `own_port`:
    whether the port of the app lacks it."""
    context = ControlContext(
        app,
        known_names=known_names(),
        explain=partial(explain_live, control_api=not own_port, preflights=app.allow_cors),
        reload=None if reload is None else reload.reload_now,
        overlays=OverlayStore(
            lambda over: builder.overlaid(over, app.replace_engine), known_names(), builder.previewed
        ),
        folder=folder,
        editor=None if folder is None else ScenarioEditor(folder, known_names(), writable=edit),
    )
    return ControlApi(context, access)


def folder(values: OptionValues) -> str:
    """Return the folder of the user's scenarios: the first --scenarios, else the default folder."""
    args = Path((values["scenarios"] or [FOLDER])[0])
    return str((args if args.suffix not in (".yaml", ".yml") else args.parent).absolute())


def allowed_hosts(values: OptionValues) -> frozenset[str]:
    """Return the hosts of --proxy-allow."""
    return frozenset(values["proxy_allow"] or ())


def background_tasks(
    first: Callable[[], Coroutine[object, object, None]], reload: Reloader | None, admin_server: Server | None
) -> Callable[[], Coroutine[object, object, None]]:
    """Return the background task of the server, which runs its first task, reloads and the admin port together. The
    admin port opens at once, the others begin after `FIRST_REQUESTS_ALONE`."""

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            if admin_server is not None:
                tasks.create_task(_serve_admin_port(admin_server))
            await asyncio.sleep(FIRST_REQUESTS_ALONE)
            tasks.create_task(first())
            if reload is not None:
                tasks.create_task(reload.run())

    return run


async def _serve_admin_port(server: Server) -> None:
    """Serve the control API until cancelled."""
    await server.start()
    where = server.listening[0]
    base = where._replace(host="localhost").url if where.everywhere else where.url
    print(f"control API: {where.url}/api, dashboard: {base}/dashboard", file=sys.stderr, flush=True)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await server.stop()


class AdminToken(NamedTuple):
    """`text` is None without a token. `generated` is the file to which a new token was just written."""

    text: str | None = None
    generated: Path | None = None


def admin_token(values: OptionValues) -> AdminToken:
    """Return the token of --admin-token or --admin-token-file. Raise BadOption for an invalid one."""
    text, file = (values["admin_token"] or "").strip(), values["admin_token_file"]
    if not file:
        return AdminToken(_check_token(text, "--admin-token: not a token") if text else None)
    if text:
        raise BadOption("--admin-token and --admin-token-file: use only one of them")
    path = Path(file)
    try:
        return AdminToken(_read(path)) if path.exists() else _generate(path)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        raise BadOption(f"--admin-token-file: {path}: {why}") from None


def _read(path: Path) -> str:
    return _check_token(path.read_text("utf-8").strip(), f"--admin-token-file: {path} contains no token")


def _check_token(text: str, problem: str) -> str:
    """Return the text if any client can send it in a header. Raise BadOption otherwise."""
    if not (text.isascii() and text.isprintable()) or not text or " " in text:
        raise BadOption(f"{problem}: expected one word of ASCII characters")
    return text


def _generate(path: Path) -> AdminToken:
    """Write a new token to the file. Never overwrite a file that another process created meanwhile."""
    token = secrets.token_urlsafe(LENGTH)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "w") as file:
        file.write(f"{token}\n")
    return AdminToken(token, path)


async def explain_live(
    raw: bytes, engine: Engine, *, control_api: bool = True, preflights: bool = True
) -> Json:
    """Return the explanation of a request in the form of `mockllm explain --json`, and as lines. `control_api` and
    `preflights` are the `ServerParts` of the server.

    Nothing is counted. An example of several steps runs on separate counts. Threads do all but the decision. Raise
    Problem for a request that cannot be read.
    """
    from mockllm.cli.explain import explanation_lines, report, trace_steps
    from mockllm.cli.own_responses import ServerParts, trace_of
    from mockllm.cli.sources import known_names
    from mockllm.state.engine_state import EngineState
    from mockllm.testing.match_trace import MatchTrace
    from mockllm.testing.request_files import InvalidRequestFile, RequestFile, read_request_file

    try:
        runs = await run_in_thread(partial(read_request_file, raw, "body", known_names()))
    except InvalidRequestFile as error:
        raise diagnostics_problem(error.diagnostics) from None
    parts = ServerParts(control_api, preflights)
    traces: list[tuple[RequestFile, MatchTrace]] = []
    for run in runs:
        if len(run) > 1:
            own = Engine(engine.catalog, EngineState(), engine.settings)
            traces += await run_in_thread(partial(list, trace_steps(run, own, parts)))
        else:
            sent = run[0].sent
            request = sent.read_by(engine, time.time(), time.monotonic(), uses_session=False)
            await run_in_thread(partial(engine.read_ahead, request))
            builder = engine.preview(request)
            trace = await run_in_thread(partial(trace_of, engine, request, sent.path, parts, builder))
            traces.append((run[0], trace))
    reports: list[Json] = await run_in_thread(
        lambda: [{**report(*each), "lines": list(explanation_lines(*each))} for each in traces]
    )
    return reports[0] if len(reports) == 1 else reports
