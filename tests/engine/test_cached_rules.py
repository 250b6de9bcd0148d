"""Responses of single rules with the response cache: equal to rendered ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.engine import PlannedResponse
from mockllm.engine.response_cache import _numbered_calls
from tests.engine.cached_and_rendered import compare
from tests.language.virtual_server import NOW, ClientRequest, chat_request

INDEPENDENT = """
validation: "off"
rules:
  - name: fixed
    reply: {text: The same for all., model: m, usage: {input_tokens: 3, output_tokens: 4}}
    stream: true
    pace: {tokens_per_second: 50, jitter: 5ms}
"""


def requests(**more: Any) -> list[ClientRequest]:
    return [chat_request("Hi", now=NOW + number, **more) for number in range(4)]


def test_paced_stream_of_independent_rule_equals_rendered() -> None:
    compare(INDEPENDENT, requests(stream=True))


def test_response_whose_reply_is_not_cached_equals_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.engine.planner.MAX_CACHED_REPLIES", 0)
    compare("rules: [{reply: Hello.}]", requests())


def test_call_id_composed_of_another_id_is_not_cached() -> None:
    fresh = PlannedResponse(Plan(ResponseHead(200, ()), ()), None, calls=(("call_abc_1", "add"),))
    rendered: Any = SimpleNamespace(ids=["pattern"])
    with pytest.raises(TypeError, match="composed of another id"):
        _numbered_calls(fresh, rendered, [b"abc"])
