"""Refuses requests by their bodies. These are too long, too deep, have too many arrays, objects or values, come too
late, or are not as HTTP defines."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.engine import PlannedResponse
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.json_structure import structure_failure
from mockllm.server.request_reading import control_api_refuses


def refuse_by_structure(app: App, exchange: Exchange) -> bool:
    """Refuse a body whose structure is outside of its bounds. Return whether it is."""
    failure = structure_failure(exchange.raw, app.limits)
    if failure is not None:
        refuse_body(app, exchange, failure)
    return failure is not None


def refuse_body(app: App, exchange: Exchange, failure: Failure) -> None:
    """Set the response to a request whose body is outside of the bounds. The connection ends with it."""
    head = exchange.head
    exchange.raw, exchange.received, exchange.ends_connection, exchange.body_refused = b"", b"", True, True
    control = app.control
    if control is not None and control_api_refuses(app, exchange):
        exchange.response = PlannedResponse(control.refuse(failure), None)
        exchange.hidden = True
        return
    engine = app.engine
    exchange.request = request = head.reader(engine).read(
        b"", exchange.client_address, exchange.now, exchange.monotonic
    )
    exchange.response = engine.refuse(failure, request)
    exchange.sends_cors_headers = app.allow_cors
