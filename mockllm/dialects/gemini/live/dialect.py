"""A turn of the model in the Live protocol: a Reply as server messages.

A request is read as one of generateContent: the session writes its setup and its conversation in that form. Errors
have no message of their own: the WebSocket is closed with a code and a reason. Sources: google-genai's
`types.LiveServerMessage` and `AsyncSession`; the messages of live sessions of September 2026 that a public
repository describes (binary frames, the order of messages, codes 1007 and 1008). The reasons of other errors are
from public reports. Where these name no code, it is inferred, and so is the missing end of a turn with calls.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, read_object, text_of
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.event_layout import EventLayout, MemberPlace, Payload, ToolCallPlace
from mockllm.core.rendering.plan import (
    CutStep,
    EventKind,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
)
from mockllm.core.rendering.websocket_frames import close_frame
from mockllm.core.reply.reply import Media, NativePart, Reply, Thinking, ToolCall
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.audio import silence
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.gemini.candidates import GeminiResponseFields, is_shown, supported_reply
from mockllm.dialects.gemini.errors import error_object
from mockllm.dialects.gemini.generate_check import GeminiDialect
from mockllm.dialects.gemini.generate_request import GenerateRequest, list_of
from mockllm.dialects.gemini.live.decoder import decode
from mockllm.dialects.gemini.request_builder import build_request
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

AUDIO: Final = "audio/pcm;rate=24000"
MESSAGES: Final = (
    "goAway",
    "sessionResumptionUpdate",
    "serverContent",
    "toolCallCancellation",
    "voiceActivity",
)
"""The extras of a reply that are separate messages, before the turn."""
MALFORMED, POLICY_VIOLATION, INTERNAL_ERROR = 1007, 1008, 1011
CODES: Final[Mapping[str, int]] = {
    "bad_request": MALFORMED,
    "authentication": MALFORMED,
    "context_length": MALFORMED,
    "request_too_large": MALFORMED,
    "permission": POLICY_VIOLATION,
    "not_found": POLICY_VIOLATION,
    "model_not_found": POLICY_VIOLATION,
    "model_deprecated": POLICY_VIOLATION,
}
"""The close codes by the names of errors; INTERNAL_ERROR for all others."""
REJECTED: Final = frozenset({"content_filter", "refusal"})


class LiveRequest(GenerateRequest):
    """A request for a turn. The member `live` of its body has what only this protocol has."""

    api = "live"

    @cached_property
    def vertex(self) -> bool:
        return "google.cloud.aiplatform" in self.path

    @cached_property
    def model(self) -> str | None:
        return (text_of(self.message.get("model")) or "").rpartition("/")[2] or None

    @cached_property
    def stream(self) -> bool:
        return True

    @cached_property
    def sse(self) -> bool:
        return False

    @cached_property
    def settings(self) -> dict[str, Json]:
        return object_of(self.fields.get("live"))

    @cached_property
    def speaks(self) -> bool:
        """Whether texts are sent as audio, which is the default."""
        return list_of(self.config.get("responseModalities")) != ["TEXT"]

    @cached_property
    def background_tools(self) -> frozenset[str]:
        """The functions for whose results the model does not wait."""
        declared = (
            object_of(entry)
            for tool in list_of(self.message.get("tools"))
            for entry in list_of(object_of(tool).get("functionDeclarations"))
        )
        return frozenset(str(tool.get("name")) for tool in declared if tool.get("behavior") == "NON_BLOCKING")


class LiveEncoder(Encoder):
    """The messages of one turn. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: LiveRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request = request
        self._fields = GeminiResponseFields(reply, request, identity)
        calls = (
            [part for part in reply.choices[0].parts if isinstance(part, ToolCall)] if reply.choices else []
        )
        self._unsent = len(calls)
        self._calls: list[Json] = []
        self._waits = any(call.name not in request.background_tools for call in calls)
        """Whether the turn continues when the client has sent the results of the calls."""

    def start_stream(self) -> Iterable[Event]:
        extras = self._fields.extras
        return [_event({name: extras[name]}) for name in MESSAGES if name in extras]

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        return (_event(_turn(at.part.block)),) if isinstance(at.part, NativePart) else ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        part = self._fields.part(at.part, 0, at.part_index, None, chunk)
        if isinstance(at.part, ToolCall):
            self._unsent -= 1
            if is_shown(at.part):
                id = part["functionCall"].get("id") or f"call_{at.part_index}"
                self._calls.append({**part["functionCall"], "id": id})
            if not self._unsent and self._calls:
                yield _event({"toolCall": {"functionCalls": self._calls}})
        elif isinstance(at.part, Thinking | Media) or not self._request.speaks:
            yield _event(_turn(part))
        else:
            audio = silence("audio/pcm", len(chunk))
            yield _event(_turn({"inlineData": {"mimeType": AUDIO, "data": audio}}))
            yield _event({"serverContent": {"outputTranscription": {"text": chunk}}})

    def end_choice(self, choice: int) -> Iterable[Event]:
        return () if self._waits else (_event({"serverContent": {"generationComplete": True}}),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        if self._waits or not self.reply.has_finish_reason:
            return
        content: dict[str, Json] = {"turnComplete": True}
        if self.reply.choices[0].finish in REJECTED:
            content["turnCompleteReason"] = "RESPONSE_REJECTED"
        yield "end", _event({"serverContent": content, "usageMetadata": self._usage()})

    def _usage(self) -> Json:
        usage = self.reply.usage
        output = max(usage.output - usage.reasoning, 0)
        modality = "AUDIO" if self._request.speaks else "TEXT"
        kind = "candidates" if self._request.vertex else "response"
        counts: dict[str, Json] = {
            "promptTokenCount": usage.input,
            f"{kind}TokenCount": output,
            "totalTokenCount": usage.total,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input}],
            f"{kind}TokensDetails": [{"modality": modality, "tokenCount": output}],
        }
        more = {"cachedContentTokenCount": usage.cache_read, "thoughtsTokenCount": usage.reasoning}
        return counts | {name: count for name, count in more.items() if count}


