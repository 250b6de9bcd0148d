"""What a rule answers: a reply, an error, plain HTTP, or one of several by chance or in turn."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mockllm.core.quantities.types import quantity_error
from mockllm.core.reply.reply import Finish
from mockllm.core.values.types import Templated, TemplatedJson
from mockllm.scenario.diagnostics import scalar_text
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.chunks import Chunk
from mockllm.scenario.language.embedding import EmbeddingWord
from mockllm.scenario.language.error import Error
from mockllm.scenario.language.from_schema import OrFromSchema
from mockllm.scenario.language.generated_text import TextWord
from mockllm.scenario.language.headers import Headers
from mockllm.scenario.language.proxy import Proxy
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.settings import Settings


class ThinkingSpec(Spec):
    """Reasoning, shown where the protocol shows it."""

    text: TextWord
    """What it thinks."""
    signature: str | None = None
    """In place of a made one, where the protocol signs it."""


def _thinking(value: Any) -> Any:
    if isinstance(value, dict) and "text" in value:
        return value
    return value if isinstance(value, Spec) else {"text": value}


Thinking: TypeAlias = Annotated[
    ThinkingSpec, BeforeValidator(_thinking, json_schema_input_type=TextWord | ThinkingSpec)
]


class ToolCallSpec(Spec):
    """One tool call."""

    name: Templated[str]
    """The tool's name."""
    arguments: OrFromSchema[TemplatedJson[JsonValue]] = Field(default_factory=dict)
    """An object; a text, sent as it is (also when it is no JSON); or `from_schema`: made for the offered tool."""
    id: Templated[str] | None = None
    """In place of a made one."""


class CitationSpec(Spec):
    """A source of the text, told where the protocol has citations."""

    url: Templated[str]
    """Its address."""
    title: Templated[str] | None = None
    """What it is called; its address where none is given."""
    quote: Templated[str] | None = None
    """What it says there; the words that it stands behind where none is given."""
    words: Templated[str] | None = None
    """The words of the answer that it stands behind; all of the text where none are given."""


def _citation(value: Any) -> Any:
    """A bare text is an address."""
    _no_scalar(value)
    return {"url": value} if isinstance(value, str) else value


Citation: TypeAlias = Annotated[
    CitationSpec, BeforeValidator(_citation, json_schema_input_type=str | CitationSpec)
]


class ImageSpec(Spec):
    """A picture that the model made, sent where the protocol has them."""

    file: str | None = None
    """A file of the same folder or pack."""
    data: Templated[str] | None = None
    """The picture in base64, in place of a file."""
    mime_type: Templated[str] | None = None
    """Its type; by the file's name where none is given, else image/png."""

    @model_validator(mode="after")
    def one(self) -> ImageSpec:
        if (self.file is None) == (self.data is None):
            raise PydanticCustomError("image", "an image is one of file and data")
        return self


def _image(value: Any) -> Any:
    """A bare text is a file."""
    _no_scalar(value)
    return {"file": value} if isinstance(value, str) else value


Image: TypeAlias = Annotated[ImageSpec, BeforeValidator(_image, json_schema_input_type=str | ImageSpec)]


_PROVIDERS_WORDS = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}


class UsageSpec(Spec):
    """Tokens to report in place of the counted ones; what is not given is counted."""

    input_tokens: Templated[Annotated[int, Field(ge=0)]] | None = None
    """All of the prompt, cached or not."""
    output_tokens: Templated[Annotated[int, Field(ge=0)]] | None = None
    """All of the answer, reasoning included."""
    cached_tokens: Templated[Annotated[int, Field(ge=0)]] | None = None
    """Of the input, read from the cache."""
    cache_write_tokens: Templated[Annotated[int, Field(ge=0)]] | None = None
    """Of the input, written to the cache."""
    reasoning_tokens: Templated[Annotated[int, Field(ge=0)]] | None = None
    """Of the output, reasoning."""

    @model_validator(mode="before")
    @classmethod
    def neutral(cls, value: Any) -> Any:
        for word, ours in _PROVIDERS_WORDS.items():
            if isinstance(value, dict) and word in value:
                raise quantity_error(f"{word} is one provider's word; write {ours}, for all of them")
        return value


