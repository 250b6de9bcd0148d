"""Input of the verdicts (`mockllm.core.verdicts`) that needs a dialect, and the method of judged requests.

The control API and the testing library, which have separate journals, share it.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.engine.engine_request import decode_response

POST: Final = "POST"
WEBSOCKET_PREFIX: Final = "WS "
"""The beginning of the method of a request that came as a message over a WebSocket."""


def is_judged_method(method: str) -> bool:
    """Return whether clients are judged by requests of this method: lists may be requested often, and polling repeats
    requests."""
    return method == POST or method.startswith(WEBSOCKET_PREFIX)


def unfinished(request: Request, plan: Plan) -> str | None:
    """Return the text of a stream without a finish reason; None for all other responses."""
    decoded = decode_response(request, plan) if plan.streamed else None
    return decoded.text if decoded is not None and decoded.finish is None else None
