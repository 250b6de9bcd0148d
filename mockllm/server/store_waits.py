"""The waits of exchanges for the store: for a decision, for earlier responses, or to store the response."""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.engine import LookupAfterDecision, UndecidedResponse
from mockllm.server.app import App
from mockllm.server.exchange import NOT_PLANNED, Exchange
from mockllm.server.forwarded_requests import goes_to_provider
from mockllm.server.protocols import DeciderProtocol
from mockllm.server.respond import (
    begin_engine_response,
    queue_whole_response,
    set_decided_response,
)
from mockllm.state.shared_engine_state import FetchedLookup, StoreLookupRequired

MAX_FETCHED: Final = 2_000
"""Most stored responses and tool calls that are fetched for one request."""


async def wait_for_store(app: App, exchange: Exchange, decider: DeciderProtocol) -> None:
    """Set the response of an exchange that waits for the store, and write it at once if that is possible."""
    request = exchange.request
    if request is None:
        return
    waited = exchange.pending_lookup or exchange.undecided or exchange.storage_confirmation
    after_lookup: LookupAfterDecision | None = None
    while exchange.pending_lookup is not None:
        lookup, exchange.pending_lookup = exchange.pending_lookup, None
        if after_lookup is None and isinstance(lookup, LookupAfterDecision):
            after_lookup = lookup
        if await _fetch(app, exchange, decider, request, lookup):
            begin_engine_response(app, exchange, request, after_lookup)
    if exchange.undecided is not None:
        undecided, exchange.undecided = exchange.undecided, None
        await _decide(app, exchange, decider, request, undecided)
    await confirm_stored(app, exchange, request)
    if (
        waited is not None
        and exchange.websocket is None
        and exchange.response is not NOT_PLANNED
        and exchange.deferred is None
        and not goes_to_provider(app, exchange)
    ):
        queue_whole_response(app, exchange)


async def confirm_stored(app: App, exchange: Exchange, request: Request) -> None:
    """Wait until the store has what a response stores. Without it the response is an error."""
    if exchange.storage_confirmation is None:
        return
    confirmation, exchange.storage_confirmation = exchange.storage_confirmation, None
    failure = await confirmation
    if failure is not None:
        exchange.response, exchange.planned_times = app.engine.refuse(failure, request), None


async def _fetch(
    app: App, exchange: Exchange, decider: DeciderProtocol, request: Request, lookup: StoreLookupRequired
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


def _ignore_decision() -> None:
    """Do nothing: the task that waits for the decision goes on by itself."""


async def _decide(
    app: App, exchange: Exchange, decider: DeciderProtocol, request: Request, undecided: UndecidedResponse
) -> None:
    """Set the response to a request whose counts are not in this process."""
    pending, exchange.pending_decision = exchange.pending_decision, None
    while True:
        try:
            if pending is None:
                pending = decider.begin(undecided.matched, _ignore_decision)
            decision = await pending.wait()
            set_decided_response(app, exchange, request, undecided, decision)
        except (
            StoreLookupRequired
        ) as lookup:  # the validation of the request and its plan may both read the store
            if not await _fetch(app, exchange, decider, request, lookup):
                return
        else:
            return
