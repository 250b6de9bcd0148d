"""The waits of exchanges for the store: for a decision, for earlier responses, or to store the response."""

from __future__ import annotations

import asyncio
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.engine import MissingAfterDecision, UndecidedResponse
from mockllm.server.app import App
from mockllm.server.exchange import NOT_PLANNED, Exchange
from mockllm.server.forwarded_requests import goes_to_provider
from mockllm.server.protocols import StoreClientProtocol
from mockllm.server.respond import (
    begin_engine_response,
    begin_side_effects_after_storing,
    set_decided_response,
    write_whole_and_end,
)
from mockllm.state.fetched_lookup import FetchedLookup, MissingStoredObject, RespondAgain

MAX_FETCHED: Final = 2_000
"""Most stored responses and tool calls that are fetched for one request."""
CHANGED: Final = "mockllm: other requests have changed the same object for {:g} s; send the request again."
"""The error of a request that lost against others for too long."""


async def wait_for_store(app: App, exchange: Exchange, store_client: StoreClientProtocol) -> None:
    """Set the response of an exchange that waits for the store, and write it at once if that is possible. It is not
    where the client has half-closed the connection. Whether such a client has disconnected shows only when the
    response is played."""
    request = exchange.request
    if request is None:
        return
    store_was_needed = exchange.missing_object or exchange.undecided or exchange.storage_confirmation
    await _fetch_missing(app, exchange, store_client, request)
    if exchange.undecided is not None:
        undecided, exchange.undecided = exchange.undecided, None
        await _decide(app, exchange, store_client, request, undecided)
    await confirm_stored(app, exchange, store_client, request)
    if (
        store_was_needed is not None
        and exchange.websocket is None
        and exchange.response is not NOT_PLANNED
        and exchange.deferred is None
        and not goes_to_provider(app, exchange)
        and not exchange.sink.half_closed
    ):
        write_whole_and_end(app, exchange)


async def _fetch_missing(
    app: App,
    exchange: Exchange,
    store_client: StoreClientProtocol,
    request: Request,
    respond_again: RespondAgain | None = None,
) -> None:
    """Fetch the objects that a response needs until it is made. `respond_again` makes it; without one, that of the
    first `MissingAfterDecision` does."""
    while exchange.missing_object is not None:
        missing, exchange.missing_object = exchange.missing_object, None
        if respond_again is None and isinstance(missing, MissingAfterDecision):
            respond_again = missing.respond_again
        if await fetch(app, exchange, store_client, request, missing):
            begin_engine_response(app, exchange, request, respond_again)


async def confirm_stored(
    app: App, exchange: Exchange, store_client: StoreClientProtocol, request: Request
) -> None:
    """Wait until the store has what a response stores. Without it the response is an error. What follows is done also
    if the client disconnects meanwhile."""
    response = exchange.response
    storing = _confirm_stored(app, exchange, store_client, request)
    await (asyncio.shield(storing) if response.webhooks or response.batch_job else storing)


async def _confirm_stored(
    app: App, exchange: Exchange, store_client: StoreClientProtocol, request: Request
) -> None:
    """Wait until a response is stored, or make it an error.

    If another request has changed what this one has read, it reads again, and the response is made again. One request
    of this process does so at a time: each of many would else lose against all others.
    """
    result = await _storage_result(app, exchange)
    if callable(result):
        seconds = store_client.max_store_seconds  # it changes when the store goes away
        try:
            async with asyncio.timeout(seconds), app.respond_again_lock:
                while callable(result):
                    await _respond_again(app, exchange, store_client, request, result)
                    result = await _storage_result(app, exchange)
        except TimeoutError:
            result = Failure("unavailable", 503, CHANGED.format(seconds))
    if result is not None:
        exchange.response, exchange.planned_times = app.engine.refuse(result, request), None


async def _storage_result(app: App, exchange: Exchange) -> Failure | RespondAgain | None:
    """Wait until a response is stored, and start the side effects that follow. Return what prevents its storage; None
    if nothing does."""
    confirmation, exchange.storage_confirmation = exchange.storage_confirmation, None
    result = None if confirmation is None else await confirmation
    if confirmation is not None and result is None:
        begin_side_effects_after_storing(app, exchange, exchange.response)
    return result


async def _respond_again(
    app: App,
    exchange: Exchange,
    store_client: StoreClientProtocol,
    request: Request,
    respond_again: RespondAgain,
) -> None:
    """Make a response by its decision again, from what the store has now."""
    exchange.fetched = None
    _set_lookup(exchange, request, FetchedLookup(request.session or "", {}))
    begin_engine_response(app, exchange, request, respond_again)
    await _fetch_missing(app, exchange, store_client, request, respond_again)


def _set_lookup(exchange: Exchange, request: Request, lookup: FetchedLookup) -> None:
    request.response_lookup = lookup if exchange.websocket is None else exchange.websocket.lookup(lookup)


async def fetch(
    app: App,
    exchange: Exchange,
    store_client: StoreClientProtocol,
    request: Request,
    missing: MissingStoredObject,
) -> bool:
    """Fetch the object that a request misses. Return whether it could be fetched; else the response is an error."""
    found = await store_client.fetch(missing)
    if isinstance(found, Failure):
        exchange.response = app.engine.refuse(found, request)
        return False
    fetched = exchange.fetched or FetchedLookup(missing.session, {})
    if len(fetched) >= MAX_FETCHED:
        failure = Failure(
            "bad_request", 400, f"A request may refer to {MAX_FETCHED} earlier responses and tool calls."
        )
        exchange.response = app.engine.refuse(failure, request)
        return False
    exchange.fetched = fetched = fetched.having(missing.key, found)
    _set_lookup(exchange, request, fetched)
    return True


def _ignore_decision() -> None:
    """Do nothing: the task that waits for the decision goes on by itself."""


async def _decide(
    app: App,
    exchange: Exchange,
    store_client: StoreClientProtocol,
    request: Request,
    undecided: UndecidedResponse,
) -> None:
    """Set the response to a request whose counts are not in this process."""
    pending, exchange.pending_decision = exchange.pending_decision, None
    while True:
        try:
            if pending is None:
                pending = store_client.begin(undecided.inputs, _ignore_decision)
            decision = await pending.wait()
            set_decided_response(app, exchange, request, undecided, decision)
        except (
            MissingStoredObject
        ) as missing:  # the validation of the request and its plan may both read the store
            if not await fetch(app, exchange, store_client, request, missing):
                return
        else:
            return
