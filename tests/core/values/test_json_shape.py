"""JSON with templates in places that are objects or lists of certain parts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import JsonValue, TypeAdapter, ValidationError

from mockllm.core.json.codec import Json
from mockllm.core.templates.template import TemplateFailure
from mockllm.core.values.types import TemplatedJson, evaluate
from tests.core.values.test_types import context

SHAPES: list[tuple[Any, Json, Json]] = [
    (dict[str, JsonValue], {"a": "{{ v }}", "b": [1]}, {"a": [1, "x"], "b": [1]}),
    (
        dict[str, dict[str, JsonValue]],
        {"a": "{{ m }}", "b": {"c": "{{ v }}"}},
        {"a": {"k": 1}, "b": {"c": [1, "x"]}},
    ),
    (list[dict[str, JsonValue]], ["{{ m }}", {}], [{"k": 1}, {}]),
    (list[JsonValue], "{{ v }}", [1, "x"]),
]


@pytest.mark.parametrize(("type_", "written", "built"), SHAPES)
def test_templates_of_the_right_shape_are_placed(type_: Any, written: Json, built: Json) -> None:
    tree: Any = TypeAdapter(TemplatedJson[type_]).validate_python(written)
    assert evaluate(tree, context(v=[1, "x"], m={"k": 1})) == built


@pytest.mark.parametrize(
    ("type_", "written", "place"),
    [
        (dict[str, JsonValue], [{"a": "{{ v }}"}], ()),
        (list[JsonValue], {"a": "{{ v }}"}, ()),
        (dict[str, dict[str, JsonValue]], {"a": ["{{ v }}"]}, ("a",)),
        (list[dict[str, JsonValue]], [{"a": "{{ v }}"}, 1], (1,)),
    ],
)
def test_json_with_templates_of_another_shape_is_refused(
    type_: Any, written: Json, place: tuple[str | int, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(TemplatedJson[type_]).validate_python(written)
    assert [error["loc"] for error in refused.value.errors()] == [place]


@pytest.mark.parametrize(
    ("type_", "written", "message"),
    [
        (dict[str, JsonValue], "{{ v }}", "the value is not an object"),
        (dict[str, dict[str, JsonValue]], "{{ m }}", "the value is not an object of objects"),
        (list[dict[str, JsonValue]], "{{ v }}", "the value is not a list of objects"),
        (list[dict[str, JsonValue]], ["{{ v }}"], "the value is not an object"),
        (list[list[JsonValue]], "{{ m }}", "the value is not a list of lists"),
    ],
)
def test_template_value_of_another_shape_fails(type_: Any, written: Json, message: str) -> None:
    tree: Any = TypeAdapter(TemplatedJson[type_]).validate_python(written)
    with pytest.raises(TemplateFailure, match=message):
        evaluate(tree, context(v=[1, "x"], m={"k": 1}))
