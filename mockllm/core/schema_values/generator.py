"""The generator of values: one walk over a schema that generates a value, and a validation of the result.

The walk obeys keywords that determine the value (types, bounds, references, `allOf`) and guesses for the others
(which branch of `anyOf`, what `not` forbids). A guessed value is validated against its part of the schema, and
generated again a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Final

from msgspec import Struct

from mockllm.core.budget import Budget
from mockllm.core.json.codec import MISSING, Json, dumps
from mockllm.core.json.schema import Validator
from mockllm.core.schema_values.containers import generate_array, generate_object
from mockllm.core.schema_values.conversation import ConversationTexts
from mockllm.core.schema_values.document import Document, Schema, Unsatisfiable
from mockllm.core.schema_values.fitting import DescribedField, ValueFitter, fields_of
from mockllm.core.schema_values.name_patterns import NamePatterns
from mockllm.core.schema_values.normal_schema import NormalSchema, PartKey, normal_schema
from mockllm.core.schema_values.numbers import NumberPoints, number_points
from mockllm.core.schema_values.part_types import candidates_of, kinds_of_part
from mockllm.core.schema_values.patterns import budgeted_validator
from mockllm.core.schema_values.prepared_draws import MAX_DEPTH, PlainPart, plain_part
from mockllm.core.schema_values.realistic import FieldContext, number
from mockllm.core.schema_values.strings import generate_text
from mockllm.core.schema_values.variants import SchemaVariant, VariantPicker

TRIES: Final = 12
"""How often an invalid value is generated again."""
_MAX_ROOT_TRIES: Final = 4
"""How often the whole value is generated again: some errors show only in the whole."""
_MAX_RETRIES: Final = 5_000
"""How often parts of one value are generated again altogether."""
_COMPILED_PER_CHARACTER: Final = 10
"""Characters of a schema that may be compiled for the cost of one generated character."""
_MAX_DESCRIPTION: Final = 4_000
"""Characters of a description that are read for hints."""
_MAX_DEPTH: Final = 60
_PLAIN_PART: Final = PartKey[tuple[PlainPart | None]]()
_COUNTED_VALIDATOR: Final = PartKey[tuple[int, Validator | None]]()
"""The characters that its compilation counts as, and the validator."""
_SMALLEST: Final = ("null", "boolean", "integer", "number", "string", "array", "object")


class GeneratedValue(Struct, frozen=True):
    """A generated value. `flaw`: why it is not valid against its schema; None where it is valid. `taken`: the
    names of the fields whose values are from the conversation."""

    value: Json
    flaw: str | None = None
    taken: tuple[str, ...] = ()


def generate(
    schema: Json,
    random: Random,
    name: str = "",
    description: str | None = None,
    budget: Budget | None = None,
    conversation: ConversationTexts | None = None,
    again: Callable[[], Random] | None = None,
) -> GeneratedValue:
    """Return a value of a schema of any draft, OpenAPI's or Gemini's.

    `name` and `description` are those of the value's field. Values of the `conversation` replace drawn ones where
    they fit. `again` begins the same draws as `random`, at less cost than a copy of that. The result has a flaw where
    no valid value was found. Raise BudgetExceeded where the value takes too much work, and PlanningTooLong where
    it takes more than a budget with `deferrable` allows.
    """
    budget = Budget() if budget is None else budget
    try:
        normal = normal_schema(schema, budget)
        check = normal.check
    except ValueError as error:
        return GeneratedValue({}, str(error))
    except RecursionError:
        return GeneratedValue({}, "the schema is nested too deep")
    context = FieldContext(name, description or "")
    certain = _certain(normal, random, context, budget, conversation)
    if certain is not None:
        return certain
    if conversation:
        state = random.getstate() if again is None else ()
        fitted = _fitted(normal, random, context, budget, conversation)
        if fitted is not None:
            return fitted
        if again is not None:
            random = again()
        else:
            random.setstate(state)
    return _generated(_Generator(normal, random, budget), normal.root, context, check)


def _certain(
    normal: NormalSchema,
    random: Random,
    context: FieldContext,
    budget: Budget,
    conversation: ConversationTexts | None,
) -> GeneratedValue | None:
    """Return a value that needs neither a count nor a validation; None where there is none, and nothing is drawn."""
    plain = _plain_part(normal, normal.root, context)
    if plain is None or plain.certain is None or plain.is_fitted:
        return None
    if not budget.has_room(plain.values, plain.characters):
        return None
    fitter = ValueFitter(conversation, normal) if conversation else None
    value = plain.certain(random, fitter)
    return GeneratedValue(value, None, () if fitter is None else tuple(fitter.taken))


def _generated(
    generator: _Generator, root: Schema, context: FieldContext, check: Validator
) -> GeneratedValue:
    value: Json = {}
    for _ in range(_MAX_ROOT_TRIES):
        try:
            value = generator.value(root, context)
        except Unsatisfiable:
            continue
        if check.matches_within(generator.budget, value):
            return GeneratedValue(value)
    valid = check.matches_within(generator.budget, value)
    flaw = None if valid else f"no valid value was found ({check.error_message(value)})"
    return GeneratedValue(value, flaw)


def _fitted(
    normal: NormalSchema,
    random: Random,
    context: FieldContext,
    budget: Budget,
    conversation: ConversationTexts,
) -> GeneratedValue | None:
    """Return a value with the values of a conversation that fit; None where the whole value is not valid at once."""
    fitter = ValueFitter(conversation, normal)
    with suppress(Unsatisfiable):
        value = _Generator(normal, random, budget, fitter).value(normal.root, context)
        if not isinstance(value, dict):
            fitting = fitter.fit(DescribedField(context.name, normal.root, context, required=True), value)
            if fitting is not MISSING:
                fitter.take([context.name])
                value = fitting
        if normal.check.matches_within(budget, value):
            return GeneratedValue(value, taken=tuple(fitter.taken))
    return None


def _plain_part(normal: NormalSchema, schema: Schema, context: FieldContext) -> PlainPart | None:
    """Return the draws of a part; None where it is not plain."""
    known = normal.known(schema, _PLAIN_PART, context)
    if known is None:
        known = (plain_part(schema, context),)
        normal.put(schema, _PLAIN_PART, known, context)
    return known[0]


class _Generator:
    """The walk over one schema."""

    def __init__(
        self, normal: NormalSchema, random: Random, budget: Budget, fitter: ValueFitter | None = None
    ) -> None:
        self.fitter = fitter
        self._document = Document(normal.root, budget)
        self._normal, self.random, self.budget = normal, random, budget
        self._picker = VariantPicker(normal, self._document, random, budget)
        self._name_patterns = NamePatterns(budget)
        self._retries = 0
        self._compiled: dict[int, tuple[Schema, Validator | None]] = {}
        """The validator of a part that this walk has counted, by the part's identity."""

    def value(
        self, schema: Schema, context: FieldContext, inside: tuple[str, ...] = (), depth: int = 0
    ) -> Json:
        """Return a value of the schema; the first invalid one where no valid one is found. Raise Unsatisfiable."""
        if depth > _MAX_DEPTH:
            raise Unsatisfiable("too deep")
        plain = None if inside or depth > MAX_DEPTH else _plain_part(self._normal, schema, context)
        if plain is not None:
            return plain.draw(self, depth)
        invalid: list[Json] = []
        for attempt in range(TRIES):
            if attempt:
                self._retries += 1
                if self._retries > _MAX_RETRIES:
                    break
                self.budget.require_retries(self._retries)
            else:
                self.budget.add_value()
            matching = self.budget.matching
            try:
                variant = self._picker.pick(schema, inside)
                value = self._generate(variant, context, depth, attempt)
            except Unsatisfiable:
                continue
            if self.fitter is not None and type(value) is dict:
                fitted, names = self.fitter.fit_members(fields_of(variant.schema, context), value)
                if names and (not variant.guessed or self._is_valid(schema, fitted)):
                    self.fitter.take(names)
                    return fitted
            if not variant.guessed:
                return value
            self.budget.add_characters(self.budget.matching - matching)  # the validation matches them again
            if self._is_valid(schema, value):
                return value
            invalid.append(value)
        if not invalid:
            raise Unsatisfiable("nothing fits")
        return invalid[0]

    def _is_valid(self, schema: Schema, value: Json) -> bool:
        entry = self._compiled.get(id(schema))
        if entry is None:
            entry = self._compiled[id(schema)] = (schema, self._validator(schema))
        return entry[1] is None or entry[1].matches_within(self.budget, value)

    def _validator(self, schema: Schema) -> Validator | None:
        """Return the validator of a part, and count its cost; None where the part refers to other parts: the whole is
        validated later."""
        known = self._normal.known(schema, _COUNTED_VALIDATOR)
        if known is not None:
            self.budget.add_characters(known[0])
            return known[1]
        part = self._document.part(schema)
        before = self.budget.characters
        self.budget.add_characters(len(dumps(part)) // _COMPILED_PER_CHARACTER)
        try:
            compiled = budgeted_validator(part, self.budget)
        except ValueError:
            compiled = None
        self._normal.put(schema, _COUNTED_VALIDATOR, (self.budget.characters - before, compiled))
        return compiled

    def _generate(self, variant: SchemaVariant, context: FieldContext, depth: int, attempt: int) -> Json:
        schema = variant.schema
        description = (schema.get("description") or context.description)[:_MAX_DESCRIPTION]
        if description != context.description:
            context = FieldContext(context.name, description, context.owner)
        if "const" in schema:
            return self._counted(schema["const"])
        kinds = kinds_of_part(schema, attempt)
        for key in ("enum", "examples"):
            if key in schema and (key == "enum" or attempt < 2):
                candidates = candidates_of(schema[key], kinds)
                if candidates:
                    return self._counted(self.random.choice(candidates))
        kind = self._kind(kinds, variant.minimal)

        def inner(part: Schema, context: FieldContext) -> Json:
            return self.value(part, context, variant.inside, depth + 1)

        if kind == "object":
            return generate_object(
                variant,
                inner,
                self.random,
                context,
                attempt,
                self._is_scalar,
                self.budget,
                self._name_patterns,
            )
        if kind == "array":
            return generate_array(variant, inner, self.random, context, self.budget)
        if kind == "string":
            return generate_text(schema, self.random, context, self.budget)
        if kind in ("integer", "number"):
            return self._points(variant, kind == "integer", number(context)).draw(self.random)
        return None if kind == "null" else self.random.random() < 0.7

    def _points(
        self, variant: SchemaVariant, whole: bool, usual: tuple[float, float, int] | None
    ) -> NumberPoints:
        points = variant.memo.get((whole, usual))
        if points is None:
            points = variant.memo[whole, usual] = number_points(variant.schema, whole, usual)
        return points

    def _counted(self, value: Json) -> Json:
        """Return a value of the schema itself, after counting its size."""
        self.budget.add_characters(len(dumps(value)))
        return value

    def _kind(self, kinds: Sequence[str], minimal: bool) -> str:
        """Return one of the types. Null is the last choice, but the first for a minimal value."""
        if not kinds:
            raise Unsatisfiable("no type is left")
        if minimal:
            return min(kinds, key=_SMALLEST.index)
        preferred = kinds if len(kinds) == 1 and kinds[0] != "null" else [k for k in kinds if k != "null"]
        return self.random.choice(preferred) if preferred else "null"

    def _is_scalar(self, schema: Schema) -> bool:
        return self._picker.height(schema) == 0
