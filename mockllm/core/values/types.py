"""The types of values in the language: durations, probabilities and chunk sizes. Some values may be a template or a
draw in place of a constant.

They are pydantic annotations, so that every model has the same validation, messages and JSON Schema. For a type
checker they have the type of the evaluated value: evaluate a model before its fields are read. Constraints go
inside: `Templated[Annotated[int, Field(ge=400)]]`. A model is validated with the context `{"origin": …,
"params": …, "literal": …, "file": …}`; all members are optional. `origin` is the place of a text, or a function
from the text to its place. `params` are the names of the parameters that templates may read. `literal`: texts
are not templates. `file` is a function that returns the text of a referenced file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Final, Generic, TypeAlias, TypeVar, get_args

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import (
    BoundedDistribution,
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
from mockllm.core.templates.template import (
    NAMES,
    SubstitutedText,
    TemplateSyntax,
    as_text,
    compile_template,
    is_template,
)
from mockllm.core.values.dynamic import (
    DrawnNumber,
    Dynamic,
    EvaluationContext,
    Expression,
    evaluate,
    is_static,
)
from mockllm.core.values.json_shape import shape_of

__all__ = [
    "ChunkSizeField",
    "Drawable",
    "DrawnNumber",
    "Duration",
    "Dynamic",
    "EvaluationContext",
    "Expression",
    "Probability",
    "Spread",
    "Templated",
    "TemplatedJson",
    "evaluate",
    "is_static",
]

T = TypeVar("T")


_TEMPLATE_SCHEMA: Final[JsonSchema] = {
    "type": "string",
    "pattern": r"\{\{|\{%",
    "description": "A template. Its value is converted to the type of its place for each request.",
    "examples": ["{{ query.delay }}"],
}


def _dynamic_or(inner: CoreSchema, parse: Callable[[object, ValidationInfo], object]) -> CoreSchema:
    """Return the schema of the dynamic value that `parse` returns; where it is None, of a constant."""

    def read(value: object, constant: Callable[[object], object], info: ValidationInfo) -> object:
        dynamic = parse(value, info)
        return constant(value) if dynamic is None else dynamic

    return core_schema.with_info_wrap_validator_function(read, inner)


class _Templated:
    """See Templated."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        convert: _Conversion[object] = _Conversion(inner)
        return _dynamic_or(inner, lambda value, info: _expression(value, convert, info))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        inner = handler(schema)
        return (
            inner
            if inner.get("type") == "string" and set(inner) <= {"type"}
            else _or(inner, _TEMPLATE_SCHEMA)
        )


Templated: TypeAlias = Annotated[T, _Templated()]
"""`Templated[int]`: an int, validated at load, or a template whose value is converted to an int for each request. The
conversion of a request's texts is lenient ("429" is 429); the validation of a file is not."""


def _expression(value: object, convert: Callable[[Json], object], info: ValidationInfo) -> Dynamic | None:
    """Return the expression of a text that is a template; None for any other value. A Dynamic is returned
    unchanged."""
    if isinstance(value, Dynamic):
        return value
    context = info.context or {}
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
            suggestion = _suggest(name, known) or f"; there are {', '.join(known)}"
            raise quantity_error(f'unknown name "{name}" in a template{suggestion}')
    return Expression(template, convert, getattr(convert, "waits", False))


