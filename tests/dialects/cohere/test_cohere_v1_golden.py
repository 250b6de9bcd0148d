"""The bytes of responses of version 1 with calls and citations; `tests/golden/other_calls.py` has other ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.wire import assert_golden
from tests.language.virtual_server import raw_request, respond_once

RULES = """
rules:
  - {match: {user: look}, reply: {text: Hm., tool_calls: [{name: look, arguments: {a: 1}}, {name: now}]}}
  - {reply: {text: It rains., citations: [{url: "https://a.example", title: Rain, words: rains}]}}
"""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("user", ["look", "cite"])
def test_cohere_v1_response_equals_golden_file(user: str, stream: bool) -> None:
    body: Any = {"message": user, "stream": stream}
    response = respond_once(RULES, raw_request("/cohere/v1/chat", body))
    assert_golden(f"cohere/v1-{user}{'-stream' * stream}.txt", response.planned.plan)
