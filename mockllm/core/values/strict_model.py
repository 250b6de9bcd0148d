"""The base class of all mappings in scenario files: unknown keys are errors, and types are never coerced.

Optional fields refuse null: a key without a value is a mistake, not a key that is left out.
"""

from collections.abc import Collection
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from mockllm.core.json.codec import Json
from mockllm.core.quantities.types import quantity_error

NO_VALUE: Final = "this key has no value; write one, or leave the key out"
_WRAPPERS: Final = ("default", "function-before", "function-wrap", "function-after")


def refuse_null(value: object) -> object:
    """Return the value, or raise an error for null."""
    if value is None:
        raise quantity_error(NO_VALUE)
    return value


def without_null(source: object, handler: GetCoreSchemaHandler, accepted: Collection[str]) -> CoreSchema:
    """Return the schema of a model whose `X | None` fields are X where they are written; `accepted` are left as they
    are."""
    schema = handler(source)
    model: Json = handler.resolve_ref_schema(schema)
    while model["type"] != "model-fields":
        model = model["schema"]
    for name, field in model["fields"].items():
        if name not in accepted:
            _refuse(field)
    return schema


def _refuse(holder: Json) -> None:
    """Replace the nullable schema in a field's schema."""
    while holder["schema"]["type"] in _WRAPPERS:
        holder = holder["schema"]
    if holder["schema"]["type"] == "nullable":
        inner = holder["schema"]["schema"]
        holder["schema"] = core_schema.no_info_before_validator_function(refuse_null, inner)


class StrictModel(BaseModel):
    """A mapping. A model is built when it is first used."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
    null_fields: ClassVar[Collection[str]] = ()
    """The optional fields for which null is a value. For all others it is a mistake."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return without_null(source, handler, cls.null_fields)
