"""Responses of single rules with the response cache: equal to rendered ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.engine import PlannedResponse
from mockllm.engine.response_cache import MAX_KEY_TEXT, _numbered_tool_calls
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


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("size", [1, MAX_KEY_TEXT, 40_000])
def test_responses_of_templated_text_equal_rendered(size: int, stream: bool) -> None:
    texts = ["Hi", "Hi", "Hi", "Bye", "{{ model }}", "a" * size, "Hi", "Bye", "a" * size, "a" * size]
    requested = [
        chat_request(text, now=NOW + number, stream=stream, model=model)
        for number, (text, model) in enumerate((text, model) for text in texts for model in ("gpt-4o", "o1"))
    ]
    compare("rules: [{reply: '{{ user }} of {{ model }}'}]", requested)


@pytest.mark.parametrize(
    ("reply", "cached"),
    [
        ("'{{ user }}'", True),
        ("{text: '{{ user }}', tool_calls: [{name: add, arguments: {a: 1}}]}", True),
        ("{text: '{{ user }}', model: '{{ model }}'}", False),
        ("{text: '{{ user }}', thinking: {text: {sentences: 2}}}", False),
        ("{text: '{{ user }}', tool_calls: from_schema}", False),
    ],
)
def test_reply_is_cached_where_only_text_is_template(reply: str, cached: bool) -> None:
    server = compare(f"rules: [{{reply: {reply}}}]", requests())
    rendered = server.respond(requests()[0]).planned.content
    assert isinstance(rendered, PrerenderedResponse) is cached


def test_templated_text_without_its_value_is_error_each_time() -> None:
    compare("rules: [{reply: '{{ query.x }}'}]", requests())


def test_call_id_composed_of_another_id_is_not_cached() -> None:
    fresh = PlannedResponse(Plan(ResponseHead(200, ()), ()), None, tool_calls=(("call_abc_1", "add"),))
    rendered: Any = SimpleNamespace(id_patterns=["pattern"])
    with pytest.raises(TypeError, match="composed of another id"):
        _numbered_tool_calls(fresh, rendered, [b"abc"])
