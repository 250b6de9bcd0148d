"""The makers' bodies behind InvokeModel, and which of them a request has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.event_stream import unwrapped
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.anthropic.decoder import decode as decode_messages
from mockllm.dialects.bedrock.converse_decoder import read_error
from mockllm.dialects.bedrock.invoke_anthropic import AnthropicBody
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder
from mockllm.dialects.dialect import GeneratingDialect

ANTHROPIC: Final = AnthropicBody()


def body_of(model: str, fields: Mapping[str, Json]) -> GeneratingDialect:
    """Return the protocol of a body."""
    return ANTHROPIC


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response, of any maker. The frames of a recording have the bytes in base64."""
    decoder = ResponseDecoder(plan)
    native: list[EventStep] = []
    for name, data in events(plan):
        inner = unwrapped(data)
        native.append(EventStep(inner, 0, "open", name))
        try:
            payload = loads(inner)
        except JSONDecodeError:
            continue
        if isinstance(payload, dict):
            read_error(name, payload, decoder)
    return decode_messages(plan)
