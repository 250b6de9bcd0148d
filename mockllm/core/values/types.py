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

from collections.abc import Callable, Iterable
from typing import Annotated, Final, Generic, TypeAlias, TypeVar, get_args

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import (
    Distribution,
    Integers,
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
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.template import (
    NAMES,
    OPENING,
    SubstitutedText,
    TemplateSyntax,
    as_text,
    is_template,
)
from mockllm.core.values.distributions import (
    BOUND_KEYS,
    DEVIATION,
    SHAPES,
    Read,
    Readers,
    read_deviation,
    read_distribution,
    suggest,
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
        raise quantity_error(str(error), _line_offset(text, error.line)) from None
    params = context.get("params")
    if params is not None:
        for name in sorted(template.names - NAMES.keys() - set(params)):
            known = [*NAMES, *params]
            suggestion = suggest(name, known) or f"; there are {', '.join(known)}"
            raise quantity_error(
                f'unknown name "{name}" in a template{suggestion}', template.name_offset(name)
            )
    return Expression(template, convert, getattr(convert, "waits", False))


def _line_offset(text: str, line: int) -> int:
    """Return where the first expression or statement of a line of a template begins, else the line."""
    start = sum(map(len, text.splitlines(keepends=True)[: max(line, 1) - 1]))
    found = OPENING.search(text, start, (text.find("\n", start) + 1) or len(text))
    return found.start() if found else start


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
    """Converts a template's value to the type of its place. Numbers are finite and have at most 64 bits, as in a
    scenario file. The validator is built on first use: most places never have a template."""

    __slots__ = ("_schema", "_validator", "waits")

    def __init__(self, schema: CoreSchema) -> None:
        self._schema = schema
        self.waits = bool((schema.get("metadata") or {}).get(WAITS))
        self._validator: SchemaValidator | None = None

    def __call__(self, value: Json) -> T:
        if self._validator is None:
            self._validator = SchemaValidator(self._schema, core_schema.CoreConfig(allow_inf_nan=False))
        kind = _kind(self._schema)
        if kind == "str":
            value = as_text(value)
        elif kind in ("int", "float") and (type(value) is bool or (type(value) is str and "_" in value)):
            raise ValueError(f"{_shown(value)} is not {_TYPE_NAMES[kind]}")  # pydantic converts both
        try:
            converted: T = self._validator.validate_python(value, strict=False)
        except ValidationError as errors:
            raise ValueError(_reason(value, errors)) from None
        if isinstance(converted, int) and not -(2**63) <= converted < 2**64:
            raise ValueError(f"{_shown(value)} is beyond 64 bits")
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
    shown = _shown(value)
    if kind == "finite_number":
        return f"{shown} is not a finite number"
    for name, type_name in _TYPE_NAMES.items():
        if kind.startswith(f"{name}_"):
            return f"{shown} is not {type_name}"
    for bound, words in _BOUNDS.items():
        if bound in details:
            return f"{shown} is not {words} {details[bound]}"
    return f"{shown} does not fit: {error['msg']}"


def _shown(value: Json) -> str:
    return f'"{value[:40]}"' if isinstance(value, str) else as_text(value)[:40]


_BOUNDS: Final = {
    "ge": "at least",
    "gt": "more than",
    "le": "at most",
    "lt": "less than",
    "expected": "one of",
}


LEAST_ABOVE: Final = 0.1
"""How far draws stay above a bound that is excluded: a speed that is nearly 0 would take days."""


class _Drawable(Struct, frozen=True):
    """See Drawable and Spread. `once`: the value is drawn when the tree is evaluated."""

    once: bool

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source) if self.once else handler.generate_schema(get_args(source)[0])
        convert: _Conversion[float] = _Conversion(inner)
        whole = inner["type"] == "int"
        numbers = read_deviation if inner["type"] in ("int", "float") else None
        bounds = {name: inner[bound] for name, bound in (("least", "ge"), ("most", "le")) if bound in inner}
        if "gt" in inner:
            bounds["least"] = inner["gt"] + (1 if whole else LEAST_ABOVE)

        def read(value: object, constant: Read, info: ValidationInfo) -> object:
            expression = _expression(value, convert, info)
            if expression is not None or isinstance(value, Distribution):
                return expression or value
            drawn = read_distribution(value, Readers(constant, numbers or constant, convert, info))
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
        for name, keys in SHAPES.items():
            forms.append(_object({name: _shape_schema(keys, one)}, f"Drawn from the {name} distribution."))
        listed = {"anyOf": [{"type": "array", "items": one, "minItems": 1}, {"type": "string"}]}
        forms.append(_object({"empirical": listed}, "One of measured values: a list, or a file with them."))
        return _or(*forms)


Drawable: TypeAlias = Annotated[T, _Drawable(once=True)]
"""`Drawable[Duration]`: a constant, a template, or a distribution that is drawn once for each response."""

Spread: TypeAlias = Annotated[T | Distribution, _Drawable(once=False)]
"""`Spread[Duration]`: a constant, a template, or a distribution, which the reader draws from many times."""


def _or(*forms: JsonSchema) -> JsonSchema:
    """Return a schema of any of the forms; nested choices are flattened."""
    spread: list[JsonSchema] = []
    for form in forms:
        spread.extend(form["anyOf"] if set(form) == {"anyOf"} else [form])
    return {"anyOf": spread}


def _shape_schema(keys: Iterable[str], number: JsonSchema) -> JsonSchema:
    deviation = {"type": "number", "minimum": 0} if number.get("type") in ("integer", "number") else number
    kinds = {key: deviation if key == DEVIATION else number for key in keys}
    schema = _object(kinds)
    return {**schema, "properties": {**schema["properties"], **dict.fromkeys(sorted(BOUND_KEYS), number)}}


def _object(properties: JsonSchema, description: str | None = None) -> JsonSchema:
    schema: JsonSchema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {**schema, "description": description} if description else schema
