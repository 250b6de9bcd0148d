"""Dynamic values in trees: static parts stay, dynamic ones are replaced."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct
from pydantic import BaseModel, ConfigDict

from mockllm.core.quantities.parse import Integers, Uniform
from mockllm.core.randomness import Randomness
from mockllm.core.request.request import Request
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.template import TemplateFailure, TemplateScope
from mockllm.core.values.dynamic import DrawnNumber, EvaluationContext, Expression, evaluate, is_static


class Model(BaseModel):
    model_config = ConfigDict(frozen=True)
    value: Any = None
    other: Any = "kept"


class Record(Struct, frozen=True):
    value: Any = None
    other: Any = "kept"


def context(query: str = "x=5", tries: int = 0) -> EvaluationContext:
    request = Request(method="POST", path="/", headers={}, query_string=query)
    return EvaluationContext(TemplateScope(request), Randomness(0, "rule", "", tries))


def expression(source: str = "{{ query.x }}") -> Expression[int]:
    return Expression(compile_template(source, "a.yaml:1:2"), int)


@pytest.mark.parametrize(
    "tree",
    [
        None,
        1,
        "{{ text }}",
        b"",
        (),
        [1],
        {"a": [1, ("b",)]},
        Model(value=[1]),
        Record(),
        {1, 2},
        Uniform(0, 1),
    ],
    ids=repr,
)
def test_evaluate_static_tree_returns_same_object(tree: object) -> None:
    assert is_static(tree)
    assert evaluate(tree, context()) is tree


@pytest.mark.parametrize(
    ("tree", "built"),
    [
        (expression(), 5),
        ([1, expression()], [1, 5]),
        ((expression(), "b"), (5, "b")),
        ({"a": expression(), "b": 2}, {"a": 5, "b": 2}),
        (Model(value=expression()), Model(value=5)),
        (Record(value=expression()), Record(value=5)),
        (Model(value=[Record(value=(expression(),))]), Model(value=[Record(value=(5,))])),
    ],
    ids=repr,
)
def test_evaluate_replaces_every_dynamic_value(tree: object, built: object) -> None:
    assert not is_static(tree)
    assert evaluate(tree, context()) == built


def test_evaluate_does_not_copy_static_parts() -> None:
    static = Record(value=[1, 2])
    built = evaluate([expression(), static], context())
    assert built[1] is static


def test_evaluate_unsuitable_value_names_its_source() -> None:
    def odd(value: object) -> int:
        raise ValueError(f"{value} is odd")

    with pytest.raises(TemplateFailure) as caught:
        evaluate([Expression(compile_template("{{ query.x }}", "a.yaml:1:2"), odd)], context())
    failure = caught.value
    assert (failure.expression, failure.origin) == ("{{ query.x }}", "a.yaml:1:2")
    assert (failure.reason, failure.query) == ("5 is odd", "x")


def test_draw_is_equal_for_equal_try_and_place() -> None:
    tree = {"a": DrawnNumber(Uniform(0, 1)), "b": DrawnNumber(Uniform(0, 1))}
    built = evaluate(tree, context())
    assert built == evaluate(tree, context())
    assert built["a"] != built["b"]
    assert built != evaluate(tree, context(tries=1))


def test_draw_does_not_depend_on_other_places() -> None:
    alone = evaluate({"a": DrawnNumber(Uniform(0, 1))}, context())
    both = evaluate({"0": DrawnNumber(Uniform(0, 1)), "a": DrawnNumber(Uniform(0, 1))}, context())
    assert alone["a"] == both["a"]


def test_draw_place_starts_at_context_place() -> None:
    assert evaluate(DrawnNumber(Uniform(0, 1)), context().at("x")) != evaluate(
        DrawnNumber(Uniform(0, 1)), context().at("y")
    )


def test_draw_of_whole_number_is_integer() -> None:
    tree: Any = DrawnNumber(Integers(2, 5), whole=True)
    built = [evaluate(tree, context(tries=number)) for number in range(100)]
    assert {type(value) for value in built} == {int}
    assert set(built) == {2, 3, 4, 5}
