"""A server inside of a command, for as long as the command runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import unknown_variables
from mockllm.cli.shown_warnings import print_warnings
from mockllm.cli.sources import scenario_sources, sources_step
from mockllm.cli.startup import gc_paused_then_frozen
from mockllm.engine import Engine, EngineInfo
from mockllm.engine.settings import EngineSettings
from mockllm.server.app import App
from mockllm.server.engine_builder import Builder
from mockllm.server.http_server import Address, Server
from mockllm.server.server_limits import ServerLimits
from mockllm.state.engine_state import EngineState
from mockllm.testing.loop_thread import loop

if TYPE_CHECKING:
    from mockllm.server.control.api import ControlApi


@contextmanager
def serving(app: App, port: int) -> Iterator[str]:
    """Serve an app on a loop in a thread. Raise CannotListen."""
    server, thread = Server(app, [Address("127.0.0.1", port)]), loop()
    thread.run(server.start())
    try:
        yield server.listening[0].url
    finally:
        thread.run(server.stop())


def control_of(app: App, builder: Builder) -> ControlApi:
    from mockllm.cli.control_setup import create_control_api
    from mockllm.server.control.access import Access

    return create_control_api(app, builder, None, Access())


def build(
    values: OptionValues, bounds: ServerLimits, environment: Mapping[str, str]
) -> tuple[Builder, Engine]:
    """Return the builder and the engine. Print warnings. Raise Broken for mistakes in the files."""
    settings = EngineSettings(
        seed=values["seed"],
        max_wait=values["max_delay"],
        max_generated=bounds.generated,
        allow_overrides=values["allow_overrides"],
        unmatched_status=values["miss_status"],
        proxy_hosts=frozenset(values["proxy_allow"] or ()),
        time_scale=values["time_scale"],
    )
    sources = replace(scenario_sources(values, environment), examples=False)
    state = EngineState(max_sessions=bounds.sessions, unused_timeout=bounds.session_ttl)
    builder = Builder(sources, state, settings, strict=values["strict"])
    with gc_paused_then_frozen(), sources_step(sources):
        engine = builder.first()
    unknown = unknown_variables(environment, builder.variables)
    warnings = (*builder.warnings, *unknown, *findings_warning(engine.info()))
    print_warnings([str(warning) for warning in warnings], environment)
    return builder, engine


def findings_warning(about: EngineInfo) -> Iterator[str]:
    """Yield a warning if several findings of hunts are loaded, because no request of a command has their sessions."""
    if about.findings:
        yield (
            f"{len(about.findings)} findings of hunts are loaded, and each responds in the session of its name only; "
            "to replay one, name its file: --scenarios hunt/NAME.yaml"
        )
