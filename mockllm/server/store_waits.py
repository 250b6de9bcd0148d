"""The waits of exchanges for the store: for a decision, for earlier responses, or to store the response."""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.engine import DecidedLookup, UndecidedResponse
from mockllm.server.app import App
from mockllm.server.exchange import NOT_PLANNED, Exchange
from mockllm.server.protocols import DeciderProtocol
from mockllm.server.respond import (
    get_or_create_recorder,
    plan_response,
    queue_whole_response,
    set_decided_response,
)
from mockllm.state.shared_sessions import FetchedLookup, LookupInStore

MAX_FETCHED: Final = 2_000
"""Most stored responses and tool calls that are fetched for one request."""


async def with_store(app: App, exchange: Exchange, decider: DeciderProtocol) -> None:
    """Set the response of an exchange that waits for the store, and write it at once if that is possible."""
    request = exchange.request
    if request is None:
        return
    waited = exchange.pending_lookup or exchange.undecided or exchange.unconfirmed
    decided = None
    while exchange.pending_lookup is not None:
        lookup, exchange.pending_lookup = exchange.pending_lookup, None
        if decided is None and isinstance(lookup, DecidedLookup):
            decided = lookup
        if await _fetch(app, exchange, decider, request, lookup):
            plan_response(app, exchange, request, decided)
    if exchange.undecided is not None:
        undecided, exchange.undecided = exchange.undecided, None
        await _decide(app, exchange, decider, request, undecided)
    await confirm_stored(app, exchange, request)
    if (
        waited is not None
        and exchange.websocket is None
        and exchange.response is not NOT_PLANNED
        and exchange.deferred is None
        and get_or_create_recorder(app, exchange) is None
    ):
        queue_whole_response(app, exchange)


async def confirm_stored(app: App, exchange: Exchange, request: Request) -> None:
    """Wait until the store has what a response stores. Without it the response is an error."""
    if exchange.unconfirmed is None:
        return
    unconfirmed, exchange.unconfirmed = exchange.unconfirmed, None
    failure = await unconfirmed
    if failure is not None:
        exchange.response, exchange.planned_times = app.engine.refuse(failure, request), None


async def _fetch(
    app: App, exchange: Exchange, decider: DeciderProtocol, request: Request, lookup: LookupInStore
) -> bool:
    """Fetch what a request's lookup needs. Return whether it could be fetched; else the response is an error."""
    found = await decider.look_up(lookup)
    if isinstance(found, Failure):
        exchange.response = app.engine.refuse(found, request)
        return False
    fetched = exchange.fetched or FetchedLookup(lookup.session, {})
    if len(fetched) >= MAX_FETCHED:
        failure = Failure(
            "bad_request", 400, f"A request may refer to {MAX_FETCHED} earlier responses and tool calls."
        )
        exchange.response = app.engine.refuse(failure, request)
        return False
    exchange.fetched = fetched = fetched.having(lookup.key, found)
    request.response_lookup = fetched if exchange.websocket is None else exchange.websocket.lookup(fetched)
    return True


async def _decide(
    app: App, exchange: Exchange, decider: DeciderProtocol, request: Request, undecided: UndecidedResponse
) -> None:
    """Set the response to a request whose counts are not in this process."""
    pending, exchange.pending_decision = exchange.pending_decision, None
    while True:
        try:
            if pending is None:
                pending = decider.begin(undecided.matched, bool)
            decision = await pending.wait()
            set_decided_response(app, exchange, request, undecided, decision)
        except LookupInStore as lookup:  # the validation of the request and its plan may both read the store
            if not await _fetch(app, exchange, decider, request, lookup):
                return
        else:
            return
