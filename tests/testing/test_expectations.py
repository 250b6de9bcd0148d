"""Each word of `expect`: when it holds, and the report where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.testing.expectations import duration
from tests.testing.suites import results, stated, write

RULES = r"""
rules:
  - {name: text, match: {user: text}, reply: {text: Hello world, usage: {input_tokens: 3, output_tokens: 2}}}
  - name: call
    match: {user: call}
    reply: {thinking: Hm., tool_calls: [{name: look, arguments: {city: Paris}}, {name: wait, arguments: {}}]}
  - {name: refusal, match: {user: refusal}, reply: {refusal: I cannot.}}
  - {name: error, match: {user: error}, error: {type: rate_limit, retry_after: 2s}}
  - {name: broken, match: {user: broken}, reply: {chunks: [a, {wait: 1s}, b, {error: overloaded}]}}
  - {name: page, match: {path: /page}, http: {body: "plain {{ query.x }}", headers: {X-One: a}}}
  - {name: page2, match: {path: /json}, http: {body: [1, 2]}}
  - name: long
    match: {user: long}
    reply: {text: "0123456789 0123456789 0123456789 0123456789 the end is near"}
  - {name: "status: busy", match: {user: colon}, reply: Busy.}
modifiers:
  - {name: "status: slow", match: {user: colon}, delay: 1ms}
  - {name: slow, match: {model: slow}, delay: 1s, faults: [{malformed: {at: {chunk: 2}}}]}
