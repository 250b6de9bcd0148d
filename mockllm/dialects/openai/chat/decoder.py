"""Decodes a response of OpenAI's chat completions."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import objects
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import (
    DecodedResponse,
    ResponseDecoder,
    TextChannel,
    count_in,
    payloads,
)
from mockllm.dialects.openai.decoded_items import read_annotations

NEUTRAL_FINISH: Final = {"function_call": "tool_calls", "eos": "stop"}
"""The neutral values of the finish reasons that differ from them."""
CHANNELS: Final[tuple[tuple[str, TextChannel], ...]] = (
    ("reasoning_content", "thinking"),
    ("reasoning", "thinking"),
    ("content", "text"),
    ("refusal", "refusal"),
)
"""The channel of each member of a message; only vendors have the first two. An empty member is a chunk only where it
is the only member of a delta."""


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response.

    This protocol ends a refusal and a forced call with `stop`; each has its own neutral reason.
    """
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        _read_payload(payload, decoder)
    if decoder.finish == "stop":
        if decoder.text("refusal") is not None:
            decoder.finish = "refusal"
        elif decoder.calls:
            decoder.finish = "tool_calls"
    return decoder.result()


def _read_payload(payload: Json, decoder: ResponseDecoder) -> None:
    match payload:
        case {"error": dict(error)}:
            decoder.recognized, decoder.error = True, error
        case {"choices": list(choices)}:
            decoder.recognized = True
            for choice in choices:
                _read_choice(choice, decoder)
    match payload:
        case {"usage": {"prompt_tokens": int(prompt), "completion_tokens": int(completion)}}:
            decoder.usage = _read_usage(prompt, completion, payload["usage"])


def _read_usage(prompt: int, completion: int, rest: dict[str, Json]) -> Usage:
    cached = count_in(rest.get("prompt_tokens_details"), "cached_tokens")
    written = count_in(rest.get("prompt_tokens_details"), "cache_write_tokens")
    return Usage(
        prompt,
        completion,
        cached,
        written,
        count_in(rest.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _read_choice(choice: Json, decoder: ResponseDecoder) -> None:
    first, second = ("delta", "message") if decoder.streamed else ("message", "delta")  # a vendor sends both
    match choice:
        case {"index": int(index), **rest} if type(fields := rest.get(first, rest.get(second))) is dict:
            calls = fields.get("tool_calls")
            alone = len(fields) == 1 and choice.get("finish_reason") is None
            for key, channel in CHANNELS:
                chunk = fields.get(key)
                if isinstance(chunk, str) and (chunk or not calls):
                    decoder.add_text(channel, chunk, index, visible=chunk != "" or alone)
            for part in objects(fields.get("content")):
                _read_part(part, index, decoder)
            match fields.get("audio"):
                case {"transcript": str(transcript)}:
                    decoder.add_text("text", transcript, index)
            if index == 0 and "annotations" in fields:
                read_annotations(fields["annotations"], decoder)
            for call in calls if isinstance(calls, list) else ():
                _read_call(call, index, decoder)
            if isinstance(fields.get("function_call"), dict):
                _read_call({"index": 0, "function": fields["function_call"]}, index, decoder)
    match choice:
        case {"index": 0, "finish_reason": str(reason)}:
            decoder.finish = NEUTRAL_FINISH.get(reason, reason)


def _read_part(part: dict[str, Json], choice: int, decoder: ResponseDecoder) -> None:
    """Read a part of a content, which is a list with a vendor's reasoning only."""
    match part:
        case {"type": "text", "text": str(chunk)}:
            decoder.add_text("text", chunk, choice)
        case {"type": "thinking", "thinking": list(texts)}:
            for entry in objects(texts):
                decoder.add_text("thinking", str(entry.get("text", "")), choice)


def _read_call(call: Json, choice: int, decoder: ResponseDecoder) -> None:
    """Read a call, or a chunk of a call that an earlier chunk opened.

    The calls of a non-streaming message have no index, and neither have those of some vendors' streams, which
    send a call in one chunk.
    """
    match call:
        case {"function": dict(fields)} | {"custom": dict(fields)}:
            sent_index = call.get("index")
            index = sent_index if isinstance(sent_index, int) else len(decoder.calls)
            if isinstance(fields.get("name"), str):
                decoder.add_call(index, fields["name"], choice, call.get("id"))
            chunk = fields.get("arguments", fields.get("input"))
            if isinstance(chunk, str):
                decoder.add_arguments(index, chunk, choice)
