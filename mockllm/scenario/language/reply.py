"""The responses of a rule: a reply, an error, plain HTTP, a recording, a proxy, or one of several in turn or
by chance."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    Discriminator,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mockllm.core.batch import BatchEnd
from mockllm.core.quantities.types import quantity_error
from mockllm.core.reply.reply import MAX_TOKENS, Finish
from mockllm.core.values.types import Templated, TemplatedJson
from mockllm.scenario.diagnostics import scalar_text
from mockllm.scenario.language.base import Late, ReadLate, Spec, short_form
from mockllm.scenario.language.content import Chunk, EmbeddingField, FileName, GeneratedText, OrFromSchema
from mockllm.scenario.language.error import Error
from mockllm.scenario.language.extra_members import refused_members
from mockllm.scenario.language.mcp_reply import McpReplySpec
from mockllm.scenario.language.media import Audio, Image, TranscriptSpec, Video
from mockllm.scenario.language.proxy import Proxy
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.server_tools import ServerTools
from mockllm.scenario.language.settings import HeadersByName, Settings
from mockllm.scenario.language.user_speech import UserSpeechScript


def _no_scalar(value: object) -> None:
    """Raise an error for an unquoted text that YAML reads as a number or boolean."""
    if isinstance(value, (bool, int, float)):
        text = scalar_text(value)
        raise quantity_error(f'expected a text or a mapping, found {text}; write "{text}"')


def _no_list(value: object) -> None:
    if isinstance(value, list):
        raise quantity_error(
            "expected a text or a mapping, found a list; write `sequence` for several responses in turn, `choose` "
            "for one by chance, {chunks: […]} for several chunks"
        )


class ThinkingSpec(Spec):
    """Reasoning, sent if the protocol has it."""

    text: GeneratedText
    """The text of the reasoning."""
    signature: Templated[str] | None = None
    """A signature in place of a generated one, if the protocol signs reasoning."""


def _thinking(value: object) -> object:
    if isinstance(value, dict) and "text" in value:
        return value
    return value if isinstance(value, Spec) else {"text": value}


ThinkingOrText: TypeAlias = Annotated[ThinkingSpec, ReadLate(_thinking, GeneratedText)]


RedactedThinking: TypeAlias = Literal[True] | Templated[str]
"""True for generated data, or the data itself."""


class ToolCallSpec(Spec):
    """One tool call."""

    name: Templated[str]
    """The name of the tool."""
    arguments: OrFromSchema[TemplatedJson[JsonValue]] = Field(default_factory=dict)
    """An object; a text, sent unchanged (even if it is not JSON); or `from_schema`: generated for the offered
    tool."""
    id: Templated[str] | None = None
    """An id in place of a generated one."""


class CitationSpec(Spec):
    """A source of the text, sent if the protocol has citations."""

    url: Templated[str]
    """The address of the source."""
    title: Templated[str] | None = None
    """The title of the source; its address by default."""
    quote: Templated[str] | None = None
    """The quoted text of the source; the cited words of the response by default."""
    words: Templated[str] | None = None
    """The words of the response that the source supports; the whole text by default."""


CitationOrUrl: TypeAlias = Annotated[CitationSpec, short_form("url", _no_scalar)]


_PROVIDER_NAMES = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
TokenCount: TypeAlias = Templated[Annotated[int, Field(ge=0, le=MAX_TOKENS)]]


class UsageSpec(Spec):
    """Token counts to report in place of the counted ones; missing keys are counted."""

    input_tokens: TokenCount | None = None
    """All tokens of the prompt, cached or not."""
    output_tokens: TokenCount | None = None
    """All tokens of the response, reasoning included."""
    cached_tokens: TokenCount | None = None
    """The input tokens that were read from the cache."""
    cache_write_tokens: TokenCount | None = None
    """The input tokens that were written to the cache."""
    reasoning_tokens: TokenCount | None = None
    """The output tokens of the reasoning."""

    @model_validator(mode="before")
    @classmethod
    def neutral(cls, value: object) -> object:
        for name, neutral in _PROVIDER_NAMES.items():
            if isinstance(value, dict) and name in value:
                raise quantity_error(f"{name} is one provider's name; write {neutral}, for all providers")
        return value


class PartSpec(Spec):
    """One part of a reply with an explicit order."""

    text: GeneratedText | None = None
    """A text."""
    chunks: list[Chunk] | None = None
    """A text in exact chunks."""
    json_: OrFromSchema[TemplatedJson[JsonValue]] = Field(None, alias="json")
    """A JSON value, sent as text; `from_schema` generates a value of the requested format."""
    thinking: ThinkingOrText | None = None
    """Reasoning."""
    redacted_thinking: RedactedThinking | None = None
    """Reasoning whose text the provider has encrypted."""
    tool_calls: OrFromSchema[list[ToolCallSpec]] | None = None
    """The tools to call; `from_schema` calls a tool of the request with generated arguments."""
    refusal: GeneratedText | None = None
    """The text of a refusal."""
    citations: list[CitationOrUrl] | None = None
    """The sources of the text, chunks or json beside this key."""
    images: list[Image] | None = None
    """Images."""
    audio: Audio | None = None
    """Audio."""
    video: Video | None = None
    """A video."""
    server_tools: ServerTools | None = None
    """The tools that the provider runs."""

    @model_validator(mode="after")
    def one(self) -> Self:
        keys = self.model_fields_set - {"citations"}
        if len(keys) != 1:
            raise PydanticCustomError(
                "part",
                "a part is one of text, chunks, json, thinking, redacted_thinking, tool_calls, refusal, images, "
                "audio, video, server_tools",
            )
        if "citations" in self.model_fields_set and not keys & _CITED:
            raise PydanticCustomError("citations", _UNCITED)
        return self


_CITED = {"text", "chunks", "json_"}
_UNCITED = "citations need a text: write one of text, chunks, json beside them"


PartOrText: TypeAlias = Annotated[PartSpec, short_form("text", _no_scalar, _no_list)]


class RawFinishSpec(Spec):
    """A finish reason in a protocol's own words."""

    raw: Templated[str]
    """The finish reason as the response has it, whatever the protocol is: `UNEXPECTED_TOOL_CALL`."""


