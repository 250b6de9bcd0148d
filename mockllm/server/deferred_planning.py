"""Plans responses in another thread, where planning them would delay other requests too long."""

from __future__ import annotations

from functools import partial

from mockllm.engine import DeferredResponse, PlannedResponse
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.metrics import planned_times
from mockllm.server.respond import accepts_gzip, begin_side_effects, compressed
from mockllm.server.store_waits import confirm_stored, fetch
from mockllm.state.fetched_objects import ObjectToFetch


async def set_deferred_response(app: App, exchange: Exchange) -> None:
    """Set the response in place of a `DeferredResponse`. A thread plans it, and compresses it for a client that
    accepts that. Objects that it needs are fetched, and those that it creates are stored."""
    pending: object = exchange.pending_response
    while not isinstance(pending, PlannedResponse):
        if isinstance(pending, ObjectToFetch):
            if not await fetch(app, exchange, pending):
                exchange.pending_response = None
                return
            pending = pending.respond_again()
        else:
            assert isinstance(pending, DeferredResponse), "the counts are in this process"
            exchange.slot = pending.slot
            pending = (await app.worker_thread.run(pending.work_in_thread))()
    planned = pending
    begin_side_effects(app, exchange, planned)
    exchange.response, exchange.pending_response = planned, None
    if app.store_client is not None:  # at once: the client may disconnect in each later wait
        await confirm_stored(app, exchange, app.store_client)
    if exchange.response is planned and app.gzip and accepts_gzip(exchange):
        exchange.response = await app.worker_thread.run(partial(compressed, planned))
    exchange.planned_times = await app.worker_thread.run(partial(planned_times, exchange.response.content))