"""
TEXT = {"user": "text"}
CALL = {"user": "call"}
STREAM = {"user": "text", "stream": True}
SLOW = {"user": "text", "model": "slow", "stream": True}

HOLDS: list[tuple[dict[str, Json], dict[str, Json]]] = [
    (TEXT, {"rule": "text", "status": 200, "text": {"starts_with": "Hello"}, "finish_reason": "stop"}),
    (TEXT, {"rule": "a.yaml:text"}),
    ({"user": "colon"}, {"rule": "status: busy", "modifier": "status: slow"}),
    (TEXT, {"rule": ["other", {"regex": "^te"}]}),
    (
        TEXT,
        {"refusal": None, "error": None, "thinking": None, "tool_calls": [], "modifier": None, "usage": {}},
    ),
    (TEXT, {"usage": {"input_tokens": 3, "output_tokens": {"lt": 3}, "cached_tokens": 0}, "took": "0s"}),
    (
        TEXT,
        {
            "headers": {"Content-Type": {"contains": "json"}, "x-none": {"exists": False}},
            "faults": [],
            "chunks": None,
        },
    ),
    (TEXT, {"body": {"$.choices[0].message.content": "Hello world", "$.none": {"exists": False}}}),
    (TEXT, {"body": {"$.choices[*].index": {"each": {"gte": 0}}}}),
    (STREAM, {"chunks": ["Hello", " world"], "text": "Hello world"}),
    (STREAM, {"chunks": 2}),
    (STREAM, {"chunks": [1, 2]}),
    (STREAM, {"chunks": {"gt": 1}}),
    (SLOW, {"modifier": "slow", "took": "1s", "faults": ["malformed"], "chunks": ["Hello"]}),
    (SLOW, {"modifier": "a.yaml:slow", "took": {"gt": "999ms", "gte": "1s", "lte": "1s", "lt": "1001ms"}}),
    (
        CALL,
        {"tool_calls": [{"name": "look", "arguments": {"city": "Paris"}}, {"name": "w*", "arguments": {}}]},
    ),
    (
        CALL,
        {"tool_calls": [{"arguments": {"$.city": {"contains": "ar"}}}, {}], "finish_reason": "tool_calls"},
    ),
    (CALL, {"thinking": None, "text": None}),
    ({**CALL, "provider": "anthropic"}, {"thinking": "Hm.", "text": None}),
    ({"user": "refusal"}, {"refusal": "I cannot.", "finish_reason": "refusal", "rule": "refusal"}),
    (
        {"user": "error"},
        {"status": 429, "error": "rate_limit", "headers": {"Retry-After": "2"}, "usage": None},
    ),
    ({"user": "broken", "stream": True}, {"status": 200, "error": "overloaded", "chunks": ["a", "b"]}),
    ({"user": "broken"}, {"status": 503, "error": "overloaded", "text": None}),
    ({"path": "/page", "query": {"x": "y"}}, {"text": "plain y", "headers": {"x-one": "a"}, "refusal": None}),
    ({"path": "/json"}, {"body": {"$[1]": 2}, "usage": None, "tool_calls": [], "chunks": None}),
    ({"user": "nobody knows"}, {"rule": None, "status": 404, "error": "not_found"}),
]
FAILS: list[tuple[dict[str, Json], dict[str, Json], str]] = [
    (TEXT, {"rule": None}, 'rule: expected nothing, found "text"'),
    (TEXT, {"modifier": "slow"}, 'modifier: expected some "slow", found none'),
    (SLOW, {"modifier": "slwo"}, 'modifier: expected some "slwo", found ["slow"]'),
    (SLOW, {"modifier": None}, 'modifier: expected nothing, found ["slow"]'),
    (TEXT, {"status": {"gte": 400}}, "status: expected at least 400, found 200"),
    (
        TEXT,
        {"text": "hello world"},
        'text: expected "hello world", found "Hello world" (only the case differs)',
    ),
    (TEXT, {"text": None}, 'text: expected nothing, found "Hello world"'),
    (TEXT, {"refusal": "no"}, 'refusal: expected "no", found nothing'),
    (
        {"user": "refusal", "provider": "cohere"},
        {"refusal": "no"},
        'refusal: expected "no", found nothing (chat of cohere sends a refusal as text)',
    ),
    (TEXT, {"tool_calls": [{}]}, "tool_calls.length: expected 1, found 0"),
    (CALL, {"tool_calls": None}, "tool_calls.length: expected 0, found 2 (look, wait)"),
    (CALL, {"tool_calls": [{"name": "lok"}, {}]}, 'tool_calls[0].name: expected "lok", found "look"'),
    (
        CALL,
        {"tool_calls": [{"arguments": {}}, {}]},
        'tool_calls[0].arguments: expected {}, found {"city": "Paris"}',
    ),
    (
        CALL,
        {"tool_calls": [{"arguments": {"$.city": "Rome"}}, {}]},
        'tool_calls[0].arguments: expected $.city "Rome", found {"city": "Paris"}',
    ),
    (TEXT, {"usage": {"input_tokens": 4}}, "usage.input_tokens: expected 4, found 3"),
    (TEXT, {"usage": None}, 'usage: expected nothing, found "some"'),
    ({"path": "/json"}, {"usage": {"input_tokens": 4}}, "usage.input_tokens: expected 4, found nothing"),
    (TEXT, {"headers": {"X-None": "a"}}, 'headers.X-None: expected "a", found nothing'),
    (TEXT, {"chunks": 2}, "chunks: expected 2, found nothing (the response is non-streaming)"),
    (STREAM, {"chunks": ["Hello"]}, 'chunks: expected ["Hello"], found ["Hello", " world"]'),
    (STREAM, {"chunks": 3}, "chunks: expected 3, found 2"),
    (TEXT, {"faults": ["malformed"]}, 'faults: expected ["malformed"], found []'),
    (TEXT, {"took": "1s"}, "took: expected 1s, found 0s"),
    (SLOW, {"took": {"gt": "1s"}}, "took: expected more than 1s, found 1s"),
    (SLOW, {"took": {"gte": "2s"}}, "took: expected at least 2s, found 1s"),
    (SLOW, {"took": {"lt": "1s"}}, "took: expected less than 1s, found 1s"),
    (SLOW, {"took": {"lte": "500ms"}}, "took: expected at most 500ms, found 1s"),
    (TEXT, {"body": {"$.object": 1}}, 'body $.object: expected 1, found "chat.completion"'),
    (
        STREAM,
        {"body": {"$.object": 1}},
        "body $.object: expected 1, found nothing (the response is streaming)",
    ),
    ({"path": "/page", "query": {"x": "y"}}, {"body": {"$": 1}}, "body $: expected 1, found nothing"),
    (
        {"user": "long"},
        {"text": "0123456789 0123456789 0123456789 0123456789 the end is far"},
        '(they differ after 55 characters: "far" is "near")',
    ),
    (
        {"user": "long"},
        {"text": "0123456789 0123456789 0123456789 0123456789 the end"},
        '(they differ after 51 characters: "" is " is near")',
    ),
]


def run(folder: Path, request: Json, expect: Json) -> list[str]:
    example = dumps({"name": "it", "request": request, "expect": expect}).decode()
    write(folder, a=f"{RULES}\nexamples:\n  - {example}\n")
    return stated(results(folder))


def shown(value: object) -> str:
    return dumps(value).decode() if isinstance(value, dict) else ""


@pytest.mark.parametrize(("request_", "expect"), HOLDS, ids=shown)
def test_met_expectations_have_no_mismatch(request_: Json, expect: Json, tmp_path: Path) -> None:
    assert run(tmp_path, request_, expect) == ["ok it"]


@pytest.mark.parametrize(("request_", "expect", "reported"), FAILS, ids=shown)
def test_failed_expectations_are_reported(
    request_: Json, expect: Json, reported: str, tmp_path: Path
) -> None:
    first, line, *_ = run(tmp_path, request_, expect)
    assert first == "FAIL it"
    assert reported in line


def test_mismatch_of_fault_has_reason(tmp_path: Path) -> None:
    _, line = run(tmp_path, {"user": "text", "model": "slow"}, {"faults": ["malformed"]})
    assert line.startswith('  faults: expected ["malformed"], found [] (malformed not applied: ')


def test_error_message_is_reported_once(tmp_path: Path) -> None:
    lines = run(tmp_path, {"body": {}}, {"status": 200, "text": "x"})
    assert lines[1:3] == ["  status: expected 200, found 400", '  text: expected "x", found nothing']
    assert lines[3].startswith("    the response says: ")
    assert len(lines) == 4


def test_mismatch_shows_near_misses_without_expected_rule(tmp_path: Path) -> None:
    *_, reported = run(tmp_path, {"user": "txt"}, {"status": 200})
    assert "No rule matched this request.\n" in reported
    assert 'user expected "text", found "txt"' in reported


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (0.0001, "0.1ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (17 * 0.05, "850ms"),
        (60, "60s"),
    ],
)
def test_duration_has_scenario_syntax(seconds: float, text: str) -> None:
    assert duration(seconds) == text
