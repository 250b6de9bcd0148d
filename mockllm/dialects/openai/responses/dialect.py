"""POST /v1/responses: a Reply as one response object, or as the events that build it up.

Each part is one output item, and closes before the next one opens. Ids are made once an answer and stand
in every event: clients put the stream together by them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, canonical, dumps, pretty
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventStep, Framing, Kind, Plan
from mockllm.core.reply.logprobs import token_logprobs, tokens_of
from mockllm.core.reply.reply import Call, NativePart, Part, Refusal, Reply, Text, Thinking
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StoreUpdate
from mockllm.dialects.capabilities import Capabilities
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.headers import BODY_HEAD, STREAM_HEAD, head
from mockllm.dialects.openai.logprobs import entries, without_bytes
from mockllm.dialects.openai.responses.check import check, check_readable
from mockllm.dialects.openai.responses.decoder import decode
from mockllm.dialects.openai.responses.errors import error_plan, inner
from mockllm.dialects.openai.responses.items import (
    cited,
    content_part,
    item,
    item_id,
    output,
    status_of,
    supported_reply,
)
from mockllm.dialects.openai.responses.native_items import begun, between
from mockllm.dialects.openai.responses.object import INCOMPLETE, response_fields, usage
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.openai.responses.request_builder import build_request
from mockllm.dialects.openai.responses.store_update import store_update
from mockllm.dialects.openai.stream_padding import padding

PAYER: Final = {"payer": "developer"}
"""Who is billed: told by whole answers only."""
PLAIN: Final = frozenset({"model", "input", "stream"})
"""The fields of a request that do not change how a given reply is written; nearly all others are echoed."""


class StreamedPart(Struct, frozen=True):
    """How one kind of part is streamed: the event's name before `.delta` and `.done`, the member that holds
    all of it once it is done, what its part is called and counted by (None where it has none)."""

    event: str
    member: str
    part: str | None = None
    logprobs: bool = False
    padded: bool = True

    @property
    def index(self) -> dict[str, Json]:
        return {} if self.part is None else {f"{self.part.split('_')[-2]}_index": 0}


TEXT: Final = StreamedPart("output_text", "text", "content_part", logprobs=True)
REFUSAL: Final = StreamedPart("refusal", "refusal", "content_part", padded=False)
SUMMARY: Final = StreamedPart("reasoning_summary_text", "text", "reasoning_summary_part")
ARGUMENTS: Final = StreamedPart("function_call_arguments", "arguments")
CUSTOM: Final = StreamedPart("custom_tool_call_input", "input")
KINDS: Final[dict[type[Part], StreamedPart]] = {
    Text: TEXT,
    Refusal: REFUSAL,
    Thinking: SUMMARY,
    Call: ARGUMENTS,
}


class ResponsesEncoder(Encoder):
    """The events of one response. `reply` is what `sayable` left of the answer."""

    def __init__(self, reply: Reply, request: ResponsesRequest, stamp: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._stamp = request, stamp
        self._facts = response_fields(reply, request, stamp)
        self._events = 0
        self._done: list[Json] = []
        self._said: list[str] = []
        self._logprobs: list[Json] = []
        """Those of the open item's tokens so far."""
        self._delta = (b"", b"")
        """What stands before and behind the text of the open item's deltas."""

    def start(self) -> Iterable[Event]:
        asked = self._request.fields.get("service_tier")
        opening = self._facts.response("in_progress", [], tier=asked if type(asked) is str else "auto")
        for name in ("response.created", "response.in_progress"):
            yield self._event(name, {"response": opening})

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        choice, place, part = self.reply.choices[0], at.index, at.part
        made = item(choice, place, self._facts, "in_progress", None)
        if type(part) is NativePart:
            yield from self._native(made, place)
            return
        yield self._event("response.output_item.added", {"item": made, "output_index": place})
        self._said, self._logprobs = [], []
        kind = self._kind(part)
        if kind.part is not None and self._speaks(part):
            begun = {"item_id": made["id"], "output_index": place, "part": content_part(part, "")}
            yield self._event(f"response.{kind.part}.added", {**kind.index, **begun})
        name = f"response.{kind.event}.delta"
        before = dumps({"type": name, **kind.index, "delta": 0})[:-2]
        after = dumps({"item_id": made["id"]})[1:-1] + (b',"logprobs":[' if kind.logprobs else b"")
        self._delta = before, b"," + after

    def say(self, at: EncoderPosition, piece: str) -> Iterable[Event]:
        self._said.append(piece)
        kind = self._kind(at.part)
        before, after = self._delta
        if kind.logprobs:
            after += self._probabilities(at.part, piece) + b"]"
        padded = padding(self._events, len(piece)) if kind.padded and self._request.obfuscated else b""
        last = b'%b,"output_index":%d,"sequence_number":%d}' % (padded, at.index, self._events)
        self._events += 1
        return ((before + dumps(piece) + after + last, f"response.{kind.event}.delta"),)

    def close(self, at: EncoderPosition) -> Iterable[Event]:
        part, place, said = at.part, at.index, "".join(self._said)
        kind = self._kind(part)
        choice = self.reply.choices[0]
        at_item = {"item_id": item_id(part, place, self._facts), "output_index": place}
        if self._speaks(part):
            logprobs: dict[str, Json] = {"logprobs": without_bytes(self._logprobs)} if kind.logprobs else {}
            for number, source in enumerate(cited(part) if said else ()):
                placed = {"annotation": source, "annotation_index": number, **kind.index, **at_item}
                yield self._event("response.output_text.annotation.added", placed)
            done = {**kind.index, **at_item, **logprobs, kind.member: said}
            yield self._event(f"response.{kind.event}.done", done)
            if kind.part is not None:
                whole = {**kind.index, **at_item, "part": content_part(part, said, self._logprobs)}
                yield self._event(f"response.{kind.part}.done", whole)
        made = item(choice, place, self._facts, status_of(choice, place), said, self._logprobs)
        yield self._item_done(made, place)

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        """One event tells why the answer ends, and ends the stream."""
        if not self.reply.ends:
            return
        reason = INCOMPLETE.get(self.reply.choices[0].finish)
        status = "completed" if reason is None else "incomplete"
        counted = usage(self.reply.usage, self._facts.form)
        made = self._facts.response(status, self._done, counted, reason=reason)
        self.reply.usage.tell(made, "usage")
        yield "end", self._event(f"response.{status}", {"response": made})

    def fail(self, failure: Failure) -> Iterable[Event]:
        """The error, then the response that failed, with the items that were done."""
        error = inner(failure, self._request, self._stamp)
        yield self._event("error", {"error": error})
        told = {"code": error["code"] or error["type"], "message": error["message"]}
        made = self._facts.response("failed", self._done, error=told)
        yield self._event("response.failed", {"response": made})

    def _probabilities(self, part: Part, piece: str) -> bytes:
        """The entries of the next tokens; nothing where nobody wants them."""
        if self._facts.logprobs is None:
            return b""
        found = entries(token_logprobs(tokens_of(part, piece), self._facts.logprobs, len(self._logprobs)))
        self._logprobs += found
        return dumps(without_bytes(found))[1:-1]

    def _kind(self, part: Part) -> StreamedPart:
        return CUSTOM if type(part) is Call and part.name in self._facts.custom else KINDS[type(part)]

    def _speaks(self, part: Part) -> bool:
        """Reasoning that shows nothing has no summary part; every other part is there, were it empty."""
        return type(part) is not Thinking or any(type(piece) is str for piece in part.chunks)

    def _native(self, made: dict[str, Json], place: int) -> Iterator[Event]:
        yield self._event("response.output_item.added", {"item": begun(made), "output_index": place})
        for name, members in between(made):
            said = {"item_id": made["id"], "output_index": place, **members}
            yield self._event(f"response.{name}", said)
        yield self._item_done(made, place)

    def _item_done(self, made: dict[str, Json], place: int) -> Event:
        self._done.append(made)
        return self._event("response.output_item.done", {"item": made, "output_index": place})

    def _event(self, name: str, members: dict[str, Json]) -> Event:
        payload = dumps({"type": name, **members, "sequence_number": self._events})
        self._events += 1
        return payload, name