def _no_scalar(value: Any) -> None:
    """A text in a short form that YAML reads as something else."""
    if isinstance(value, (bool, int, float)):
        said = scalar_text(value)
        raise quantity_error(f'expected a text or a mapping, found {said}; write "{said}"')


def _no_list(value: Any) -> None:
    if isinstance(value, list):
        raise quantity_error(
            "expected a text or a mapping, found a list; several answers are given in turn by `sequence`, by chance "
            "by `choose`, several chunks by {chunks: […]}"
        )


def _reply(value: Any) -> Any:
    """A bare text is what is said."""
    _no_scalar(value)
    _no_list(value)
    return {"text": value} if isinstance(value, str) else value


class PartSpec(Spec):
    """One part of an answer, in an order of one's own."""

    text: TextWord | None = None
    """A text."""
    chunks: list[Chunk] | None = None
    """A text in exact chunks."""
    json_: OrFromSchema[TemplatedJson[JsonValue]] = Field(None, alias="json")
    """A JSON value, said as text; `from_schema` makes one of the form that the request asks for."""
    thinking: Thinking | None = None
    """Reasoning."""
    tool_calls: OrFromSchema[list[ToolCallSpec]] | None = None
    """The tools to call; `from_schema` calls one that the request offers, with made arguments."""
    refusal: TextWord | None = None
    """The words of a refusal."""
    citations: list[Citation] | None = None
    """The sources of the text or chunks beside it."""
    images: list[Image] | None = None
    """Pictures."""

    @model_validator(mode="after")
    def one(self) -> PartSpec:
        given = self.model_fields_set - {"citations"}
        if len(given) != 1:
            raise PydanticCustomError(
                "part", "a part is one of text, chunks, json, thinking, tool_calls, refusal, images"
            )
        if "citations" in self.model_fields_set and not given & _CITED:
            raise PydanticCustomError("citations", _UNCITED)
        return self


_CITED = {"text", "chunks", "json_"}
_UNCITED = "citations are of a text: give one of text, chunks, json beside them"


Part: TypeAlias = Annotated[PartSpec, BeforeValidator(_reply, json_schema_input_type=str | PartSpec)]


class ChoiceSpec(Spec):
    """What one choice says. On the wire: thinking, text, pictures, calls; `parts` has its own order."""

    text: TextWord | None = None
    """What it says; beside `chunks`, what a whole answer says."""
    chunks: list[Chunk] | None = None
    """Exact chunks, with waits, raw bytes, comments and errors between them."""
    json_: OrFromSchema[TemplatedJson[JsonValue]] = Field(None, alias="json")
    """A JSON value, said as text; `from_schema` makes one of the form that the request asks for."""
    thinking: Thinking | None = None
    """Reasoning before the text."""
    tool_calls: OrFromSchema[list[ToolCallSpec]] | None = None
    """The tools to call; `from_schema` calls one that the request offers, with made arguments."""
    refusal: TextWord | None = None
    """The model refuses with these words."""
    citations: list[Citation] | None = None
    """The sources of the text; a bare text is an address."""
    images: list[Image] | None = None
    """Pictures behind the text; a bare text is a file."""
    parts: list[Part] | None = None
    """Any of these in an order of one's own; a bare text is a text."""
    finish_reason: Finish | None = None
    """Why it ended: stop, length, tool_calls, content_filter, refusal. With it, nothing is cut."""

    @model_validator(mode="after")
    def consistent(self) -> ChoiceSpec:
        given = self.model_fields_set
        if "parts" in given and given & PartSpec.model_fields.keys():
            raise PydanticCustomError("parts", "parts stand alone: move the others into them")
        if "json_" in given and given & {"text", "chunks"}:
            raise PydanticCustomError("json", "json takes the place of text and chunks; give one of them")
        if "citations" in given and not given & _CITED:
            raise PydanticCustomError("citations", _UNCITED)
        return self


