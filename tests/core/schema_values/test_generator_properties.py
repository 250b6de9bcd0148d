"""Generated values are valid for any schema, and equal for equal seeds."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.json.codec import dumps
from mockllm.core.schema_values import generator
from mockllm.core.schema_values.conversation import ConversationTexts
from mockllm.core.schema_values.fitting import ValueFitter
from mockllm.core.schema_values.generator import generate
from mockllm.core.schema_values.normal_schema import normal_schema
from mockllm.core.schema_values.prepared_draws import plain_part
from mockllm.core.schema_values.realistic import FieldContext
from mockllm.core.schema_values.strings import FORMATS
from tests.examples import examples

Schema = dict[str, Any] | bool
NAMES = st.sampled_from(
    ["city", "location", "price", "userName", "email", "x", "tags", "created_at", "name", "Ü"]
)
WORDS = st.sampled_from(["", "City name", "The price, e.g. 12.50", "A list of names", "such as 'blue'."])
PATTERNS = (
    r"^[A-Z]{3}$",
    r"^\d{4}-\d{2}-\d{2}$",
    r"^(a|bc)+\.?$",
    r"\w+@\w+",
    r"^[^\s,]{2,5}$",
    r"^(?:\+\d{1,3} )?\d{3,}$",
    r"^[\w.-]+\.(png|jpg)$",
    r"^(?=.*\d)(?=.*[a-z]).{6,}$",
    r"^\S+ \S+$",
    r"colou?r",
    r"^\p{Lu}[\p{L} ]*$",
)


def bounded(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    numbers = st.integers(low, high)
    return st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))


@st.composite
def texts(draw: st.DrawFn) -> Schema:
    low, high = draw(bounded(0, 30))
    built = draw(
        st.sampled_from(
            [{}, {"minLength": low}, {"maxLength": high}, {"minLength": low, "maxLength": high}]
            + [{"format": each} for each in FORMATS]
            + [{"pattern": each} for each in PATTERNS]
        )
    )
    return {"type": "string", **built}


@st.composite
def numbers(draw: st.DrawFn) -> Schema:
    low, high = draw(bounded(-1000, 1000))
    kind = draw(st.sampled_from(["integer", "number"]))
    built: dict[str, Any] = {"type": kind}
    if draw(st.booleans()):
        built[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        built[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = high + 10
    if draw(st.booleans()):
        built["multipleOf"] = draw(st.sampled_from([1, 2, 5] if kind == "integer" else [0.1, 0.25, 3]))
    return built


SCALARS: st.SearchStrategy[Schema] = st.one_of(
    texts(),
    numbers(),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, True, {}, {"type": ["string", "null"]}]),
    st.lists(st.sampled_from([1, "a", None, True, 2.5, [1], {"a": 1}]), min_size=1, max_size=4).map(
        lambda values: {"enum": [value for n, value in enumerate(values) if value not in values[:n]]}
    ),
    st.sampled_from([0, "x", None, False, [1, 2]]).map(lambda value: {"const": value}),
)


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Schema]) -> Schema:
    properties = draw(st.dictionaries(NAMES, inner, max_size=4))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    built: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    built |= draw(
        st.sampled_from([{}, {"additionalProperties": False}, {"minProperties": 3}, {"description": "x"}])
    )
    if draw(st.booleans()) and "additionalProperties" not in built:
        built["additionalProperties"] = draw(inner)
    return built


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[Schema]) -> Schema:
    low, high = draw(bounded(0, 4))
    built: dict[str, Any] = {"type": "array", "items": draw(inner)}
    built |= draw(
        st.sampled_from([{}, {"minItems": low}, {"maxItems": high}, {"minItems": low, "maxItems": high}])
    )
    if draw(st.booleans()):
        built["prefixItems"] = draw(st.lists(inner, min_size=1, max_size=2))
    return built


def combined(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        objects(inner),
        arrays(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        inner.map(lambda one: {"allOf": [one, True]}),
        inner.map(lambda one: {"allOf": [one, {"description": "City name"}], "title": "x"}),
        inner.map(lambda one: {"oneOf": [one, False]}),
        inner.map(lambda one: {"if": one, "then": {"title": "a"}, "else": {"title": "b"}}),
        inner.map(lambda one: {"not": {"not": one}, **(one if isinstance(one, dict) else {})}),
    )


SCHEMAS: st.SearchStrategy[Schema] = st.recursive(SCALARS, combined, max_leaves=8)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(SCHEMAS, st.integers(0, 5))
def test_generate_returns_valid_value(schema: Schema, seed: int) -> None:
    built = generate(schema, Random(seed))
    assert built.flaw is None
    assert jsonschema_rs.is_valid(schema, built.value, validate_formats=True)
    assert generate(schema, Random(seed)) == built
    dumps(built.value)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(NAMES, SCHEMAS, max_size=5), st.integers(0, 5))
def test_generate_arguments_of_any_tool_are_valid(properties: dict[str, Schema], seed: int) -> None:
    built = generate({"type": "object", "properties": properties}, Random(seed))
    assert built.flaw is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "items",
                    "$ref",
                    "anyOf",
                    "enum",
                    "required",
                    "pattern",
                    "minItems",
                    "const",
                    "not",
                    "additionalProperties",
                    "propertyOrdering",
                    "nullable",
                    "exclusiveMinimum",
                    "minimum",
                    "format",
                    "$schema",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


SENTENCES = st.sampled_from(
    ["…", "", "3 plus 4.5", "Ann: 'x' in Rome, France", '{"city": "Oslo", "price": 5}', "é" * 9_000]
)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(SCHEMAS, st.integers(0, 5), SENTENCES | st.text(max_size=100))
def test_generate_with_conversation_is_valid(schema: Schema, seed: int, text: str) -> None:
    built = generate(schema, Random(seed), conversation=ConversationTexts(text, (text,), (text,)))
    assert built.flaw is None
    assert jsonschema_rs.is_valid(schema, built.value, validate_formats=True)
    assert generate(schema, Random(seed), conversation=ConversationTexts(text, (text,), (text,))) == built
    if not built.taken:
        assert built == generate(schema, Random(seed))


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(SCHEMAS, st.integers(0, 5), SENTENCES)
def test_prepared_draws_give_the_values_of_the_walk(schema: Schema, seed: int, text: str) -> None:
    prepared = generate(schema, Random(seed), "field", conversation=ConversationTexts(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator, "_plain_part", lambda *_: None)
        walked = generate(schema, Random(seed), "field", conversation=ConversationTexts(text))
    assert dumps(prepared.value) == dumps(walked.value)
    assert prepared.taken == walked.taken


class Drawing:
    """The walk of a draw that is counted."""

    def __init__(self, random: Random, fitter: ValueFitter) -> None:
        self.random, self.budget = random, Budget()
        self.fitter: ValueFitter | None = fitter

    def value(self, *_: object) -> Any:
        raise AssertionError("a certain part has no part that is not plain")


PLAIN: st.SearchStrategy[Schema] = st.recursive(
    st.one_of(
        texts(),
        numbers(),
        st.sampled_from(
            [
                {"type": "boolean"},
                {"enum": [1, "a", None, {"b": [2]}]},
                {"enum": ["Rome", "x"], "type": "string"},
            ]
        ),
    ),
    lambda inner: st.one_of(objects(inner), arrays(inner)),
    max_leaves=8,
)


@settings(max_examples=examples(1000), deadline=None, suppress_health_check=list(HealthCheck))
@given(PLAIN, st.integers(0, 5), SENTENCES)
def test_certain_draws_are_valid_and_within_their_bounds(schema: Schema, seed: int, text: str) -> None:
    """So they need neither a validation nor a count. With a conversation too, whose values are validated each."""
    normal = normal_schema(schema, Budget())
    part = plain_part(normal.root, FieldContext("field"))
    if part is None or part.certain is None:
        return
    conversation = ConversationTexts(text, (text,))
    fitter = ValueFitter(conversation, normal)
    value = part.certain(Random(seed), fitter)
    assert jsonschema_rs.is_valid(schema, value)
    counted = ValueFitter(conversation, normal)
    walk = Drawing(Random(seed), counted)
    assert dumps(part.draw(walk, 0)) == dumps(value)
    assert list(counted.taken) == list(fitter.taken)
    assert walk.budget.values <= part.values
    assert walk.budget.characters <= part.characters


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 40])
def test_budget_refuses_certain_values_at_the_same_bound(limit: int) -> None:
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in "abcdef"}}
    refused: list[str | None] = []
    for patched in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            if patched:
                patch.setattr(generator, "_plain_part", lambda *_: None)
            try:
                refused.append(str(generate(schema, Random(0), budget=Budget(limit)).value))
            except BudgetExceeded as exceeded:
                refused.append(str(exceeded))
    assert refused[0] == refused[1]


@settings(max_examples=examples(300), deadline=None)
@given(JSON, SENTENCES)
def test_generate_with_conversation_never_raises(schema: Any, text: str) -> None:
    with suppress(BudgetExceeded):
        dumps(generate(schema, Random(0), conversation=ConversationTexts(text)).value)


@settings(max_examples=examples(300), deadline=None)
@given(JSON)
@example({"minItems": 10_000})
def test_generate_of_any_value_never_raises(schema: Any) -> None:
    try:
        built = generate(schema, Random(0))
    except BudgetExceeded:
        return
    assert built.flaw is None or built.flaw
    dumps(built.value)
