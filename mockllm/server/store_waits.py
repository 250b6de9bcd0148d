"""The waits of exchanges for the store: for a decision, for stored objects, or to store the response."""

from __future__ import annotations

import asyncio
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.engine import UndecidedResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.server.app import App
from mockllm.server.exchange import NO_RESPONSE_YET, Exchange
from mockllm.server.forwarded_requests import goes_to_provider
from mockllm.server.protocols import StoreClientProtocol
from mockllm.server.respond import (
    begin_side_effects_after_storing,
    set_decided_response,
    set_engine_response,
    try_write_whole_and_end,
)
from mockllm.state.fetched_objects import FetchedLookup, ObjectToFetch, StorageConflict

MAX_FETCHED: Final = 2_000
"""Most stored objects and tool calls that are fetched for one request."""
CHANGED: Final = "mockllm: other requests have changed the same object for {:g} s; send the request again."
"""The error of a request whose response could not be stored for too long: other requests changed the same object."""


async def wait_for_store(app: App, exchange: Exchange, store_client: StoreClientProtocol) -> None:
    """Set the response of an exchange that waits for the store. Write it at once, unless it waits for something else,
    belongs to a message of a WebSocket, or the client has half-closed the connection. Only playing shows whether that
    client has disconnected."""
    if exchange.request is None:
        return
    pending = exchange.pending_response
    store_was_needed = isinstance(pending, ObjectToFetch | UndecidedResponse) or exchange.storage_confirmation
    await _fetch_missing(app, exchange)
    if isinstance(exchange.pending_response, UndecidedResponse):
        await _decide(app, exchange, store_client, exchange.pending_response)
        await _fetch_missing(app, exchange)
    await confirm_stored(app, exchange, store_client)
    if (
        store_was_needed
        and exchange.websocket_session is None
        and exchange.response is not NO_RESPONSE_YET
        and exchange.pending_response is None
        and not goes_to_provider(app, exchange)
        and not exchange.sink.half_closed
    ):
        try_write_whole_and_end(app, exchange)  # where it does not, `serve_waiting_exchange` begins a player


async def _fetch_missing(app: App, exchange: Exchange) -> None:
    """Fetch the objects that a response needs, until it lacks none."""
    while isinstance(exchange.pending_response, ObjectToFetch):
        to_fetch, exchange.pending_response = exchange.pending_response, None
        if await fetch(app, exchange, to_fetch):
            set_engine_response(app, exchange, to_fetch.respond_again())


async def confirm_stored(app: App, exchange: Exchange, store_client: StoreClientProtocol) -> None:
    """Wait until the store has what a response stores. Without it the response is an error. Its webhooks and its
    batch job follow also if the client disconnects meanwhile."""
    response = exchange.response
    storing = _store_or_refuse(app, exchange, store_client)
    await (asyncio.shield(storing) if response.webhooks or response.batch_job else storing)


async def _store_or_refuse(app: App, exchange: Exchange, store_client: StoreClientProtocol) -> None:
    """Wait until a response is stored, or make it an error.

    After a conflict it is made again. One request of this process does so at a time: else many requests would
    change the same object again and again.
    """
    request = _request_of(exchange)
    result = await _finish_storage(app, exchange)
    if isinstance(result, StorageConflict):
        seconds = store_client.max_store_seconds  # it changes when the store goes away
        try:
            async with asyncio.timeout(seconds), app.respond_again_lock:
                while isinstance(result, StorageConflict):
                    await _respond_again(app, exchange, request, result)
                    result = await _finish_storage(app, exchange)
        except TimeoutError:
            result = Failure("unavailable", 503, CHANGED.format(seconds))
    if result is not None:
        exchange.response, exchange.planned_times = app.engine.refuse(result, request), None


async def _finish_storage(app: App, exchange: Exchange) -> Failure | StorageConflict | None:
    """Wait until a response is stored, and begin its webhooks and its batch job. Return what prevents its storage;
    None if nothing does."""
    confirmation, exchange.storage_confirmation = exchange.storage_confirmation, None
    result = None if confirmation is None else await confirmation
    if confirmation is not None and result is None:
        begin_side_effects_after_storing(app, exchange, exchange.response)
    return result


def change_stored_objects(app: App, session: str, update: StorageUpdate) -> None:
    """Change what is stored without a request. No client waits for the store: later requests come behind it."""
    app.engine.apply_storage_update(session, update)
    confirmation = None if app.store_client is None else app.store_client.take_storage_confirmation()
    if confirmation is not None:
        storing: asyncio.Future[object] = asyncio.ensure_future(confirmation)
        app.storing.add(storing)
        storing.add_done_callback(app.storing.discard)


async def _respond_again(
    app: App, exchange: Exchange, request: EngineRequest, conflict: StorageConflict
) -> None:
    """Make a response by its decision again, from what the store has now."""
    assert conflict.respond_again is not None, "a request stores its response"
    exchange.fetched = None
    _set_lookup(exchange, request, FetchedLookup(request.session or "", {}))
    set_engine_response(app, exchange, conflict.respond_again())
    await _fetch_missing(app, exchange)


def _set_lookup(exchange: Exchange, request: Request, lookup: FetchedLookup) -> None:
    request.object_lookup = (
        lookup if exchange.websocket_session is None else exchange.websocket_session.lookup(lookup)
    )


async def fetch(app: App, exchange: Exchange, to_fetch: ObjectToFetch) -> bool:
    """Fetch an object that a response needs. Return whether it could be fetched; else the response is an error."""
    request, store_client = _request_of(exchange), app.store_client
    assert store_client is not None, "what is elsewhere has a store client"
    found = await store_client.fetch(to_fetch)
    if isinstance(found, Failure):
        exchange.response = app.engine.refuse(found, request)
        return False
    fetched = exchange.fetched or FetchedLookup(to_fetch.session, {})
    if len(fetched) >= MAX_FETCHED:
        failure = Failure(
            "bad_request", 400, f"A request may refer to {MAX_FETCHED} earlier responses and tool calls."
        )
        exchange.response = app.engine.refuse(failure, request)
        return False
    exchange.fetched = fetched = fetched.having(to_fetch.key, found)
    _set_lookup(exchange, request, fetched)
    return True


def _request_of(exchange: Exchange) -> EngineRequest:
    assert exchange.request is not None, "an engine has read the request"
    return exchange.request


def _ignore_decision() -> None:
    """Do nothing: the task that waits for the decision goes on by itself."""


async def _decide(
    app: App, exchange: Exchange, store_client: StoreClientProtocol, undecided: UndecidedResponse
) -> None:
    """Set the response to a request whose counts are not in this process."""
    pending, exchange.pending_decision = exchange.pending_decision, None
    exchange.pending_response = None
    if pending is None:
        pending = store_client.begin(undecided.inputs, _ignore_decision)
    set_decided_response(app, exchange, undecided, await pending.wait())
