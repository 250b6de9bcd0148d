"""A value for a schema: one walk over it that makes what it reads, and a check of what was made.

The walk solves what can be read off (types, bounds, references, `allOf`) and guesses the rest (which branch
of `anyOf`, what `not` forbids): where it guessed, the value is checked against that part, and made again a
bounded number of times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from msgspec import Struct

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.schema_validator import Validator, validator
from mockllm.core.schema_values.containers import made_array, made_object
from mockllm.core.schema_values.document import TYPES, Document, Schema, Unsatisfiable, patterns_of, plain
from mockllm.core.schema_values.numbers import made_number
from mockllm.core.schema_values.patterns import pattern_size
from mockllm.core.schema_values.realistic import FieldContext, number
from mockllm.core.schema_values.strings import made_text
from mockllm.core.schema_values.variants import SchemaVariant, VariantPicker

TRIES: Final = 12
"""How often a value is made anew where it turned out wrong."""
_WHOLE: Final = 4
"""How often all of it is made anew: what a part could not be held against shows only then."""
_ANY_TYPE: Final = 3
"""After so many tries a schema that names no type may be of any."""
_RETRIES: Final = 5_000
"""How often parts of one answer are made anew."""
_READ: Final = 10
"""Characters of a schema that may be compiled for the cost of one that is generated."""
_LONGEST_DESCRIPTION: Final = 4_000
"""No more of a description is read for hints."""
_DEEPEST: Final = 60
_INFERRED: Final = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties"), "object"),
    **dict.fromkeys(("minProperties", "propertyNames", "dependentRequired"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "contains", "uniqueItems"), "array"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), "number"),
    "multipleOf": "number",
}
"""What a schema without a type describes, by the words it uses; else a text."""
_KINDS: Final[Mapping[type, tuple[str, ...]]] = {
    type(None): ("null",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    str: ("string",),
    list: ("array",),
    dict: ("object",),
}
_SMALLEST: Final = ("null", "boolean", "integer", "number", "string", "array", "object")


class GeneratedValue(Struct, frozen=True):
    """A made value. `flaw`: why it is not valid against its schema; None where it is."""

    value: Json
    flaw: str | None = None


def generate(
    schema: Json,
    random: Random,
    name: str = "",
    description: str | None = None,
    budget: Budget | None = None,
) -> GeneratedValue:
    """A value of a schema of any draft, OpenAPI's or Gemini's. `name` and `description` say what it is of.
    What cannot be made valid has its flaw told. Raises BudgetExceeded where it is too much work."""
    budget = Budget() if budget is None else budget
    try:
        root = plain(schema)
        budget.require_characters(sum(pattern_size(each) for each in patterns_of(root)))
        check = validator(root)
    except ValueError as error:
        return GeneratedValue({}, str(error))
    except RecursionError:
        return GeneratedValue({}, "the schema is nested too deep")
    maker = _Generator(Document(root, budget), random, budget)
    value: Json = {}
    for _ in range(_WHOLE):
        try:
            value = maker.value(root, FieldContext(name, description or ""))
        except Unsatisfiable:
            continue
        if check.holds(value):
            return GeneratedValue(value)
    flaw = None if check.holds(value) else f"no valid value was found ({check.mistake(value)})"
    return GeneratedValue(value, flaw)


class _Generator:
    """The walk."""

    def __init__(self, document: Document, random: Random, budget: Budget) -> None:
        self._document, self._random, self._budget = document, random, budget
        self._forms = VariantPicker(document, random, budget)
        self._retries = 0
        self._checks: dict[int, tuple[Schema, Validator | None]] = {}
        """What checks a part, by the part's identity; with the part, so that no other gets that identity."""

    def value(
        self, schema: Schema, about: FieldContext, inside: tuple[str, ...] = (), depth: int = 0
    ) -> Json:
        """A value of the schema; where none that fits is found, one that nearly does. Raises Impossible."""
        if depth > _DEEPEST:
            raise Unsatisfiable("too deep")
        found: list[Json] = []
        for attempt in range(TRIES):
            if attempt:
                self._retries += 1
                if self._retries > _RETRIES:
                    break
            else:
                self._budget.add_value()
            matching = self._budget.matching
            try:
                form = self._forms.of(schema, inside)
                value = self._one(form, about, depth, attempt)
            except Unsatisfiable:
                continue
            if not form.guessed:
                return value
            self._budget.add_characters(self._budget.matching - matching)  # the check matches them again
            if self._holds(schema, value):
                return value
            found.append(value)
        if not found:
            raise Unsatisfiable("nothing fits")
        return found[0]

    def _holds(self, schema: Schema, value: Json) -> bool:
        known = self._checks.get(id(schema))
        if known is None:
            known = self._checks[id(schema)] = (schema, self._compiled(schema))
        return known[1] is None or known[1].holds(value)

    def _compiled(self, schema: Schema) -> Validator | None:
        """Compile a part; None where it refers to what stands outside of it: the whole is checked in the end."""
        part = self._document.part(schema)
        self._budget.add_characters(len(dumps(part)) // _READ)
        try:
            return validator(part)
        except ValueError:
            return None

    def _one(self, form: SchemaVariant, about: FieldContext, depth: int, attempt: int) -> Json:
        schema = form.schema
        said = (schema.get("description") or about.description)[:_LONGEST_DESCRIPTION]
        about = FieldContext(about.name, said, about.owner)
        if "const" in schema:
            return self._written(schema["const"])
        kinds = _kinds(schema, attempt)
        for key in ("enum", "examples"):
            if key in schema and (key == "enum" or attempt < 2):
                fitting = [value for value in schema[key] if _is_any(value, kinds)]
                if fitting:
                    chosen = [value for value in fitting if value is not None] or fitting
                    return self._written(self._random.choice(chosen))
        kind = self._kind(kinds, form.thrifty)

        def inner(part: Schema, about: FieldContext) -> Json:
            return self.value(part, about, form.inside, depth + 1)

        if kind == "object":
            return made_object(form, inner, self._random, about, attempt, self._is_scalar, self._budget)
        if kind == "array":
            return made_array(form, inner, self._random, about, self._budget)
        if kind == "string":
            return made_text(schema, self._random, about, self._budget)
        if kind in ("integer", "number"):
            return made_number(schema, self._random, kind == "integer", number(about))
        return None if kind == "null" else self._random.random() < 0.7

    def _written(self, value: Json) -> Json:
        """Count the size of a value that the schema itself holds."""
        self._budget.add_characters(len(dumps(value)))
        return value

    def _kind(self, kinds: Sequence[str], thrifty: bool) -> str:
        """One of the types; null only where nothing else may be, or may end a circle."""
        if thrifty:
            return min(kinds, key=_SMALLEST.index)
        said = [kind for kind in kinds if kind != "null"]
        if not kinds:
            raise Unsatisfiable("no type is left")
        return self._random.choice(said) if said else "null"

    def _is_scalar(self, schema: Schema) -> bool:
        return self._forms.height(schema) == 0


def _kinds(schema: Mapping[str, Json], attempt: int) -> Sequence[str]:
    """The types that a value may have; where none is named, what the schema seems to mean, and later any."""
    named = schema.get("type")
    if isinstance(named, str):
        return (named,)
    if named is not None:
        return list(named)
    if "enum" in schema or attempt >= _ANY_TYPE:
        return TYPES
    return (next((kind for word, kind in _INFERRED.items() if word in schema), "string"),)


def _is_any(value: Json, kinds: Sequence[str]) -> bool:
    return any(kind in kinds for kind in _KINDS[type(value)])
