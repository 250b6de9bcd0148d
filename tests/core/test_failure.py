"""Errors in provider-neutral form."""

from __future__ import annotations

import pytest

from mockllm.core.failure import BY_STATUS, NAMED, NEVER, Failure

NAMES = ("openai", "anthropic")


def test_failure_status_names_exist() -> None:
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
def test_failure_of_status_is_named_or_generic(status: int, type: str) -> None:
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
def test_failure_fields_by_dialect(fields: dict[str, object], own: dict[str, object]) -> None:
    assert Failure("timeout", fields=fields).for_dialect("openai", NAMES).fields == own


@pytest.mark.parametrize(
    ("own", "usual", "shown"),
    [(None, None, None), (None, 3.0, 3.0), (2.0, 3.0, 2.0), (0.0, 3.0, 0.0), (NEVER, 3.0, None)],
    ids=["nothing", "what is usual", "its own", "at once", "never"],
)
def test_failure_again_is_own_or_usual_wait(
    own: float | None, usual: float | None, shown: float | None
) -> None:
    assert Failure("rate_limit", retry_after=own).seconds_until_retry(usual) == shown
