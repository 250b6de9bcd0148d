"""Set-up of the control API of `serve`: access rules, port and background tasks."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from mockllm.cli.live_explain import explain_live
from mockllm.cli.options import FOLDER, vocabulary
from mockllm.engine import Engine
from mockllm.scenario.overlay import OverlaidEntries
from mockllm.server.app import App
from mockllm.server.control import Access, ControlApi, ControlContext
from mockllm.server.control.admin_port_app import AdminPortApp
from mockllm.server.engine_builder import Builder
from mockllm.server.http_server import Address, CannotListen, Server
from mockllm.server.overlay_store import OverlayStore
from mockllm.server.reload import Reloader


def set_up_control_api(
    app: App, builder: Builder, reload: Reloader | None, values: Mapping[str, Any]
) -> Server | None:
    """Add the control API to the app. Return a separate server for it if it has its own port."""
    host, port, token = values["host"], values["admin_port"], values["admin_token"]
    access = Access(token or None, frozenset({host.lower(), socket.gethostname().lower()}))
    control = create_control_api(app, builder, reload, access, folder(values))
    if port is None:
        app.control = control
        return None
    return Server(AdminPortApp(control, limits=app.limits), [Address(host, port)])


def create_control_api(
    app: App, builder: Builder, reload: Reloader | None, access: Access, folder: str | None = None
) -> ControlApi:
    """Create the control API of an app."""

    def swap(engine: Engine) -> None:
        app.engine = engine

    def apply(over: Sequence[OverlaidEntries]) -> Awaitable[None]:
        return builder.overlaid(over, swap)

    context = ControlContext(
        app,
        vocabulary=vocabulary(),
        explain=explain_live,
        reload=None if reload is None else reload.now,
        overlays=OverlayStore(apply, vocabulary()),
        folder=folder,
    )
    return ControlApi(context, access)


def folder(values: Mapping[str, Any]) -> str:
    """Return the folder of the user's scenarios: the first --scenarios, else the default folder."""
    args = Path((values["scenarios"] or [FOLDER])[0])
    return str((args if args.suffix not in (".yaml", ".yml") else args.parent).absolute())


def background_task(
    reload: Reloader | None, admin_server: Server | None
) -> Callable[[], Coroutine[Any, Any, None]] | None:
    """Return the background task of the server: reload, admin port, both, or None."""
    if admin_server is None:
        return None if reload is None else reload.run

    async def run() -> None:
        try:
            await admin_server.start()
        except CannotListen as error:
            print(f"mockllm: {error}", file=sys.stderr)
            signal.raise_signal(signal.SIGTERM)
            return
        where = admin_server.listening[0]
        base = where._replace(host="localhost").url if where.everywhere else where.url
        print(f"control API: {where.url}/api, dashboard: {base}/dashboard", file=sys.stderr, flush=True)
        try:
            await (reload.run() if reload is not None else asyncio.get_running_loop().create_future())
        finally:
            await admin_server.stop()

    return run


def run_together(
    first: Callable[[], Coroutine[Any, Any, None]], other: Callable[[], Coroutine[Any, Any, None]] | None
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a task that runs both tasks concurrently."""

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(first())
            if other is not None:
                tasks.create_task(other())

    return run
