"""An exchange whose response waits for responses of its client."""

from __future__ import annotations

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import AwaitedResponses
from mockllm.server.exchange import Exchange


class AwaitingExchange(Struct):
    """The exchange, what it waits for, and the responses that have come."""

    exchange: Exchange
    awaited: AwaitedResponses
    responses: dict[str, Json] = field(default_factory=dict)
