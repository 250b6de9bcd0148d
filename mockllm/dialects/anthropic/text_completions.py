"""The legacy text completions of Anthropic, `POST /v1/complete`: the texts of a reply as one body or as events.

From a recording of each, of 2024. The protocol has texts alone: a refusal is sent as text, and everything else
is left out. It counts no tokens.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload
from mockllm.core.rendering.plan import EventKind, EventStep, Framing, Plan
from mockllm.core.reply.reply import Reply, texts_of
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.errors import DIALECT, error_event, error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, STREAM_TYPE, success
from mockllm.dialects.anthropic.messages_check import check_readable
from mockllm.dialects.anthropic.messages_request import VERSION
from mockllm.dialects.anthropic.text_completions_request import (
    ASSISTANT,
    HUMAN,
    TextCompletionsRequest,
    check,
)
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, without_empty

DEFAULT_MODEL: Final = "claude-2.1"
_PING: Final[Event] = (b'{"type": "ping"}', "ping")


def _members(
    reply: Reply, request: Request, identity: ResponseIdentity, text: str, *, ended: bool
) -> dict[str, Json]:
    """Return the body, or an event. The service ends a complete text at `\\n\\nHuman:`."""
    id = identity.ids.make("compl_01", 22)
    choice = reply.choices[0]
    reason = stop = None
    if ended:
        reason = choice.raw_finish or ("max_tokens" if choice.finish == "length" else "stop_sequence")
        stop = (choice.stopped_by or HUMAN) if reason == "stop_sequence" else None
    return {
        "type": "completion",
        "id": id,
        "completion": text,
        "stop_reason": reason,
        "model": reply.model or request.model or DEFAULT_MODEL,
        "stop": stop,
        "log_id": id,
    }


class TextCompletionsEncoder(Encoder):
    """The events of a text. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: Request, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._identity = request, identity

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return (self._event(chunk, ended=False),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        yield "finish", self._event("", ended=True)

    def start_choice(self, choice: int) -> Iterable[Event]:
        return (_PING,)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return ((error_event(failure, self._request, self._identity), "error"),)

    def _event(self, text: str, *, ended: bool) -> Event:
        event = _members(self.reply, self._request, self._identity, text, ended=ended)
        return dumps(merged_json(event, self.reply.extras.get(DIALECT, {}))), "completion"


class TextCompletionsEventLayout(EventLayout):
    """The events of a completion, which have no calls, no usage and no roles."""

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        if payload.get("type") == "completion":
            yield FinishPlace(0, payload, ("stop_reason", "stop"), bool(payload.get("stop_reason")))

    def text(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "completion") if payload.get("type") == "completion" else None


TEXT_COMPLETIONS_LAYOUT: Final = TextCompletionsEventLayout()


class TextCompletions:
    """The dialect of POST /v1/complete."""

    name: str = DIALECT
    api: str = "complete"
    generates: bool = True
    request_class: type[Request] = TextCompletionsRequest
    capabilities = ProtocolCapabilities(
        conversation=False,
        tool_choice=False,
        choices=False,
        json_object=False,
        refusal=False,
        unsupported_parts=frozenset({"citations", "images", "thinking", "tool_calls"}),
        framings=frozenset({Framing.SSE_CRLF}),
    )

    check = staticmethod(check)
    check_readable = staticmethod(check_readable)
    error = staticmethod(error_plan)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return reply.with_parts(texts_of(reply.choices[0].parts if reply.choices else ()))

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        supported = self.supported_reply(reply, request)
        body = _members(supported, request, identity, supported.choices[0].text, ended=True)
        body = merged_json(body, supported.extras.get(DIALECT, {}))
        return Plan(success((JSON_TYPE,), identity), (EventStep(dumps(body), 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        supported = self.supported_reply(reply, request)
        steps = tuple(encode(TextCompletionsEncoder(supported, request, identity)))
        return Plan(success(STREAM_TYPE, identity), steps, Framing.SSE_CRLF)

    def event_layout(self, request: Request) -> EventLayout:
        return TEXT_COMPLETIONS_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        return None

    def build_request(self, request: NeutralRequest) -> WireRequest:
        body = {
            "model": request.model or DEFAULT_MODEL,
            "max_tokens_to_sample": 1024 if request.max_tokens is None else request.max_tokens,
            "prompt": f"{HUMAN} {request.user or ''}{ASSISTANT}",
            **without_empty({"stream": request.stream, "stop_sequences": list(request.stop)}),
        }
        headers = {**request.headers("x-api-key"), "anthropic-version": VERSION}
        return WireRequest("/v1/complete", headers, body)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        """Return the content of a response, or its error."""
        decoder = ResponseDecoder(plan)
        for payload in payloads(plan):
            match payload:
                case {"type": "error", "error": dict(error)}:
                    decoder.recognized, decoder.error = True, error
                case {"type": "completion", "completion": str(text)}:
                    decoder.recognized = True
                    decoder.add_text("text", text, visible=text != "")
                    reason = payload.get("stop_reason")
                    if isinstance(reason, str):
                        decoder.finish = FINISH.get(reason, reason)
        return decoder.result()


FINISH: Final = {"stop_sequence": "stop", "max_tokens": "length"}
"""Stop reasons that differ from the neutral values."""
