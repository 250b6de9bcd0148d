"""Decodes a response of OpenAI's responses protocol."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import (
    DecodedResponse,
    ResponseDecoder,
    TextChannel,
    count_in,
    payloads,
)
from mockllm.dialects.openai.decoded_items import read_annotations, read_search
from mockllm.dialects.openai.responses.client_tools import called_client_tool

DELTAS: Final[dict[str, TextChannel]] = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "thinking",
    "response.reasoning_text.delta": "thinking",
}
OPENINGS: Final[dict[str, TextChannel]] = {
    "output_text": "text",
    "refusal": "refusal",
    "summary_text": "thinking",
    "reasoning_text": "thinking",
}
ARGUMENTS: Final = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")
CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
SENT: Final = frozenset({"message", "reasoning", *CALLS})
"""The items whose content a stream sends in events of their own."""


class _Decoder(ResponseDecoder):
    """The content so far. `text_before` is the length of the texts before the part that a stream sends."""

    text_before = 0


def decode(plan: Plan) -> DecodedResponse | None:
    decoder = _Decoder(plan)
    for payload in payloads(plan):
        _read_payload(payload, decoder)
    return decoder.result()


def _read_payload(payload: Json, decoder: _Decoder) -> None:
    """Read one event, or the body of a non-streaming response."""
    match payload:
        case {"object": "response", "output": list(items)}:
            for place, item in enumerate(items):
                _read_item(item, place, decoder)
            _read_ending(payload, decoder)
        case {"error": dict(error)}:
            decoder.recognized, decoder.error = True, error
        case {"type": "response.output_item.added", "output_index": int(place), "item": dict(item)}:
            decoder.recognized = True
            match item:
                case {"type": "function_call" | "custom_tool_call", "name": str(name)}:
                    decoder.add_call(place, name)
        case {"type": str(kind), "delta": str(chunk), "output_index": int(place)}:
            if kind in DELTAS:
                decoder.add_text(DELTAS[kind], chunk)
            elif kind in ARGUMENTS:
                decoder.add_arguments(place, chunk)
        case {"type": str(kind), "part": {"type": str(part)}}:
            if kind.endswith("part.added") and part in OPENINGS:
                decoder.text_before = len(decoder.text("text") or "")
                decoder.add_text(OPENINGS[part], "", visible=False)
        case {"type": "response.output_text.annotation.added", "annotation": annotation}:
            read_annotations([annotation], decoder, decoder.text_before)
        case {"type": "response.output_item.done", "item": dict(item)} if str(item.get("type")) not in SENT:
            _read_other(item, count_in(payload, "output_index"), decoder)
        case {"type": "response.completed" | "response.incomplete", "response": dict(response)}:
            _read_ending(response, decoder)


def _read_item(item: Json, place: int, decoder: ResponseDecoder) -> None:
    match item:
        case (
            {"type": "message" | "reasoning", "content": [*parts], "summary": []}
            | {"type": "message", "content": [*parts]}
            | {"type": "reasoning", "summary": [*parts]}
        ):
            for part in parts:
                match part:
                    case {"type": str(kind), "text": str(text)} | {"type": str(kind), "refusal": str(text)}:
                        if kind in OPENINGS:
                            read_annotations(
                                part.get("annotations"), decoder, len(decoder.text("text") or "")
                            )
                            decoder.add_text(OPENINGS[kind], text)
        case {"type": str(kind), "name": str(name)} if kind in CALLS:
            decoder.add_call(place, name)
            text = item.get(CALLS[kind])
            if isinstance(text, str):
                decoder.add_arguments(place, text)
        case dict() if str(item.get("type")) not in SENT:
            _read_other(item, place, decoder)


def _read_other(item: dict[str, Json], place: int, decoder: ResponseDecoder) -> None:
    """Read an item that a stream has as a whole when it is done."""
    match item.get("type"):
        case "web_search_call":
            read_search(item, decoder)
        case str(kind):
            match called_client_tool(item, kind):
                case (name, dict(arguments)):
                    decoder.add_call(place, name)
                    decoder.add_arguments(place, dumps(arguments).decode())
                case _:
                    decoder.left_out[kind] = None


def _read_ending(response: dict[str, Json], decoder: ResponseDecoder) -> None:
    """Read the finish reason and the usage. A completed response does not state whether it has calls or a refusal."""
    decoder.recognized = True
    match response:
        case {"status": "completed"}:
            refused = decoder.text("refusal") is not None
            decoder.finish = "refusal" if refused else "tool_calls" if decoder.calls else "stop"
        case {"incomplete_details": {"reason": str(reason)}}:
            decoder.finish = "length" if reason == "max_output_tokens" else reason
    match response:
        case {"usage": {"input_tokens": int(input_), "output_tokens": int(output), **rest}}:
            into, out = rest.get("input_tokens_details"), rest.get("output_tokens_details")
            decoder.usage = Usage(
                input_,
                output,
                count_in(into, "cached_tokens"),
                count_in(into, "cache_write_tokens"),
                count_in(out, "reasoning_tokens"),
            )
