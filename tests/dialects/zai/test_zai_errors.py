"""Codes of Z.ai's errors, which consist of digits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import raw_request, respond_once

USER = [{"role": "user", "content": "hi"}]
ERRORS = "rules: [{match: {model: busy}, error: rate_limit}, {reply: hello}]"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "m"}, 400, "1213"),
        ({"model": "m", "messages": []}, 400, "1214"),
        ({"messages": USER}, 400, "1210"),
        ({"model": "busy", "messages": USER}, 429, "1302"),
    ],
)
def test_error_has_a_code_of_digits(body: Any, status: int, code: str) -> None:
    response = respond_once(ERRORS, raw_request("/zai/api/paas/v4/chat/completions", body))
    assert (response.status, response.json["error"]["code"]) == (status, code)


def test_unknown_path_has_the_status_as_its_code() -> None:
    response = respond_once(ERRORS, raw_request("/zai/api/paas/v4/nothing", {}))
    assert response.json["error"]["code"] == "404"
