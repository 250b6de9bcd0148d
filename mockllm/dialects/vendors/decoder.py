"""What a vendor's chat answer says: as OpenAI's, but for the forms of errors that OpenAI does not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.decoded_response import DecodedResponse, payloads
from mockllm.dialects.openai.chat import decoder

SILENT: Final = DecodedResponse(None, None, None, (), None, None, None, None)


def decode(plan: Plan) -> DecodedResponse | None:
    """The error is told as an object with a message, whatever its form. Beside calls, an empty text only
    opened the answer."""
    heard = decoder.decode(plan)
    if heard is not None and heard.calls and not heard.text:
        heard = replace(heard, text=None)
    if heard is not None and heard.error is not None:
        return heard
    errors = [error for payload in payloads(plan) if (error := _error(payload)) is not None]
    return replace(heard or SILENT, error=errors[-1]) if errors else heard


def _error(payload: Json) -> Json:
    match payload:
        case {"detail": str(message)} | {"error": str(message)}:
            return {**payload, "message": message}
        case {"object": "error", "message": str()}:
            return payload
        case [{"error": dict(error)}]:
            return error
    return None
