"""Decodes a response of /api/chat or /api/generate."""

from __future__ import annotations

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response. This protocol ends calls with `stop`; an error is a text."""
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        _read_payload(payload, decoder)
    if decoder.finish == "stop" and decoder.calls:
        decoder.finish = "tool_calls"
    return decoder.result()


def _read_payload(payload: Json, decoder: ResponseDecoder) -> None:
    """Read one line, or the body of a non-streaming response."""
    match payload:
        case {"error": str(message)}:
            decoder.recognized, decoder.error = True, {**payload, "message": message}
        case {"message": dict(content), "done": bool(done)}:
            _read_content(content, content.get("content"), done, decoder)
        case {"response": text, "done": bool(done)}:
            _read_content(payload, text, done, decoder)
    match payload:
        case {"done": True, "done_reason": str(reason)}:
            decoder.finish = reason
    match payload:
        case {"prompt_eval_count": int(prompt), "eval_count": int(output)}:
            decoder.usage = Usage(prompt, output)


def _read_content(content: dict[str, Json], text: Json, done: bool, decoder: ResponseDecoder) -> None:
    decoder.recognized = True
    thinking, calls = content.get("thinking"), content.get("tool_calls")
    if isinstance(thinking, str) and thinking:
        decoder.add_text("thinking", thinking)
    alone = not calls and not thinking and not decoder.calls
    if isinstance(text, str) and (text or alone):
        decoder.add_text("text", text, visible=text != "" or not done)
    for call in calls if isinstance(calls, list) else ():
        match call:
            case {"function": {"name": str(name)}}:
                place = len(decoder.calls)
                decoder.add_call(place, name, 0, call.get("id"))
                decoder.add_arguments(place, dumps(call["function"].get("arguments", {})).decode())
