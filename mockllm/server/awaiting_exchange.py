"""An exchange whose response waits for answers of its client."""

from __future__ import annotations

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import AwaitedAnswers
from mockllm.server.exchange import Exchange


class AwaitingExchange(Struct):
    """The exchange, what it waits for, and the answers that have come."""

    exchange: Exchange
    awaited: AwaitedAnswers
    answers: dict[str, Json] = field(default_factory=dict)
