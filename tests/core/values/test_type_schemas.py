"""JSON Schemas of the types of values: they accept what validation accepts."""

from __future__ import annotations

import pytest
from jsonschema_rs import Draft7Validator
from pydantic import TypeAdapter

from mockllm.core.json.codec import Json
from mockllm.core.values.types import Templated
from tests.core.values.test_types import Model

SCHEMA = Model.model_json_schema()


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        (
            {"whole": 3, "text": "x", "wait": "300ms", "chance": "5%", "chunk": "4 tokens", "plain": "1 s"},
            True,
        ),
        ({"whole": "{{ query.n }}", "wait": "{{ query.n }}ms", "chance": "{% if x %}5%{% endif %}"}, True),
        ({"chance": 0.5, "chunk": 4, "odds": "0.5 %"}, True),
        ({"drawn": ["1s", "2s"], "count": [1, 3], "gap": {"normal": {"mean": "1s", "stddev": "1s"}}}, True),
        ({"drawn": {"empirical": ["1s"]}, "speed": {"lognormal": {"median": 4, "p99": 8}}}, True),
        ({"drawn": {"empirical": "gaps.txt"}, "gap": {"uniform": ["1s", "2s"]}}, True),
        ({"count": {"normal": {"mean": 4, "stddev": 0.5}}}, True),
        ({"count": {"normal": {"mean": 4, "stddev": -1}}}, False),
        ({"drawn": {"normal": {"mean": "1s", "stddev": 1}}}, False),
        ({"whole": "3"}, False),
        ({"wait": 300}, False),
        ({"wait": "300"}, False),
        ({"plain": "{{ query.n }}"}, False),
        ({"chance": 7}, False),
        ({"chunk": "4 lines"}, False),
        ({"drawn": ["1s"]}, False),
        ({"drawn": {"normal": {"mean": "1s"}}}, False),
        ({"drawn": {"zipf": 1}}, False),
    ],
    ids=repr,
)
def test_json_schema_agrees_with_validation(value: Json, fits: bool) -> None:
    assert Draft7Validator(SCHEMA).is_valid(value) is fits


def test_json_schema_describes_every_form() -> None:
    forms = SCHEMA["properties"]["drawn"]["anyOf"]
    assert len(forms) == 8
    assert all("description" in form for form in forms)


def test_json_schema_of_text_is_text() -> None:
    assert TypeAdapter(Templated[str]).json_schema() == {"type": "string"}
