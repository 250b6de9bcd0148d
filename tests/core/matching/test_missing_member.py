"""Hints for a JSONPath that finds nothing in the body of a request."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.matching.conditions import Equals
from mockllm.core.matching.matchers import Field, FieldMatcher
from tests.core.json_requests import json_request

BODY: dict[str, Json] = {"messages": [["user", "hi"]], "tools": [{"function": {"name": "f"}}], "top_p": 1}


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("$.tool[0].function.name", 'nearest is "tools"'),
        ("$.tools[0].funktion.name", 'nearest is "function"'),
        ("$.tools[-1].function.nam", 'nearest is "name"'),
        ("$.tools.function", "$.tools is a list: write its number, or [*] with some or each"),
        ("$.messages[0].role", "$.messages[0] is a list: write its number, or [*] with some or each"),
        ("$.tools[1].function", None),
        ("$.tools[0][0]", None),
        ("$.top_p.x", None),
        ("$.temperature", None),
        ("$..nothing", None),
    ],
)
def test_hint_names_the_member_that_was_meant(path: str, hint: str | None) -> None:
    (result,) = FieldMatcher(Field("body", path), Equals("x")).test_results(json_request(BODY))
    assert (result.actual, result.hint) == ("missing", hint)
