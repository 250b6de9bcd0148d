"""Templates: which names there are, which types come of them, what is no template, and what happens where a
value is absent or does not fit."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.language.playing import Ask, ask, chat, claude, first, mistakes, play, table, texts

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

NAMES: list[tuple[str, str, Ask, str]] = [
    ("model", "{{ model }}", chat(model="m-1"), "m-1"),
    ("user: the last user message", "{{ user }}", chat(messages=TALK), "three"),
    ("system", "{{ system }}", claude(system="be kind"), "be kind"),
    ("messages", "{{ messages[1].role }}: {{ messages[1].text }}", chat(messages=TALK), "assistant: two"),
    ("turn", "turn {{ turn }}", chat(messages=TALK), "turn 2"),
    ("tools: their names", "{{ tools[1] }} of {{ tools | length }}", chat(tools=TOOLS), "g of 2"),
    ("tool_result", "{{ tool_result.name }} {{ tool_result.id }} {{ tool_result.text }}", chat(messages=RESULT), 'get_weather c1 {"temperature": 21}'),
    ("tool_result.json", "It is {{ tool_result.json.temperature }} degrees.", chat(messages=RESULT), "It is 21 degrees."),
    ("tool_results.NAME", "At {{ tool_results.get_time.text }}.", chat(messages=RESULT), "At noon."),
    ("query", "{{ query.name }}", chat(query="name=J%C3%BCrgen"), "Jürgen"),
    ("headers, in any case", "{{ headers['X-User'] }}", chat(headers={"x-uSER": "7"}), "7"),
    ("path", "{{ path }}", chat(), "/v1/chat/completions"),
    ("body", "{{ body.messages[0].content }} {{ body.extra }}", chat(extra={"a": 1}), 'hi {"a":1}'),
    ("session", "{{ session }}", chat(session="s-1"), "s-1"),
]  # fmt: skip


@table("template, asked, said", NAMES)
def test_names(template: str, asked: Ask, said: str) -> None:
    assert texts({"a.yaml": "rules:\n  - reply: >-\n      " + template}, asked) == [said]


def test_match_is_what_regexes_caught() -> None:
    yaml = r"""rules: [{match: {user: {regex: 'order (?P<what>\w+) (\d+)'}}, reply: "{{ match['2'] }} of {{ match.what }} in {{ match['0'] }}"}]"""
    assert texts(yaml, chat("please order tea 3 now")) == ["3 of tea in order tea 3"]


def test_groups_by_number_with_and_without_quotes() -> None:
    yaml = r"""rules: [{match: {user: {regex: '(\w+) (?P<what>\w+)'}}, reply: "{{ match[1] }} {{ match['1'] }} {{ match[2] }} {{ match.what }}"}]"""
    assert texts(yaml, chat("order tea")) == ["order order tea tea"]
    absent = """rules: [{match: {user: {regex: order}}, reply: "{{ match[1] | default('none') }}"}]"""
    assert texts(absent, chat("order tea")) == ["none"]


def test_params_of_the_pack() -> None:
    files = {
        "pack.yaml": 'name: p\nversion: "1"\nparams: {city: {default: Paris}, days: {type: integer, default: 3}}',
        "a.yaml": 'rules: [{reply: "{{ days }} days in {{ city }}"}]',
    }
    assert texts(files, chat()) == ["3 days in Paris"]


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


@table("template, said", SYNTAX)
def test_the_safe_subset(template: str, said: str) -> None:
    assert texts({"a.yaml": f"rules:\n  - reply: |-\n      {template}"}, chat()) == [said]


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
def test_what_is_outside_the_subset_is_a_mistake(template: str) -> None:
    assert len(mistakes({"a.yaml": f"rules:\n  - reply: |-\n      {template}"})) == 1


# --- types ---------------------------------------------------------------------------------------


def arguments(template: str, asked: Ask) -> Any:
    ((_, found),) = first(
        f"rules: [{{reply: {{tool_calls: [{{name: f, arguments: {{x: '{template}'}}}}]}}}}]", asked
    ).calls
    return found["x"]


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
def test_one_whole_expression_keeps_its_type(template: str, value: Any) -> None:
    asked = chat(n=None, deep={"a": [1, None]}, yes=True, null=None, query="n=7")
    asked = Ask(asked.path, asked.body.replace(b'"n": null', b'"n": 1, "n": 7'), query="n=7")
    found = first(
        "validation: off\n"
        + f"rules: [{{reply: {{tool_calls: [{{name: f, arguments: {{x: '{template}'}}}}]}}, stream: false}}]",
        asked,
    )
    assert found.calls[0][1]["x"] == value


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
    ("a speed", "reply: a b, stream: true, pace: {tokens_per_second: '{{ query.x }}'}", "2", lambda h: h.moments == [0, 0.5]),
    ("a gap", "reply: a b, stream: true, pace: {itl: '{{ query.x }}ms'}", "20", lambda h: h.moments == [0, 0.02]),
    ("a place of a fault", "reply: a b, stream: true, faults: [{malformed: {at: {chunk: '{{ query.x }}'}}}]", "2", lambda h: h.chunks == ["a"]),
]  # fmt: skip


@table("says, x, holds", PLACES)
def test_a_requests_text_is_read_as_the_type_of_its_place(says: str, x: str, holds: Any) -> None:
    heard = first(f"rules: [{{{says}}}]", chat(query=f"x={x}"))
    assert holds(heard), (heard.status, heard.bytes)


# --- absent and unfit ----------------------------------------------------------------------------

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


@table("says, query, reason", UNFIT)
@pytest.mark.parametrize("asking", [chat, claude])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_is_absent_or_unfit_is_a_400_in_the_providers_envelope(
    says: str, query: str, reason: str, asking: Any, stream: bool
) -> None:
    heard = first(f"rules: [{{{says}}}]", asking(query=query, stream=stream))
    assert (heard.status, heard.answer.error, heard.streamed) == (400, "bad_request", False)
    assert heard.json["error"]["type"] == "invalid_request_error"
    assert reason in heard.message


def test_a_400_names_the_expression_and_where_it_stands() -> None:
    heard = first(
        "rules:\n  - reply: x\n  - reply: y\nmodifiers:\n  - headers: {x-a: 'a {{ body.none.deep }}'}"
    )
    assert "{{ body.none.deep }}" in heard.message
    assert "s/a.yaml:5" in heard.message


def test_a_field_for_the_parameter_stands_only_where_the_protocol_has_one() -> None:
    yaml = "rules: [{reply: x, delay: '{{ query.delay }}ms'}]"
    gemini = ask(
        "/v1beta/models/gemini-2.0-flash:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}
    )
    errors = [
        heard.json["error"]
        for heard in play(yaml, *(replace(asked, query="delay=abc") for asked in (chat(), claude(), gemini)))
    ]
    assert errors[0]["param"] == "delay"
    assert [set(error) for error in errors[1:]] == [{"type", "message"}, {"code", "message", "status"}]


def test_or_the_query_parameter_that_it_reads() -> None:
    heard = first("rules: [{reply: x, delay: '{{ query.delay }}ms'}]", chat(query="delay=abc"))
    assert "The query parameter 'delay'" in heard.message
    assert heard.json["error"]["param"] == "delay"


def test_default_avoids_it() -> None:
    assert texts(
        "rules: [{reply: \"{{ query.name | default('you') }}\"}]", chat(), chat(query="name=me")
    ) == ["you", "me"]


# --- what is no template -------------------------------------------------------------------------

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


@table("rule, said", LITERAL)
def test_literal_turns_templates_off(rule: str, said: str) -> None:
    assert texts(f"rules: [{rule}]", chat()) == [said]


def test_literal_on_a_step_ends_with_it() -> None:
    yaml = (
        f"rules: [{{sequence: [{{literal: true, reply: {ECHO}}}, {ECHO}, {{reply: {ECHO}}}], then: cycle}}]"
    )
    assert texts(yaml, *[chat()] * 4) == ["{{ user }}", "hi", "hi", "{{ user }}"]


def test_literal_on_a_modifier() -> None:
    heard = first("rules: [{reply: x}]\nmodifiers: [{literal: true, headers: {x-a: '{{ user }}'}}]")
    assert heard.headers["x-a"] == "{{ user }}"


def test_match_and_raw_and_schemas_are_no_templates() -> None:
    assert texts("rules: [{match: {user: '{{ user }}'}, reply: x}]", chat("{{ user }}")) == ["x"]
    heard = first("rules: [{reply: {chunks: [{raw: 'data: {{ user }}'}]}}]", chat(stream=True))
    assert b"data: {{ user }}" in heard.bytes


def test_what_a_request_holds_is_never_evaluated() -> None:
    assert texts("rules: [{reply: '{{ user }}'}]", chat("{{ model }} {% if %}")) == ["{{ model }} {% if %}"]
    assert (
        first("rules: [{error: {type: timeout, message: '{{ user }}'}}]", chat("{{ model }} {x}")).message
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


@table("rule, holds", PARAMS)
def test_params_are_values_and_never_templates(rule: str, holds: Any) -> None:
    heard = first({"pack.yaml": PACK, "a.yaml": f"rules: [{{{rule}}}]"}, chat(x=3))
    assert holds(heard), heard.bytes


@pytest.mark.parametrize(
    "text", ["rules: [{reply: {{ user }}}]", "rules:\n  - reply: {{ user }}", "rules: [{reply: ${x}}]"]
)
def test_what_is_unquoted_is_told_to_be_quoted(text: str) -> None:
    assert "quotes" in " ".join(
        mistakes({"pack.yaml": 'name: p\nversion: "1"\nparams: {x: {}}', "a.yaml": text})
    )


# --- waits that a client chooses -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "query", "took"),
    [
        ("reply: x, delay: '{{ query.x }}s'", "x=100", 60),
        ("reply: x, delay: '{{ query.x }}s'", "x=59", 59),
        ("reply: x, delay: 100s", "", 100),
        ("reply: x, pace: {ttft: '{{ query.x }}s'}", "x=100", 60),
        ("reply: a b, pace: {itl: '{{ query.x }}s'}", "x=100", 60),
        ("reply: {chunks: [a, {wait: '{{ query.x }}s'}, b]}", "x=100", 60),
        ("reply: {chunks: [a, {wait: 100s}, b]}", "", 100),
        ("reply: a b, pace: {itl: 1s, slowdown: '{{ query.x }}'}", "x=100", 60),
        ("reply: a b, pace: {itl: 100s, slowdown: 2}", "", 200),
        ("reply: {chunks: [a, {wait: 1s}, b]}, pace: {slowdown: '{{ query.x }}'}", "x=100", 60),
        ("reply: a b, pace: {tokens_per_second: '{{ query.x }}'}", "x=0.001", 60),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_waits_that_a_client_chooses_are_capped(says: str, query: str, took: float, stream: bool) -> None:
    assert first(f"rules: [{{{says}}}]", chat(query=query, stream=stream)).took == took


def test_the_cap_is_an_option() -> None:
    yaml = "rules: [{reply: x, delay: '{{ query.x }}s'}]"
    assert first(yaml, chat(query="x=100"), longest=5.0).delay == 5.0


def test_templates_cost_nothing_between_requests() -> None:
    heard = play(
        "rules: [{reply: '{{ user }}', headers: {x-u: '{{ user }}'}}]",
        chat("a", stream=True),
        chat("b", stream=True),
    )
    assert [(each.text, each.headers["x-u"]) for each in heard] == [("a", "a"), ("b", "b")]
