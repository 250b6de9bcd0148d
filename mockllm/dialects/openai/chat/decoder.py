"""What an answer of OpenAI's chat completions says, in neutral words."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import Channel, DecodedResponse, ResponseDecoder, payloads

FINISH: Final = {"function_call": "tool_calls", "eos": "stop"}
"""Finish reasons that are not neutral words already."""
CHANNELS: Final[tuple[tuple[str, Channel], ...]] = (
    ("reasoning_content", "thinking"),
    ("reasoning", "thinking"),
    ("content", "text"),
    ("refusal", "refusal"),
)
"""What each member of a message says; only vendors have the first two. An empty one says nothing where it
stands beside others."""


def decode(plan: Plan) -> DecodedResponse | None:
    """This protocol ends a refusal with `stop`, and a call that the request forced; in neutral words each
    is its own reason."""
    hearing = ResponseDecoder(plan)
    for payload in payloads(plan):
        _hear(payload, hearing)
    if hearing.finish == "stop":
        if hearing.said("refusal") is not None:
            hearing.finish = "refusal"
        elif hearing.calls:
            hearing.finish = "tool_calls"
    return hearing.result()


def _hear(payload: Json, hearing: ResponseDecoder) -> None:
    """One chunk, or the whole body."""
    match payload:
        case {"error": dict(error)}:
            hearing.understood, hearing.error = True, error
        case {"choices": list(choices)}:
            hearing.understood = True
            for choice in choices:
                _choice(choice, hearing)
    match payload:
        case {"usage": {"prompt_tokens": int(prompt), "completion_tokens": int(completion)}}:
            hearing.usage = _usage(prompt, completion, payload["usage"])


def _usage(prompt: int, completion: int, rest: dict[str, Json]) -> Usage:
    cached = _count(rest.get("prompt_tokens_details"), "cached_tokens")
    written = _count(rest.get("prompt_tokens_details"), "cache_write_tokens")
    return Usage(
        prompt, completion, cached, written, _count(rest.get("completion_tokens_details"), "reasoning_tokens")
    )


def _count(details: Json, name: str) -> int:
    count = details.get(name) if isinstance(details, dict) else None
    return count if isinstance(count, int) else 0


def _choice(choice: Json, hearing: ResponseDecoder) -> None:
    match choice:
        case {"index": int(index), "delta": dict(said)} | {"index": int(index), "message": dict(said)}:
            calls = said.get("tool_calls")
            alone = len(said) == 1 and choice.get("finish_reason") is None
            for key, channel in CHANNELS:
                piece = said.get(key)
                if isinstance(piece, str) and (piece or not calls):
                    hearing.say(channel, piece, index, visible=piece != "" or alone)
            for call in calls if isinstance(calls, list) else ():
                _call(call, index, hearing)
            if isinstance(said.get("function_call"), dict):
                _call({"index": 0, "function": said["function_call"]}, index, hearing)
    match choice:
        case {"index": 0, "finish_reason": str(reason)}:
            hearing.finish = FINISH.get(reason, reason)


def _call(call: Json, choice: int, hearing: ResponseDecoder) -> None:
    """A call, or a piece of one that a chunk before has begun. A whole message's calls have no index, and
    those of some vendors' streams, which say a call at once."""
    match call:
        case {"function": dict(said)} | {"custom": dict(said)}:
            index = call.get("index")
            place = index if isinstance(index, int) else len(hearing.calls)
            if isinstance(said.get("name"), str):
                hearing.call(place, said["name"], choice, call.get("id"))
            piece = said.get("arguments", said.get("input"))
            if isinstance(piece, str):
                hearing.argue(place, piece, choice)
