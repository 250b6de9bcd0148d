"""Plans in another thread the responses that take longer to plan than other requests may wait."""

from __future__ import annotations

from functools import partial

from mockllm.core.rendering.gzip import wants
from mockllm.engine import DeferredResponse
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.metrics import schedule
from mockllm.server.respond import compressed, send_webhooks


async def plan_in_thread(app: App, exchange: Exchange, deferred: DeferredResponse) -> None:
    """Set the response that takes long to plan."""
    request = exchange.request
    assert request is not None, "an engine has read the request"
    finish = await app.worker.run(deferred.plan)
    response = finish()
    if response.webhooks:
        send_webhooks(app, response)
    if app.gzip and exchange.socket is None and wants(request.headers):
        response = await app.worker.run(partial(compressed, response))
    exchange.schedule = await app.worker.run(partial(schedule, response.rendered))
    exchange.response, exchange.deferred = response, None