def _finish_form(value: object) -> str:
    return "raw" if isinstance(value, dict | RawFinishSpec) else "word"


FinishReason: TypeAlias = Annotated[
    Annotated[Finish, Tag("word")] | Annotated[RawFinishSpec, Tag("raw")], Discriminator(_finish_form)
]


class ChoiceSpec(Spec):
    """The content of one choice. Order on the wire: thinking, text, images, calls; `parts` has an explicit order."""

    text: GeneratedText | None = None
    """The text; beside `chunks`, the text of a non-streaming response."""
    chunks: list[Chunk] | None = None
    """Exact chunks, with waits, raw bytes, comments and errors between them."""
    json_: OrFromSchema[TemplatedJson[JsonValue]] = Field(None, alias="json")
    """A JSON value, sent as text; `from_schema` generates a value of the requested format."""
    thinking: ThinkingOrText | None = None
    """Reasoning before the text."""
    redacted_thinking: RedactedThinking | None = None
    """Reasoning whose text the provider has encrypted, after `thinking`: true, or its data."""
    tool_calls: OrFromSchema[list[ToolCallSpec]] | None = None
    """The tools to call; `from_schema` calls a tool of the request with generated arguments."""
    refusal: GeneratedText | None = None
    """The text with which the model refuses."""
    citations: list[CitationOrUrl] | None = None
    """The sources of the text; a bare text is an address."""
    images: list[Image] | None = None
    """Images after the text; a bare text is a file."""
    audio: Audio | None = None
    """Audio after the text; a bare text is a file."""
    video: Video | None = None
    """A video after the text; a bare text is a file."""
    server_tools: ServerTools | None = None
    """The tools that the provider runs, before the text: web search and fetch, file search, code, computer, MCP."""
    parts: list[PartOrText] | None = None
    """Any of these keys in an explicit order; a bare text is a text."""
    finish_reason: FinishReason | None = None
    """The finish reason: stop, length, tool_calls, content_filter, refusal, paused; or `{raw: …}`, sent unchanged.
    Setting it prevents truncation."""

    @model_validator(mode="after")
    def consistent(self) -> Self:
        keys = self.model_fields_set
        if "parts" in keys and keys & PartSpec.model_fields.keys():
            raise PydanticCustomError("parts", "parts allow no other content beside them: move it into parts")
        if "json_" in keys and keys & {"text", "chunks"}:
            raise PydanticCustomError("json", "json replaces text and chunks; write one of them")
        if "citations" in keys and not keys & _CITED:
            raise PydanticCustomError("citations", _UNCITED)
        return self


OneChoice: TypeAlias = Annotated[ChoiceSpec, short_form("text", _no_scalar, _no_list)]


class BatchSpec(Spec):
    """How a batch ends."""

    status: BatchEnd = "completed"
    """The last state: completed, failed, expired, cancelled."""
    responses: Annotated[int, Field(ge=0)] | None = None
    """How many of the first lines have a response by then: all of a completed batch by default, none of another."""
    code: Templated[str] | None = None
    """The code of the error of a failed batch, if the protocol has one."""
    message: Templated[str] | None = None
    """The message of the error of a failed batch."""


