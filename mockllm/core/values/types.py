"""The types of values in the language: durations, probabilities, chunk sizes, and what may be a template
or a draw in place of a constant.

They are pydantic annotations, so that every model says the same in its check, its messages and its JSON
Schema. To a type checker they are what they will be once evaluated: evaluate before reading. Constraints
go inside: `Templated[Annotated[int, Field(ge=400)]]`. A model is validated with the context
`{"origin": …, "params": …, "literal": …, "file": …}`, all optional: where a text stands (or a function
from the text to that), the names of the parameters that templates may read, whether texts are no
templates here, and a function that gives a referenced file's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import (
    Distribution,
    Empirical,
    Exponential,
    Integers,
    LogNormal,
    Normal,
    Uniform,
)
from mockllm.core.quantities.types import (
    WAITS,
    ChunkSizeField,
    Duration,
    JsonSchema,
    Probability,
    quantity_error,
)
from mockllm.core.templates.parser import compile_template
from mockllm.core.templates.template import NAMES, TemplateSyntax, as_text, is_template
from mockllm.core.values.dynamic import Context, Drawn, Dynamic, Expression, evaluate, is_static
from mockllm.core.values.substituted_text import SubstitutedText

__all__ = [
    "ChunkSizeField",
    "Context",
    "Drawable",
    "Drawn",
    "Duration",
    "Dynamic",
    "Expression",
    "Probability",
    "Spread",
    "Templated",
    "TemplatedJson",
    "evaluate",
    "is_static",
]

T = TypeVar("T")


# --- templates -----------------------------------------------------------------------------------

_TEMPLATE_SCHEMA: Final[JsonSchema] = {
    "type": "string",
    "pattern": r"\{\{|\{%",
    "description": "A template, read as the type of its place when a request is answered.",
    "examples": ["{{ query.delay }}"],
}


class _Templated:
    """See Templated."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        convert = _Conversion(inner)

        def read(value: object, constant: Callable[[object], object], info: ValidationInfo) -> object:
            found = _expression(value, convert, info)
            return constant(value) if found is None else found

        return core_schema.with_info_wrap_validator_function(read, inner)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        inner = handler(schema)
        return (
            inner
            if inner.get("type") == "string" and set(inner) <= {"type"}
            else _or(inner, _TEMPLATE_SCHEMA)
        )


Templated: TypeAlias = Annotated[T, _Templated()]
"""`Templated[int]`: an int, checked now, or a template whose value is read as one for each request. Texts
that a request holds are read generously ("429" is 429); what a file says is not."""


def _expression(value: object, convert: Callable[[Json], Any], info: ValidationInfo) -> Dynamic | None:
    """The expression of a text that is a template; None for all else. One made before stays as it is."""
    if isinstance(value, Dynamic):
        return value
    context: Mapping[str, Any] = info.context or {}
    text = value.template if isinstance(value, SubstitutedText) else value
    if not isinstance(text, str) or context.get("literal") or not is_template(text):
        return None
    origin = context.get("origin", "")
    try:
        template = compile_template(text, origin(value) if callable(origin) else origin)
    except TemplateSyntax as error:
        raise quantity_error(str(error)) from None
    params = context.get("params")
    if params is not None:
        for name in sorted(template.names - NAMES.keys() - set(params)):
            known = [*NAMES, *params]
            there = _suggest(name, known) or f"; there are {', '.join(known)}"
            raise quantity_error(f'unknown name "{name}" in a template{there}')
    return Expression(template, convert, getattr(convert, "waits", False))


