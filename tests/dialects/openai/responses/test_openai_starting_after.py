"""`starting_after` of a stored response's stream: its types and ranges, and numbers behind the last event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.virtual_server import VirtualServer, raw_request

RULES = "rules: [{reply: {chunks: [One, two]}}]"


def stored(server: VirtualServer) -> str:
    """Create a response, and return its path."""
    created = server.respond(raw_request("/v1/responses", {"model": "m", "input": "hi"}))
    return f"/v1/responses/{created.json['id']}"


def query(validation: str, value: str) -> Any:
    """Return the response to a read with this value."""
    server = VirtualServer(f"validation: {validation}\n{RULES}")
    path = stored(server)
    return server.respond(raw_request(path, method="GET", query=f"stream=true&starting_after={value}"))


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        (
            "abc",
            "invalid_type",
            "Invalid type for 'starting_after': expected an integer, but got a string instead.",
        ),
        (
            "1.5",
            "invalid_type",
            "Invalid type for 'starting_after': expected an integer, but got a string instead.",
        ),
        (
            "-1",
            "integer_below_min_value",
            "Invalid 'starting_after': integer below minimum value. Expected a value >= 0, but got -1 instead.",
        ),
    ],
)
def test_wrong_starting_after_is_refused(value: str, code: str, message: str) -> None:
    response = query("strict", value)
    assert response.status == 400
    assert response.json["error"] == {
        "message": message,
        "type": "invalid_request_error",
        "param": "starting_after",
        "code": code,
    }


@pytest.mark.parametrize("validation", ["lenient", "off"])
def test_wrong_starting_after_passes_without_checks(validation: str) -> None:
    response = query(validation, "abc")
    assert (response.status, b'"sequence_number":0' in response.bytes) == (200, True)


def test_number_behind_the_end_returns_no_event() -> None:
    response = query("strict", "9" * 12)
    events = [json.loads(line[6:]) for line in response.bytes.splitlines() if line.startswith(b"data: {")]
    assert (response.status, events) == (200, [])