Batch: TypeAlias = Annotated[BatchSpec, short_form("status")]


class ReplySpec(ChoiceSpec):
    """A reply of the model, written once for every protocol."""

    choices: list[OneChoice] | None = None
    """Several different choices (a bare text is one choice); without them, `n` repeats the reply."""
    embedding: EmbeddingField | None = None
    """The reply to an embeddings call: a vector for each input, or a list of vectors, in turn."""
    model: Templated[str] | None = None
    """The model that the response names, in place of the requested one."""
    usage: UsageSpec | None = None
    """Token counts to report."""
    extras: TemplatedJson[dict[str, dict[str, JsonValue]]] = Field(default_factory=dict)
    """Members to merge into the response, by dialect; `events`: into the events of a stream, by their names."""
    transcript: Late[TranscriptSpec] | None = None
    """What a transcript has beside its text."""
    batch: Batch | None = None
    """The reply to a call that creates a batch: how the batch ends."""
    user_speech: UserSpeechScript | None = None
    """The reply to the handshake of a realtime session: when the user speaks, in place of the sound of the audio."""
    mcp: Late[McpReplySpec] | None = None
    """What only the reply of an MCP server has."""

    @field_validator("extras", mode="before")
    @classmethod
    def not_written(cls, extras: object, info: ValidationInfo) -> object:
        """Reject members that the server writes from other words of the reply, and names of no dialect."""
        known_names = (info.context or {}).get("known_names")
        if known_names is None or not isinstance(extras, dict):
            return extras
        found = list(refused_members(extras, known_names))
        if found:
            raise quantity_error("; ".join(found))
        return extras

    @property
    def sends_messages_before_result(self) -> bool:
        """Whether an MCP server sends messages before the result."""
        return self.mcp is not None and bool(self.mcp.events or self.mcp.ask)


ReplyOrText: TypeAlias = Annotated[ReplySpec, short_form("text", _no_scalar, _no_list)]


class HttpSpec(Spec):
    """A plain HTTP response, outside every protocol."""

    status: Templated[Annotated[int, Field(ge=200, le=599)]] = 200
    """The HTTP status."""
    headers: HeadersByName = Field(default_factory=dict)
    """Response headers, by name."""
    body: TemplatedJson[JsonValue] = None
    """A text, sent unchanged, or a JSON value."""
    body_file: FileName | None = None
    """A file of the same folder or pack, sent unchanged; its name may be a template."""

    @model_validator(mode="after")
    def one_body(self) -> Self:
        if self.body_file is not None and "body" in self.model_fields_set:
            raise PydanticCustomError("body", "write body or body_file, not both")
        return self


RESPONSE_KEYS = ("reply", "error", "http", "replay", "proxy", "sequence", "choose")


class ResponseSpec(Settings):
    """One response of a rule, step or branch, with its settings."""

    reply: ReplyOrText | None = None
    """The reply of the model."""
    error: Error | None = None
    """An error in the provider's own envelope."""
    http: Late[HttpSpec] | None = None
    """Status, headers and body as written."""
    replay: Late[ReplaySpec] | None = None
    """A recorded response, byte for byte or by its content."""
    proxy: Proxy | None = None
    """The response of another server, to which the request is forwarded."""
    literal: bool = False
    """Use texts as they are: `{{` starts no template."""

    @model_validator(mode="wrap")
    @classmethod
    def literally(cls, value: object, read: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Apply `literal` of a step or branch to that step or branch only."""
        context = info.context
        literal = isinstance(value, dict) and value.get("literal") is True
        if not literal or context is None or context.get("literal"):
            return read(value)
        context["literal"] = True
        try:
            return read(value)
        finally:
            context["literal"] = False

    @model_validator(mode="after")
    def one_response(self) -> Self:
        present = [name for name in RESPONSE_KEYS if getattr(self, name, None) is not None]
        if len(present) != 1:
            names = [name for name in RESPONSE_KEYS if name in type(self).model_fields]
            found = " and ".join(present) or "none"
            raise PydanticCustomError(
                "answer",
                "exactly one of {names} is needed; found {found}",
                {"names": ", ".join(names), "found": found},
            )
        return self


class StepSpec(ResponseSpec):
    """One step of a sequence."""

    times: Annotated[int, Field(ge=1)] = 1
    """The number of responses of this step."""


class BranchSpec(ResponseSpec):
    """One branch of `choose`."""

    weight: Annotated[float, Field(ge=0)] = 1
    """The probability of this branch, relative to all branches."""


StepOrReply: TypeAlias = Annotated[StepSpec, short_form("reply", _no_scalar, _no_list)]
BranchOrReply: TypeAlias = Annotated[BranchSpec, short_form("reply", _no_scalar, _no_list)]