def _event(message: dict[str, Json]) -> Event:
    return dumps(message), None


def _turn(part: Json) -> dict[str, Json]:
    return {"serverContent": {"modelTurn": {"parts": [part], "role": "model"}}}


SPEECH_BEGINS, _, SPEECH_ENDS = dumps(_turn({"inlineData": {"mimeType": AUDIO, "data": " "}})).partition(b" ")
"""The bytes around the data of a message that is speech."""


def closing_plan(failure: Failure, request: Request) -> Plan:
    """Return the end of a WebSocket by a failure: a close frame with its code, and its message as the reason."""
    error = error_object(failure, request)["error"]
    frame = close_frame(CODES.get(failure.type, INTERNAL_ERROR), str(error["message"]))
    return Plan(
        ResponseHead(error["code"], ()), (RawStep(frame, 0), CutStep("close", 0)), Framing.WEBSOCKET_BINARY
    )


class Live(GeminiDialect):
    """A turn of a Live session."""

    api: str = "live"
    generates: bool = True
    request_class: type[Request] = LiveRequest
    capabilities = ProtocolCapabilities(
        stop=False,
        choices=False,
        refusal=False,
        chunked_calls=False,
        invalid_arguments=False,
        cache_write=False,
        unsupported_parts=frozenset({"citations"}),
        framings=frozenset({Framing.WEBSOCKET_BINARY}),
    )

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, LiveRequest)
        roles = (object_of(content).get("role") for content in list_of(request.fields.get("contents")))
        return None if all(roles) else Failure("bad_request")

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """Return the first choice, without thoughts that the client did not ask for."""
        assert isinstance(request, LiveRequest)
        thoughts = object_of(request.config.get("thinkingConfig")).get("includeThoughts")
        return supported_reply(reply, omit_thinking=thoughts is not True)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self.encode_stream(reply, request, identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, LiveRequest)
        steps: tuple[Step, ...] = tuple(encode(LiveEncoder(reply, request, identity)))
        if reply.failure is not None:
            steps += tuple(closing_plan(reply.failure, request).steps)
        return Plan(ResponseHead(200, ()), steps, Framing.WEBSOCKET_BINARY)

    def event_layout(self, request: Request) -> EventLayout:
        return LIVE_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        return value_or_digest(request.raw)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return build_request(request, "/v1beta")

    decode = staticmethod(decode)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return closing_plan(failure, request)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        """Store the conversation up to this turn under the handle that resumes it."""
        assert isinstance(request, LiveRequest)
        handle = request.settings.get("handle")
        if type(handle) is not str:
            return None
        turn = model_turn(read_messages(step.payload for step in plan.steps if isinstance(step, EventStep)))
        return stored_contents(handle, [*list_of(request.fields.get("contents")), *turn])


def stored_contents(handle: str, contents: Sequence[Json]) -> StorageUpdate:
    """Return the update that stores a conversation under the handle that resumes it."""
    stored = StoredObject(handle, None, dumps({"contents": contents}), b"{}")
    return StorageUpdate((handle,), stored, is_optional=True)


def read_messages(payloads: Iterable[bytes]) -> list[dict[str, Json]]:
    """Return the messages that are more than speech. Speech takes long to read: a minute of it has 4 MB."""
    return [
        read_object(payload)
        for payload in payloads
        if not (payload.startswith(SPEECH_BEGINS) and payload.endswith(SPEECH_ENDS))
    ]


def model_turn(messages: Iterable[dict[str, Json]]) -> list[Json]:
    """Return the content that server messages add to the conversation: a list of one, or none."""
    texts: list[str] = []
    calls: list[Json] = []
    for message in messages:
        content = object_of(message.get("serverContent"))
        for part in list_of(object_of(content.get("modelTurn")).get("parts")):
            text = object_of(part).get("text")
            if type(text) is str and object_of(part).get("thought") is not True:
                texts.append(text)
        transcript = object_of(content.get("outputTranscription")).get("text")
        if type(transcript) is str:
            texts.append(transcript)
        calls += list_of(object_of(message.get("toolCall")).get("functionCalls"))
    parts: list[Json] = [{"text": "".join(texts)}] if texts else []
    parts += [{"functionCall": call} for call in calls]
    return [{"role": "model", "parts": parts}] if parts else []


def _content(payload: Payload) -> Payload | None:
    content: Json = payload.get("serverContent")
    return content if type(content) is dict and "modelTurn" in content else None


class LiveEventLayout(EventLayout):
    """The form of the messages of a turn. A call comes whole, with its arguments as an object and without an index.
    No message has a finish reason."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        for number, call in enumerate(list_of(object_of(payload.get("toolCall")).get("functionCalls"))):
            yield ToolCallPlace(number, None, MemberPlace(call, "id"), MemberPlace(call, "args"))

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "usageMetadata") if "usageMetadata" in payload else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        content = _content(payload)
        if content is not None:
            yield MemberPlace(content["modelTurn"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        content = _content(payload)
        parts = [] if content is None else content["modelTurn"]["parts"]
        return next((MemberPlace(part, "text") for part in parts if "text" in part), None)

    def delta(self, payload: Payload) -> MemberPlace | None:
        content = _content(payload)
        return None if content is None else MemberPlace(content, "modelTurn")


LIVE_LAYOUT: Final = LiveEventLayout()
