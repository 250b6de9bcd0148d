"""Preflights."""

from __future__ import annotations

import pytest

from mockllm.core.plan import Head, Plan
from mockllm.server.cors import allows_itself, is_preflight, preflight

ASKED = {"origin": "https://page", "access-control-request-method": "POST"}


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("OPTIONS", ASKED, True),
        ("POST", ASKED, False),
        ("OPTIONS", {"origin": "https://page"}, False),
        ("OPTIONS", {"access-control-request-method": "POST"}, False),
    ],
    ids=["a preflight", "not OPTIONS", "no method", "no origin"],
)
def test_what_is_a_preflight(method: str, headers: dict[str, str], expected: bool) -> None:
    assert is_preflight(method, headers) == expected


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ("authorization, x-a", "authorization, x-a"),
        ("", "*, Authorization"),
        ("a\r\nSet-Cookie: b", "*, Authorization"),
        ("ä", "*, Authorization"),
    ],
    ids=["names", "none", "a second line", "no names"],
)
def test_the_asked_headers_are_allowed(asked: str, allowed: str) -> None:
    plan = preflight({**ASKED, "access-control-request-headers": asked})
    assert plan.head.status == 204
    assert dict(plan.head.headers)["Access-Control-Allow-Headers"] == allowed


def test_a_plan_that_speaks_of_origins() -> None:
    assert allows_itself(Plan(Head(200, (("access-control-Allow-origin", "x"),)), ()))
    assert not allows_itself(Plan(Head(200, (("Access-Control-Max-Age", "x"),)), ()))