class _TemplatedJson:
    """See TemplatedJson."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)

        def read(value: object, constant: Callable[[object], object], info: ValidationInfo) -> object:
            found = _json(value, info)
            return constant(value) if found is None else found

        return core_schema.with_info_wrap_validator_function(read, inner)


TemplatedJson: TypeAlias = Annotated[T, _TemplatedJson()]
"""`TemplatedJson[JsonValue]`: JSON in which any text may be a template, whose value keeps its type."""


def _json(value: object, info: ValidationInfo) -> Any:
    """The tree with the expressions of its templates; None where it has none."""
    if isinstance(value, str):
        return _expression(value, _as_it_is, info)
    children: Iterable[tuple[Any, object]]
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    found = {key: made for key, child in children if (made := _json(child, info)) is not None}
    if not found:
        return None
    if isinstance(value, dict):
        return {str(key): found.get(key, child) for key, child in value.items()}
    assert isinstance(value, list)
    return [found.get(index, child) for index, child in enumerate(value)]


def _as_it_is(value: Json) -> Json:
    return value


class _Conversion:
    """Reads a template's value as the type of its place. Its validator is built when it is first needed:
    most places never hold a template."""

    __slots__ = ("_schema", "_validator", "waits")

    def __init__(self, schema: CoreSchema) -> None:
        self._schema = schema
        self.waits = bool((schema.get("metadata") or {}).get(WAITS))
        self._validator: SchemaValidator | None = None

    def __call__(self, value: Json) -> Any:
        if self._validator is None:
            self._validator = SchemaValidator(self._schema)
        kind = self._schema["type"]
        if kind == "str":
            value = as_text(value)
        elif type(value) is bool and kind in ("int", "float"):
            raise ValueError(f"{as_text(value)} is not {_WANTED[kind]}")
        try:
            return self._validator.validate_python(value, strict=False)
        except ValidationError as errors:
            raise ValueError(_reason(value, errors)) from None


_WANTED: Final = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def _reason(value: Json, errors: ValidationError) -> str:
    """A person's words for what pydantic says of a value."""
    error = errors.errors(include_url=False)[0]
    kind, details = str(error["type"]), error.get("ctx", {})
    if kind == "value":
        return error["msg"]
    shown = f'"{value[:40]}"' if isinstance(value, str) else as_text(value)[:40]
    for name, wanted in _WANTED.items():
        if kind.startswith(f"{name}_"):
            return f"{shown} is not {wanted}"
    for bound, words in _BOUNDS.items():
        if bound in details:
            return f"{shown} is not {words} {details[bound]}"
    return f"{shown} does not fit: {error['msg']}"


_BOUNDS: Final = {
    "ge": "at least",
    "gt": "more than",
    "le": "at most",
    "lt": "less than",
    "expected": "one of",
}


# --- draws ---------------------------------------------------------------------------------------

_SHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "normal": ("mean", "stddev"),
    "lognormal": ("median", "p99"),
    "exponential": ("mean",),
}
_FORMS: Final = ("uniform", *_SHAPES, "empirical")
_EXPECTED: Final = (
    "expected a value, [low, high], or one of {uniform: [low, high]}, {normal: {mean, stddev}}, "
    "{lognormal: {median, p99}}, {exponential: {mean}}, {empirical: [...]}"
)

Read: TypeAlias = Callable[[Any], Any]
"""Reads one number or duration; raises what pydantic raises."""


class _Drawable(Struct, frozen=True):
    """See Drawable and Spread. `once`: the value is drawn when the tree is evaluated."""

    once: bool

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source) if self.once else handler.generate_schema(get_args(source)[0])
        convert = _Conversion(inner)
        whole = inner["type"] == "int"
        bounds = {name: inner[bound] for name, bound in (("least", "ge"), ("most", "le")) if bound in inner}

        def read(value: object, constant: Read, info: ValidationInfo) -> object:
            found = _expression(value, convert, info)
            if found is not None or isinstance(value, Distribution):
                return found or value
            drawn = _distribution(value, constant, convert, info)
            if drawn is None:
                return constant(value)
            if whole and isinstance(drawn, Uniform):
                drawn = Integers(int(drawn.low), int(drawn.high))
            return Drawn(drawn, whole, **bounds) if self.once else drawn

        return core_schema.with_info_wrap_validator_function(read, inner)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        one = handler(schema)
        pair = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
        forms = [
            _or(one, _TEMPLATE_SCHEMA),
            {**pair, "description": "Any value from the first to the second."},
        ]
        forms.append(_object({"uniform": pair}, "Any value from the first to the second."))
        for name, keys in _SHAPES.items():
            forms.append(
                _object({name: _object(dict.fromkeys(keys, one))}, f"Drawn from the {name} distribution.")
            )
        listed = {"anyOf": [{"type": "array", "items": one, "minItems": 1}, {"type": "string"}]}
        forms.append(
            _object({"empirical": listed}, "One of measured values: a list, or a file that holds them.")
        )
        return _or(*forms)


