"""POST /v1/messages: a reply said in this provider's events, or as one message.

The order of events is that of live streams: the ping stands once, after the first block opens.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventStep, Framing, Kind, Plan, ResponseHead
from mockllm.core.reply.reply import Call, NativePart, Reply, Text, Thinking, joined_text
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.content_blocks import (
    DIALECT,
    Block,
    cited,
    empty_block,
    ending,
    last_usage,
    message,
    signature,
    supported_reply,
    unthought,
    usage,
    whole_block,
)
from mockllm.dialects.anthropic.decoder import decode
from mockllm.dialects.anthropic.errors import error_event, error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, STREAM_TYPE, success
from mockllm.dialects.anthropic.messages_check import check, check_readable
from mockllm.dialects.anthropic.messages_request import MessagesRequest
from mockllm.dialects.anthropic.model_families import DEFAULT_MODEL, AnthropicFamily, family_of
from mockllm.dialects.anthropic.request_builder import build_request
from mockllm.dialects.capabilities import Capabilities
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

_PING: Final[Event] = (b'{"type": "ping"}', "ping")
_STOP: Final[Event] = (b'{"type":"message_stop"}', "message_stop")
_ENDING: Final = frozenset({"container", "context_management", "usage"})
"""Extras that a stream tells in its `message_delta` instead of its `message_start`."""


class MessagesEncoder(Encoder):
    """The events of one message. `reply` is what `sayable` left of the answer."""

    def __init__(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> None:
        super().__init__(reply)
        self.request = request
        self.stamp = stamp
        self.family = _family(reply, request)
        self.extras = reply.extras.get(DIALECT, {})
        self.silent = False
        """Whether the part being said is a call without arguments, which streams "" and never "{}"."""

    def start(self) -> Iterable[Event]:
        opening = message(self.reply, self.request.model, self.stamp, self.family)
        opening.update((key, value) for key, value in self.extras.items() if key not in _ENDING)
        return (_event("message_start", {"message": opening}),)

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        deltas: list[bytes] = []
        if isinstance(part, NativePart):
            block, deltas = _native(part.block)
        else:
            block = empty_block(part, at.index, self.stamp)
            self.silent = isinstance(part, Call) and joined_text(part.chunks).strip() in ("", "{}")
            if isinstance(part, Call) and not self.silent:
                deltas = [_partial_json("")]
            elif isinstance(part, Text) and part.citations:
                sources = cited(part, at.index, self.stamp)
                deltas = [dumps({"type": "citations_delta", "citation": source}) for source in sources]
        yield _event("content_block_start", {"index": at.index, "content_block": block})
        if at.index == 0:
            yield _PING
        for delta in deltas:
            yield _delta(at.index, delta)
        if isinstance(part, NativePart):
            yield _closed(at.index)

    def say(self, at: EncoderPosition, piece: str) -> Iterable[Event]:
        match at.part:
            case Call():
                said = _partial_json("" if self.silent else piece)
            case Thinking():
                said = b'{"type":"thinking_delta","thinking":%b}' % dumps(piece)
            case _:
                said = b'{"type":"text_delta","text":%b}' % dumps(piece)
        return (_delta(at.index, said),)

    def close(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        if type(part) is Call and not any(type(piece) is str for piece in part.chunks):
            yield _delta(at.index, _partial_json(""))
        if type(part) is Thinking and not part.redacted:
            seal = part.signature or signature(at.index, self.stamp)
            yield _delta(at.index, b'{"type":"signature_delta","signature":%b}' % dumps(seal))
        yield _closed(at.index)

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        delta = ending(self.reply.choices[0])
        if "container" in self.extras:
            delta["container"] = self.extras["container"]
        counted = {**last_usage(self.reply.usage, self.family), **_counts(self.extras)}
        last: Block = {"delta": delta, "usage": counted}
        if "context_management" in self.extras:
            last["context_management"] = self.extras["context_management"]
        yield "finish", _event("message_delta", self.reply.usage.tell(last, "usage"))
        yield "end", _STOP

    def fail(self, failure: Failure) -> Iterable[Event]:
        return ((error_event(failure, self.request, self.stamp), "error"),)


def _family(reply: Reply, request: Request) -> AnthropicFamily:
    return family_of(reply.model or request.model or DEFAULT_MODEL)


def _counts(extras: Mapping[str, Json]) -> Mapping[str, Json]:
    """Further counts that a scenario wants in `usage`."""
    counts = extras.get("usage")
    return counts if isinstance(counts, dict) else {}


def _event(name: str, fields: Mapping[str, Json]) -> Event:
    return dumps({"type": name, **fields}), name


def _delta(index: int, delta: bytes) -> Event:
    payload = b'{"type":"content_block_delta","index":%d,"delta":%b}' % (index, delta)
    return payload, "content_block_delta"


def _closed(index: int) -> Event:
    return b'{"type":"content_block_stop","index":%d}' % index, "content_block_stop"


def _partial_json(text: str) -> bytes:
    return b'{"type":"input_json_delta","partial_json":%b}' % dumps(text)


def _native(block: Any) -> tuple[Any, list[bytes]]:
    """How a block written by hand streams: a call's input and a text with its citations come in deltas,
    everything else is whole in its first event."""
    if type(block) is not dict:
        return block, []
    if "input" in block and str(block.get("type")).endswith("tool_use"):
        pieces = [""] if block["input"] == {} else ["", dumps(block["input"]).decode()]
        return {**block, "input": {}}, [_partial_json(piece) for piece in pieces]
    if block.get("type") == "text" and isinstance(block.get("citations"), list):
        deltas = [{"type": "citations_delta", "citation": citation} for citation in block["citations"]]
        said = [dumps(delta) for delta in (*deltas, {"type": "text_delta", "text": block.get("text", "")})]
        return {**block, "citations": [], "text": ""}, said
    return block, []


class Messages:
    """The dialect object of this call."""

    name: str = DIALECT
    api: str = "messages"
    generates: bool = True
    request: type[Request] = MessagesRequest
    capabilities = Capabilities(
        choices=False, json_object=False, closed_schemas=True, unsupported_parts=frozenset({"images"})
    )

    def check(self, request: Request) -> Failure | None:
        return check(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        if isinstance(request, MessagesRequest) and request.declines_thinking:
            reply = unthought(reply)
        return supported_reply(reply, omit_thinking=_omits_thinking(request))

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        said = self.supported_reply(reply, request)
        family = _family(said, request)
        choice = said.choices[0]
        extras = said.extras.get(DIALECT, {})
        body = message(said, request.model, stamp, family)
        body["content"] = [whole_block(part, index, stamp) for index, part in enumerate(choice.parts)]
        body.update(ending(choice))
        body["usage"] = usage(said.usage, family, final=True)
        body.update({key: value for key, value in extras.items() if key != "usage"})
        body["usage"].update(_counts(extras))
        said.usage.tell(body, "usage")
        return Plan(ResponseHead(200, (JSON_TYPE, *success(stamp))), (EventStep(dumps(body), 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        said = self.supported_reply(reply, request)
        steps = tuple(encode(MessagesEncoder(said, request, stamp)))
        return Plan(ResponseHead(200, (*STREAM_TYPE, *success(stamp))), steps, Framing.SSE)

    def variant(self, request: Request) -> Hashable:
        return isinstance(request, MessagesRequest) and (request.omits_thinking, request.declines_thinking)

    def build_request(self, wish: NeutralRequest) -> WireRequest:
        return build_request(wish)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan)


def _omits_thinking(request: Request) -> bool:
    """Only where the client says so: a scenario that writes thinking wants it seen, whatever the model."""
    return isinstance(request, MessagesRequest) and request.omits_thinking