class _TemplatedJson:
    """See TemplatedJson."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        shape = shape_of(inner)

        def read(value: object, info: ValidationInfo) -> object:
            tree = shape.with_templates(value, lambda text, convert: _expression(text, convert, info))
            return tree if shape.fits(tree) else None  # then pydantic says what is wrong, and where

        return _dynamic_or(inner, read)


TemplatedJson: TypeAlias = Annotated[T, _TemplatedJson()]
"""`TemplatedJson[JsonValue]`: JSON in which any text may be a template, whose value is not converted to a text."""


class _Conversion(Generic[T]):
    """Converts a template's value to the type of its place. The validator is built on first use: most places never
    have a template."""

    __slots__ = ("_schema", "_validator", "waits")

    def __init__(self, schema: CoreSchema) -> None:
        self._schema = schema
        self.waits = bool((schema.get("metadata") or {}).get(WAITS))
        self._validator: SchemaValidator | None = None

    def __call__(self, value: Json) -> T:
        if self._validator is None:
            self._validator = SchemaValidator(self._schema)
        kind = _kind(self._schema)
        if kind == "str":
            value = as_text(value)
        elif type(value) is bool and kind in ("int", "float"):
            raise ValueError(f"{as_text(value)} is not {_TYPE_NAMES[kind]}")
        try:
            converted: T = self._validator.validate_python(value, strict=False)
        except ValidationError as errors:
            raise ValueError(_reason(value, errors)) from None
        return converted


def _kind(schema: CoreSchema) -> str:
    """Return the type of a value; of a text that a function checks, as of a header, that of the text."""
    checked = schema["schema"] if schema["type"] == "function-after" else schema
    return "str" if checked["type"] == "str" else schema["type"]


_TYPE_NAMES: Final = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def _reason(value: Json, errors: ValidationError) -> str:
    """Return a message for a person for pydantic's error."""
    error = errors.errors(include_url=False)[0]
    kind, details = str(error["type"]), error.get("ctx", {})
    if kind == "value":
        return error["msg"]
    shown = f'"{value[:40]}"' if isinstance(value, str) else as_text(value)[:40]
    for name, type_name in _TYPE_NAMES.items():
        if kind.startswith(f"{name}_"):
            return f"{shown} is not {type_name}"
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


_SHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "normal": ("mean", "stddev"),
    "lognormal": ("median", "p99"),
    "exponential": ("mean",),
}
_BOUND_KEYS: Final = frozenset(("min", "max"))
_FORMS: Final = ("uniform", *_SHAPES, "empirical")
_EXPECTED: Final = (
    "expected a value, [low, high], or one of {uniform: [low, high]}, {normal: {mean, stddev}}, "
    "{lognormal: {median, p99}}, {exponential: {mean}}, {empirical: [...]}"
)

Read: TypeAlias = Callable[[object], float]
"""Parses one number or duration, and raises pydantic's errors."""


class _Drawable(Struct, frozen=True):
    """See Drawable and Spread. `once`: the value is drawn when the tree is evaluated."""

    once: bool

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source) if self.once else handler.generate_schema(get_args(source)[0])
        convert: _Conversion[float] = _Conversion(inner)
        whole = inner["type"] == "int"
        bounds = {name: inner[bound] for name, bound in (("least", "ge"), ("most", "le")) if bound in inner}

        def read(value: object, constant: Read, info: ValidationInfo) -> object:
            expression = _expression(value, convert, info)
            if expression is not None or isinstance(value, Distribution):
                return expression or value
            drawn = _distribution(value, constant, convert, info)
            if drawn is None:
                return constant(value)
            if whole and isinstance(drawn, Uniform):
                drawn = Integers(int(drawn.low), int(drawn.high))
            return DrawnNumber(drawn, whole, **bounds) if self.once else drawn

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
            forms.append(_object({name: _shape_schema(keys, one)}, f"Drawn from the {name} distribution."))
        listed = {"anyOf": [{"type": "array", "items": one, "minItems": 1}, {"type": "string"}]}
        forms.append(_object({"empirical": listed}, "One of measured values: a list, or a file with them."))
        return _or(*forms)


Drawable: TypeAlias = Annotated[T, _Drawable(once=True)]
"""`Drawable[Duration]`: a constant, a template, or a distribution that is drawn once for each response."""

Spread: TypeAlias = Annotated[T | Distribution, _Drawable(once=False)]
"""`Spread[Duration]`: a constant, a template, or a distribution, which the reader draws from many times."""


