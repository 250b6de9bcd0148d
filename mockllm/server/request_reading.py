"""Reads the requests of exchanges: most of them at once, long requests and long histories in a thread."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from mockllm.engine.engine_request import EngineRequest
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.protocols import EngineProtocol
from mockllm.server.request_target import is_control_path


def read_request(app: App, exchange: Exchange) -> EngineRequest:
    """Read the request of an exchange. A message of a WebSocket first looks for stored responses in its session."""
    reader = exchange.head.reader(app.engine)
    request = reader.read(exchange.raw, exchange.client_address, exchange.now, exchange.monotonic)
    if exchange.websocket_session is not None:
        request.object_lookup = exchange.websocket_session.lookup(request.object_lookup)
    return request


def control_api_refuses(app: App, exchange: Exchange) -> bool:
    """Return whether the control API, and not the engine, responds to a request whose body cannot be read. With
    `control_only` it responds to all. Else the path is one of `is_control_path`, and the control API has it, or
    neither a provider nor a rule has it."""
    control, path = app.control, exchange.head.path
    if app.control_only:
        return True
    if control is None or not is_control_path(path):
        return False
    if control.loaded and control.knows(path):
        return True
    reader = exchange.head.reader(app.engine)
    now, monotonic = time.time(), app.deadlines.time()
    request = reader.read(b"", exchange.client_address, now, monotonic, uses_session=False)
    return not app.engine.serves(request)


async def parse_then_yield(app: App, exchange: Exchange) -> None:
    """Parse a body that needs no thread, and takes about as long as a decision: other tasks run between the two. Then
    set the time and the request of the exchange. The request stays None if the rules have changed meanwhile:
    `respond` reads it again."""
    engine, request = app.engine, read_request(app, exchange)
    request.parse_body()
    await asyncio.sleep(0)
    if await _wait_then_begin(app, exchange, request, engine):
        exchange.request = request


async def read_in_thread(app: App, exchange: Exchange) -> None:
    """Let a thread read what the decision on a long request needs. Then set the time and the request, as
    `parse_then_yield` does. A call that does not generate is read later: it may read what other requests change
    meanwhile."""
    engine, request = app.engine, read_request(app, exchange)
    if not request.generates:
        return
    await app.reading_thread.run(partial(engine.read_ahead, request))
    if await _wait_then_begin(app, exchange, request, engine):
        exchange.request = request


async def read_history_in_thread(app: App, exchange: Exchange) -> EngineRequest:
    """Let a thread read the stored responses that a request continues. Return the request, read again if the rules
    have changed meanwhile."""
    request, engine = exchange.request, app.engine
    assert request is not None, "an engine has read the request"
    await app.reading_thread.run(partial(engine.read_ahead, request))
    exchange.history_is_unread = False
    if not await _wait_then_begin(app, exchange, request, engine):
        exchange.request = request = read_request(app, exchange)
    return request


async def _wait_then_begin(
    app: App, exchange: Exchange, request: EngineRequest, engine: EngineProtocol
) -> bool:
    """Wait until no change of rules is in progress, then let the response begin now. The session may have ended
    meanwhile: it is used again. Return whether the rules are those with which the request was read. If not, it has to
    be read again."""
    await wait_until_rules_are_stable(app)
    exchange.now, exchange.monotonic = time.time(), app.deadlines.time()
    if engine is not app.engine:
        return False
    request.now, request.monotonic = exchange.now, exchange.monotonic
    exchange.head.reader(engine).use_session(exchange.now, exchange.monotonic)
    return True


async def wait_until_rules_are_stable(app: App) -> None:
    """If all workers are changing their rules together, wait until they have."""
    while app.rule_change_done is not None:
        await app.rule_change_done.wait()
