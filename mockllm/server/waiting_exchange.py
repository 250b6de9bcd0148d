"""Serves the exchanges that have to wait, in tasks. Most pending decisions of the store need none.

An exchange waits for one or more of these:

- its body, and a thread that reads a long one
- workers that change their rules together
- the control API
- the store
- the recording of an equal request
- a thread that plans
- a release, and the delay before the response of a provider or before a WebSocket opens
- a provider, or the messages of a WebSocket
- the times at which a player writes its response, and a client that reads it slowly
- the client's kernel, which acknowledges the response after a half-close
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.engine import PlannedResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.websocket_handshake import is_websocket_handshake
from mockllm.server.app import App
from mockllm.server.deferred_planning import set_deferred_response
from mockllm.server.exchange import NO_RESPONSE_YET, Exchange
from mockllm.server.exchange_end import abandon_exchange, end_exchange, end_failed_response
from mockllm.server.forwarded_requests import (
    get_or_create_proxy,
    goes_to_provider,
    leaves_unmatched,
    proxy_of_handshake_without_rules,
    recordings_to_wait_for,
)
from mockllm.server.json_structure import structure_failure_in_slices, takes_long_to_read
from mockllm.server.player import wait_for_player
from mockllm.server.protocols import ProxyFailed
from mockllm.server.refused_bodies import refuse_body
from mockllm.server.request_body import read_body
from mockllm.server.request_heads import RequestHead
from mockllm.server.request_reading import (
    parse_then_yield,
    read_history_in_thread,
    read_in_thread,
    read_request,
    wait_until_rules_are_stable,
)
from mockllm.server.request_target import LIVE_FEED_PATH, target_host
from mockllm.server.respond import (
    begin_playing,
    control_of,
    is_parsed_before_check,
    may_reach_control_api,
    opens_websocket,
    respond,
    serialized_response_head,
    set_engine_response,
    set_internal_error,
)
from mockllm.server.store_waits import wait_for_store
from mockllm.server.waits_before_response import in_flight, wait_for_release, wait_for_release_and_delay
from mockllm.state.fetched_objects import MissingStoredObject

if TYPE_CHECKING:
    from mockllm.server.provider_proxy import ProviderProxy, ProxiedResponse


async def serve_waiting_exchange(app: App, exchange: Exchange) -> bool:
    """Serve an exchange to its end. Return whether its connection can serve another request.

    An internal error is a 500, unless a byte of the response was written.
    """
    app.deadlines.run_due_actions()  # many exchanges may begin or end in one iteration: streams go on in between
    sink = exchange.sink
    try:
        return await _serve(app, exchange)
    except ConnectionError:
        return False
    except (Exception, MissingStoredObject):
        if sink.written or exchange.ended:
            traceback.print_exc(file=sys.stderr)
            end_failed_response(app, exchange)
            return False
        set_internal_error(app, exchange)
        begin_playing(app, exchange)
        with suppress(ConnectionError):
            return await _wait_for_player_and_end(app, exchange)
        return False
    finally:
        if not exchange.ended:
            abandon_exchange(app, exchange)
        app.deadlines.run_due_actions()


async def _serve(app: App, exchange: Exchange) -> bool:
    """Serve an exchange: see `serve_waiting_exchange`. It waits for these, where it needs to:

    1. the body, a thread that reads a long one, and workers that change their rules; then `respond` continues
    2. the modules of the control API, for `respond`; or a thread that reads a long history, for the engine
    3. the store, which leads to the response or to a `DeferredResponse`
    4. the recording of an equal request, before the decision; a thread that plans, or the control API's response
    5. a release and a delay, then a provider that ends the exchange, or the messages of a WebSocket, which end it
    6. a release; then the player, and the acknowledgement of a client that has half-closed the connection
    """
    if not exchange.body_complete:
        await _wait_for_body(app, exchange)
        if exchange.ended:
            return exchange.keep_alive
    control = control_of(app, exchange) if exchange.response is NO_RESPONSE_YET else None
    if control is not None and not control.loaded:
        await app.worker_thread.run(control.load)
        respond(app, exchange)
        if exchange.ended:
            return exchange.keep_alive
    if exchange.history_is_unread:
        request = await read_history_in_thread(app, exchange)
        set_engine_response(app, exchange, app.engine.begin_response(request))
    if exchange.player is None and app.store_client is not None:
        await wait_for_store(app, exchange, app.store_client)
        if exchange.ended:
            return exchange.keep_alive
    await _decide_after_recording(app, exchange)
    if exchange.pending_response is not None:
        await set_deferred_response(app, exchange)
    if exchange.player is None and exchange.response is NO_RESPONSE_YET:
        await _respond_by_control(app, exchange)
        if exchange.response is NO_RESPONSE_YET:
            return False  # it has followed the live feed
    if exchange.player is None:
        if (usable := await _serve_without_player(app, exchange)) is not None:
            return usable
        await wait_for_release(app, exchange)
        begin_playing(app, exchange)
    return await _wait_for_player_and_end(app, exchange)


async def _decide_after_recording(app: App, exchange: Exchange) -> None:
    """Let the engine decide where the server records. An unmatched request first waits for the pending recordings of
    equal requests. Then the engine that has loaded these recordings reads the request again."""
    recordings, request = recordings_to_wait_for(app, exchange), exchange.request
    if recordings is None or request is None or exchange.response is not NO_RESPONSE_YET:
        return
    while (loaded := recordings.loaded_event(request)) is not None and leaves_unmatched(app, request):
        await loaded.wait()
        request = read_request(app, exchange)
    exchange.request = request
    set_engine_response(app, exchange, app.engine.begin_response(request))


async def _serve_without_player(app: App, exchange: Exchange) -> bool | None:
    """Serve a WebSocket, or send the response of a provider. Return whether the connection can serve another request;
    None if the response is played."""
    proxy = get_or_create_proxy(app) if goes_to_provider(app, exchange) else None
    if proxy is None and opens_websocket(exchange.response):
        proxy = proxy_of_handshake_without_rules(app, exchange)
        if proxy is None:
            from mockllm.server.websocket import serve_websocket

            await serve_websocket(app, exchange)
            return False
    if proxy is None:
        return None
    if exchange.request is not None and is_websocket_handshake(exchange.request):
        from mockllm.server.websocket_recorder import proxy_websocket

        return False if await proxy_websocket(app, exchange, proxy) else None
    proxied = await _forward(app, exchange, proxy)
    return None if proxied is None else proxied.keep_alive and proxied.end_reason == "finished"


async def _wait_for_body(app: App, exchange: Exchange) -> None:
    """Wait for the body, then respond. A body outside of the bounds is refused."""
    head, body = exchange.head, exchange.body_stream
    assert body is not None, "a body that is not complete has a stream"
    raw = await read_body(body, head.message, exchange.socket_sink, app.limits, app.deadlines)
    takes_long = (
        isinstance(raw, bytes) and takes_long_to_read(raw) and not may_reach_control_api(app, exchange)
    )
    parsed_before_check = isinstance(raw, bytes) and not takes_long and is_parsed_before_check(app, head, raw)
    failure: Failure | None = None
    if not parsed_before_check:
        failure = raw if isinstance(raw, Failure) else await structure_failure_in_slices(raw, app.limits)
    await wait_until_rules_are_stable(app)
    exchange.body_complete, exchange.now, exchange.monotonic = True, time.time(), app.deadlines.time()
    if isinstance(raw, bytes) and failure is None:
        exchange.raw, exchange.structure_checked = raw, not parsed_before_check
        if takes_long:
            await read_in_thread(app, exchange)
        elif exchange.structure_checked and not head.may_skip_engine:
            await parse_then_yield(app, exchange)
        respond(app, exchange)
    elif failure is not None:
        refuse_body(app, exchange, failure)


async def _wait_for_player_and_end(app: App, exchange: Exchange) -> bool:
    """Wait for the player, and end the exchange. Return whether its connection can serve another request."""
    player = exchange.player
    assert player is not None, "the response has begun"
    await wait_for_player(player, exchange.sink)
    if exchange.sink.half_closed:
        await (
            exchange.socket_sink.wait_until_acknowledged()
        )  # only this shows whether the client has disconnected
    assert player.play_end is not None, "the player was waited for"
    end_exchange(app, exchange, player.play_end)
    return exchange.keep_alive and exchange.end_reason == "finished"


async def _respond_by_control(app: App, exchange: Exchange) -> None:
    """Set the response of the control API. It stays unset if the client has followed the live feed and
    disconnected."""
    head, control = exchange.head, app.control
    assert control is not None, "the exchange is a call of the control API"
    message, exchange.hidden = head.message, True
    headers = _control_headers(head)
    plan: Plan | None
    if message.upgrade and head.path == LIVE_FEED_PATH:
        assert exchange.body_stream is not None, "a head that demands an upgrade is not cached"
        request = exchange.socket_sink.connection.web_request(message, exchange.body_stream)
        app.unfinished_exchanges -= 1  # a server that stops does not wait for followers
        try:
            plan = await control.follow(request, headers, exchange.client_address)
        finally:
            app.unfinished_exchanges += 1
    else:
        plan = await control.respond(
            message.method, head.path, head.query_string, headers, exchange.raw, exchange.client_address
        )
    if plan is not None:
        exchange.response = PlannedResponse(plan, None)


def _control_headers(head: RequestHead) -> Mapping[str, str]:
    """Return the headers of a call with the host of its target. Over TLS they state the scheme, as those of a proxy
    in front of the server do."""
    host = target_host(head.message)
    if host is None and not head.over_tls:
        return head.headers
    headers = {name.lower(): value for name, value in head.headers.items()}
    if head.over_tls:
        headers.setdefault("x-forwarded-proto", "https")
    if host is not None:
        headers["host"] = host
    return headers


def _error_of_proxy(
    app: App, request: EngineRequest, planned: PlannedResponse, failure: Failure
) -> PlannedResponse:
    """Return the response where nothing was forwarded. A request without an upstream stays unmatched."""
    if not planned.unmatched or failure.type != "not_found":
        return app.engine.refuse(failure, request)
    failure = Failure.of_status(planned.plan.head.status, failure.message)
    return replace(app.engine.refuse(failure, request), unmatched=True, near_misses=planned.near_misses)


async def _forward(app: App, exchange: Exchange, proxy: ProviderProxy) -> ProxiedResponse | None:
    """Send the response of a provider as it comes. Return None if the provider did not respond: the response is
    an error then."""
    request = exchange.request
    assert request is not None, "an engine has read the request"
    if exchange.response.plan.delivery.proxy_target is not None:
        await wait_for_release_and_delay(app, exchange)
    planned = exchange.response

    def end(proxied: ProxiedResponse) -> None:
        rule = planned.responder_id if planned.plan.delivery.proxy_target else None
        notes = (*planned.notes, proxied.note)
        exchange.response = PlannedResponse(proxied.plan, rule, planned.modifiers, notes)
        end_exchange(app, exchange, proxied.end_reason, proxied.duration)

    with in_flight(app, exchange):
        try:
            exchange.proxy_ends_it = True
            return await proxy.forward(
                exchange,
                partial(serialized_response_head, app, exchange),
                lambda: app.deadlines.time() - exchange.monotonic,
                end,
            )
        except ProxyFailed as error:
            exchange.proxy_ends_it = False
            exchange.response = _error_of_proxy(app, request, planned, error.failure)
            return None
        except Exception:  # of the server itself: `end` may not be called
            exchange.proxy_ends_it = False
            raise