OneChoice: TypeAlias = Annotated[ChoiceSpec, BeforeValidator(_reply, json_schema_input_type=str | ChoiceSpec)]


class ReplySpec(ChoiceSpec):
    """An answer of the model, written once for every protocol."""

    choices: list[OneChoice] | None = None
    """Several choices that differ (a bare text is one); without them, `n` repeats the reply."""
    embedding: EmbeddingWord | None = None
    """What an embeddings call answers: a vector for each input, or a list of vectors, in turn."""
    model: Templated[str] | None = None
    """The model that the answer names, in place of the one that was asked for."""
    usage: UsageSpec | None = None
    """Tokens to report."""
    extras: TemplatedJson[dict[str, dict[str, JsonValue]]] = Field(default_factory=dict)
    """By dialect: fields that are added to its answer."""


Reply: TypeAlias = Annotated[ReplySpec, BeforeValidator(_reply, json_schema_input_type=str | ReplySpec)]


class HttpSpec(Spec):
    """An answer outside every protocol."""

    status: Templated[Annotated[int, Field(ge=200, le=599)]] = 200
    """The HTTP status."""
    headers: Headers = Field(default_factory=dict)
    """Response headers, by name."""
    body: TemplatedJson[JsonValue] = None
    """A text as it is, or a JSON value."""
    body_file: str | None = None
    """A file of the same folder or pack, as it is."""

    @model_validator(mode="after")
    def one_body(self) -> HttpSpec:
        if self.body_file is not None and "body" in self.model_fields_set:
            raise PydanticCustomError("body", "give body or body_file, not both")
        return self


ANSWERS = ("reply", "error", "http", "replay", "proxy", "sequence", "choose")


class ResponseSpec(Settings):
    """One answer of a step or a branch, with how it is sent."""

    reply: Reply | None = None
    """What the model says."""
    error: Error | None = None
    """An error in the provider's own envelope."""
    http: HttpSpec | None = None
    """Status, headers and body as written."""
    replay: ReplaySpec | None = None
    """A recorded answer, byte for byte or by what it says."""
    proxy: Proxy | None = None
    """Somebody else's answer: the request is passed on."""
    literal: bool = False
    """Texts are taken as they are: `{{` means nothing."""

    @model_validator(mode="wrap")
    @classmethod
    def literally(cls, value: Any, read: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """`literal` on a step or branch is for that one alone."""
        context = info.context
        if (
            not isinstance(value, dict)
            or value.get("literal") is not True
            or context is None
            or context.get("literal")
        ):
            return read(value)
        context["literal"] = True
        try:
            return read(value)
        finally:
            context["literal"] = False

    @model_validator(mode="after")
    def one_answer(self) -> ResponseSpec:
        given = [name for name in ANSWERS if getattr(self, name, None) is not None]
        if len(given) != 1:
            names = [name for name in ANSWERS if name in type(self).model_fields]
            found = " and ".join(given) or "none"
            empty = next((name for name in names if name in self.model_fields_set), None)
            if not given and empty is not None:
                found += f'; nothing stands behind "{empty}:"'
            raise PydanticCustomError(
                "answer",
                "exactly one of {names} is needed; found {found}",
                {"names": ", ".join(names), "found": found},
            )
        return self


def _saying(value: Any) -> Any:
    """A bare text is a reply."""
    _no_scalar(value)
    _no_list(value)
    return {"reply": value} if isinstance(value, str) else value


class StepSpec(ResponseSpec):
    """One step of a sequence."""

    times: Annotated[int, Field(ge=1)] = 1
    """How many answers it gives."""


class BranchSpec(ResponseSpec):
    """One branch of a choice by chance."""

    weight: Annotated[float, Field(ge=0)] = 1
    """How likely it is against the others."""


Step: TypeAlias = Annotated[StepSpec, BeforeValidator(_saying, json_schema_input_type=str | StepSpec)]
Branch: TypeAlias = Annotated[BranchSpec, BeforeValidator(_saying, json_schema_input_type=str | BranchSpec)]
