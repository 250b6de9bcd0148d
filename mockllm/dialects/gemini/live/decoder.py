"""Decodes a turn of a Live session."""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, count_in, payloads


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a turn; None where the messages are of no turn. A transcript of its audio is its text."""
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        match payload:
            case {"serverContent": dict(content)}:
                decoder.recognized = True
                _read_content(content, decoder)
            case {"toolCall": {"functionCalls": list(calls)}}:
                decoder.recognized = True
                _read_calls(calls, decoder)
        match payload:
            case {"usageMetadata": {"promptTokenCount": int(prompt)}}:
                decoder.usage = _usage(prompt, payload["usageMetadata"])
    return decoder.result()


def _read_content(content: dict[str, Json], decoder: ResponseDecoder) -> None:
    match content:
        case {"modelTurn": {"parts": list(parts)}}:
            for part in parts:
                match part:
                    case {"text": str(text)}:
                        decoder.add_text("thinking" if part.get("thought") is True else "text", text)
        case {"outputTranscription": {"text": str(text)}}:
            decoder.add_text("text", text)
    if content.get("turnComplete") is True and decoder.finish is None:
        rejected = content.get("turnCompleteReason") == "RESPONSE_REJECTED"
        decoder.finish = "content_filter" if rejected else "stop"


def _read_calls(calls: list[Json], decoder: ResponseDecoder) -> None:
    """Read the calls of a turn, after which it waits for their results."""
    for place, call in enumerate(calls):
        match call:
            case {"name": str(name)}:
                decoder.add_call(place, name, id=call.get("id"))
                decoder.add_arguments(place, dumps(call.get("args", {})).decode())
    decoder.finish = "tool_calls"


def _usage(prompt: int, counted: Mapping[str, Json]) -> Usage:
    """Return the usage, whose count of the response has another name at Vertex AI and excludes thoughts."""
    thoughts = count_in(counted, "thoughtsTokenCount")
    output = count_in(counted, "responseTokenCount") or count_in(counted, "candidatesTokenCount")
    return Usage(prompt, output + thoughts, count_in(counted, "cachedContentTokenCount"), 0, thoughts)
