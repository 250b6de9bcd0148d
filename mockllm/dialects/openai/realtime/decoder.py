"""Decodes a response of a realtime session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, count_in, payloads

FINISH: Final[Mapping[str, str]] = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""The reasons of an incomplete response as neutral values."""


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response; None where the messages are of no response. A transcript is its text."""
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        _read_event(payload, decoder)
    return decoder.result()


def _read_event(event: Json, decoder: ResponseDecoder) -> None:
    match event:
        case {"type": "response.created"}:
            decoder.recognized = True
        case {"type": "response.output_item.added", "output_index": int(place), "item": item}:
            match item:
                case {"type": "function_call", "name": str(name), "call_id": str(id)}:
                    decoder.add_call(place, name, id=id)
        case {
            "type": "response.function_call_arguments.delta",
            "output_index": int(place),
            "delta": str(text),
        }:
            decoder.add_arguments(place, text)
        case {
            "type": "response.output_text.delta" | "response.output_audio_transcript.delta",
            "delta": str(text),
        }:
            decoder.add_text("text", text)
        case {"type": "response.done", "response": dict(response)}:
            decoder.recognized = True
            _read_end(response, decoder)


def _read_end(response: Mapping[str, Json], decoder: ResponseDecoder) -> None:
    """Read the status, and the usage where the response has one."""
    match response.get("status_details"):
        case {"error": dict(error)}:
            decoder.error = error
        case {"reason": str(reason)}:
            decoder.finish = FINISH.get(reason)
    if response.get("status") == "completed":
        decoder.finish = "tool_calls" if decoder.calls else "stop"
    match response.get("usage"):
        case {"input_tokens": int(prompt), **counted}:
            cached = count_in(counted.get("input_token_details"), "cached_tokens")
            decoder.usage = Usage(prompt, count_in(counted, "output_tokens"), cached)
