"""Responses in provider-neutral form, as the dialect of their request decodes them."""

from __future__ import annotations

from collections.abc import Callable

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.engine.request_reader import dialect_of


def decode_response(request: Request, plan: Plan) -> DecodedResponse | None:
    """Return the response to a request; None where its dialect decodes none, or no engine has read the request."""
    dialect = dialect_of(request)
    decode: Callable[[Plan], DecodedResponse | None] | None = getattr(dialect, "decode", None)
    return None if decode is None else decode(plan)
