"""Texts of other model providers behind InvokeModel: Titan, Llama, Mistral and Cohere.

Bodies are those of the service's documentation ("Inference request parameters and response fields for foundation
models"). Titan's are from recordings too, and Llama's stream is (DataDog/dd-trace-py). The others were not verified
against the service. These bodies have a prompt or a message, and texts only: tools, thinking and images of a reply
are omitted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import ClassVar, Final, NamedTuple

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import list_of, object_of, text_of
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventKind, Framing, Plan, ResponseHead
from mockllm.core.reply.reply import Finish, Refusal, Reply, Text, Usage, joined_text
from mockllm.core.request.messages import Role
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.core.tokens import estimate
from mockllm.dialects.bedrock.converse_request import BedrockRequest
from mockllm.dialects.bedrock.errors import exception, invocation_metrics, json_plan
from mockllm.dialects.bedrock.event_layouts import TEXT_LAYOUT
from mockllm.dialects.bedrock.member_types import malformed, malformed_body
from mockllm.dialects.dialect import ResponseIdentity


class PromptRequest(BedrockRequest):
    """A body with a prompt. `settings`: the member that holds the settings, where they are not beside the prompt."""

    prompt: ClassVar[str] = "prompt"
    settings: ClassVar[str | None] = None
    limit: ClassVar[str] = "max_tokens"
    stops: ClassVar[str] = "stop"

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        text = text_of(self.fields.get(self.prompt))
        return () if text is None else (Message("user", (TextPart(text),)),)

    @cached_property
    def output_bounds(self) -> OutputBounds:
        fields = self.fields if self.settings is None else object_of(self.fields.get(self.settings))
        most = fields.get(self.limit)
        stop = (text for text in list_of(fields.get(self.stops)) if type(text) is str)
        return OutputBounds(1, tuple(stop), most if type(most) is int and most > 0 else None)


class TitanRequest(PromptRequest):
    prompt = "inputText"
    settings = "textGenerationConfig"
    limit = "maxTokenCount"
    stops = "stopSequences"


class LlamaRequest(PromptRequest):
    limit = "max_gen_len"


class CohereRequest(PromptRequest):
    """A message with its history; the older models have a prompt."""

    stops = "stop_sequences"
    _ROLES: ClassVar[dict[Json, Role]] = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system"}

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        turns = [object_of(turn) for turn in list_of(self.fields.get("chat_history"))]
        turns.insert(0, {"role": "SYSTEM", "message": self.fields.get("preamble")})
        turns.append({"role": "USER", "message": self.fields.get("message", self.fields.get("prompt"))})
        return tuple(
            Message(role, (TextPart(text),))
            for turn in turns
            if (role := self._ROLES.get(text_of(turn.get("role")))) is not None
            and (text := text_of(turn.get("message"))) is not None
        )


class TextChunk(NamedTuple):
    """The content of an event of a stream. The text is empty in the last event, the reason None in all others.
    `tokens`: those of the texts so far; in the last event those of the response."""

    text: str
    reason: str | None
    usage: Usage
    first: bool
    tokens: int


class TextForm(Struct, frozen=True):
    """The differences of one model provider. `body`: the body of a non-streaming response from its text, reason,
    usage and an id. `chunk`: an event of a stream."""

    request_class: type[PromptRequest]
    reasons: Mapping[Finish, str]
    body: Callable[[str, str, Usage, str], dict[str, Json]]
    chunk: Callable[[TextChunk], dict[str, Json]]


def _titan_body(text: str, reason: str, counted: Usage, id: str) -> dict[str, Json]:
    result = {"tokenCount": counted.output, "outputText": text, "completionReason": reason}
    return {"inputTextTokenCount": counted.input, "results": [result]}


def _titan_chunk(chunk: TextChunk) -> dict[str, Json]:
    ended = chunk.reason is not None
    return {
        "outputText": chunk.text,
        "index": 0,
        "totalOutputTextTokenCount": chunk.usage.output if ended else None,
        "completionReason": chunk.reason,
        "inputTextTokenCount": chunk.usage.input if ended else None,
    }


def _llama_body(text: str, reason: str, counted: Usage, id: str) -> dict[str, Json]:
    return _llama_chunk(TextChunk(text, reason, counted, True, counted.output))


def _llama_chunk(chunk: TextChunk) -> dict[str, Json]:
    return {
        "generation": chunk.text,
        "prompt_token_count": chunk.usage.input if chunk.first else None,
        "generation_token_count": chunk.tokens,
        "stop_reason": chunk.reason,
    }


def _mistral_body(text: str, reason: str, counted: Usage, id: str) -> dict[str, Json]:
    return _mistral_chunk(TextChunk(text, reason, counted, True, counted.output))


def _mistral_chunk(chunk: TextChunk) -> dict[str, Json]:
    return {"outputs": [{"text": chunk.text, "stop_reason": chunk.reason}]}


def _cohere_body(text: str, reason: str, counted: Usage, id: str) -> dict[str, Json]:
    history = [{"role": "CHATBOT", "message": text}]
    return {"generation_id": id, "text": text, "finish_reason": reason, "chat_history": history}


def _cohere_chunk(chunk: TextChunk) -> dict[str, Json]:
    if chunk.reason is None:
        return {"is_finished": False, "event_type": "text-generation", "text": chunk.text}
    return {"is_finished": True, "event_type": "stream-end", "finish_reason": chunk.reason}


_WORDS: Final[Mapping[Finish, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "stop",
    "content_filter": "stop",
    "refusal": "stop",
}
TITAN: Final = TextForm(
    TitanRequest,
    {**dict.fromkeys(_WORDS, "FINISH"), "length": "LENGTH", "content_filter": "CONTENT_FILTERED"},
    _titan_body,
    _titan_chunk,
)
LLAMA: Final = TextForm(LlamaRequest, _WORDS, _llama_body, _llama_chunk)
MISTRAL: Final = TextForm(PromptRequest, _WORDS, _mistral_body, _mistral_chunk)
COHERE: Final = TextForm(
    CohereRequest,
    {**dict.fromkeys(_WORDS, "COMPLETE"), "length": "MAX_TOKENS", "content_filter": "ERROR_TOXIC"},
    _cohere_body,
    _cohere_chunk,
)


class TextEncoder(Encoder):
    """The events of a text. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: Request, form: TextForm) -> None:
        super().__init__(reply)
        self.request, self.form = request, form
        self.chunks = self.tokens = 0

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        self.tokens += estimate(chunk)
        tokens = min(self.tokens, self.reply.usage.output)
        return ((dumps(self._chunk(chunk, None, tokens)), None),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        counted = self.reply.usage
        reason = self.reply.choices[0].finish_value(self.form.reasons)
        last = {**self._chunk("", reason, counted.output), **invocation_metrics(counted)}
        yield "finish", (dumps(last), None)

    def _chunk(self, text: str, reason: str | None, tokens: int) -> dict[str, Json]:
        self.chunks += 1
        return self.form.chunk(TextChunk(text, reason, self.reply.usage, self.chunks == 1, tokens))

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return (exception(failure, self.request, times_out=True),)


class TextBody:
    """Writes the bodies of one model provider."""

    def __init__(self, form: TextForm) -> None:
        self.form = form
        self.request_class: type[Request] = form.request_class

    def check(self, request: Request) -> Failure | None:
        body = self.form.request_class
        if not request.messages:
            return malformed(f"#: required key [{body.prompt}] not found")
        kinds = {body.limit: "Integer", body.stops: "JSONArray", "temperature": "Number"}
        return malformed_body(request.fields, body.settings, kinds)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """Return the first choice with its texts, as one text."""
        parts = reply.choices[0].parts if reply.choices else ()
        return reply.with_parts([part for part in parts if isinstance(part, Text | Refusal)])

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        choice = reply.choices[0]
        text = "".join(
            part.whole if isinstance(part, Text) and part.whole is not None else joined_text(part.chunks)
            for part in choice.parts
            if isinstance(part, Text | Refusal)
        )
        reason = choice.finish_value(self.form.reasons)
        return json_plan(self.form.body(text, reason, reply.usage, identity.ids.make("", 36)), identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        steps = tuple(encode(TextEncoder(reply, request, self.form)))
        return Plan(ResponseHead(200, ()), steps, Framing.AWS_EVENT_STREAM_BYTES)

    def event_layout(self, request: Request) -> EventLayout:
        return TEXT_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        return None
