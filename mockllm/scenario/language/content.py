"""The content of replies: texts as written, generated or from files, chunk scripts, embeddings, and `from_schema`.

`from_schema` means content that is generated from the schema of the request (`core.schema_values`). The content
exists only after a request has arrived, so the value is a Dynamic and not a text.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final, TypeAlias, TypeVar, get_args

from msgspec.structs import replace
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from mockllm.core.display import counted
from mockllm.core.quantities.types import quantity_error
from mockllm.core.text_vectors import LARGEST, Vector
from mockllm.core.tokens import split
from mockllm.core.values.constants import Constant
from mockllm.core.values.types import Drawable, Duration, Dynamic, EvaluationContext, Expression, Templated
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.error import Error
from mockllm.scenario.validation_errors import describe_value


def _discriminator(forms: Mapping[str, type[Spec]]) -> Discriminator:
    """Return the discriminator of a union of a text and mappings, each with a key that only it has."""

    def form(value: object) -> str:
        if isinstance(value, dict):
            return next(key for key in forms if key in value)
        return next((key for key, model in forms.items() if isinstance(value, model)), "text")

    return Discriminator(form)


def _form_check(forms: Mapping[str, type[Spec]], expected: str) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, dict) and not forms.keys() & value.keys():
            raise quantity_error(expected)
        return value

    return BeforeValidator(check)


_MAX_TEXT: Final = 100_000
_MAX_PER_TOKEN: Final = 16
"""Characters of the text that a generated text repeats: of all of it, and for each token. A run of white space is one
token, so that 20,000 tokens could have any size."""


def _repeatable(text: str) -> str:
    tokens = len(split(text))
    if len(text) > _MAX_PER_TOKEN * tokens:
        found = f"{len(text)} characters of {counted(tokens, 'token')}"
        expected = f"at most {_MAX_PER_TOKEN} characters for each token of the text"
        raise quantity_error(f"expected {expected}, found {found}: remove runs of spaces")
    return text


class TokensText(Spec):
    """A generated text of an exact number of tokens."""

    tokens: Drawable[Annotated[int, Field(ge=0, le=1_000_000)]]
    """The number of tokens."""
    of: Constant[Annotated[str, Field(max_length=_MAX_TEXT), AfterValidator(_repeatable)]] | None = None
    """The text to repeat; lorem ipsum by default."""


class SentencesText(Spec):
    """A generated text of a number of sentences."""

    sentences: Drawable[Annotated[int, Field(ge=0, le=10_000)]]
    """The number of sentences; `[2, 5]` is drawn."""


def _known_file(value: object, info: ValidationInfo) -> object:
    """Let a template name only files that exist when the scenarios are loaded."""
    context = info.context or {}
    if not isinstance(value, Expression) or "files" not in context:
        return value
    blocks = value.template.blocks
    try:
        names = context["files"]([block if isinstance(block, str) else None for block in blocks])
    except ValueError as error:
        raise quantity_error(str(error)) from None
    return replace(value, convert=partial(_one_of, frozenset(names)))


def _one_of(names: frozenset[str], value: object) -> str:
    if value in names:
        return str(value)
    raise ValueError(f"there is no file {value!r}, or there was none at the last reload")


FileName: TypeAlias = Annotated[Templated[str], AfterValidator(_known_file)]
"""The path of a file, relative to the scenario file's folder; a template may choose one of several."""


class FileText(Spec):
    """The contents of a file of the same folder or pack, unchanged."""

    file: FileName
    """The path of the file, relative to the scenario file's folder; it may be a template."""


_TEXTS: Final = {"tokens": TokensText, "sentences": SentencesText, "file": FileText}
GeneratedText: TypeAlias = Annotated[
    Annotated[Templated[str], Tag("text")]
    | Annotated[TokensText, Tag("tokens")]
    | Annotated[SentencesText, Tag("sentences")]
    | Annotated[FileText, Tag("file")],
    _discriminator(_TEXTS),
    _form_check(_TEXTS, "a text is written, or one of {tokens: …}, {sentences: …}, {file: …}"),
]


T = TypeVar("T")
KEYWORD: Final = "from_schema"


class FromSchema(Dynamic, frozen=True):
    """The value of `from_schema`. Its evaluation returns the same object; the reply renderer generates the
    content."""

    def value(self, context: EvaluationContext) -> "FromSchema":
        return self


FROM_SCHEMA: Final = FromSchema()


