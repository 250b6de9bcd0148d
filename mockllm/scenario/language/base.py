"""The base class of the models of the scenario language.

A model is built when it is first used, as a part of the few models that read a file. A start therefore does not build
each model separately. A field with a `Late` model only refers to it, and so does one with a short form. So what no
file uses is not built. `field_texts` reads the texts behind the fields only when they are shown.
"""

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from operator import or_
from textwrap import dedent
from typing import Annotated, Final, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import with_info_plain_validator_function

from mockllm.core.values.dynamic import LEAVES
from mockllm.core.values.strict_model import StrictModel

T = TypeVar("T")
TEXT_OR_MAPPING: Final = "text_or_mapping"
"""The type of the error for a value that is neither."""
LATE: Final = "read_late"
"""The key of a LateModel in the metadata of the schema of its field."""


class Spec(StrictModel):
    """A mapping in a scenario file."""

    model_config = ConfigDict(populate_by_name=True, arbitrary_types_allowed=True, protected_namespaces=())


class NullableSpec(Spec):
    """A mapping in which null is a value of each optional field."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)


def no_items() -> list[T]:
    """Return an empty list, as a default factory. pydantic inspects factories: `list` would cost 0.3 ms and 25 KB for
    each field."""
    return []


class LateModel(NamedTuple):
    """A model whose validator is built for its first value, and the type of values in the JSON Schema."""

    model: type[BaseModel]
    written: object


class ReadLate:
    """An annotation of a model in a field: the validator of the field's model does not contain that of this model.
    `before` changes a value first. The JSON Schema has the type `also` beside the model."""

    def __init__(self, before: Callable[[object], object] | None = None, also: object = None) -> None:
        self._before, self._also = before, also

    def __get_pydantic_core_schema__(
        self, model: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def read(value: object, info: ValidationInfo) -> BaseModel:
            changed = value if self._before is None else self._before(value)
            if self._also is str and isinstance(changed, bool | int | float | list):
                raise PydanticCustomError(TEXT_OR_MAPPING, "expected a text or a mapping")
            return model.model_validate(changed, context=info.context)

        late = LateModel(model, model if self._also is None else or_(self._also, model))
        return with_info_plain_validator_function(read, metadata={LATE: late})


Late: TypeAlias = Annotated[T, ReadLate()]
"""`Late[ReplaySpec]`: a model that few files use."""


def late_model(schema: Mapping[str, object]) -> LateModel | None:
    """Return the model of a field that is read late; None for the schema of any other field."""
    metadata = schema.get("metadata")
    found = metadata.get(LATE) if isinstance(metadata, dict) else None
    return found if isinstance(found, LateModel) else None


def short_form(key: str, *checks: Callable[[object], None]) -> ReadLate:
    """Return the annotation of a model by which a bare text means a mapping with this key; `checks` raise errors
    first."""

    def read(value: object) -> object:
        for check in checks:
            check(value)
        return {key: value} if isinstance(value, str) else value

    return ReadLate(read, str)


def children(value: object) -> Iterator[tuple[str | int, object]]:
    """Yield the direct children of a value, each with the key or index that it has in the file."""
    if type(value) in LEAVES:  # most values: isinstance of a model costs more than everything else here
        return
    if isinstance(value, BaseModel):
        keys = field_keys(type(value))
        for name in sorted(value.model_fields_set):
            yield keys[name], getattr(value, name)
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


@cache
def field_keys(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the keys that the fields of a model have in a file, by field name."""
    return {name: field.alias or name for name, field in model.model_fields.items()}


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """Return the texts behind a model's fields, by field name."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is Spec or not issubclass(base, Spec):
            continue
        try:
            source = inspect.getsource(base)
        except OSError:  # a class that a function created has no source text
            continue
        (definition,) = ast.parse(dedent(source)).body
        assert isinstance(definition, ast.ClassDef)
        for field, following in zip(definition.body, definition.body[1:], strict=False):
            match field, following:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(text))):
                    texts[name] = inspect.cleandoc(text)
    return texts
