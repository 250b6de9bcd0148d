"""Templates: which names there are, which types come of them, what is no template, and what happens where a
value is absent or does not fit."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.language.virtual_server import (
    NOW,
    ClientRequest,
    cases,
    chat_request,
    claude_request,
    diagnostics_of,
    raw_request,
    respond_all,
    respond_once,
    response_texts,
)

TALK = [
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "two"},
    {"role": "user", "content": "three"},
]
RESULT = [
    {"role": "user", "content": "go"},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
        {"id": "c2", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": '{"temperature": 21}'},
    {"role": "tool", "tool_call_id": "c2", "content": "noon"},
]  # fmt: skip
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("f", "g")]

NAMES: list[tuple[str, str, ClientRequest, str]] = [
    ("model", "{{ model }}", chat_request(model="m-1"), "m-1"),
    ("user: the last user message", "{{ user }}", chat_request(messages=TALK), "three"),
    ("system", "{{ system }}", claude_request(system="be kind"), "be kind"),
    ("messages", "{{ messages[1].role }}: {{ messages[1].text }}", chat_request(messages=TALK), "assistant: two"),
    ("turn", "turn {{ turn }}", chat_request(messages=TALK), "turn 2"),
    ("tools: their names", "{{ tools[1] }} of {{ tools | length }}", chat_request(tools=TOOLS), "g of 2"),
    ("tool_result", "{{ tool_result.name }} {{ tool_result.id }} {{ tool_result.text }}", chat_request(messages=RESULT), 'get_weather c1 {"temperature": 21}'),
    ("tool_result.json", "It is {{ tool_result.json.temperature }} degrees.", chat_request(messages=RESULT), "It is 21 degrees."),
    ("tool_results.NAME", "At {{ tool_results.get_time.text }}.", chat_request(messages=RESULT), "At noon."),
    ("query", "{{ query.name }}", chat_request(query="name=J%C3%BCrgen"), "Jürgen"),
    ("headers, in any case", "{{ headers['X-User'] }}", chat_request(headers={"x-uSER": "7"}), "7"),
    ("path", "{{ path }}", chat_request(), "/v1/chat/completions"),
    ("body", "{{ body.messages[0].content }} {{ body.extra }}", chat_request(extra={"a": 1}), 'hi {"a":1}'),
    ("session", "{{ session }}", chat_request(session="s-1"), "s-1"),
]  # fmt: skip


@cases("template, sent, message", NAMES)
def test_template_names(template: str, sent: ClientRequest, message: str) -> None:
    assert response_texts({"a.yaml": "rules:\n  - reply: >-\n      " + template}, sent) == [message]


def test_template_now_is_the_time_of_each_request() -> None:
    error = 'error: {type: rate_limit, fields: {resets_at: "{{ now + 42 }}"}}'
    yaml = f'rules: [{{{error}, headers: {{x-reset: "{{{{ (now + 42) * 1000 }}}}"}}}}]'
    moments = (NOW, NOW + 60)
    for moment, response in zip(
        moments, respond_all(yaml, *[chat_request(now=at) for at in moments]), strict=True
    ):
        assert response.json["error"]["resets_at"] == int(moment) + 42
        assert response.headers["x-reset"] == f"{int(moment) + 42}000"


def test_template_match_has_regex_groups() -> None:
    yaml = r"""rules: [{match: {user: {regex: 'order (?P<what>\w+) (\d+)'}}, reply: "{{ match['2'] }} of {{ match.what }} in {{ match['0'] }}"}]"""
    assert response_texts(yaml, chat_request("please order tea 3 now")) == ["3 of tea in order tea 3"]


def test_template_match_group_numbers() -> None:
    yaml = r"""rules: [{match: {user: {regex: '(\w+) (?P<what>\w+)'}}, reply: "{{ match[1] }} {{ match['1'] }} {{ match[2] }} {{ match.what }}"}]"""
    assert response_texts(yaml, chat_request("order tea")) == ["order order tea tea"]
    absent = """rules: [{match: {user: {regex: order}}, reply: "{{ match[1] | default('none') }}"}]"""
    assert response_texts(absent, chat_request("order tea")) == ["none"]


def test_template_reads_parameters() -> None:
    files = {
        "pack.yaml": 'name: p\nversion: "1"\nparams: {city: {default: Paris}, days: {type: integer, default: 3}}',
        "a.yaml": 'rules: [{reply: "{{ days }} days in {{ city }}"}]',
    }
    assert response_texts(files, chat_request()) == ["3 days in Paris"]


SYNTAX: list[tuple[str, str, str]] = [
    ("a condition", "{% if turn > 1 %}again{% else %}hello{% endif %}", "hello"),
    ("a condition in an expression", "{{ 'long' if user | length > 3 else 'short' }}", "short"),
    ("a pure filter", "{{ user | upper }}", "HI"),
    ("filters in a row", "{{ user | upper | lower | length }}", "2"),
    ("default", "{{ query.none | default('nothing') }}", "nothing"),
    ("a test", "{{ 'yes' if query.none is defined else 'no' }}", "no"),
    ("a constant", "{{ 7 }}", "7"),
    ("texts around", "a {{ user }} b {{ model }} c", "a hi b gpt-4o c"),
]


@cases("template, message", SYNTAX)
def test_template_safe_subset(template: str, message: str) -> None:
    assert response_texts({"a.yaml": f"rules:\n  - reply: |-\n      {template}"}, chat_request()) == [message]


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}x{% endfor %}",
        "{% set x = 1 %}",
        "{{ user.upper() }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ range(10) }}",
        "{% include 'x' %}",
        "{{ user | nonsense }}",
        "{{ user",
        "{{ nobody }}",
    ],
)
def test_template_outside_subset_has_diagnostic(template: str) -> None:
    assert len(diagnostics_of({"a.yaml": f"rules:\n  - reply: |-\n      {template}"})) == 1


# --- types ---------------------------------------------------------------------------------------


def arguments(template: str, sent: ClientRequest) -> Any:
    ((_, result),) = respond_once(
        f"rules: [{{reply: {{tool_calls: [{{name: f, arguments: {{x: '{template}'}}}}]}}}}]", sent
    ).calls
    return result["x"]


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ body.n }}", 7),
        ("{{ body.deep }}", {"a": [1, None]}),
        ("{{ body.deep.a[0] }}", 1),
        ("{{ body.yes }}", True),
        ("{{ body.null }}", None),
        ("{{ turn }}", 1),
        ("{{ user }}", "hi"),
        ("n: {{ body.n }}", "n: 7"),
        ("{{ body.n }}{{ body.n }}", "77"),
        ("{{ query.n }}", "7"),
    ],
)
def test_template_single_expression_has_type(template: str, value: Any) -> None:
    sent = chat_request(n=None, deep={"a": [1, None]}, yes=True, null=None, query="n=7")
    sent = ClientRequest(sent.path, sent.body.replace(b'"n": null', b'"n": 1, "n": 7'), query="n=7")
    result = respond_once(
        "validation: off\n"
        + f"rules: [{{reply: {{tool_calls: [{{name: f, arguments: {{x: '{template}'}}}}]}}, stream: false}}]",
        sent,
    )
    assert result.calls[0][1]["x"] == value


PLACES: list[tuple[str, str, str, Any]] = [
    ("a status", "error: {status: '{{ query.x }}'}", "418", lambda h: h.status == 418),
    ("a duration with its unit outside", "reply: x, delay: '{{ query.x }}ms'", "1500", lambda h: h.delay == 1.5),
    ("a duration with its unit inside", "reply: x, delay: '{{ query.x }}'", "1.5s", lambda h: h.delay == 1.5),
    ("a number of tokens", "reply: {text: {tokens: '{{ query.x }}', of: a}}", "3", lambda h: h.text == "a a a"),
    ("a number of usage", "reply: {text: x, usage: {input_tokens: '{{ query.x }}'}}", "33", lambda h: h.json["usage"]["prompt_tokens"] == 33),
    ("a header", "reply: x, headers: {x-x: '<{{ query.x }}>'}", "5", lambda h: h.headers["x-x"] == "<5>"),
    ("a model", "reply: {text: x, model: '{{ query.x }}'}", "mine", lambda h: h.json["model"] == "mine"),
    ("a message", "error: {type: timeout, message: '{{ query.x }}'}", "slow", lambda h: h.message == "slow"),
    ("a field of an error", "error: {type: timeout, fields: {code: '{{ query.x }}'}}", "mine", lambda h: h.json["error"]["code"] == "mine"),
    ("a name of a call", "reply: {tool_calls: [{name: '{{ query.x }}'}]}", "f", lambda h: h.calls == [("f", {})]),
    ("arguments as a raw text", "reply: {tool_calls: [{name: f, arguments: '{\"a\": {{ query.x }}}'}]}", "7", lambda h: h.calls == [("f", {"a": 7})]),
    ("json", "reply: {json: {a: ['{{ query.x }}']}}", "b", lambda h: h.text == '{"a":["b"]}'),
    ("extras", "reply: {text: x, extras: {openai: {seen: '{{ query.x }}'}}}", "b", lambda h: h.json["seen"] == "b"),
    ("http", "http: {status: '{{ query.x }}', body: {a: '{{ query.x }}'}}", "201", lambda h: (h.status, h.json) == (201, {"a": "201"})),
    ("a chunk", "reply: {chunks: [a, '{{ query.x }}']}", "b", lambda h: h.text == "ab"),
    ("a wait", "reply: {chunks: [a, {wait: '{{ query.x }}s'}, b]}", "2", lambda h: h.took == 2),
    ("an error in a script", "reply: {chunks: [a, {error: {status: '{{ query.x }}'}}]}", "418", lambda h: h.status == 418),
    ("thinking", "reply: {thinking: '{{ query.x }}', text: x}, stream: false", "hm", lambda h: h.text == "x"),
    ("a chunk size", "reply: abcd, stream: true, pace: {chunk_size: '{{ query.x }} characters'}", "2", lambda h: h.chunks == ["ab", "cd"]),
    ("a speed", "reply: a b, stream: true, pace: {tokens_per_second: '{{ query.x }}'}", "2", lambda h: h.chunk_times == [0, 0.5]),
    ("a gap", "reply: a b, stream: true, pace: {itl: '{{ query.x }}ms'}", "20", lambda h: h.chunk_times == [0, 0.02]),
    ("a place of a fault", "reply: a b, stream: true, faults: [{malformed: {at: {chunk: '{{ query.x }}'}}}]", "2", lambda h: h.chunks == ["a"]),
]  # fmt: skip


@cases("message, x, holds", PLACES)
def test_template_text_is_converted_to_type(message: str, x: str, holds: Any) -> None:
    response = respond_once(f"rules: [{{{message}}}]", chat_request(query=f"x={x}"))
    assert holds(response), (response.status, response.bytes)


# --- missing and wrong values ----------------------------------------------------------------------------

UNFIT: list[tuple[str, str, str, str]] = [
    ("an absent query parameter", "reply: '{{ query.name }}'", "", "query.name is absent"),
    ("what a text does not have", "reply: '{{ user.__class__ }}'", "", "is absent"),
    ("an absent header", "reply: \"{{ headers['x-none'] }}\"", "", "is absent"),
    (
        "a word for a duration",
        "reply: x, delay: '{{ query.x }}ms'",
        "x=abc",
        '"abc" is not a number of milliseconds',
    ),
    ("a word in a longer duration", "reply: x, delay: '1{{ query.x }}s'", "x=b", '"1bs" is not a duration'),
    ("a word of two for a duration", "reply: x, delay: '{{ query.x }}{{ query.x }}'", "x=b", '"bb" is not a'),
    ("a word for seconds", "reply: x, delay: '{{ query.x }}s'", "x=2s", '"2s" is not a number of seconds'),
    ("a year too much", "reply: x, delay: '{{ query.x }}m'", "x=99999999", "is longer than a year"),
    ("a word with an unknown unit", "reply: x, delay: '{{ query.x }}d'", "x=1", '"1d" is not a duration'),
    ("a bare number for a duration", "reply: x, delay: '{{ query.x }}'", "x=5", "has no unit"),
    ("a word for a status", "error: {status: '{{ query.x }}'}", "x=abc", "whole number"),
    ("a status out of range", "error: {status: '{{ query.x }}'}", "x=200", "at least 400"),
    (
        "a place of a fault below 1",
        "reply: x, faults: [{malformed: {at: {chunk: '{{ query.x }}'}}}]",
        "x=0",
        "at least 1",
    ),
]


@cases("expected_text, query, reason", UNFIT)
@pytest.mark.parametrize("build_request", [chat_request, claude_request])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_template_missing_value_is_400_of_provider(
    expected_text: str, query: str, reason: str, build_request: Any, stream: bool
) -> None:
    responses = respond_once(f"rules: [{{{expected_text}}}]", build_request(query=query, stream=stream))
    assert (responses.status, responses.planned.error, responses.streamed) == (400, "bad_request", False)
    assert responses.json["error"]["type"] == "invalid_request_error"
    assert reason in responses.message


def test_template_400_names_expression_and_place() -> None:
    responses = respond_once(
        "rules:\n  - reply: x\n  - reply: y\nmodifiers:\n  - headers: {x-a: 'a {{ body.none.deep }}'}"
    )
    assert "{{ body.none.deep }}" in responses.message
    assert "s/a.yaml:5" in responses.message


def test_template_400_has_param_if_protocol_has_it() -> None:
    yaml = "rules: [{reply: x, delay: '{{ query.delay }}ms'}]"
    gemini = raw_request(
        "/v1beta/models/gemini-2.0-flash:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}
    )
    errors = [
        response.json["error"]
        for response in respond_all(
            yaml, *(replace(sent, query="delay=abc") for sent in (chat_request(), claude_request(), gemini))
        )
    ]
    assert errors[0]["param"] == "delay"
    assert [set(error) for error in errors[1:]] == [{"type", "message"}, {"code", "message", "status"}]


def test_template_400_names_query_parameter() -> None:
    responses = respond_once(
        "rules: [{reply: x, delay: '{{ query.delay }}ms'}]", chat_request(query="delay=abc")
    )
    assert "The query parameter 'delay'" in responses.message
    assert responses.json["error"]["param"] == "delay"


def test_template_default_avoids_400() -> None:
    assert response_texts(
        "rules: [{reply: \"{{ query.name | default('you') }}\"}]",
        chat_request(),
        chat_request(query="name=me"),
    ) == ["you", "me"]


# --- texts without templates -------------------------------------------------------------------------

ECHO = "'{{ user }}'"
LITERAL: list[tuple[str, str, str]] = [
    ("on a rule", f"{{literal: true, reply: {ECHO}}}", "{{ user }}"),
    ("on a rule, for all its steps", f"{{literal: true, sequence: [{ECHO}]}}", "{{ user }}"),
    ("on a step", f"{{sequence: [{{literal: true, reply: {ECHO}}}]}}", "{{ user }}"),
    (
        "not on the step beside it",
        f"{{sequence: [{{reply: {ECHO}}}, {{literal: true, reply: {ECHO}}}]}}",
        "hi",
    ),
    ("nor on the step after it", f"{{skip: 0, sequence: [{{literal: true, reply: x}}, {ECHO}]}}", "x"),
    ("on a branch", f"{{choose: [{{literal: true, reply: {ECHO}}}]}}", "{{ user }}"),
    ("literal: false is nothing", f"{{literal: false, reply: {ECHO}}}", "hi"),
    ("what is no template anyway", "{reply: '{ user } %}'}", "{ user } %}"),
]


@cases("rule, message", LITERAL)
def test_literal_disables_templates(rule: str, message: str) -> None:
    assert response_texts(f"rules: [{rule}]", chat_request()) == [message]


def test_literal_of_step_is_for_step_only() -> None:
    yaml = (
        f"rules: [{{sequence: [{{literal: true, reply: {ECHO}}}, {ECHO}, {{reply: {ECHO}}}], then: cycle}}]"
    )
    assert response_texts(yaml, *[chat_request()] * 4) == ["{{ user }}", "hi", "hi", "{{ user }}"]


def test_literal_of_modifier() -> None:
    response = respond_once("rules: [{reply: x}]\nmodifiers: [{literal: true, headers: {x-a: '{{ user }}'}}]")
    assert response.headers["x-a"] == "{{ user }}"


def test_match_raw_and_schemas_have_no_templates() -> None:
    assert response_texts("rules: [{match: {user: '{{ user }}'}, reply: x}]", chat_request("{{ user }}")) == [
        "x"
    ]
    responses = respond_once(
        "rules: [{reply: {chunks: [{raw: 'data: {{ user }}'}]}}]", chat_request(stream=True)
    )
    assert b"data: {{ user }}" in responses.bytes


def test_request_text_is_never_evaluated() -> None:
    assert response_texts("rules: [{reply: '{{ user }}'}]", chat_request("{{ model }} {% if %}")) == [
        "{{ model }} {% if %}"
    ]
    assert (
        respond_once(
            "rules: [{error: {type: timeout, message: '{{ user }}'}}]", chat_request("{{ model }} {x}")
        ).message
        == "{{ model }} {x}"
    )


PACK = 'name: p\nversion: "1"\nparams: {text: {default: "{{ user }} %s"}, n: {type: integer, default: 3}, wait: {type: duration, default: 2s}, on: {type: boolean, default: true}}'
PARAMS: list[tuple[str, str, Any]] = [
    ("alone", "reply: '${text}'", lambda h: h.text == "{{ user }} %s"),
    ("in a text", "reply: 'a ${text}'", lambda h: h.text == "a {{ user }} %s"),
    ("beside a template", "reply: '{{ user }}: ${text}'", lambda h: h.text == "hi: {{ user }} %s"),
    ("named by a template", "reply: '{{ text }}'", lambda h: h.text == "{{ user }} %s"),
    ("alone it keeps its type", "reply: {text: {tokens: '${n}', of: a}}", lambda h: h.text == "a a a"),
    (
        "in a text it is written out",
        "reply: 'n=${n}', delay: '${n}ms'",
        lambda h: (h.text, h.delay) == ("n=3", 0.003),
    ),
    ("a duration", "reply: x, delay: '${wait}'", lambda h: h.delay == 2),
    ("a boolean", "reply: x, stream: '${on}'", lambda h: h.streamed),
    ("a key's condition", "match: {body: {$.x: '${n}'}}, reply: x", lambda h: h.text == "x"),
    ("$${ escapes", "reply: '$${text} ${n}'", lambda h: h.text == "${text} 3"),
]


@cases("rule, holds", PARAMS)
def test_parameters_are_never_templates(rule: str, holds: Any) -> None:
    response = respond_once({"pack.yaml": PACK, "a.yaml": f"rules: [{{{rule}}}]"}, chat_request(x=3))
    assert holds(response), response.bytes


@pytest.mark.parametrize(
    "text", ["rules: [{reply: {{ user }}}]", "rules:\n  - reply: {{ user }}", "rules: [{reply: ${x}}]"]
)
def test_unquoted_template_has_diagnostic(text: str) -> None:
    assert "quotes" in " ".join(
        diagnostics_of({"pack.yaml": 'name: p\nversion: "1"\nparams: {x: {}}', "a.yaml": text})
    )


def test_templates_are_evaluated_for_each_request() -> None:
    responses = respond_all(
        "rules: [{reply: '{{ user }}', headers: {x-u: '{{ user }}'}}]",
        chat_request("a", stream=True),
        chat_request("b", stream=True),
    )
    assert [(each.text, each.headers["x-u"]) for each in responses] == [("a", "a"), ("b", "b")]