class _OrFromSchema:
    """The annotation behind `OrFromSchema`."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler.generate_schema(get_args(source)[0])
        listed = inner["type"] == "list"

        def read(value: object, constant: core_schema.ValidatorFunctionWrapHandler) -> object:
            if value == KEYWORD:
                return FROM_SCHEMA
            if listed and isinstance(value, str):
                raise quantity_error(f'expected a list, or the word {KEYWORD}; found "{value}"')
            return constant(value)

        return core_schema.no_info_wrap_validator_function(read, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema)
        return {"anyOf": [inner, {"const": KEYWORD}]} if inner.get("type") == "array" else inner


OrFromSchema: TypeAlias = Annotated[T | FromSchema, _OrFromSchema()]
"""`OrFromSchema[list[ToolCallSpec]]`: a written value, or the word `from_schema`."""


class WaitChunk(Spec):
    """A wait between two chunks; replaces the regular gap."""

    wait: Drawable[Duration]
    """The duration, with its unit."""


class RawChunk(Spec):
    """Raw bytes between two chunks, sent as written; streams only."""

    raw: str
    """The bytes, as UTF-8."""


class CommentChunk(Spec):
    """A comment line of the event stream; streams only."""

    comment: Constant[str]
    """The text of the comment."""


class ErrorChunk(Spec):
    """Breaks the response off here, with this error in the stream."""

    error: Error
    """The error by its name, or with status, message and fields."""


_CHUNKS: Final = {"wait": WaitChunk, "raw": RawChunk, "comment": CommentChunk, "error": ErrorChunk}
Chunk: TypeAlias = Annotated[
    Annotated[Templated[str], Tag("text")]
    | Annotated[WaitChunk, Tag("wait")]
    | Annotated[RawChunk, Tag("raw")]
    | Annotated[CommentChunk, Tag("comment")]
    | Annotated[ErrorChunk, Tag("error")],
    _discriminator(_CHUNKS),
    _form_check(_CHUNKS, "a chunk is a text, or one of {wait: …}, {raw: …}, {comment: …}, {error: …}"),
]


EXPECTED: Final = "expected a list of numbers, or a list of such lists"
_VECTOR: Final = {"type": "array", "items": {"type": "number"}, "minItems": 1}


def _vectors(value: object) -> tuple[Vector, ...]:
    """Return a list of vectors; one vector becomes a list of one."""
    if not isinstance(value, list | tuple) or not value:
        raise quantity_error(f"{EXPECTED}, found {describe_value(value)}")
    if not any(isinstance(item, list | tuple) for item in value):
        return (_vector(value),)
    return tuple(_vector(item, f" in vector {number}") for number, item in enumerate(value, 1))


def _vector(value: object, where: str = "") -> Vector:
    if not isinstance(value, list | tuple) or not value:
        raise quantity_error(f"{EXPECTED}, found {describe_value(value)}{where}")
    for item in value:
        if type(item) not in (int, float) or not -LARGEST <= item <= LARGEST:
            raise quantity_error(f"expected numbers of single precision, found {describe_value(item)}{where}")
    return tuple(map(float, value))


_Vectors: TypeAlias = Templated[
    Annotated[
        tuple[Vector, ...],
        PlainValidator(_vectors),
        WithJsonSchema({"anyOf": [_VECTOR, {"type": "array", "items": _VECTOR, "minItems": 1}]}),
    ]
]


def _text_or_vector(value: object) -> str | tuple[Vector, ...]:
    return value if isinstance(value, str) else _vectors(value)


TextOrVector: TypeAlias = Annotated[
    str | tuple[Vector, ...],
    PlainValidator(_text_or_vector),
    WithJsonSchema({"anyOf": [{"type": "string"}, _VECTOR]}),
]


def _cosine(value: object) -> object:
    """Read a whole number as a float."""
    return float(value) if type(value) is int else value


class TextEmbeddingSpec(Spec):
    """The vectors of an embeddings call, by input."""

    by_text: dict[str, TextOrVector] = Field(default_factory=dict)
    """For an input that equals the text: its vector, or a text that it is similar to."""
    similar_to: Templated[str] | None = None
    """The text that all other inputs are similar to; without it, their vectors are computed."""
    cosine: Annotated[float, BeforeValidator(_cosine), Field(ge=-1, le=1)] = 0.9
    """The cosine of the vectors of similar texts."""


def _embedding_form(value: object) -> str:
    return "by text" if isinstance(value, dict | TextEmbeddingSpec) else "vectors"


EmbeddingField: TypeAlias = Annotated[
    Annotated[_Vectors, Tag("vectors")] | Annotated[TextEmbeddingSpec, Tag("by text")],
    Discriminator(_embedding_form),
]
