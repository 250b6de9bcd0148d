"""The texts about a received request that a failed test prints."""

from __future__ import annotations

import pytest

from mockllm.testing import MockLLM
from tests.testing.library_client import ask

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
PASSWORD = "correct horse"


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
def test_failed_test_shows_no_secret_of_request(secret: str) -> None:
    with MockLLM() as server:
        server.reply("Hi", match={"user": "hello"})
        ask(server.openai_url, reported=f"it is {secret}", key=KEY, metadata={"password": PASSWORD})
        (received,) = server.requests
        with pytest.raises(AssertionError) as failed:
            server.verify({"user": "hello"})
        shown = (received.explanation, server.journal(), str(failed.value))
    for each in shown:
        assert 'user expected "hello", found "it is REDACTED"' in each
        assert secret not in each
