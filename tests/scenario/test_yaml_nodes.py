"""Unquoted scalars follow YAML 1.2's core schema, and nothing beyond it."""

from __future__ import annotations

import pytest

from mockllm.scenario.yaml_nodes import Scalar, scalar_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("007", 7),
        ("-12", -12),
        ("+12", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
    ],
)
def test_scalar_value_resolves_core_schema(text: str, value: Scalar) -> None:
    result = scalar_value(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "1_000",
        "0b1",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "nULL",
        "tRUE",
        "1:30",
        "12:30:45",
        "0o8",
        "0xG",
        "1.2.3",
        "300ms",
        "5%",
        "-",
        "+",
        ".",
        "1e",
        "e3",
        "-0x1",
        "..",
        "inf",
        "nan",
        "hello",
        "１２",
    ],
)
def test_scalar_value_of_other_text_is_text(text: str) -> None:
    assert scalar_value(text) == text


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "-1e999"])
def test_scalar_value_infinite_number_raises(text: str) -> None:
    with pytest.raises(ValueError, match="is not a finite number; write"):
        scalar_value(text)


@pytest.mark.parametrize(
    "text", ["18446744073709551616", "-9223372036854775809", "9" * 10_000, "0x" + "f" * 17]
)
def test_scalar_value_beyond_64_bits_raises(text: str) -> None:
    with pytest.raises(ValueError, match="beyond 64 bits"):
        scalar_value(text)
