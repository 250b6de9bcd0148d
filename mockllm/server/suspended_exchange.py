"""A response that waits for responses of its client."""

from __future__ import annotations

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import ExpectedResponses
from mockllm.core.request.request import Request
from mockllm.server.exchange import Exchange
from mockllm.server.request_heads import RequestHead


class SuspendedExchange(Struct):
    """The request, what it waits for, and the responses that have come."""

    exchange: Exchange | None
    """Sends the rest of the response; None while its client has no connection."""
    head: RequestHead
    request: Request
    client_address: str
    expected_responses: ExpectedResponses
    resumable_until: float
    """When the response ends without responses, on the clock of the deadlines. A client may connect again until then;
    0 for one that cannot."""
    responses: dict[str, Json] = field(default_factory=dict)
