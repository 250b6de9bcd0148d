"""What a judge of clients (`mockllm.core.verdicts`) must be told of answers that only their dialects can read, and
which requests clients are judged by: for the control API, which has a journal, and for the library, which has
its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.engine.request_context import EngineContext

JUDGED: Final = "POST"
"""The method of requests that clients are judged by: nobody minds how often a list is asked for, and what is
polled is asked for again."""


def unfinished(request: Request, plan: Plan) -> str | None:
    """What a stream said that never said why it ended; None where it did, or said nothing, or is no stream."""
    context = request.context
    dialect = context.routing.dialect if isinstance(context, EngineContext) else None
    hear: Callable[[Plan], DecodedResponse | None] | None = getattr(dialect, "decode", None)
    heard = hear(plan) if hear is not None and plan.streamed else None
    return heard.text if heard is not None and heard.finish is None else None