def _distribution(value: object, constant: Read, convert: Read, info: ValidationInfo) -> Distribution | None:
    """Return the distribution of a list or an object; None for a constant. Raise an error for an invalid one."""
    if isinstance(value, list):
        return _uniform(value, constant)
    if not isinstance(value, dict):
        return None
    if len(value) != 1:
        raise quantity_error(_EXPECTED)
    form, settings = next(iter(value.items()))
    if form == "uniform":
        return _uniform(settings, constant)
    if form == "empirical":
        return Empirical(_measured(settings, constant, convert, info))
    if form in _SHAPES:
        return _shaped(form, settings, constant)
    raise quantity_error(f'unknown distribution "{form}"{_suggest(str(form), _FORMS)} ({_EXPECTED})')


def _uniform(settings: object, constant: Read) -> Uniform:
    if not isinstance(settings, list) or len(settings) != 2:
        raise quantity_error("a range has two ends: write [low, high]")
    low, high = constant(settings[0]), constant(settings[1])
    if low > high:
        raise quantity_error(
            f"the range [{settings[0]}, {settings[1]}] is upside down: the lower end comes first"
        )
    return Uniform(low, high)


def _shaped(form: str, settings: object, constant: Read) -> Distribution:
    keys = _SHAPES[form]
    if not isinstance(settings, dict) or settings.keys() - _BOUND_KEYS != set(keys):
        written = ", ".join(f"{key}: …" for key in keys)
        raise quantity_error(f"write {form}: {{{written}}} (and min, max)")
    inner = _unbounded(form, [constant(settings[key]) for key in keys])
    if settings.keys().isdisjoint(_BOUND_KEYS):
        return inner
    least = constant(settings["min"]) if "min" in settings else 0.0
    most = constant(settings["max"]) if "max" in settings else math.inf
    if least > most:
        raise quantity_error("min is above max")
    return BoundedDistribution(inner, least, most)


def _unbounded(form: str, numbers: Sequence[float]) -> Normal | LogNormal | Exponential:
    if form == "normal":
        return Normal(*numbers)
    if form == "exponential":
        return Exponential(*numbers)
    if not 0 < numbers[0] <= numbers[1]:
        raise quantity_error("a lognormal's median is more than 0, and its p99 not less than that")
    return LogNormal(*numbers)


def _measured(settings: object, constant: Read, convert: Read, info: ValidationInfo) -> tuple[float, ...]:
    """Return the values of a list, or of a file with values between white space or commas."""
    if isinstance(settings, list):
        values = tuple(constant(value) for value in settings)
    elif isinstance(settings, str) and info.context and "file" in info.context:
        try:
            values = tuple(
                convert(word) for word in re.split(r"[\s,]+", info.context["file"](settings).strip()) if word
            )
        except ValueError as error:
            raise quantity_error(f"{settings}: {error}") from None
    else:
        raise quantity_error("write empirical: [value, value, …], or the name of a file with such values")
    if not values:
        raise quantity_error("an empirical distribution needs at least one value")
    return values


def _suggest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches  # needed only for an error

    near = get_close_matches(name, names, 1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _or(*forms: JsonSchema) -> JsonSchema:
    """Return a schema of any of the forms; nested choices are flattened."""
    spread: list[JsonSchema] = []
    for form in forms:
        spread.extend(form["anyOf"] if set(form) == {"anyOf"} else [form])
    return {"anyOf": spread}


def _shape_schema(keys: Iterable[str], number: JsonSchema) -> JsonSchema:
    schema = _object(dict.fromkeys(keys, number))
    return {**schema, "properties": {**schema["properties"], **dict.fromkeys(sorted(_BOUND_KEYS), number)}}


def _object(properties: JsonSchema, description: str | None = None) -> JsonSchema:
    schema: JsonSchema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {**schema, "description": description} if description else schema
