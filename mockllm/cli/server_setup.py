"""What `serve` sets up alike for one process and for workers: the builder of the engine, reloads, the end."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from mockllm.cli.console import log
from mockllm.cli.control_setup import allowed_hosts
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import volatile
from mockllm.cli.sources import scenario_sources
from mockllm.core.display import counted
from mockllm.engine.settings import EngineSettings
from mockllm.server.app import App
from mockllm.server.engine_builder import Builder
from mockllm.server.reload import NotChanged, Reloader
from mockllm.state.engine_state import EngineState


async def reload_after_signal(
    reload: Reloader | None, load_certificate: Callable[[], Awaitable[None]]
) -> None:
    """Load the certificate and the files again after a SIGHUP."""
    await load_certificate()
    if reload is None:
        log("SIGHUP: this server does not reload (--no-reload)")
    else:
        with contextlib.suppress(NotChanged):  # it is reported
            await reload.reload_now()


def watch_input_end(values: OptionValues) -> None:
    """Stop the server when standard input closes, if the command line says so."""
    if values["until_stdin_closes"]:
        from mockllm.cli.input_end import stop_at_input_end

        stop_at_input_end()


async def warn_about_files(builder: Builder, reload: Reloader) -> None:
    """Print warnings about the files. The start does not wait for them."""
    reload.report_first_warnings(await builder.looked_over())


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
