"""Bodies of a messages request that are no JSON object."""

from __future__ import annotations

import pytest

from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import messages, of_bytes


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "The request body is not valid JSON: "),
        (b'{"model": "x"', "The request body is not valid JSON: "),
        (b"\xff", "The request body is not valid JSON: "),
        (b"[" * 2000, "The request body is not valid JSON: "),
        (b"[]", "Input should be a valid dictionary"),
        (b"null", "Input should be a valid dictionary"),
    ],
)
def test_messages_body_that_is_no_object_is_refused(raw: bytes, message: str) -> None:
    for failure in (MESSAGES.check_readable(of_bytes(raw)), MESSAGES.check(of_bytes(raw))):
        assert failure is not None
        assert failure.type == "bad_request"
        assert (failure.message or "").startswith(message)


def test_messages_body_that_is_an_object_is_readable() -> None:
    assert MESSAGES.check_readable(messages({})) is None
