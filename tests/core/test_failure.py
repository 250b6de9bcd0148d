"""Errors in neutral words."""

from __future__ import annotations

import pytest

from mockllm.core.failure import BY_STATUS, NAMED, NEVER, Failure

NAMES = ("openai", "anthropic")


def test_what_a_status_means_is_a_named_error() -> None:
    assert set(BY_STATUS.values()) <= set(NAMED)


@pytest.mark.parametrize(
    ("status", "type"),
    [
        (402, "insufficient_quota"),
        (429, "rate_limit"),
        (418, "bad_request"),
        (507, "server_error"),
        (529, "overloaded"),
    ],
)
def test_the_named_error_of_a_status_else_the_generic_one_of_its_class(status: int, type: str) -> None:
    assert Failure.of_status(status, "why") == Failure(type, status, "why")


@pytest.mark.parametrize(
    ("fields", "own"),
    [
        ({}, {}),
        ({"code": "x"}, {"code": "x"}),
        ({"openai": {"code": "o"}, "anthropic": {"code": "a"}}, {"code": "o"}),
        ({"anthropic": {"code": "a"}}, {}),
        ({"openai": {"code": "o"}, "code": "x"}, {"openai": {"code": "o"}, "code": "x"}),
        ({"openai": "no object"}, {}),
    ],
    ids=["none", "for all", "by dialect", "for another dialect", "a field that is called so", "no object"],
)
def test_each_dialect_takes_its_own_fields(fields: dict[str, object], own: dict[str, object]) -> None:
    assert Failure("timeout", fields=fields).for_dialect("openai", NAMES).fields == own


@pytest.mark.parametrize(
    ("own", "usual", "told"),
    [(None, None, None), (None, 3.0, 3.0), (2.0, 3.0, 2.0), (0.0, 3.0, 0.0), (NEVER, 3.0, None)],
    ids=["nothing", "what is usual", "its own", "at once", "never"],
)
def test_when_to_try_again(own: float | None, usual: float | None, told: float | None) -> None:
    assert Failure("rate_limit", retry_after=own).again(usual) == told
