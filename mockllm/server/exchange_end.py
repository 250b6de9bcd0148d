"""Ends an exchange: releases its slot in limits and loads, and adds it to the journal and the access log unless it
is hidden."""

from __future__ import annotations

import time
from array import array
from typing import Final

from msgspec.structs import replace

from mockllm.core.rendering.plan import Delivery
from mockllm.engine import PlannedResponse
from mockllm.server import builtin_pages
from mockllm.server.access_log import access_log_record_of, shortened_for_line
from mockllm.server.app import App
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.exchange import NO_RESPONSE_YET, EndReason, Exchange
from mockllm.server.http1 import HttpConstraints
from mockllm.server.request_reading import control_api_refuses
from mockllm.server.suspended_responses import forget_suspended

SERVER_FAILED: Final = "mockllm itself has failed; its log says where"
"""The note on a response that the server itself has failed to finish. Also the body of its 500, and the reason for
closing a WebSocket."""
_CLOSING: Final = HttpConstraints(ends_connection=True)


def end_exchange(
    app: App,
    exchange: Exchange,
    end_reason: EndReason,
    duration: float | None = None,
    write_times: array[float] | None = None,
) -> None:
    """End an exchange. `duration` in seconds, if it is known; until now otherwise. `write_times`: those of
    `EndedExchange`, where no player has them."""
    player = exchange.player
    exchange.ended = True
    if end_reason != "finished":
        exchange.end_reason = "stopped" if end_reason == "gone" and app.aborting_responses else end_reason
    if player is not None:
        exchange.player, write_times = None, player.write_times
        if app.suspended_exchanges:
            forget_suspended(app, exchange)
        app.count_in_flight(exchange.request_class, -1)
        if player.ended_at is not None and end_reason == "finished":
            duration = player.ended_at - exchange.monotonic
    if exchange.slot is not None:
        release_slot(exchange)
    if duration is None:
        duration = app.deadlines.time() - exchange.monotonic
    request = exchange.request
    ended = EndedExchange.of(exchange, duration, write_times)
    if request is not None and request.has_serving_metrics:
        metrics = app.serving_metrics.metrics_of(request)
        if metrics is not None:
            metrics.end(exchange, ended, request)
    if not exchange.hidden:
        app.journal.add(ended)
        if app.access_log is not None:
            app.access_log.show(access_log_record_of(ended, request), request)


def abandon_exchange(app: App, exchange: Exchange) -> None:
    """Free what an unfinished exchange holds: its slot, its player and a pending decision. Its client has
    disconnected, the server stops, or a task has failed.

    It ends the exchange only where a player plays the response, or it has a `hold`. The duration of a played response
    ends when the client disconnected, if the sink knows when. It neither ends any other exchange nor adds
    it to the journal. One that a `ProviderProxy` forwards ends later: when the provider's response has ended.
    """
    player, pending = exchange.player, exchange.pending_decision
    if pending is not None:
        exchange.pending_decision = None
        pending.abandon()
    if player is not None:
        player.stop()
        disconnected_at = exchange.sink.disconnected_at(
            player.write_times
        )  # after a half-close, only writes show it
        duration = None if disconnected_at is None else max(0.0, disconnected_at - exchange.monotonic)
        end_exchange(app, exchange, "gone", duration)
    elif exchange.proxy_ends_it or exchange.ended:
        return
    elif exchange.response.hold is not None:
        exchange.constraints = exchange.head.constraints
        end_exchange(app, exchange, "gone", write_times=array("d"))  # nothing was written
    else:
        release_slot(exchange)


def end_failed_response(app: App, exchange: Exchange) -> None:
    """End an exchange that the server itself has failed to finish. Its response has begun, or it is a message of a
    WebSocket, of which nothing may have been sent. Its connection ends, too."""
    if exchange.ended:
        return
    if exchange.player is not None:
        exchange.player.stop()
    exchange.response = replace(exchange.response, notes=(*exchange.response.notes, SERVER_FAILED))
    end_exchange(app, exchange, "close")


def end_truncated_request(app: App, exchange: Exchange) -> None:
    """End an exchange whose request broke off in its body. Do nothing for a call of the control API: it stays hidden.
    Do nothing, too, if the exchange has a response, or its whole body had come."""
    if exchange.ended or exchange.response is not NO_RESPONSE_YET or control_api_refuses(app, exchange):
        return
    body = exchange.body_stream
    if body is not None and body.is_eof():  # the client has disconnected while it was decompressed or checked
        return
    note = f"the request broke off after {0 if body is None else body.total_bytes} bytes of its body"
    plan = replace(builtin_pages.text_page(400, f"{note}\n"), delivery=Delivery(sends_nothing=True))
    exchange.response = PlannedResponse(plan, None, notes=(note,))
    exchange.now, exchange.monotonic = time.time(), app.deadlines.time()
    exchange.constraints = exchange.head.constraints
    end_exchange(app, exchange, "gone")


def release_slot(exchange: Exchange) -> None:
    """Release the slot of the response in limits and loads, if it has one."""
    slot, exchange.slot = exchange.slot, None
    if slot is not None:
        slot.release()


def record_unread_request(app: App, status: int, reason: str) -> None:
    """Add an entry to the journal and the log, before the connection responds. It is on bytes that are no request, or
    on a head that comes too late. With HTTP/2, it may be on a body that comes too late."""
    response = PlannedResponse(
        builtin_pages.text_page(status, f"{reason}\n"), None, notes=(shortened_for_line(reason),)
    )
    ended = EndedExchange(
        response=response, now=time.time(), monotonic=app.deadlines.time(), constraints=_CLOSING
    )
    app.journal.add(ended)
    if app.access_log is not None:
        app.access_log.show(access_log_record_of(ended))
