"""Limits of all strict tools of a request. Recorded in August 2026."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.strict_tool_bounds import check_strict_limits
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem

TEXT: Json = {"type": "string"}
UNIONS: tuple[Json, ...] = ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]})


def schema(count: int, value: Json = TEXT, *, required: bool = True) -> dict[str, Json]:
    names = [f"p{number}" for number in range(count)]
    properties = dict.fromkeys(names, value)
    closed: dict[str, Json] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**closed, "required": names} if required else closed


@pytest.mark.parametrize(
    "schemas",
    [
        [schema(0)] * 20,
        [schema(2, required=False)] * 12,
        [schema(1, union) for union in UNIONS] * 8,
        [schema(40)],
    ],
    ids=["tools", "optional", "unions", "required"],
)
def test_strict_tools_within_the_limits_pass(schemas: list[dict[str, Json]]) -> None:
    check_strict_limits(schemas)


@pytest.mark.parametrize(
    ("schemas", "beginning", "end"),
    [
        ([schema(0)] * 21, "Too many strict tools (21).", "marked as strict."),
        ([schema(25, required=False)], "Schemas contains too many optional parameters (25)", "(limit: 24)."),
        (
            [schema(1, schema(17, UNIONS[0]))],
            "Schemas contains too many parameters with union types (17 parameters with type arrays or anyOf).",
            "(limit: 16 parameters with unions).",
        ),
    ],
    ids=["tools", "optional", "unions"],
)
def test_strict_tools_beyond_a_limit_are_refused(
    schemas: list[dict[str, Json]], beginning: str, end: str
) -> None:
    with pytest.raises(AnthropicRequestProblem) as caught:
        check_strict_limits(schemas)
    assert str(caught.value).startswith(beginning)
    assert str(caught.value).endswith(end)
