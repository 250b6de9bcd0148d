"""Decodes a response of /v2/chat, /v1/chat or /v1/generate, streamed or not."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, count_in, payloads

FINISH: Final = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR": "content_filter",
    "ERROR_TOXIC": "content_filter",
}


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response. Errors have a message beside their id."""
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        fields = object_of(payload)
        if type(fields.get("type")) is str:
            decoder.recognized = True
            _read_event(fields, decoder)
        elif "finish_reason" in fields and type(fields.get("message")) is dict:
            decoder.recognized = True
            _read_message(fields, decoder)
        elif type(fields.get("event_type")) is str:
            decoder.recognized = True
            _read_v1_event(fields, decoder)
        elif "generations" in fields or (type(fields.get("text")) is str and "generation_id" in fields):
            decoder.recognized = True
            _read_v1_body({**next(objects(fields.get("generations")), {}), **fields}, decoder)
        elif plan.head.status >= 400 and type(fields.get("message")) is str:
            decoder.recognized, decoder.error = True, fields
    return decoder.result()


def _read_event(event: dict[str, Json], decoder: ResponseDecoder) -> None:
    delta = object_of(event.get("delta"))
    message, place = object_of(delta.get("message")), event.get("index")
    match event["type"]:
        case "content-start" | "content-delta":
            opens = event["type"] == "content-start"
            content = object_of(message.get("content"))
            if type(content.get("thinking")) is str:
                decoder.add_text("thinking", content["thinking"], visible=not opens)
            elif type(content.get("text")) is str:
                decoder.add_text("text", content["text"], visible=not opens)
        case "tool-plan-delta":
            decoder.add_text("text", text_of(message.get("tool_plan")) or "")
        case "tool-call-start":
            _read_call(object_of(message.get("tool_calls")), place, decoder)
        case "tool-call-delta":
            function = object_of(object_of(message.get("tool_calls")).get("function"))
            decoder.add_arguments(_key(place), text_of(function.get("arguments")) or "")
        case "message-end":
            _read_end(delta, decoder)


def _read_message(body: dict[str, Json], decoder: ResponseDecoder) -> None:
    message = object_of(body.get("message"))
    if type(message.get("tool_plan")) is str:
        decoder.add_text("text", message["tool_plan"])
    for block in objects(message.get("content")):
        if type(block.get("thinking")) is str:
            decoder.add_text("thinking", block["thinking"])
        elif type(block.get("text")) is str:
            decoder.add_text("text", block["text"])
    for place, call in enumerate(objects(message.get("tool_calls"))):
        _read_call(call, place, decoder)
    _read_end(body, decoder)


def _key(place: Json) -> Json:
    return place if isinstance(place, int | str) else None


def _read_call(call: dict[str, Json], place: Json, decoder: ResponseDecoder) -> None:
    function = object_of(call.get("function"))
    if type(function.get("name")) is str:
        decoder.add_call(_key(place), function["name"], 0, call.get("id"))
        decoder.add_arguments(_key(place), text_of(function.get("arguments")) or "")


def _read_end(fields: dict[str, Json], decoder: ResponseDecoder) -> None:
    reason = fields.get("finish_reason")
    if type(fields.get("error")) is str:
        decoder.error = {"message": fields["error"]}
    elif type(reason) is str:
        decoder.finish = FINISH.get(reason, reason)
    usage = object_of(fields.get("usage", fields.get("meta")))
    tokens = usage.get("tokens", usage.get("billed_units"))
    if type(tokens) is dict:
        counts = (count_in(tokens, "input_tokens"), count_in(tokens, "output_tokens"))
        cached = count_in(usage, "cached_tokens")
        decoder.usage = Usage(*counts, cached, 0, count_in(tokens, "reasoning_tokens"))


def _read_v1_event(event: dict[str, Json], decoder: ResponseDecoder) -> None:
    delta = object_of(event.get("tool_call_delta"))
    match event["event_type"]:
        case "text-generation" | "tool-calls-chunk":
            if type(event.get("text")) is str:
                decoder.add_text("text", event["text"], event.get("index", 0))
            if type(delta.get("name")) is str:
                decoder.add_call(_key(delta.get("index")), delta["name"])
            decoder.add_arguments(_key(delta.get("index")), text_of(delta.get("parameters")) or "")
        case "stream-end" | "stream-error":
            _read_v1_end({**object_of(event.get("response")), **event}, decoder)


def _read_v1_body(body: dict[str, Json], decoder: ResponseDecoder) -> None:
    if body.get("text") or not body.get("tool_calls"):
        decoder.add_text("text", text_of(body.get("text")) or "")
    for place, call in enumerate(objects(body.get("tool_calls"))):
        if type(call.get("name")) is str:
            arguments = call.get("parameters")
            decoder.add_call(place, call["name"])
            decoder.add_arguments(place, arguments if type(arguments) is str else dumps(arguments).decode())
    _read_v1_end(body, decoder)


def _read_v1_end(fields: dict[str, Json], decoder: ResponseDecoder) -> None:
    """Read the end, where calls end with `COMPLETE`, as texts do."""
    _read_end({"error": fields.get("err"), **fields}, decoder)
    if decoder.finish == "stop" and decoder.calls:
        decoder.finish = "tool_calls"
