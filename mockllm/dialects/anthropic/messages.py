"""POST /v1/messages: a reply as this provider's events, or as one message; POST /v1/messages/count_tokens.

The order of events is that of real streams: one ping, after the first block opens.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventStep, Framing, Kind, Plan, ResponseHead
from mockllm.core.rendering.stream_form import StreamForm
from mockllm.core.reply.reply import Call, NativePart, Reply, Text, Thinking, joined_text
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.content_blocks import (
    Block,
    citations_of,
    delta_usage,
    empty_block,
    final_usage,
    full_block,
    message,
    reported_members,
    signature,
    stop_fields,
    supported_reply,
)
from mockllm.dialects.anthropic.decoder import decode
from mockllm.dialects.anthropic.errors import error_event, error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, STREAM_TYPE, request_id, success
from mockllm.dialects.anthropic.messages_check import check, check_counted, check_readable
from mockllm.dialects.anthropic.messages_request import (
    DEFAULT_MODEL,
    AnthropicCountRequest,
    MessagesRequest,
    build_request,
)
from mockllm.dialects.anthropic.models import AnthropicFamily, family_of
from mockllm.dialects.anthropic.prompt_form import PROMPT_FORM
from mockllm.dialects.anthropic.server_tools import DIALECT, SUPPORTED
from mockllm.dialects.anthropic.stream_form import MESSAGES_FORM
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

_PING: Final[Event] = (b'{"type": "ping"}', "ping")
_STOP: Final[Event] = (b'{"type":"message_stop"}', "message_stop")
_DELTA_EXTRAS: Final = frozenset({"container", "context_management", "usage"})
"""Extras that a stream sends in its `message_delta` instead of its `message_start`."""


class MessagesEncoder(Encoder):
    """The events of one message. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: Request, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self.request = request
        self.identity = identity
        self.family = _family(reply, request)
        self.extras = reply.extras.get(DIALECT, {})
        self.without_arguments = False
        """Whether the current part is a call without arguments, which streams "" and never "{}"."""

    def start(self) -> Iterable[Event]:
        opening = message(self.reply, self.request.model, self.identity, self.family)
        own = {key: value for key, value in self.extras.items() if key not in _DELTA_EXTRAS}
        opening = merged_json(opening, own)
        return (_event("message_start", {"message": opening}),)

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        deltas: list[bytes] = []
        if isinstance(part, NativePart):
            block, deltas = _native(empty_block(part, at.index, self.identity, self.family))
        else:
            block = empty_block(part, at.index, self.identity, self.family)
            self.without_arguments = isinstance(part, Call) and joined_text(part.chunks).strip() in ("", "{}")
            if isinstance(part, Call) and not self.without_arguments:
                deltas = [_partial_json("")]
            elif isinstance(part, Text) and part.citations:
                sources = citations_of(part, at.index, self.identity)
                deltas = [dumps({"type": "citations_delta", "citation": source}) for source in sources]
        yield _event("content_block_start", {"index": at.index, "content_block": block})
        if at.index == 0:
            yield _PING
        for delta in deltas:
            yield _delta(at.index, delta)
        if isinstance(part, NativePart):
            yield _block_stop(at.index)

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        match at.part:
            case Call():
                delta = _partial_json("" if self.without_arguments else chunk)
            case Thinking():
                delta = b'{"type":"thinking_delta","thinking":%b}' % dumps(chunk)
            case _:
                delta = b'{"type":"text_delta","text":%b}' % dumps(chunk)
        return (_delta(at.index, delta),)

    def close(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        if type(part) is Call and not any(type(chunk) is str for chunk in part.chunks):
            yield _delta(at.index, _partial_json(""))
        if type(part) is Thinking and not part.redacted:
            seal = part.signature or signature(at.index, self.identity)
            yield _delta(at.index, b'{"type":"signature_delta","signature":%b}' % dumps(seal))
        yield _block_stop(at.index)

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        delta = stop_fields(self.reply.choices[0], self.family)
        reported = merged_json(reported_members(self.reply, self.request, self.identity), self.extras)
        if "container" in reported:
            delta["container"] = reported["container"]
        counted = merged_json(delta_usage(self.reply, self.family), _extra_counts(self.extras))
        last: Block = {"delta": delta, "usage": counted}
        if "context_management" in reported:
            last["context_management"] = reported["context_management"]
        yield "finish", _event("message_delta", self.reply.usage.put_into(last, "usage"))
        yield "end", _STOP

    def fail(self, failure: Failure) -> Iterable[Event]:
        return ((error_event(failure, self.request, self.identity), "error"),)


def _family(reply: Reply, request: Request) -> AnthropicFamily:
    return family_of(reply.model or request.model or DEFAULT_MODEL)


def _extra_counts(extras: Mapping[str, Json]) -> dict[str, Json]:
    """Return the additional counts that a scenario sets in `usage`."""
    counts = extras.get("usage")
    return counts if isinstance(counts, dict) else {}


def _event(name: str, fields: Mapping[str, Json]) -> Event:
    return dumps({"type": name, **fields}), name


def _delta(index: int, delta: bytes) -> Event:
    payload = b'{"type":"content_block_delta","index":%d,"delta":%b}' % (index, delta)
    return payload, "content_block_delta"


def _block_stop(index: int) -> Event:
    return b'{"type":"content_block_stop","index":%d}' % index, "content_block_stop"


def _partial_json(text: str) -> bytes:
    return b'{"type":"input_json_delta","partial_json":%b}' % dumps(text)


def _native(block: Any) -> tuple[Any, list[bytes]]:
    """Return the first event's block and the deltas of a native block. A call's input and a text with its citations
    are sent in deltas; everything else is complete in the first event."""
    if type(block) is not dict:
        return block, []
    if "input" in block and str(block.get("type")).endswith("tool_use"):
        chunks = [""] if block["input"] == {} else ["", dumps(block["input"]).decode()]
        return {**block, "input": {}}, [_partial_json(chunk) for chunk in chunks]
    if block.get("type") == "text" and isinstance(block.get("citations"), list):
        deltas = [{"type": "citations_delta", "citation": citation} for citation in block["citations"]]
        encoded = [dumps(delta) for delta in (*deltas, {"type": "text_delta", "text": block.get("text", "")})]
        return {**block, "citations": [], "text": ""}, encoded
    return block, []


class Messages:
    """The dialect of POST /v1/messages."""

    name: str = DIALECT
    api: str = "messages"
    generates: bool = True
    request: type[Request] = MessagesRequest
    prompt_form = PROMPT_FORM
    capabilities = ProtocolCapabilities(
        refusal_ends=True,
        choices=False,
        json_object=False,
        closed_schemas=True,
        unsupported_parts=frozenset({"images"}),
        server_tools=SUPPORTED,
    )

    def check(self, request: Request) -> Failure | None:
        return check(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(failure, request, identity)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, MessagesRequest)
        return supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        supported = self.supported_reply(reply, request)
        family = _family(supported, request)
        choice, extras = supported.choices[0], supported.extras.get(DIALECT, {})
        body = message(supported, request.model, identity, family)
        body["content"] = [
            full_block(part, index, identity, family) for index, part in enumerate(choice.parts)
        ]
        body.update(stop_fields(choice, family))
        body["usage"] = final_usage(supported, family)
        body |= reported_members(supported, request, identity)
        body = merged_json(body, {**extras, "usage": _extra_counts(extras)})
        supported.usage.put_into(body, "usage")
        return Plan(ResponseHead(200, (JSON_TYPE, *success(identity))), (EventStep(dumps(body), 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        supported = self.supported_reply(reply, request)
        steps = tuple(encode(MessagesEncoder(supported, request, identity)))
        return Plan(ResponseHead(200, (*STREAM_TYPE, *success(identity))), steps, Framing.SSE)

    def stream_form(self, request: Request) -> StreamForm:
        return MESSAGES_FORM

    def variant(self, request: Request) -> Hashable:
        assert isinstance(request, MessagesRequest)
        return (request.omits_thinking, request.declines_thinking, request.reported_options)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return build_request(request)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan)


class AnthropicCountTokens:
    """The dialect of POST /v1/messages/count_tokens, with the same estimate as a message's usage."""

    name: str = "anthropic"
    api: str = "count_tokens"
    generates: bool = False
    request: type[Request] = AnthropicCountRequest

    def check(self, request: Request) -> Failure | None:
        return check_counted(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(failure, request, identity)

    def own_response(
        self, request: Request, models: Sequence[str], identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return the count. A request with context management gets the count before its edits, too."""
        body: dict[str, Json] = {"input_tokens": request.input_tokens}
        if request.fields.get("context_management") is not None:
            assert isinstance(request, AnthropicCountRequest)
            body["context_management"] = {"original_input_tokens": request.unedited_tokens}
        head = ResponseHead(200, (JSON_TYPE, ("request-id", request_id(identity))))
        return Plan(head, (EventStep(dumps(body), 0, "body"),))
