"""Continues responses that wait for responses of their client: an MCP server has questions during a call.

The client's responses come as further requests. When all are there, the call is read again with them in it, and the
rules decide how its response continues. A client whose connection breaks may connect again before or after that.
"""

from __future__ import annotations

import time
from typing import Final

from msgspec.structs import replace

from mockllm.core.rendering.framing import plan_duration
from mockllm.core.rendering.plan import EventStep, Framing, Plan, Step, WaitStep
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.suspended_exchange import SuspendedExchange

MAX_DETACHED: Final = 256
"""The responses that wait for a client without a connection; the oldest are forgotten first."""
ROUNDING: Final = 1e-6
"""Seconds subtracted from the waits in the journal's plan: else a rounded sum of them may be later than the write."""


def suspend_response(app: App, exchange: Exchange, plan: Plan) -> None:
    """Store an exchange whose response waits for its client, or which has the rest of such a response."""
    expected_responses, request = plan.delivery.expected_responses, exchange.request
    if expected_responses is None or request is None:
        return
    if not expected_responses.resumes:
        waiting = SuspendedExchange(
            exchange, exchange.head, request, exchange.client_address, expected_responses, 0.0
        )
        _store(app, plan, waiting, exchange.response.time_scale)
    elif expected_responses.key in app.suspended_exchanges:
        app.suspended_exchanges[expected_responses.key].exchange = exchange


def _store(app: App, plan: Plan, waiting: SuspendedExchange, scale: float) -> None:
    if plan.background is not None:
        waiting.resumable_until = app.deadlines.time() + plan_duration(plan.background.plan) * scale
    app.suspended_exchanges[waiting.expected_responses.key] = waiting


def forget_suspended(app: App, exchange: Exchange) -> None:
    """Remove an exchange that has ended. What its client can resume waits further."""
    monotonic, detached = app.deadlines.time(), 0
    for key, waiting in reversed(list(app.suspended_exchanges.items())):
        if waiting.exchange is exchange:
            waiting.exchange = None
        detached += waiting.exchange is None
        if waiting.exchange is None and (waiting.resumable_until <= monotonic or detached > MAX_DETACHED):
            del app.suspended_exchanges[key]


def add_client_response(app: App, request: Request) -> PlannedResponse | None:
    """Add the client's response in a request to the suspended response that waits for it, if one does. When the last
    awaited one has come, continue the suspended response, and return what continues it."""
    client_response = request.client_response
    if client_response is None:
        return None
    key, name, value = client_response
    waiting = app.suspended_exchanges.get(key)
    if waiting is None or name not in waiting.expected_responses.names:
        return None
    waiting.responses[name] = value
    if len(waiting.responses) < len(waiting.expected_responses.names):
        return None
    del app.suspended_exchanges[key]
    player = None if waiting.exchange is None else waiting.exchange.player
    if player is not None and player.play_end is not None:
        return None  # the call has just ended: the wait for the client was too long
    return _continue(app, waiting)


def _continue(app: App, waiting: SuspendedExchange) -> PlannedResponse:
    """Respond to the call again. The client gets the response at once, or when it connects again."""
    exchange, monotonic = waiting.exchange, app.deadlines.time()
    body = waiting.request.with_client_responses(waiting.expected_responses.key, waiting.responses)
    again = waiting.head.reader(app.engine).read(body, waiting.client_address, time.time(), monotonic)
    response = app.engine.begin_response(again, deferrable=False)
    assert isinstance(response, PlannedResponse), "several processes refuse `mcp.ask`, so it is decided here"
    if response.slot is not None:
        response.slot.release()
    plan = _as_events(response.plan)
    expected_responses = plan.delivery.expected_responses
    if expected_responses is not None:
        further = SuspendedExchange(
            exchange, waiting.head, again, waiting.client_address, expected_responses, 0.0
        )
        _store(app, plan, further, response.time_scale)
    if exchange is None or exchange.player is None:
        return response
    before = exchange.response
    sent = replace(before.plan, steps=tuple(_sent(before.plan)))
    wait = _wait_after(sent, monotonic - exchange.monotonic, before.time_scale)
    steps = (*sent.steps, replace(wait, seconds=wait.seconds + plan.delay), *plan.steps)
    exchange.response = PlannedResponse(
        replace(before.plan, steps=steps, delivery=plan.delivery),
        response.responder_id or before.responder_id,
        (*before.modifiers, *response.modifiers),
        (*before.notes, *response.notes),
        response.unmatched,
        response.error,
        (*before.faults, *response.faults),
        time_scale=before.time_scale,
        seed_token=response.seed_token,
        id_seed=response.id_seed,
    )
    exchange.player.continue_with(plan, monotonic)
    return response


def _sent(plan: Plan) -> list[Step]:
    """Return the steps before the wait, which comes after the last question."""
    questions = [
        number for number, step in enumerate(plan.steps) if type(step) is EventStep and step.kind == "ping"
    ]
    return list(plan.steps[: questions[-1] + 1]) if questions else []


def _wait_after(sent: Plan, elapsed: float, scale: float) -> WaitStep:
    """Return the wait between the questions and the rest, which begins `elapsed` seconds after the response."""
    seconds = elapsed / scale - plan_duration(sent) if scale else 0.0
    return WaitStep(max(0.0, seconds - ROUNDING), chunk_number=0)


def _as_events(plan: Plan) -> Plan:
    """Return a response as the events of the stream that it continues."""
    if plan.framing is Framing.SSE:
        return plan
    steps = tuple(
        replace(step, kind="finish", event="message") if type(step) is EventStep else step
        for step in plan.steps
    )
    return replace(plan, steps=steps, framing=Framing.SSE)
