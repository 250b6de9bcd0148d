"""The model providers' bodies behind InvokeModel: which of them a request has, and the content of a response."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Final, Protocol

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.aws_event_stream import unwrapped
from mockllm.core.rendering.encoder import Event, encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventKind, EventStep, Framing, Plan, ResponseHead
from mockllm.core.reply.reply import Reply, Usage
from mockllm.core.request.request import Request
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.dialects.anthropic.decoder import decode_payloads
from mockllm.dialects.bedrock.converse import Converse
from mockllm.dialects.bedrock.converse_decoder import read_error, read_payload
from mockllm.dialects.bedrock.converse_encoder import ConverseEncoder, stop_reason
from mockllm.dialects.bedrock.converse_request import ConverseRequest
from mockllm.dialects.bedrock.errors import exception, invocation_metrics, json_plan
from mockllm.dialects.bedrock.event_layouts import NOVA_LAYOUT
from mockllm.dialects.bedrock.invoke_anthropic import AnthropicBody
from mockllm.dialects.bedrock.invoke_text import COHERE, LLAMA, MISTRAL, TITAN, TextBody
from mockllm.dialects.bedrock.member_types import malformed_body
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, count_in
from mockllm.dialects.dialect import ResponseIdentity


class InvokedBody(Protocol):
    """The bodies of one model provider: what InvokeModel needs of a dialect. Heads are InvokeModel's."""

    @property
    def request_class(self) -> type[Request]: ...

    def check(self, request: Request) -> Failure | None: ...

    def supported_reply(self, reply: Reply, request: Request) -> Reply: ...

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan: ...

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan: ...

    def encoding_key(self, request: Request) -> Hashable: ...

    def event_layout(self, request: Request) -> EventLayout: ...


class NovaRequest(ConverseRequest):
    """Converse's messages, where the limit may have its older name."""

    @cached_property
    def output_bounds(self) -> OutputBounds:
        config = object_of(self.fields.get("inferenceConfig"))
        most = config.get("maxTokens", config.get("max_new_tokens"))
        return super().output_bounds._replace(max_tokens=most if type(most) is int and most > 0 else None)


class NovaEncoder(ConverseEncoder):
    """Converse's events, each in an object with its name."""

    def _event(self, name: str, fields: Mapping[str, Json]) -> Event:
        return dumps({name: fields}), name

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        counted = self.reply.usage
        yield "finish", self._event("messageStop", {"stopReason": stop_reason(self.reply.choices[0])})
        last = counted.null_or_remove_usage(
            {"usage": _nova_usage(counted), "metrics": {}, "trace": {}}, "usage"
        )
        yield "usage", (dumps({"metadata": last, **invocation_metrics(counted)}), "metadata")

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return (exception(failure, self.request, times_out=True),)


def _nova_usage(counted: Usage) -> dict[str, Json]:
    return {
        "inputTokens": max(counted.input - counted.cache_read - counted.cache_write, 0),
        "outputTokens": counted.output,
        "totalTokens": counted.total,
        "cacheReadInputTokenCount": counted.cache_read,
        "cacheWriteInputTokenCount": counted.cache_write,
    }


_NOVA_TYPES: Final = {
    "maxTokens": "Integer",
    "max_new_tokens": "Integer",
    "stopSequences": "JSONArray",
    "temperature": "Number",
    "topP": "Number",
}


class NovaBody(Converse):
    """Nova's bodies, which are Converse's without metrics; from a recording, streams from the documentation."""

    request_class: type[Request] = NovaRequest

    def check(self, request: Request) -> Failure | None:
        return malformed_body(request.fields, "inferenceConfig", _NOVA_TYPES) or super().check(request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        (step,) = super().encode_body(reply, request, identity).steps
        assert isinstance(step, EventStep)
        body = loads(step.payload)
        del body["metrics"]
        body["usage"] = _nova_usage(reply.usage)
        return json_plan(reply.usage.null_or_remove_usage(body, "usage"), identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        steps = tuple(encode(NovaEncoder(reply, request, identity)))
        return Plan(ResponseHead(200, ()), steps, Framing.AWS_EVENT_STREAM_BYTES)

    def event_layout(self, request: Request) -> EventLayout:
        return NOVA_LAYOUT


ANTHROPIC: Final = AnthropicBody()
NOVA: Final = NovaBody()
MAKERS: Final[tuple[tuple[str, InvokedBody], ...]] = (
    ("anthropic", ANTHROPIC),
    ("nova", NOVA),
    ("titan", TextBody(TITAN)),
    ("llama", TextBody(LLAMA)),
    ("mistral", TextBody(MISTRAL)),
    ("cohere", TextBody(COHERE)),
)
"""The model providers by a part of their models' ids."""


def body_of(model: str, fields: Mapping[str, Json]) -> InvokedBody:
    """Return the model provider's bodies: by a field that only this model provider has, else by the model. The
    default is Claude."""
    if "anthropic_version" in fields:
        return ANTHROPIC
    return next((body for part, body in MAKERS if part in model), ANTHROPIC)


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response of any model provider. The frames of a recording have the bytes in base64."""
    decoder = ResponseDecoder(plan)
    native: list[Json] = []
    for data, name in events(plan):
        try:
            payload = loads(unwrapped(data))
        except JSONDecodeError:
            continue
        native.append(payload)
        if isinstance(payload, dict):
            read_error(name, payload, decoder)
            _read_text(payload, decoder)
            read_payload(payload, decoder)
            for event in payload.values():
                if isinstance(event, dict):
                    read_payload(event, decoder)
            decoder.usage = _read_metrics(payload) or decoder.usage
    if decoder.recognized:
        decoder.usage = decoder.usage or _read_headers(plan)
    return decode_payloads(native, decoder)


def _read_text(payload: Json, decoder: ResponseDecoder) -> None:
    """Read a body or an event of Titan, Llama, Mistral or Cohere."""
    match payload:
        case {"outputText": str(text), **rest} | {"results": [{"outputText": str(text), **rest}, *_]}:
            reason = rest.get("completionReason")
        case {"generation": str(text), "stop_reason": reason} | {
            "outputs": [{"text": str(text), "stop_reason": reason}, *_]
        }:
            pass
        case {"event_type": "stream-end", "finish_reason": reason}:
            text = ""
        case {"event_type": "text-generation", "text": str(text)}:
            reason = None
        case {"text": str(text), "finish_reason": reason, "generation_id": str()}:
            pass
        case _:
            return
    decoder.recognized = True
    if text:
        decoder.add_text("text", text)
    if isinstance(reason, str):
        decoder.finish = {"length": "length", "max_tokens": "length"}.get(reason.lower(), "stop")


def _read_metrics(payload: dict[str, Json]) -> Usage | None:
    counts = payload.get("amazon-bedrock-invocationMetrics")
    if not isinstance(counts, dict):
        return None
    return Usage(count_in(counts, "inputTokenCount"), count_in(counts, "outputTokenCount"))


def _read_headers(plan: Plan) -> Usage | None:
    """Return the usage in the headers of a non-streaming response."""
    headers = {name.lower(): value for name, value in plan.head.headers}
    counts = [headers.get(f"x-amzn-bedrock-{name}-token-count", "") for name in ("input", "output")]
    if not all(count.isdecimal() for count in counts):
        return None
    return Usage(int(counts[0]), int(counts[1]))
