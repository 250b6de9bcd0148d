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
    hearing = ResponseDecoder(plan)
    calls = 0
    for payload in _payloads(plan):
        calls = _hear(payload, hearing, calls)
    if hearing.finish == "stop" and hearing.calls:
        hearing.finish = "tool_calls"
    if hearing.finish == "refusal":
        hearing.say("refusal", hearing.said("text") or "", visible=False)
    return hearing.result()


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


def _hear(payload: Json, hearing: ResponseDecoder, calls: int) -> int:
    """One chunk, or the whole body; `calls` were heard before it."""
    match payload:
        case {"error": dict(error)}:
            hearing.understood, hearing.error = True, error
        case {"promptFeedback": {"blockReason": str()}}:
            hearing.understood, hearing.finish = True, "content_filter"
        case {"candidates": list(candidates)}:
            hearing.understood = True
            for candidate in candidates:
                calls = _candidate(candidate, hearing, calls)
    match payload:
        case {"usageMetadata": {"promptTokenCount": int(prompt)}}:
            hearing.usage = _usage(prompt, payload["usageMetadata"])
    return calls


def _candidate(candidate: Json, hearing: ResponseDecoder, calls: int) -> int:
    if not isinstance(candidate, dict):
        return calls
    number = candidate.get("index", 0)
    match candidate.get("finishReason"):
        case str(reason) if number == 0:
            hearing.finish = FINISH.get(reason, reason)
    match candidate:
        case {"content": {"parts": list(parts)}}:
            for part in parts:
                calls += _part(part, number, hearing, calls)
    return calls


def _part(part: Json, number: Json, hearing: ResponseDecoder, calls: int) -> bool:
    """Whether it is a call."""
    match part:
        case {"functionCall": {"name": str(name), **rest}}:
            arguments = rest.get("args", {})
            hearing.call(calls, name, number)
            text = arguments if isinstance(arguments, str) else dumps(arguments).decode()
            hearing.argue(calls, text, number)
            return True
        case {"text": str(text), "thought": True}:
            hearing.say("thinking", text, number)
        case {"text": str(text)} if text:  # a stream's last chunk says ""
            hearing.say("text", text, number)
    return False


def _usage(prompt: int, counted: Mapping[str, Json]) -> Usage:
    """What is counted as said leaves out thoughts."""
    thoughts = _count(counted, "thoughtsTokenCount")
    said = _count(counted, "candidatesTokenCount")
    return Usage(prompt, said + thoughts, _count(counted, "cachedContentTokenCount"), 0, thoughts)


def _count(counts: Mapping[str, Json], name: str) -> int:
    count = counts.get(name)
    return count if isinstance(count, int) else 0
