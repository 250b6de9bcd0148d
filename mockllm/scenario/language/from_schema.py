"""The word `from_schema`, in place of what a scenario would write itself: it is made from the schema that
the request brings (core.making).

Apart from the answers, because it is known only when a request is there, and so is no text but a Dynamic.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Context, Dynamic

T = TypeVar("T")
WORD: Final = "from_schema"


class FromSchema(Dynamic, frozen=True):
    """What the word stands for. Evaluated it stays as it is: who makes the reply makes this."""

    def value(self, context: Context) -> FromSchema:
        return self


FROM_SCHEMA: Final = FromSchema()


class _OrFromSchema:
    """See OrFromSchema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler.generate_schema(get_args(source)[0])
        listed = inner["type"] == "list"

        def read(value: Any, constant: core_schema.ValidatorFunctionWrapHandler) -> Any:
            if value == WORD:
                return FROM_SCHEMA
            if listed and isinstance(value, str):
                raise quantity_error(f'expected a list, or the word {WORD}; found "{value}"')
            return constant(value)

        return core_schema.no_info_wrap_validator_function(read, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        inner = handler(schema)
        return {"anyOf": [inner, {"const": WORD}]} if inner.get("type") == "array" else inner


OrFromSchema: TypeAlias = Annotated[T | FromSchema, _OrFromSchema()]
"""`OrFromSchema[list[Call]]`: what is written, or the word."""
