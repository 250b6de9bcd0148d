"""What an answer of Anthropic's messages says, in neutral words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads

FINISH: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
}
"""Stop reasons that are not neutral words already."""


def decode(plan: Plan) -> DecodedResponse | None:
    """This protocol says a refusal as text: where it ended with one, the text is both."""
    decoder = ResponseDecoder(plan)
    counted: dict[str, Json] = {}
    for payload in payloads(plan):
        _hear(payload, decoder, counted)
    decoder.usage = _usage(counted)
    if decoder.finish == "refusal":
        decoder.add_text("refusal", decoder.text("text") or "", visible=False)
    return decoder.result()


def _hear(payload: Json, decoder: ResponseDecoder, counted: dict[str, Json]) -> None:
    """One event, or the whole body."""
    match payload:
        case {"error": dict(error)}:
            decoder.recognized, decoder.error = True, error
        case {"type": "message", "content": list(blocks)}:
            _message(payload, decoder, counted)
            for index, block in enumerate(blocks):
                _block(index, block, decoder)
        case {"type": "message_start", "message": dict(message)}:
            _message(message, decoder, counted)
        case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
            _block(index, block, decoder)
        case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)}:
            _delta(index, delta, decoder)
        case {"type": "message_delta", "delta": dict(delta)}:
            _message({**payload, **delta}, decoder, counted)


def _message(said: Mapping[str, Json], decoder: ResponseDecoder, counted: dict[str, Json]) -> None:
    """What is said of the whole message: its usage, and why it ended."""
    decoder.recognized = True
    match said.get("usage"):
        case dict(usage):
            counted.update(usage)
    match said.get("stop_reason"):
        case str(reason):
            decoder.finish = FINISH.get(reason, reason)


def _block(index: int, block: Json, decoder: ResponseDecoder) -> None:
    """A block as it opens in a stream, or whole."""
    match block:
        case {"type": "text", "text": str(text)}:
            decoder.add_text("text", text, visible=text != "")
        case {"type": "thinking", "thinking": str(text)}:
            decoder.add_text("thinking", text, visible=text != "")
        case {"type": "tool_use", "name": str(name), "input": arguments}:
            decoder.add_call(index, name, id=block.get("id"))
            if arguments != {}:
                decoder.add_arguments(
                    index, arguments if isinstance(arguments, str) else dumps(arguments).decode()
                )


def _delta(index: int, delta: Json, decoder: ResponseDecoder) -> None:
    match delta:
        case {"type": "text_delta", "text": str(text)}:
            decoder.add_text("text", text)
        case {"type": "thinking_delta", "thinking": str(text)}:
            decoder.add_text("thinking", text)
        case {"type": "input_json_delta", "partial_json": str(text)}:
            decoder.add_arguments(index, text)


def _usage(counted: Mapping[str, Json]) -> Usage | None:
    """The input of this provider leaves out what a cache gave or took."""
    if not isinstance(counted.get("input_tokens"), int):
        return None
    read, written = _count(counted, "cache_read_input_tokens"), _count(counted, "cache_creation_input_tokens")
    details = counted.get("output_tokens_details")
    thought = _count(details, "thinking_tokens") if isinstance(details, dict) else 0
    output = _count(counted, "output_tokens")
    return Usage(_count(counted, "input_tokens") + read + written, output, read, written, thought)


def _count(counts: Mapping[str, Json], name: str) -> int:
    count = counts.get(name)
    return count if isinstance(count, int) else 0
