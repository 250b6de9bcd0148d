"""What an answer of OpenAI's responses protocol says, in neutral words."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import Channel, DecodedResponse, ResponseDecoder, payloads

DELTAS: Final[dict[str, Channel]] = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "thinking",
    "response.reasoning_text.delta": "thinking",
}
OPENINGS: Final[dict[str, Channel]] = {
    "output_text": "text",
    "refusal": "refusal",
    "summary_text": "thinking",
    "reasoning_text": "thinking",
}
ARGUMENTS: Final = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")
CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}


def decode(plan: Plan) -> DecodedResponse | None:
    hearing = ResponseDecoder(plan)
    for payload in payloads(plan):
        _hear(payload, hearing)
    return hearing.result()


def _hear(payload: Json, hearing: ResponseDecoder) -> None:
    """One event, or the whole body."""
    match payload:
        case {"object": "response", "output": list(items)}:
            for place, item in enumerate(items):
                _item(item, place, hearing)
            _ending(payload, hearing)
        case {"error": dict(error)}:
            hearing.understood, hearing.error = True, error
        case {"type": "response.output_item.added", "output_index": int(place), "item": dict(item)}:
            hearing.understood = True
            if item.get("type") in CALLS and isinstance(item.get("name"), str):
                hearing.call(place, item["name"])
        case {"type": str(kind), "delta": str(piece), "output_index": int(place)}:
            if kind in DELTAS:
                hearing.say(DELTAS[kind], piece)
            elif kind in ARGUMENTS:
                hearing.argue(place, piece)
        case {"type": str(kind), "part": {"type": str(part)}}:
            if kind.endswith("part.added") and part in OPENINGS:
                hearing.say(OPENINGS[part], "", visible=False)
        case {"type": "response.completed" | "response.incomplete", "response": dict(response)}:
            _ending(response, hearing)


def _item(item: Json, place: int, hearing: ResponseDecoder) -> None:
    """An item of a whole answer."""
    match item:
        case (
            {"type": "message" | "reasoning", "content": [*parts], "summary": []}
            | {
                "type": "message",
                "content": [*parts],
            }
            | {"type": "reasoning", "summary": [*parts]}
        ):
            for part in parts:
                match part:
                    case {"type": str(kind), "text": str(said)} | {"type": str(kind), "refusal": str(said)}:
                        if kind in OPENINGS:
                            hearing.say(OPENINGS[kind], said)
        case {"type": str(kind), "name": str(name)} if kind in CALLS:
            hearing.call(place, name)
            said = item.get(CALLS[kind])
            if isinstance(said, str):
                hearing.argue(place, said)


def _ending(response: dict[str, Json], hearing: ResponseDecoder) -> None:
    """How it ended, and what it used. A completed answer does not say whether it calls or refuses."""
    hearing.understood = True
    match response:
        case {"status": "completed"}:
            refused = hearing.said("refusal") is not None
            hearing.finish = "refusal" if refused else "tool_calls" if hearing.calls else "stop"
        case {"incomplete_details": {"reason": str(reason)}}:
            hearing.finish = "length" if reason == "max_output_tokens" else reason
    match response:
        case {"usage": {"input_tokens": int(asked), "output_tokens": int(given), **rest}}:
            into, out = rest.get("input_tokens_details"), rest.get("output_tokens_details")
            hearing.usage = Usage(
                asked,
                given,
                _count(into, "cached_tokens"),
                _count(into, "cache_write_tokens"),
                _count(out, "reasoning_tokens"),
            )


def _count(details: Json, name: str) -> int:
    count = details.get(name) if isinstance(details, dict) else None
    return count if isinstance(count, int) else 0
