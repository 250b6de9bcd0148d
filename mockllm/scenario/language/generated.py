"""Content that the server generates: texts of a number of tokens or sentences, texts from files, and `from_schema`.

`from_schema` stands for content that is generated from the schema of the request (`core.schema_values`). The content
exists only after a request has arrived, so the value is a Dynamic and not a text.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args

from pydantic import BeforeValidator, Discriminator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Tag
from pydantic_core import CoreSchema, core_schema

from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Context, Drawable, Dynamic, Templated
from mockllm.scenario.language.base import Spec


class TokensText(Spec):
    """A generated text of an exact number of tokens."""

    tokens: Drawable[Annotated[int, Field(ge=0, le=1_000_000)]]
    """The number of tokens."""
    of: str | None = None
    """The text to repeat; lorem ipsum by default."""


class SentencesText(Spec):
    """A generated text of a number of sentences."""

    sentences: Drawable[Annotated[int, Field(ge=0, le=10_000)]]
    """The number of sentences; `[2, 5]` is drawn."""


class FileText(Spec):
    """The contents of a file of the same folder or pack, unchanged."""

    file: str
    """The path of the file, relative to the scenario file's folder."""


def _text_form(value: Any) -> str:
    if isinstance(value, dict):
        for key in ("tokens", "sentences", "file"):
            if key in value:
                return key
        return "tokens"
    if isinstance(value, Spec):
        return {TokensText: "tokens", SentencesText: "sentences"}.get(type(value), "file")
    return "text"


def _check_form(value: Any) -> Any:
    if isinstance(value, dict) and not {"tokens", "sentences", "file"} & value.keys():
        raise quantity_error("a text is written, or one of {tokens: …}, {sentences: …}, {file: …}")
    return value


GeneratedText: TypeAlias = Annotated[
    Annotated[Templated[str], Tag("text")]
    | Annotated[TokensText, Tag("tokens")]
    | Annotated[SentencesText, Tag("sentences")]
    | Annotated[FileText, Tag("file")],
    Discriminator(_text_form),
    BeforeValidator(_check_form),
]


T = TypeVar("T")
KEYWORD: Final = "from_schema"


class FromSchema(Dynamic, frozen=True):
    """The value of `from_schema`. Its evaluation returns the same object; the reply renderer generates the
    content."""

    def value(self, context: Context) -> FromSchema:
        return self


FROM_SCHEMA: Final = FromSchema()


class _OrFromSchema:
    """The annotation behind `OrFromSchema`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler.generate_schema(get_args(source)[0])
        listed = inner["type"] == "list"

        def read(value: Any, constant: core_schema.ValidatorFunctionWrapHandler) -> Any:
            if value == KEYWORD:
                return FROM_SCHEMA
            if listed and isinstance(value, str):
                raise quantity_error(f'expected a list, or the word {KEYWORD}; found "{value}"')
            return constant(value)

        return core_schema.no_info_wrap_validator_function(read, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        inner = handler(schema)
        return {"anyOf": [inner, {"const": KEYWORD}]} if inner.get("type") == "array" else inner


OrFromSchema: TypeAlias = Annotated[T | FromSchema, _OrFromSchema()]
"""`OrFromSchema[list[Call]]`: a written value, or the word `from_schema`."""
