"""The tokens that a response counts."""

from __future__ import annotations

from mockllm.core.rendering.plan import Framing, Plan, RawStep, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.engine.request_reader import engine_context
from mockllm.recordings.interaction import RecordedResponse


def usage_of(request: Request, response: RecordedResponse) -> tuple[int, int]:
    """Return the tokens of input and output; zeros where the response has no usage."""
    decode = getattr(engine_context(request).routing.dialect, "decode", None)
    framing = Framing.SSE if request.stream else Framing.PLAIN
    plan = Plan(ResponseHead(response.status, response.headers), (RawStep(response.body, 0),), framing)
    decoded: DecodedResponse | None = None if decode is None else decode(plan)
    if decoded is None or decoded.usage is None:
        return (0, 0)
    return (decoded.usage.input, decoded.usage.output)
