"""Responds to a request whose body is complete: route, read, decide, plan, and write the response or begin to play
it. To play a plan is to write each of its steps at its time.

A connection calls `respond` for most requests when `ready_connections.py` calls its `serve_next_or_resume`.
`waiting_exchange.py` finishes the exchanges that `respond` does not end.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from functools import partial

from mockllm.core.batch import BatchJob
from mockllm.core.failure import Failure
from mockllm.core.rendering.gzip import accepts_coding, gzipped
from mockllm.core.rendering.plan import SWITCHING_PROTOCOLS, Plan, WaitStep
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.core.selection.decision import Decision
from mockllm.engine import DeferredResponse, PlannedResponse, UndecidedResponse
from mockllm.server import builtin_pages
from mockllm.server.app import App
from mockllm.server.builtin_pages import respond_builtin
from mockllm.server.exchange import NO_RESPONSE_YET, Exchange
from mockllm.server.exchange_end import SERVER_FAILED, end_exchange
from mockllm.server.forwarded_requests import goes_to_provider, recordings_to_wait_for
from mockllm.server.http1 import (
    ALLOW_CORS,
    NO_CONSTRAINTS,
    HttpConstraints,
    SerializedHead,
    prerendered_bytes,
    serialize_head,
)
from mockllm.server.player import Player
from mockllm.server.protocols import ControlApiProtocol, PendingDecisionProtocol
from mockllm.server.refused_bodies import refuse_by_structure
from mockllm.server.request_heads import RequestHead
from mockllm.server.request_reading import read_request
from mockllm.server.request_target import is_control_path
from mockllm.server.single_write import has_wait_or_cut, single_write
from mockllm.server.suspended_responses import add_client_response, suspend_response
from mockllm.state.fetched_objects import MissingStoredObject, ObjectToFetch


def respond(app: App, exchange: Exchange) -> None:
    """Respond to an exchange whose body is complete, or whose decision the store has made or refused.

    Afterwards the exchange has `ended`, it has a `player`, or `serve_waiting_exchange` has to wait:

    - for the store, if `storage_confirmation` is set, or `pending_response` is an `ObjectToFetch`, or an
      `UndecidedResponse` for which `begin_decision` returns False
    - for a thread that reads, if `history_is_unread`, or that plans, if `pending_response` is a `DeferredResponse`
    - for a provider, if it `goes_to_provider`, or for a recording, if there are `recordings_to_wait_for`
    - for a release, if the response has a `hold`, or for the messages of a WebSocket, if `opens_websocket`
    - for a client that may have disconnected before the decision was made, if its connection is `half_closed`
    - else for the control API

    Where `begin_decision` returns True, the connection is scheduled again.
    """
    try:
        if exchange.pending_decision is None:
            make_response(app, exchange)
        else:
            apply_pending_decision(app, exchange, exchange.pending_decision)
            if exchange.sink.half_closed:
                return
        # a cached response can wait only for a provider, or for the confirmation of what it stores
        if (
            type(exchange.response.content) is not PrerenderedResponse
            or app.provider_proxy is not None
            or exchange.storage_confirmation is not None
        ) and must_wait(app, exchange):
            return
        if not try_write_whole_and_end(app, exchange):
            begin_playing(app, exchange)
    except (Exception, MissingStoredObject):  # the second is no `Exception`: no other `except` takes it
        if exchange.sink.written:
            # the response is written, or in the write queue; only its journal entry or log line has failed
            traceback.print_exc(file=sys.stderr)
            exchange.ended = True
            return
        set_internal_error(app, exchange)
        begin_playing(app, exchange)


def must_wait(app: App, exchange: Exchange) -> bool:
    """Return whether `serve_waiting_exchange` has to go on: it waits before it writes the response, or writes that of
    a provider in its place."""
    if exchange.storage_confirmation is not None:
        return True
    response = exchange.response
    return (
        response is NO_RESPONSE_YET
        or goes_to_provider(app, exchange)
        or opens_websocket(response)
        or response.hold is not None
    )


def make_response(app: App, exchange: Exchange) -> None:
    """Set the request and the response. For a call of the control API that this function does not refuse,
    `serve_waiting_exchange` sets the response.

    The structure of a body (depth, numbers of arrays and objects, and of values) is checked before it is parsed. A
    short one is parsed first (`is_parsed_before_check`, inlined here). It cannot have too many arrays, objects or
    values, so only its depth is checked.
    """
    may_skip_engine, is_checked = exchange.head.may_skip_engine, exchange.structure_checked
    if not is_checked and (may_skip_engine or len(exchange.raw) >= app.depth_only_below):
        if refuse_by_structure(app, exchange):
            return
        is_checked = True
    if (may_skip_engine or app.control_only) and (
        _is_left_to_control_api(app, exchange) or respond_builtin(app, exchange)
    ):
        return
    request = exchange.request
    if request is None:  # else `serve_waiting_exchange` has read it, since its body is long
        request = read_request(app, exchange)
    # an equal request has come before: its structure was checked, and it continues no stored response
    repeated = request.repeated
    is_known = repeated is not None and repeated.rule_index is not None
    if not (is_checked or is_known):
        request.parse_body()
        if request.depth_bound > app.limits.depth and refuse_by_structure(app, exchange):
            return
    if may_skip_engine and control_of(app, exchange) is not None and not app.engine.serves(request):
        return  # neither the control API, a provider nor a rule has the path: the control API refuses it
    exchange.request = request
    exchange.sends_cors_headers = app.allow_cors
    if app.provider_proxy is not None and recordings_to_wait_for(app, exchange) is not None:
        return
    if request.may_have_history and not is_known and request.has_unread_history:
        exchange.history_is_unread = True
    else:
        set_engine_response(app, exchange, app.engine.begin_response(request))


def is_parsed_before_check(app: App, head: RequestHead, raw: bytes) -> bool:
    """Return whether a body is parsed before it is checked: see `make_response`."""
    return len(raw) < app.depth_only_below and not head.may_skip_engine


def set_engine_response(app: App, exchange: Exchange, response: object) -> None:
    """Set the response that an engine returns, or what it returns in its place. Begin the side effects of a response.
    Compress it if the server compresses and the client accepts gzip."""
    if type(response) is not PlannedResponse:
        assert isinstance(response, DeferredResponse | UndecidedResponse | ObjectToFetch)
        exchange.pending_response = response
        if isinstance(response, DeferredResponse):
            exchange.slot = response.slot
        return
    side_effects = response.webhooks or response.slot or response.batch_job
    if side_effects or app.suspended_exchanges or app.store_client:
        begin_side_effects(app, exchange, response)
    exchange.response = compressed(response) if app.gzip and accepts_gzip(exchange) else response


def begin_decision(app: App, exchange: Exchange, on_ready: Callable[[], object]) -> bool:
    """Let the store begin to decide, and return True. `on_ready` is then called at the store's result. The caller
    responds again at that time (`respond`). If there is still no decision, or this returns False, the caller starts a
    task that finishes the exchange."""
    undecided, store_client = exchange.pending_response, app.store_client
    if (
        store_client is None
        or exchange.pending_decision is not None
        or not isinstance(undecided, UndecidedResponse)
    ):
        return False
    try:
        exchange.pending_decision = store_client.begin(undecided.inputs, on_ready)
    except Exception:  # the task begins it again, and makes the 500
        return False
    return True


def apply_pending_decision(app: App, exchange: Exchange, pending: PendingDecisionProtocol) -> None:
    """Set the response by the decision of the store, if it has decided."""
    undecided, decision = exchange.pending_response, pending.decision
    assert isinstance(undecided, UndecidedResponse), "its decision is pending"
    if decision is not None:
        exchange.pending_response = exchange.pending_decision = None
        set_decided_response(app, exchange, undecided, decision)


def set_decided_response(
    app: App, exchange: Exchange, undecided: UndecidedResponse, decision: Decision | Failure
) -> None:
    """Set the response by its decision, or by the failure to decide."""
    if isinstance(decision, Failure):
        assert exchange.request is not None, "an engine has read the request"
        exchange.response = app.engine.refuse(decision, exchange.request)
        return
    exchange.slot = decision.slot
    set_engine_response(app, exchange, undecided.respond(decision))


def begin_side_effects(app: App, exchange: Exchange, response: PlannedResponse) -> None:
    """Take the slot of a planned response, and the awaitable that completes when the store has its objects. If it
    stores nothing in the store, begin its webhooks and its batch job. An MCP client's response to a question goes to
    the suspended exchange, unless the response to this request is an error."""
    request = exchange.request
    if response.slot is not None:
        exchange.slot = response.slot
    may_continue = app.suspended_exchanges and response.error is None
    if may_continue and request is not None and request.is_for_mcp_server:
        response_of_suspended = add_client_response(app, request)
        if response_of_suspended is not None and response_of_suspended.webhooks:
            send_webhooks(app, exchange, response_of_suspended)
    if app.store_client is not None:
        exchange.storage_confirmation = app.store_client.take_storage_confirmation()
    if exchange.storage_confirmation is None:
        begin_side_effects_after_storing(app, exchange, response)


def begin_side_effects_after_storing(app: App, exchange: Exchange, response: PlannedResponse) -> None:
    """Begin the side effects of a response whose objects are stored: its webhooks, unless it is held, and a batch
    job."""
    if response.webhooks and response.hold is None:
        send_webhooks(app, exchange, response)
    if response.batch_job is not None:
        serve_batch(app, exchange, response.batch_job)


def accepts_gzip(exchange: Exchange) -> bool:
    """Return whether the client accepts a compressed response."""
    request = exchange.request
    return request is not None and exchange.websocket_session is None and accepts_coding(request.headers)


def opens_websocket(response: PlannedResponse) -> bool:
    """Return whether a response opens a WebSocket: a handshake whose head is sent, and whose steps, if any,
    close it later."""
    content = response.content
    if type(content) is not Plan or content.head.status != SWITCHING_PROTOCOLS:
        return False
    opens_first = not content.steps or type(content.steps[0]) is WaitStep
    return (
        content.delivery.websocket_factory is not None and opens_first and not content.delivery.sends_nothing
    )


def send_webhooks(app: App, exchange: Exchange, response: PlannedResponse) -> None:
    """Send the webhooks of a response at their times."""
    request = exchange.request
    if app.webhooks is None:
        from mockllm.server.stored_objects import stored_response_is_gone
        from mockllm.server.webhooks import WebhookSender

        app.webhooks = WebhookSender(app.webhook_hosts, partial(stored_response_is_gone, app))
    session = "" if request is None else request.session or ""
    app.webhooks.schedule(response.webhooks, app.deadlines.time(), session)


def serve_batch(app: App, exchange: Exchange, job: BatchJob) -> None:
    """Serve the lines of a batch job, unless its request goes to a provider."""
    if goes_to_provider(app, exchange) or exchange.request is None:
        return
    if app.batches is None:
        assert app.make_batch_server is not None, "the server has set it"
        app.batches = app.make_batch_server(app)
    app.batches.begin(job, exchange.head, exchange.request, exchange.client_address)


def compressed(response: PlannedResponse) -> PlannedResponse:
    """Return a response with a gzip body, where it can have one."""
    content = response.content
    if type(content) is Plan and content.delivery.expected_responses is not None:
        return response  # what continues it is not compressed
    return response.with_plan(gzipped(response.plan))


def set_internal_error(app: App, exchange: Exchange) -> None:
    """Set a 500 as the response to an internal error, which is being handled, and log its traceback."""
    traceback.print_exc(file=sys.stderr)
    if not exchange.body_complete:  # the time is not set yet
        exchange.now, exchange.monotonic = time.time(), app.deadlines.time()
    player, exchange.player = exchange.player, None
    if player is not None:
        player.stop()
        app.count_in_flight(exchange.request_class, -1)
        app.serving_metrics.forget(exchange)
    exchange.request = None
    exchange.sends_cors_headers, exchange.hidden, exchange.ends_connection = False, False, True
    exchange.response = PlannedResponse(builtin_pages.text_page(500, f"{SERVER_FAILED}.\n"), None)


def serialized_response_head(app: App, exchange: Exchange, plan: Plan) -> SerializedHead:
    """Return the head of a response that a player plays or a provider sends. Its date is when the response began,
    after a hold."""
    constraints = exchange.constraints = constraints_of(app, exchange)
    cors_lines = ALLOW_CORS if exchange.sends_cors_headers else ""
    return serialize_head(
        plan, constraints, app.date_line.at(exchange.now + exchange.held_seconds), cors_lines
    )


def begin_playing(app: App, exchange: Exchange) -> None:
    """Begin to play the response: write what has no wait before it."""
    plan = exchange.response.plan
    serialized = serialized_response_head(app, exchange, plan)
    exchange.keep_alive = serialized.keep_alive
    time_scale = exchange.response.time_scale
    player = Player(plan, serialized, exchange.sink, app.deadlines, exchange.monotonic, time_scale)
    if plan.delivery.expected_responses is not None:
        suspend_response(app, exchange, plan)
    start_player(app, exchange, player)


def start_player(app: App, exchange: Exchange, player: Player) -> None:
    """Begin to play the response of an exchange with this player."""
    exchange.player = player
    app.count_in_flight(exchange.request_class, 1)
    request = exchange.request
    if request is not None and request.has_serving_metrics:
        metrics = app.serving_metrics.metrics_of(request)
        if metrics is not None:
            metrics.begin(exchange, request)
    player.start()


def control_of(app: App, exchange: Exchange) -> ControlApiProtocol | None:
    """Return the control API for a request below its paths."""
    return app.control if exchange.head.may_skip_engine and is_control_path(exchange.head.path) else None


def may_reach_control_api(app: App, exchange: Exchange) -> bool:
    """Return whether the control API gets a request, or may get it because it is not loaded yet. Otherwise the engine
    or a built-in page responds. With `control_only`, the engine gets no requests, and this is always true."""
    return app.control_only or _is_left_to_control_api(app, exchange)


def _is_left_to_control_api(app: App, exchange: Exchange) -> bool:
    """Return whether the control API gets the request. It gets each path of `is_control_path` while it is not loaded:
    `serve_waiting_exchange` then loads it and responds again. With `control_only`, it always gets these paths. Else
    it gets the paths that it knows, and the rules get the rest."""
    control = control_of(app, exchange)
    if control is None:
        return False
    return app.control_only or not control.loaded or control.knows(exchange.head.path)


def try_write_whole_and_end(app: App, exchange: Exchange) -> bool:
    """Write the whole response at once, if possible, and end the exchange. Return whether this was done. Otherwise a
    player has to play the response. That is so if it has a wait or a cut, ends the connection, or has an unusual
    delivery. It is also so if one write is not enough, or the client does not read. The bytes go to the write queue;
    in a task, to the socket or the line of a batch."""
    response, sink = exchange.response, exchange.sink
    content, data = response.content, None
    cors_lines = ALLOW_CORS if exchange.sends_cors_headers else ""
    if exchange.head.constraints is not NO_CONSTRAINTS or exchange.ends_connection or app.draining:
        exchange.constraints = constraints_of(app, exchange)
    elif type(content) is PrerenderedResponse:
        date = app.date_line.bytes_at(exchange.now)
        data = prerendered_bytes(
            content, response.placeholder_values, date, cors_lines, response.limit_headers
        )
    if data is None and not has_wait_or_cut(content):
        plan = response.plan  # made only now: it costs more than `has_wait_or_cut`
        serialized = serialize_head(plan, exchange.constraints, app.date_line.at(exchange.now), cors_lines)
        data = single_write(plan, serialized) if serialized.keep_alive else None
    if data is None or not sink.queue_write(data):
        return False
    sink.written = True
    end_exchange(app, exchange, "finished")
    return True


def constraints_of(app: App, exchange: Exchange) -> HttpConstraints:
    """Return how the request constrains the HTTP message of its response. A server that stops also ends the
    connection."""
    head = exchange.head
    return (
        head.constraints._replace(ends_connection=True)
        if exchange.ends_connection or app.draining
        else head.constraints
    )
