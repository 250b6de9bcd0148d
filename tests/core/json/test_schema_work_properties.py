"""The count of evaluations is never less than what the library does, for any schema and value."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from mockllm.core.json.codec import Json
from mockllm.core.json.nesting import depth_of
from mockllm.core.json.schema_work import MAX_COMPILED_MARKS, SchemaWork
from tests.examples import examples

MOST = 20_000
NAMES = st.sampled_from(["a", "b"])
COUNTED: dict[str, Json] = {"counted": True}


class Evaluations:
    """Counts how often the library evaluates a keyword that each subschema has."""

    def __init__(self, schema: Json) -> None:
        self.count = 0
        evaluations = self

        class Counted:
            def __init__(self, *_: object) -> None:
                """The keyword needs nothing of its schema."""

            def validate(self, _: object) -> None:
                evaluations.count += 1

        self._validator = jsonschema_rs.validator_for(schema, keywords={"counted": Counted})

    def of(self, value: Json, *, with_errors: bool = False) -> int:
        """Return the evaluations to find out whether a value is valid, or to find all of its errors."""
        self.count = 0
        if with_errors:
            list(self._validator.iter_errors(value))
        else:
            self._validator.is_valid(value)
        return self.count


def combined(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(inner, min_size=1, max_size=2)
    maps = st.dictionaries(NAMES, inner, min_size=1, max_size=2)
    single = st.one_of(inner, st.booleans())
    keywords: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), lists),
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), maps),
        **dict.fromkeys(("not", "if", "then", "else", "contains", "items", "additionalProperties"), inner),
        "propertyNames": inner,
        **dict.fromkeys(("unevaluatedProperties", "unevaluatedItems"), single),
    }
    chosen = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=3, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names})).map(
        lambda schema: COUNTED | schema
    )


LEAVES = st.sampled_from(
    [
        COUNTED,
        {**COUNTED, "type": "string"},
        {**COUNTED, "type": "object"},
        {**COUNTED, "$ref": "#"},
        {**COUNTED, "$ref": "#/$defs/a"},
        {**COUNTED, "$ref": "#/$defs/b"},
        {**COUNTED, "$ref": "urn:c"},
        {**COUNTED, "$dynamicRef": "#here"},
    ]
)
SUBSCHEMAS = st.recursive(LEAVES, combined, max_leaves=8)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.sampled_from([1, "x"]),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=6,
)


def nested(levels: int, keyword: str, combiner: str) -> dict[str, Any]:
    schema: dict[str, Any] = COUNTED
    for _ in range(levels):
        schema = {**COUNTED, combiner: [schema], keyword: False}
    return schema


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(combined(SUBSCHEMAS), combined(SUBSCHEMAS), SUBSCHEMAS, SUBSCHEMAS, VALUES)
@example(nested(8, "unevaluatedProperties", "anyOf"), COUNTED, COUNTED, COUNTED, {"a": 1})
@example(nested(8, "unevaluatedItems", "allOf"), COUNTED, COUNTED, COUNTED, [1])
def test_count_is_an_upper_bound_of_evaluations(
    root: dict[str, Any], a: dict[str, Any], b: dict[str, Any], c: dict[str, Any], value: Json
) -> None:
    here = {**b, "$dynamicAnchor": "here"}
    defs = {"a": a, "b": here, "c": {**c, "$id": "urn:c", "$defs": {"a": a, "b": here}}}
    schema = {**root, "$defs": defs}
    work = SchemaWork(schema)
    assume(work.compiles_in(MAX_COMPILED_MARKS))
    counted = work.steps(MOST, value)
    assume(counted <= MOST)
    evaluations = Evaluations(schema)
    assert evaluations.of(value) <= counted
    # each choice without a valid branch is evaluated once more for its errors
    assert evaluations.of(value, with_errors=True) <= counted * depth_of([schema])