Drawable: TypeAlias = Annotated[T, _Drawable(once=True)]
"""`Drawable[Duration]`: a constant, a template, or a distribution that is drawn once for each answer."""

Spread: TypeAlias = Annotated[T | Distribution, _Drawable(once=False)]
"""`Spread[Duration]`: a constant, a template, or a distribution that is kept, to be drawn from many times."""


def _distribution(value: object, constant: Read, convert: Read, info: ValidationInfo) -> Distribution | None:
    """The distribution that a list or an object writes; None for a constant. Raises mistakes."""
    if isinstance(value, list):
        return _uniform(value, constant)
    if not isinstance(value, dict):
        return None
    if len(value) != 1:
        raise quantity_error(_EXPECTED)
    form, given = next(iter(value.items()))
    if form == "uniform":
        return _uniform(given, constant)
    if form == "empirical":
        return Empirical(_measured(given, constant, convert, info))
    if form in _SHAPES:
        return _shaped(form, given, constant)
    raise quantity_error(f'unknown distribution "{form}"{_suggest(str(form), _FORMS)} ({_EXPECTED})')


def _uniform(given: object, constant: Read) -> Uniform:
    if not isinstance(given, list) or len(given) != 2:
        raise quantity_error("a range has two ends: write [low, high]")
    low, high = constant(given[0]), constant(given[1])
    if low > high:
        raise quantity_error(f"the range [{given[0]}, {given[1]}] is upside down: the lower end comes first")
    return Uniform(low, high)


def _shaped(form: str, given: object, constant: Read) -> Distribution:
    keys = _SHAPES[form]
    if not isinstance(given, dict) or set(given) != set(keys):
        raise quantity_error(f"write {form}: {{{', '.join(f'{key}: …' for key in keys)}}}")
    numbers = [constant(given[key]) for key in keys]
    if form == "normal":
        return Normal(*numbers)
    if form == "exponential":
        return Exponential(*numbers)
    if not 0 < numbers[0] <= numbers[1]:
        raise quantity_error("a lognormal's median is more than 0, and its p99 not less than that")
    return LogNormal(*numbers)


def _measured(given: object, constant: Read, convert: Read, info: ValidationInfo) -> tuple[float, ...]:
    """The values of a list, or of a file that holds them with white space or commas between."""
    if isinstance(given, list):
        values = tuple(constant(value) for value in given)
    elif isinstance(given, str) and info.context and "file" in info.context:
        try:
            values = tuple(
                convert(word) for word in re.split(r"[\s,]+", info.context["file"](given).strip()) if word
            )
        except ValueError as error:
            raise quantity_error(f"{given}: {error}") from None
    else:
        raise quantity_error(
            "write empirical: [value, value, …], or the name of a file that holds such values"
        )
    if not values:
        raise quantity_error("an empirical distribution needs at least one value")
    return values


# --- messages and schemas ------------------------------------------------------------------------


def _suggest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches  # only on the way to an error

    near = get_close_matches(name, names, 1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _or(*forms: JsonSchema) -> JsonSchema:
    """Any of the forms; those that are choices themselves are spread out."""
    spread: list[JsonSchema] = []
    for form in forms:
        spread.extend(form["anyOf"] if set(form) == {"anyOf"} else [form])
    return {"anyOf": spread}


def _object(properties: JsonSchema, description: str | None = None) -> JsonSchema:
    schema: JsonSchema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {**schema, "description": description} if description else schema
