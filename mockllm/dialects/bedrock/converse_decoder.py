"""Decodes a response of Converse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, count_in

FINISH: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "malformed_tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}
"""Stop reasons as neutral values."""


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response."""
    decoder = ResponseDecoder(plan)
    for data, name in events(plan):
        try:
            payload = loads(data)
        except JSONDecodeError:
            continue
        if isinstance(payload, dict):
            read_error(name, payload, decoder)
            read_payload(payload, decoder)
    return decoder.result()


def read_error(name: str | None, payload: dict[str, Json], decoder: ResponseDecoder) -> None:
    """Read the body of an error, or an exception of a stream."""
    message = payload.get("message", payload.get("Message"))
    if isinstance(message, str) and (name is None or name.endswith("Exception")):
        decoder.recognized, decoder.error = True, {**payload, "message": message}


def read_payload(payload: dict[str, Json], decoder: ResponseDecoder) -> None:
    """Read one event, or the body of a non-streaming response."""
    match payload:
        case {"output": {"message": {"content": list(blocks)}}}:
            decoder.recognized = True
            for index, block in enumerate(blocks):
                _read_block(index, block, decoder)
        case {"role": "assistant"}:
            decoder.recognized = True
        case {"contentBlockIndex": int(index), "start": {"toolUse": {"name": str(name), **rest}}}:
            decoder.recognized = True
            decoder.add_call(index, name, id=rest.get("toolUseId"))
        case {"contentBlockIndex": int(index), "delta": dict(delta)}:
            decoder.recognized = True
            _read_delta(index, delta, decoder)
    match payload:
        case {"stopReason": str(reason)}:
            decoder.recognized = True
            decoder.finish = FINISH.get(reason, reason)
    match payload:
        case {"usage": {"inputTokens": int()}}:
            decoder.usage = _read_usage(payload["usage"])


def _read_block(index: int, block: Json, decoder: ResponseDecoder) -> None:
    match block:
        case {"text": str(text)}:
            decoder.add_text("text", text)
        case {"citationsContent": {"content": list(contents)}}:
            for content in contents:
                _read_block(index, content, decoder)
        case {"reasoningContent": {"reasoningText": {"text": str(text)}}}:
            decoder.add_text("thinking", text)
        case {"toolUse": {"name": str(name), "input": arguments, **rest}}:
            decoder.add_call(index, name, id=rest.get("toolUseId"))
            text = arguments if isinstance(arguments, str) else dumps(arguments).decode()
            decoder.add_arguments(index, text)


def _read_delta(index: int, delta: Json, decoder: ResponseDecoder) -> None:
    match delta:
        case {"text": str(text)}:
            decoder.add_text("text", text)
        case {"reasoningContent": {"text": str(text)}}:
            decoder.add_text("thinking", text)
        case {"toolUse": {"input": str(text)}}:
            decoder.add_arguments(index, text)


def _read_usage(counts: Mapping[str, Json]) -> Usage:
    """Return the usage; input tokens exclude the tokens read from or written to a cache. Nova's own bodies have only
    the second names of the counts of a cache."""
    read, written = (
        count_in(counts, f"cache{name}InputTokens") or count_in(counts, f"cache{name}InputTokenCount")
        for name in ("Read", "Write")
    )
    return Usage(
        count_in(counts, "inputTokens") + read + written, count_in(counts, "outputTokens"), read, written
    )
