"""Plans in another thread the responses that take longer to plan than other requests may wait."""

from __future__ import annotations

from functools import partial

from mockllm.engine import DeferredResponse
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.metrics import planned_times
from mockllm.server.respond import accepts_gzip, begin_side_effects, compressed
from mockllm.server.store_waits import confirm_stored, fetch
from mockllm.state.fetched_lookup import MissingStoredObject


async def plan_in_thread(app: App, exchange: Exchange, deferred: DeferredResponse) -> None:
    """Set the response that takes long to plan."""
    request = exchange.request
    assert request is not None, "an engine has read the request"
    complete = await app.worker_thread.run(deferred.make_plan)
    while True:
        try:
            response = complete()
        except MissingStoredObject as missing:
            assert app.store_client is not None, "what is elsewhere has a store client"
            if not await fetch(app, exchange, app.store_client, request, missing):
                exchange.deferred = None
                return
        else:
            break
    begin_side_effects(app, exchange, response)
    if app.gzip and accepts_gzip(exchange):
        response = await app.worker_thread.run(partial(compressed, response))
    exchange.planned_times = await app.worker_thread.run(partial(planned_times, response.rendered))
    exchange.response, exchange.deferred = response, None
    if app.store_client is not None:
        await confirm_stored(app, exchange, app.store_client, request)
