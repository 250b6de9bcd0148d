"""Continues responses that wait for responses of their client: a tool server has questions during a call.

The client's responses come as further requests. When all are there, the call is read again with them in it, and the
rules decide how its response continues.
"""

from __future__ import annotations

from msgspec.structs import replace

from mockllm.core.rendering.plan import EventStep, Framing, Plan, Step
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server.app import App
from mockllm.server.awaiting_exchange import AwaitingExchange
from mockllm.server.exchange import Exchange


def await_responses(app: App, exchange: Exchange, plan: Plan) -> None:
    """Store an exchange whose response waits for its client."""
    awaited = plan.delivery.awaited
    if awaited is not None:
        app.awaiting[awaited.key] = AwaitingExchange(exchange, awaited)


def forget_awaiting(app: App, exchange: Exchange) -> None:
    """Remove an exchange that has ended."""
    for key, waiting in list(app.awaiting.items()):
        if waiting.exchange is exchange:
            del app.awaiting[key]


def take_client_response(app: App, request: Request) -> None:
    """Continue the response for which the request has the client's last response, if any does."""
    response = request.client_response
    if response is None:
        return
    key, name, value = response
    waiting = app.awaiting.get(key)
    if waiting is None or name not in waiting.awaited.names:
        return
    waiting.responses[name] = value
    if len(waiting.responses) == len(waiting.awaited.names):
        del app.awaiting[key]
        _continue(app, waiting)


def _continue(app: App, waiting: AwaitingExchange) -> None:
    exchange = waiting.exchange
    request, player = exchange.request, exchange.player
    if request is None or player is None:
        return
    reader = exchange.head.reader(app.engine)
    now = app.deadlines.time()
    again = reader.read(request.with_client_responses(waiting.responses), exchange.client, exchange.at, now)
    response = app.engine.respond(again)
    plan = _as_events(response.plan)
    before = exchange.response
    steps = (*_sent(before.plan), *plan.steps)
    exchange.response = PlannedResponse(
        replace(before.plan, steps=steps, delivery=plan.delivery),
        response.rule or before.rule,
        (*before.modifiers, *response.modifiers),
        (*before.notes, *response.notes),
        response.missed,
        response.error,
        (*before.faults, *response.faults),
        time_scale=before.time_scale,
    )
    if response.slot is not None:
        response.slot.release()
    await_responses(app, exchange, plan)
    player.continue_with(plan, now)


def _sent(plan: Plan) -> list[Step]:
    """Return the steps before the wait, which is behind the last question."""
    questions = [
        number for number, step in enumerate(plan.steps) if type(step) is EventStep and step.kind == "ping"
    ]
    return list(plan.steps[: questions[-1] + 1]) if questions else []


def _as_events(plan: Plan) -> Plan:
    """Return a response as the events of the stream that it continues."""
    if plan.framing is Framing.SSE:
        return plan
    steps = tuple(
        EventStep(step.payload, step.chunk_index, "finish", "message") if type(step) is EventStep else step
        for step in plan.steps
    )
    return replace(plan, steps=steps, framing=Framing.SSE)
