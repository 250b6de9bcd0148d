"""Ends an exchange: releases its slot in limits and loads, and adds it to the journal and the access log."""

from __future__ import annotations

import time
from typing import Final

from msgspec.structs import replace

from mockllm.core.request.form_fields import without_contents
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server import builtin_pages
from mockllm.server.access_log import record_of, shortened_for_line
from mockllm.server.app import App
from mockllm.server.exchange import NO_HEAD, NO_SINK, EndReason, Exchange
from mockllm.server.http1 import HttpConstraints
from mockllm.server.suspended_responses import forget_suspended

_CLOSING: Final = HttpConstraints(close=True)


def end_exchange(app: App, exchange: Exchange, end_reason: EndReason, duration: float | None = None) -> None:
    """End an exchange, and drop what only serves to respond. `duration` in seconds, if it is known; until now
    otherwise."""
    player = exchange.player
    exchange.ended = True
    if end_reason != "finished":
        exchange.end_reason = "stopped" if end_reason == "gone" and app.stopped else end_reason
    if player is not None:
        exchange.player = None
        if app.suspended:
            forget_suspended(app, exchange)
        app.count_playing(exchange.request_class or Request, -1)
        exchange.times = player.times
        if player.finished_at is not None and end_reason == "finished":
            duration = player.finished_at - exchange.monotonic
    exchange.duration = app.deadlines.time() - exchange.monotonic if duration is None else duration
    if exchange.slot is not None:
        release_slot(exchange)
    request = exchange.request
    if request is not None and request.has_serving_metrics:
        metrics = app.serving_metrics.of(request)
        if metrics is not None:
            metrics.end(exchange, request)
    _drop_references(exchange, app.access_log is not None)
    if not exchange.hidden:
        app.journal.add(exchange)
        if app.access_log is not None:
            app.access_log.show(record_of(exchange, request), request)


def abandon_exchange(app: App, exchange: Exchange) -> None:
    """End an exchange whose client has disconnected while its response was played.

    Without a player it only releases the slot: the exchange neither ends nor enters the journal.
    While a provider still responds, the `ProviderProxy` ends it.
    """
    player, pending = exchange.player, exchange.pending_decision
    if pending is not None:
        exchange.pending_decision = None
        pending.abandon()
    if player is not None:
        player.stop()
        end_exchange(app, exchange, "gone")
    elif not exchange.proxied:
        release_slot(exchange)


def release_slot(exchange: Exchange) -> None:
    """Release the slot of the response in limits and loads, if it has one."""
    slot, exchange.slot = exchange.slot, None
    if slot is not None:
        slot.release()


def end_unparsed(app: App, status: int, reason: str) -> None:
    """Log bytes that were no request. The connection has responded to them."""
    response = PlannedResponse(
        builtin_pages.text_page(status, f"{reason}\n"), None, notes=(shortened_for_line(reason),)
    )
    exchange = Exchange(now=time.time(), monotonic=app.deadlines.time(), constraints=_CLOSING)
    exchange.ended, exchange.response = True, response
    app.journal.add(exchange)
    if app.access_log is not None:
        app.access_log.show(record_of(exchange))


def _drop_references(exchange: Exchange, read_model: bool) -> None:
    """Reduce an ended exchange to what the journal reads."""
    head, request, response = exchange.head, exchange.request, exchange.response
    message = head.message
    exchange.method, exchange.target = message.method, message.path
    exchange.head, exchange.sink = NO_HEAD, NO_SINK
    exchange.body_stream = exchange.request = None
    if response.slot is not None:
        exchange.response = response = replace(response, slot=None)
    if request is None:
        exchange.headers, exchange.raw, exchange.received, exchange.client = message.headers, b"", b"", ""
        return
    exchange.request_class, exchange.provider = type(request), request.provider
    if request.uploads:
        exchange.raw = without_contents(request.headers.get("content-type", ""), request.raw)
        exchange.received = b""
    if request.session is not None:
        exchange.session = request.session
    exchange.model = request.model if read_model else request.__dict__.get("model")
    received = exchange.received
    if exchange.times is None and received and received.endswith(exchange.raw):
        exchange.raw, exchange.body_length = b"", len(exchange.raw)
    else:
        exchange.headers, exchange.received = message.headers, b""
    if exchange.times is None and response.cached_from is not None:
        exchange.id_seed = response.response_seed  # type: ignore[assignment]  # an id seed, as `cached_from` is set
        exchange.input_tokens = request.__dict__.get("input_tokens", 0)
        exchange.response = response.cached_from
