"""Waits before a response: for the release of its hold, and for the delay of one that no player plays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockllm.server.access_log import access_log_record_of
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.respond import send_webhooks

if TYPE_CHECKING:
    from mockllm.server.app import App
    from mockllm.server.exchange import Exchange


async def wait_for_release_and_delay(app: App, exchange: Exchange) -> None:
    """Wait for the release and the delay of a response that no player plays: a provider's, or one that opens a
    WebSocket. The delay begins with the request, or with its release, so the time since then is a part of it."""
    await wait_for_release(app, exchange)
    response = exchange.response
    end = exchange.monotonic + response.plan.delay * response.time_scale
    if end > app.deadlines.time():
        with in_flight(app, exchange):
            await app.deadlines.wait_until(end)


@contextmanager
def in_flight(app: App, exchange: Exchange) -> Iterator[None]:
    """Count the response as one in flight while no player plays it."""
    request_class = exchange.request_class
    app.count_in_flight(request_class, 1)
    try:
        yield
    finally:
        app.count_in_flight(request_class, -1)


async def wait_for_release(app: App, exchange: Exchange) -> None:
    """Wait until the response is released, where it has a `hold`. Its own waits, and those of its webhooks, begin
    later by the time of the hold."""
    response = exchange.response
    hold, request = response.hold, exchange.request
    if hold is None or request is None:
        return
    began = app.deadlines.time()
    at_most, key = hold.at_most * response.time_scale, (request.session or "", hold.name)
    if app.access_log is not None and not app.held_responses.is_released(key):
        waiting = EndedExchange.of(exchange, 0.0, None)  # for this line alone
        app.access_log.show_hold(access_log_record_of(waiting, request), hold.name, at_most)
    with in_flight(app, exchange):
        released = await app.held_responses.wait(key, at_most, app.deadlines)
    from mockllm.core.verdicts.retry_after import format_seconds  # imported late: a start needs no verdicts

    waited = app.deadlines.time() - began
    exchange.monotonic, exchange.held_seconds = exchange.monotonic + waited, waited
    text = "released" if released else "not released"
    response = response.with_plan(response.plan, f"{hold.name} {text} after {format_seconds(waited)}")
    later = tuple(webhook._replace(due=webhook.due + waited) for webhook in response.webhooks)
    exchange.response = replace(response, webhooks=later)
    if later:
        send_webhooks(app, exchange, exchange.response)
