"""Decodes the response of a conversation: the outputs of a body, or the events of a stream."""

from __future__ import annotations

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import objects
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, count_in, payloads
from mockllm.dialects.mistral.conversations.entries import CALL, OUTPUT


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response, or its error; None where it is no response of a conversation."""
    decoder, opened = ResponseDecoder(plan), set[int]()
    for payload in payloads(plan):
        _read_payload(payload, decoder, opened)
    return decoder.result()


def _read_payload(payload: Json, decoder: ResponseDecoder, opened: set[int]) -> None:
    """Read one event, or the body of a non-streaming response. `opened` are the places of the calls so far."""
    match payload:
        case {"object": "conversation.response", "outputs": list(outputs)}:
            decoder.recognized = True
            for place, entry in enumerate(objects(outputs)):
                _read_entry(entry, place, decoder, opened)
            _read_usage(payload.get("usage"), decoder)
        case {"type": "message.output.delta", "content": content}:
            decoder.recognized = True
            _read_content(content, decoder)
        case {"type": "function.call.delta", "output_index": int(place)}:
            decoder.recognized = True
            _read_call(payload, place, decoder, opened)
        case {"type": "conversation.response.error", "message": str()}:
            decoder.recognized, decoder.error = True, payload
        case {"type": "conversation.response.done" | "conversation.response.started"}:
            decoder.recognized = True
            _read_usage(payload.get("usage"), decoder)
        case {"object": "error", "message": str()}:
            decoder.recognized, decoder.error = True, payload
        case {"detail": str(message)}:
            decoder.recognized, decoder.error = True, {**payload, "message": message}


def _read_entry(entry: dict[str, Json], place: int, decoder: ResponseDecoder, opened: set[int]) -> None:
    if entry.get("type") == OUTPUT:
        content = entry.get("content")
        for part in content if isinstance(content, list) else [content]:
            _read_content(part, decoder)
    elif entry.get("type") == CALL:
        _read_call(entry, place, decoder, opened)


def _read_content(content: Json, decoder: ResponseDecoder) -> None:
    match content:
        case str(text) | {"type": "text", "text": str(text)}:
            decoder.add_text("text", text)
        case {"type": "thinking", "thinking": list(texts)}:
            for part in objects(texts):
                decoder.add_text("thinking", str(part.get("text", "")))


def _read_call(call: dict[str, Json], place: int, decoder: ResponseDecoder, opened: set[int]) -> None:
    """Read a call, or a chunk of one: each chunk repeats the name."""
    match call:
        case {"name": str(name), "arguments": arguments}:
            if place not in opened:
                opened.add(place)
                decoder.add_call(place, name, id=call.get("tool_call_id"))
            decoder.add_arguments(
                place, arguments if isinstance(arguments, str) else dumps(arguments).decode()
            )


def _read_usage(usage: Json, decoder: ResponseDecoder) -> None:
    match usage:
        case {"prompt_tokens": int(prompt)}:
            decoder.usage = Usage(prompt, count_in(usage, "completion_tokens"))
