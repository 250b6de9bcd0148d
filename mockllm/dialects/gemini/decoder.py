"""Decodes a response of generateContent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, count_in, payloads
from mockllm.dialects.gemini.grounding import OTHER_SOURCES, read_grounding

FINISH: Final[Mapping[str, str]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "refusal",
    "MALFORMED_FUNCTION_CALL": "tool_calls",
}
"""Finish reasons as neutral values."""
SIGNED: Final = ("thought", "thoughtSignature")
"""The members of a part beside its content."""
NUMBERED: Final[Mapping[int, str]] = dict(
    enumerate(
        (
            *(
                "STOP",
                "MAX_TOKENS",
                "SAFETY",
                "RECITATION",
                "OTHER",
                "BLOCKLIST",
                "PROHIBITED_CONTENT",
                "SPII",
            ),
            *("MALFORMED_FUNCTION_CALL", "MODEL_ARMOR"),
        ),
        1,
    )
)
"""Finish reasons by their numbers, which Google's generated clients request."""


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response.

    This protocol ends calls with `STOP`, and sends a refusal as text. Text that ends with a refusal is reported as
    both.
    """
    decoder = ResponseDecoder(plan)
    calls, grounding = 0, dict[str, Json]()
    for payload in _payloads(plan):
        calls = _read_payload(payload, decoder, calls, grounding)
    if grounding:
        read_grounding(grounding, decoder)
    if decoder.finish == "stop" and decoder.calls:
        decoder.finish = "tool_calls"
    if decoder.finish == "refusal":
        decoder.add_text("refusal", decoder.text("text") or "", visible=False)
    return decoder.result()


def _payloads(plan: Plan) -> Iterator[Json]:
    """Yield the objects of the response: its events and the bare error after them, or the items of a body that is a
    list."""
    for payload in payloads(plan):
        yield from payload if isinstance(payload, list) else (payload,)
    if plan.streamed:
        bare = sent_bytes(plan).replace(b"\r\n", b"\n").rpartition(b"\n\n")[2]
        try:
            yield loads(bare)
        except JSONDecodeError:
            return


def _read_payload(payload: Json, decoder: ResponseDecoder, calls: int, grounding: dict[str, Json]) -> int:
    """Read one chunk, or the body of a non-streaming response; `calls` counts the calls before it. Return the new
    count. Add the sources of the text to `grounding`."""
    match payload:
        case {"error": dict(error)}:
            decoder.recognized, decoder.error = True, error
        case {"promptFeedback": {"blockReason": str()}}:
            decoder.recognized, decoder.finish = True, "content_filter"
        case {"candidates": list(candidates)}:
            decoder.recognized = True
            for candidate in candidates:
                calls = _read_candidate(candidate, decoder, calls, grounding)
    match payload:
        case {"usageMetadata": {"promptTokenCount": int(prompt)}}:
            decoder.usage = _read_usage(prompt, payload["usageMetadata"])
    return calls


def _read_candidate(candidate: Json, decoder: ResponseDecoder, calls: int, grounding: dict[str, Json]) -> int:
    if not isinstance(candidate, dict):
        return calls
    number = candidate.get("index", 0)
    finish = candidate.get("finishReason")
    match NUMBERED.get(finish, finish) if type(finish) is int else finish:
        case str(reason) if number == 0:
            decoder.finish = FINISH.get(reason, reason)
    if number == 0:
        grounding |= object_of(candidate.get("groundingMetadata"))
        decoder.left_out |= dict.fromkeys(name for name in OTHER_SOURCES if name in candidate)
    match candidate:
        case {"content": {"parts": list(parts)}}:
            for part in parts:
                calls += _read_part(part, number, decoder, calls)
    return calls


def _read_part(part: Json, number: Json, decoder: ResponseDecoder, calls: int) -> bool:
    """Read a part; return whether it is a call."""
    match part:
        case {"functionCall": {"name": str(name), **rest}}:
            arguments = rest.get("args", {})
            decoder.add_call(calls, name, number)
            text = arguments if isinstance(arguments, str) else dumps(arguments).decode()
            decoder.add_arguments(calls, text, number)
            return True
        case {"text": str(text), "thought": True}:
            decoder.add_text("thinking", text, number)
        case {"text": str(text)} if text:  # a stream's last chunk has the text ""
            decoder.add_text("text", text, number)
        case dict() if number == 0 and "text" not in part:
            decoder.left_out |= dict.fromkeys(name for name in part if name not in SIGNED)
    return False


def _read_usage(prompt: int, counted: Mapping[str, Json]) -> Usage:
    """Return the usage; `candidatesTokenCount` excludes thoughts."""
    thoughts = count_in(counted, "thoughtsTokenCount")
    output = count_in(counted, "candidatesTokenCount")
    return Usage(prompt, output + thoughts, count_in(counted, "cachedContentTokenCount"), 0, thoughts)
