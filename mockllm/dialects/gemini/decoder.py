"""What an answer of generateContent says, in neutral words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads

FINISH: Final[Mapping[str, str]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "refusal",
    "MALFORMED_FUNCTION_CALL": "tool_calls",
}
"""Finish reasons in neutral words."""


def decode(plan: Plan) -> DecodedResponse | None:
    """This protocol ends calls with `STOP`, and says a refusal as text: where it ended with one, the text is
    both."""
    decoder = ResponseDecoder(plan)
    calls = 0
    for payload in _payloads(plan):
        calls = _hear(payload, decoder, calls)
    if decoder.finish == "stop" and decoder.calls:
        decoder.finish = "tool_calls"
    if decoder.finish == "refusal":
        decoder.add_text("refusal", decoder.text("text") or "", visible=False)
    return decoder.result()


def _payloads(plan: Plan) -> Iterator[Json]:
    """The objects of the answer: its events, and the error that stands bare behind them; the items of a whole
    answer that is a list."""
    for payload in payloads(plan):
        yield from payload if isinstance(payload, list) else (payload,)
    if plan.streamed:
        bare = sent_bytes(plan).replace(b"\r\n", b"\n").rpartition(b"\n\n")[2]
        try:
            yield loads(bare)
        except JSONDecodeError:
            return


def _hear(payload: Json, decoder: ResponseDecoder, calls: int) -> int:
    """One chunk, or the whole body; `calls` were heard before it."""
    match payload:
        case {"error": dict(error)}:
            decoder.recognized, decoder.error = True, error
        case {"promptFeedback": {"blockReason": str()}}:
            decoder.recognized, decoder.finish = True, "content_filter"
        case {"candidates": list(candidates)}:
            decoder.recognized = True
            for candidate in candidates:
                calls = _candidate(candidate, decoder, calls)
    match payload:
        case {"usageMetadata": {"promptTokenCount": int(prompt)}}:
            decoder.usage = _usage(prompt, payload["usageMetadata"])
    return calls


def _candidate(candidate: Json, decoder: ResponseDecoder, calls: int) -> int:
    if not isinstance(candidate, dict):
        return calls
    number = candidate.get("index", 0)
    match candidate.get("finishReason"):
        case str(reason) if number == 0:
            decoder.finish = FINISH.get(reason, reason)
    match candidate:
        case {"content": {"parts": list(parts)}}:
            for part in parts:
                calls += _part(part, number, decoder, calls)
    return calls


def _part(part: Json, number: Json, decoder: ResponseDecoder, calls: int) -> bool:
    """Whether it is a call."""
    match part:
        case {"functionCall": {"name": str(name), **rest}}:
            arguments = rest.get("args", {})
            decoder.add_call(calls, name, number)
            text = arguments if isinstance(arguments, str) else dumps(arguments).decode()
            decoder.add_arguments(calls, text, number)
            return True
        case {"text": str(text), "thought": True}:
            decoder.add_text("thinking", text, number)
        case {"text": str(text)} if text:  # a stream's last chunk says ""
            decoder.add_text("text", text, number)
    return False


def _usage(prompt: int, counted: Mapping[str, Json]) -> Usage:
    """What is counted as said leaves out thoughts."""
    thoughts = _count(counted, "thoughtsTokenCount")
    said = _count(counted, "candidatesTokenCount")
    return Usage(prompt, said + thoughts, _count(counted, "cachedContentTokenCount"), 0, thoughts)


def _count(counts: Mapping[str, Json], name: str) -> int:
    count = counts.get(name)
    return count if isinstance(count, int) else 0