class Responses:
    """POST /v1/responses."""

    name = "openai"
    api = "responses"
    generates = True
    request = ResponsesRequest
    capabilities = Capabilities(stop=False, choices=False)

    def check(self, request: Request) -> Failure | None:
        return check(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return supported_reply(reply)

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, ResponsesRequest)
        said = supported_reply(reply)
        choice = said.choices[0]
        facts = response_fields(said, request, stamp)
        facts.echo = {"background": facts.echo["background"], "billing": PAYER, **facts.echo}
        reason = INCOMPLETE.get(choice.finish)
        status = "completed" if reason is None else "incomplete"
        counted = usage(said.usage, facts.form)
        made = facts.response(status, output(choice, facts), counted, reason=reason)
        body = pretty(said.usage.tell(made, "usage"))
        return Plan(head(200, BODY_HEAD, stamp), (EventStep(body, 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, ResponsesRequest)
        steps = tuple(encode(ResponsesEncoder(supported_reply(reply), request, stamp)))
        return Plan(head(200, STREAM_HEAD, stamp), steps, Framing.SSE)

    def variant(self, request: Request) -> Hashable:
        fields = request.fields
        if PLAIN.issuperset(fields):
            return None
        return canonical({name: value for name, value in fields.items() if name not in PLAIN})

    def store_update(self, plan: Plan, request: Request) -> StoreUpdate | None:
        assert isinstance(request, ResponsesRequest)
        return store_update(plan, request)

    def build_request(self, wish: NeutralRequest) -> WireRequest:
        return build_request(wish)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan)
