"""The built-in pages: preflights."""

from __future__ import annotations

import pytest

from mockllm.server.builtin_pages import is_preflight, preflight

REQUESTED = {"origin": "https://page", "access-control-request-method": "POST"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (REQUESTED, True),
        ({"origin": "https://page"}, False),
        ({"access-control-request-method": "POST"}, False),
    ],
    ids=["a preflight", "no method", "no origin"],
)
def test_is_preflight_by_headers(headers: dict[str, str], expected: bool) -> None:
    assert is_preflight(headers) == expected


@pytest.mark.parametrize(
    ("requested", "allowed"),
    [
        ("authorization, x-a", "authorization, x-a"),
        ("", "*, Authorization"),
        ("a\r\nSet-Cookie: b", "*, Authorization"),
        ("ä", "*, Authorization"),
    ],
    ids=["names", "none", "a second line", "no names"],
)
def test_preflight_allows_requested_headers(requested: str, allowed: str) -> None:
    plan = preflight({**REQUESTED, "access-control-request-headers": requested})
    assert plan.head.status == 204
    assert dict(plan.head.headers)["Access-Control-Allow-Headers"] == allowed
