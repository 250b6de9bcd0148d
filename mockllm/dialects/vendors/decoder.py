"""Decodes a vendor's chat response: OpenAI's form, and error forms that OpenAI does not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.decoded_response import DecodedResponse, payloads
from mockllm.dialects.openai.chat import decoder

EMPTY: Final = DecodedResponse(None, None, None, (), None, None, None, None)


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response. An error is reported as an object with a message, whatever its form.
    Beside calls, an empty text only opened the response."""
    response = decoder.decode(plan)
    if response is not None and response.calls and not response.text:
        response = replace(response, text=None)
    if response is not None and response.error is not None:
        return response
    errors = [error for payload in payloads(plan) if (error := _error(payload)) is not None]
    return replace(response or EMPTY, error=errors[-1]) if errors else response


def _error(payload: Json) -> Json:
    match payload:
        case {"detail": str(message)} | {"error": str(message)}:
            return {**payload, "message": message}
        case {"object": "error", "message": str()}:
            return payload
        case [{"error": dict(error)}]:
            return error
    return None
