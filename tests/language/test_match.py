"""Every matcher and every condition, written in YAML, against requests of both protocols."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mockllm.scenario.language.match import Match
from tests.language.virtual_server import (
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

BOTH = (chat_request, claude_request)


def rule_matches(match: str, sent: ClientRequest) -> bool:
    """Return whether a rule with this match responds."""
    return (
        respond_once(f"validation: off\nrules: [{{name: it, match: {match}, http: {{body: x}}}}]", sent).rule
        == "it"
    )


def tools(build_request: Any, *names: str, **more: Any) -> ClientRequest:
    """Return a request that offers tools."""
    schema = {"type": "object", "properties": {}}
    if build_request is chat_request:
        offered: list[Any] = [
            {"type": "function", "function": {"name": name, "parameters": schema}} for name in names
        ]
    else:
        offered = [{"name": name, "input_schema": schema} for name in names]
    result: ClientRequest = build_request(tools=offered, **more)
    return result


def results(
    build_request: Any, *options: tuple[str, str], error: bool = False, then: Sequence[Any] = ()
) -> ClientRequest:
    """Return a history with tool calls and these results."""
    calls = [(f"call_{number}", name, text) for number, (name, text) in enumerate(options)]
    sent = {"role": "user", "content": "go"}
    if build_request is chat_request:
        called: list[Any] = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}
            for id, name, _ in calls
        ]
        gave: list[Any] = [{"role": "tool", "tool_call_id": id, "content": text} for id, _, text in calls]
        turns = [sent, {"role": "assistant", "content": None, "tool_calls": called}, *gave, *then]
    else:
        called = [{"type": "tool_use", "id": id, "name": name, "input": {}} for id, name, _ in calls]
        gave = [{"type": "tool_result", "tool_use_id": id, "content": text} for id, _, text in calls]
        if error:
            gave[0]["is_error"] = True
        turns = [sent, {"role": "assistant", "content": called}, {"role": "user", "content": gave}, *then]
    result: ClientRequest = build_request(messages=turns)
    return result


IMAGE = {
    chat_request: {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    claude_request: {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
    },
}


def image(build_request: Any) -> ClientRequest:
    result: ClientRequest = build_request([{"type": "text", "text": "look"}, IMAGE[build_request]])
    return result


def turns(build_request: Any, *message: str) -> ClientRequest:
    """Return a history with texts of the user and the assistant by turns."""
    roles = ("user", "assistant")
    result: ClientRequest = build_request(
        messages=[{"role": roles[number % 2], "content": text} for number, text in enumerate(message)]
    )
    return result


# --- the matchers --------------------------------------------------------------------------------

TRANSPORT: list[tuple[str, str, ClientRequest, ClientRequest]] = [
    ("method", "{method: PUT, path: /x}", raw_request("/x", method="PUT"), raw_request("/x")),
    ("path", "{path: /v1/messages}", claude_request(), chat_request()),
    ("path without the provider prefix", "{path: /v1/chat/completions}", ClientRequest("/openai/v1/chat/completions", chat_request().body), claude_request()),
    ("query", "{query: {mode: slow}}", chat_request(query="mode=slow&x=1"), chat_request(query="mode=fast")),
    ("query: what is not there", "{query: {mode: {exists: false}}}", chat_request(), chat_request(query="mode=")),
    ("headers, in any case", "{headers: {X-Case: '7'}}", chat_request(headers={"x-cASE": "7"}), chat_request(headers={"x-case": "8"})),
    ("host", "{host: {starts_with: api.}}", chat_request(headers={"host": "api.example.com"}), chat_request(headers={"host": "localhost"})),
    ("api_key where OpenAI carries it", "{api_key: sk-1}", chat_request(key="sk-1"), chat_request(key="sk-2")),
    ("api_key where Anthropic carries it", "{api_key: sk-1}", claude_request(key="sk-1"), claude_request()),
    ("session", "{session: s-1}", chat_request(session="s-1"), chat_request()),
    ("raw_body", "{raw_body: {contains: ' \"temperature\":  1'}}", raw_request("/v1/messages", '{"model": "x", "temperature":  1}'), claude_request(temperature=1)),
]  # fmt: skip


@cases("match, yes, no", TRANSPORT)
def test_match_transport_fields(match: str, yes: ClientRequest, no: ClientRequest) -> None:
    assert rule_matches(match, yes)
    assert not rule_matches(match, no)


def test_every_field_of_match_has_a_test() -> None:
    """But `mentioned` and `mcp`, whose tests are in tests/core/matching and tests/dialects/mcp."""
    texts = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    names = {field.alias or name for name, field in Match.model_fields.items()} - {"mentioned", "mcp"}
    untested = [name for name in sorted(names) if not re.search(rf"\b{name}:", texts)]
    assert untested == [], "add a case to this file"


def test_match_hash_ignores_json_formatting() -> None:
    body = '{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
    reported = respond_once(
        "rules: [{match: {hash: none}, reply: x}]", raw_request("/v1/chat/completions", body)
    ).message
    result = reported.partition('hash expected "none", found "')[2].partition('"')[0]
    assert len(result) == 64
    spaced = '{"messages":[{"content":"hi","role":"user"}],"model":"m","user":"someone"}'
    assert rule_matches(f"{{hash: {result}}}", raw_request("/v1/chat/completions", spaced))
    assert not rule_matches(
        f"{{hash: {result}}}", raw_request("/v1/chat/completions", body.replace("hi", "ho"))
    )


ALIKE: list[tuple[str, str, Any, Any]] = [
    ("model", "{model: mine}", lambda a: a(model="mine"), lambda a: a()),
    ("stream", "{stream: true}", lambda a: a(stream=True), lambda a: a(stream=False)),
    ("stream: false where nothing is said", "{stream: false}", lambda a: a(), lambda a: a(stream=True)),
    ("user: the last user message", "{user: last}", lambda a: turns(a, "one", "two", "last"), lambda a: turns(a, "last", "two", "one")),
    ("user: text parts joined by a newline", r'{user: "one\ntwo"}', lambda a: a([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]), lambda a: a("one")),
    ("user: without what is no text", "{user: look}", image, lambda a: a()),
    ("turn: 1 + the assistant's turns", "{turn: 2}", lambda a: turns(a, "a", "b", "c"), lambda a: a()),
    ("turn: a number's conditions", "{turn: {gte: 2}}", lambda a: turns(a, "a", "b", "c", "d", "e"), lambda a: a()),
    ("messages: some", "{messages: {some: {role: assistant, text: b}}}", lambda a: turns(a, "a", "b", "c"), lambda a: turns(a, "b", "a", "b")),
    ("messages: each", "{messages: {each: {text: {contains: a}}}}", lambda a: turns(a, "a", "ba"), lambda a: turns(a, "a", "b")),
    ("messages: length", "{messages: {length: {gt: 2}}}", lambda a: turns(a, "a", "b", "c"), lambda a: a()),
    ("tools: any of them", "{tools: get_weather}", lambda a: tools(a, "x", "get_weather"), lambda a: tools(a, "x")),
    ("tools: a glob", "{tools: get_*}", lambda a: tools(a, "get_weather"), lambda a: tools(a, "set_weather")),
    ("tools: a list", "{tools: [a, b]}", lambda a: tools(a, "b", "c"), lambda a: tools(a, "c")),
    ("tools: exists", "{tools: {exists: true}}", lambda a: tools(a, "x"), lambda a: a()),
    ("tools: none", "{tools: {exists: false}}", lambda a: a(), lambda a: tools(a, "x")),
    ("tools: how many", "{tools: {length: 2}}", lambda a: tools(a, "a", "b"), lambda a: tools(a, "a")),
    ("uncalled: offered, and not called yet", "{uncalled: get_*}", lambda a: tools(a, "x", "get_weather"), lambda a: tools(a, "x")),
    ("uncalled: none", "{uncalled: {exists: false}}", lambda a: a(), lambda a: tools(a, "x")),
    ("has_image", "{has_image: true}", image, lambda a: a()),
    ("has_image: false", "{has_image: false}", lambda a: a(), image),
    ("input_tokens", "{input_tokens: {gt: 200}}", lambda a: a("many words " * 200), lambda a: a()),
    ("tool_result: exists", "{tool_result: {exists: true}}", lambda a: results(a, ("f", "x")), lambda a: a()),
    ("tool_result: none", "{tool_result: {exists: false}}", lambda a: a(), lambda a: results(a, ("f", "x"))),
    ("tool_result: name, looked up by the call's id", "{tool_result: {name: f}}", lambda a: results(a, ("f", "x")), lambda a: results(a, ("g", "x"))),
    ("tool_result: a glob of names", "{tool_result: {name: get_*}}", lambda a: results(a, ("get_x", "x")), lambda a: results(a, ("x", "x"))),
    ("tool_result: id", "{tool_result: {id: call_1}}", lambda a: results(a, ("f", "x"), ("g", "y")), lambda a: results(a, ("f", "x"))),
    ("tool_result: text", "{tool_result: {text: {contains: sun}}}", lambda a: results(a, ("f", "a sunny day")), lambda a: results(a, ("f", "rain"))),
    ("tool_result: json", "{tool_result: {json: {$.t: {gt: 20}}}}", lambda a: results(a, ("f", '{"t": 21}')), lambda a: results(a, ("f", '{"t": 19}'))),
    ("tool_result: json of what is no JSON", "{tool_result: {json: {$.t: {exists: true}}}}", lambda a: results(a, ("f", '{"t": 1}')), lambda a: results(a, ("f", "{t"))),
    ("tool_result: several, any may match", "{tool_result: {name: g, text: y}}", lambda a: results(a, ("f", "x"), ("g", "y")), lambda a: results(a, ("f", "y"), ("g", "x"))),
    ("tool_result: only those after the last assistant turn", "{tool_result: {exists: false}}", lambda a: results(a, ("f", "x"), then=[{"role": "assistant", "content": "done"}, {"role": "user", "content": "go on"}]), lambda a: results(a, ("f", "x"))),
]  # fmt: skip


@cases("match, yes, no", ALIKE)
@pytest.mark.parametrize("build_request", BOTH)
def test_match_neutral_fields_for_every_provider(match: str, yes: Any, no: Any, build_request: Any) -> None:
    assert rule_matches(match, yes(build_request))
    assert not rule_matches(match, no(build_request))


OWN: list[tuple[str, str, ClientRequest, ClientRequest]] = [
    ("provider: openai", "{provider: openai}", chat_request(), claude_request()),
    ("provider: anthropic", "{provider: anthropic}", claude_request(), chat_request()),
    ("provider: a glob", "{provider: '*ic'}", claude_request(), chat_request()),
    ("dialect", "{dialect: anthropic}", claude_request(), chat_request()),
    ("api: chat", "{api: chat}", chat_request(), claude_request()),
    ("api: messages", "{api: messages}", claude_request(), chat_request()),
    ("api: a list", "{api: [messages, models]}", raw_request("/v1/models", method="GET"), chat_request()),
    ("system in its own field", "{system: be kind}", claude_request(system="be kind"), claude_request()),
    ("system among the messages", "{system: be kind}", chat_request(messages=[{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]), chat_request()),
    ("system: several are joined", r'{system: "a\nb"}', claude_request(system=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), claude_request(system="a")),
    ("system: none", "{system: {exists: false}}", chat_request(), claude_request(system="x")),
    ("tool_choice: auto, also where nothing is said", "{tool_choice: auto}", chat_request(), tools(chat_request, "f", tool_choice="none")),
    ("tool_choice: none", "{tool_choice: none}", tools(chat_request, "f", tool_choice="none"), chat_request()),
    ("tool_choice: any, as OpenAI says required", "{tool_choice: any}", tools(chat_request, "f", tool_choice="required"), chat_request()),
    ("tool_choice: any, as Anthropic says it", "{tool_choice: any}", tools(claude_request, "f", tool_choice={"type": "any"}), claude_request()),
    ("tool_choice: named", "{tool_choice: named}", tools(chat_request, "f", tool_choice={"type": "function", "function": {"name": "f"}}), chat_request()),
    ("tool_choice: a name", "{tool_choice: {name: f}}", tools(chat_request, "f", "g", tool_choice={"type": "function", "function": {"name": "f"}}), tools(chat_request, "f", "g", tool_choice={"type": "function", "function": {"name": "g"}})),
    ("tool_choice: a name, as Anthropic says it", "{tool_choice: {name: f*}}", tools(claude_request, "fa", tool_choice={"type": "tool", "name": "fa"}), tools(claude_request, "fa")),
    ("tool_choice: a list", "{tool_choice: [any, named]}", tools(claude_request, "f", tool_choice={"type": "any"}), claude_request()),
    ("response_format: text", "{response_format: text}", chat_request(), chat_request(response_format={"type": "json_object"})),
    ("response_format: json", "{response_format: json}", chat_request(response_format={"type": "json_object"}), chat_request()),
    ("response_format: schema", "{response_format: schema}", chat_request(response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": {}}}), chat_request()),
    ("response_format: a name", "{response_format: {name: city}}", chat_request(response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": {}}}), chat_request(response_format={"type": "json_schema", "json_schema": {"name": "town", "schema": {}}})),
    ("tool_result: is_error", "{tool_result: {is_error: true}}", results(claude_request, ("f", "x"), error=True), results(claude_request, ("f", "x"))),
    ("tool_result: is_error beside the name", "{tool_result: {name: g, is_error: false}}", results(claude_request, ("f", "x"), ("g", "y"), error=True), results(claude_request, ("g", "x"), error=True)),
]  # fmt: skip


@cases("match, yes, no", OWN)
def test_match_fields_in_form_of_provider(match: str, yes: ClientRequest, no: ClientRequest) -> None:
    assert rule_matches(match, yes)
    assert not rule_matches(match, no)


def test_template_reads_first_matching_tool_result() -> None:
    yaml = "rules: [{match: {tool_result: {json: {$.t: {gt: 10}}}}, reply: '{{ tool_result.name }} {{ tool_result.json.t }}'}]"
    for build_request in BOTH:
        sent = results(
            build_request, ("a", "no json"), ("b", '{"t": 1}'), ("c", '{"t": 20}'), ("d", '{"t": 30}')
        )
        assert response_texts(yaml, sent) == ["c 20"]


# --- conditions ----------------------------------------------------------------------------------

TEXT: list[tuple[str, str, list[str], list[str]]] = [
    ("a bare value is equality, and case counts", "Hello", ["Hello"], ["hello", "Hello!", ""]),
    ("a bare value of user is no glob", "'H*'", ["H*"], ["Hello"]),
    ("a list means any of its items", "[a, b]", ["a", "b"], ["ab", ""]),
    ("a list of conditions", "[{contains: x}, y]", ["axb", "y"], ["by", ""]),
    ("equals", "{equals: Hello}", ["Hello"], ["hello"]),
    ("equals: a list", "{equals: [a, b]}", ["b"], ["c"]),
    ("contains", "{contains: ell}", ["Hello"], ["hallo"]),
    ("contains: a list", "{contains: [ell, all]}", ["hello", "hallo"], ["hullo"]),
    ("starts_with", "{starts_with: He}", ["Hello"], ["oHe"]),
    ("ends_with", "{ends_with: [lo, la]}", ["Hello", "Hola"], ["lot"]),
    ("glob, of the whole text", "{glob: 'H?l*'}", ["Hello", "Hall", "Hal/x"], ["aHello", "Hxxl"]),
    ("glob: a class", "{glob: 'H[ae]llo'}", ["Hallo", "Hello"], ["Hullo"]),
    ("regex, anywhere", "{regex: 'l+o$'}", ["Hello"], ["Hello!"]),
    ("regex: a list", "{regex: ['^a', 'z$']}", ["ab", "yz"], ["b"]),
    ("length", "{length: 5}", ["Hello"], ["Hell"]),
    ("length: a number's conditions", "{length: {gt: 2, lt: 5}}", ["abc", "abcd"], ["ab", "abcde"]),
    ("exists", "{exists: true}", ["", "x"], []),
    ("several operators must all hold", "{starts_with: a, ends_with: z}", ["abz", "az"], ["ab", "bz"]),
    ("ignore_case: equals", "{equals: Hello, ignore_case: true}", ["HELLO", "hello"], ["help"]),
    ("ignore_case: contains", "{contains: ELL, ignore_case: true}", ["Hello"], ["help"]),
    ("ignore_case: starts_with and ends_with", "{starts_with: HE, ends_with: LO, ignore_case: true}", ["hello"], ["ohello"]),
    ("ignore_case: glob and regex", "{glob: 'HE*', regex: 'L+O', ignore_case: true}", ["hello"], ["halo"]),
]  # fmt: skip


@cases("condition, yes, no", TEXT)
def test_text_conditions(condition: str, yes: list[str], no: list[str]) -> None:
    yaml = f"rules: [{{name: it, match: {{user: {condition}}}, reply: x}}, {{reply: y}}]"
    responses = respond_all(yaml, *map(chat_request, yes + no))
    assert [each.rule == "it" for each in responses] == [True] * len(yes) + [False] * len(no)


GLOBS: list[tuple[str, str, ClientRequest, ClientRequest]] = [
    ("model", "{model: gpt-4*}", chat_request(model="gpt-4o"), chat_request(model="o1")),
    (
        "model: * also matches /",
        "{model: 'meta*8b'}",
        chat_request(model="meta/llama-8b"),
        chat_request(model="meta/llama-70b"),
    ),
    ("model: case counts", "{model: 'GPT-*'}", chat_request(model="GPT-4"), chat_request(model="gpt-4")),
    (
        "model: a list of globs",
        "{model: [o1*, gpt-*]}",
        chat_request(model="o1-mini"),
        chat_request(model="claude"),
    ),
    ("path", "{path: '/v1/*s'}", claude_request(), raw_request("/v1/message")),
]


@cases("match, yes, no", GLOBS)
def test_bare_value_with_wildcard_is_glob(match: str, yes: ClientRequest, no: ClientRequest) -> None:
    assert rule_matches(match, yes)
    assert not rule_matches(match, no)


JSON: list[tuple[str, str, list[Any], list[Any]]] = [
    ("a bare number", "1", [1, 1.0], [2, "1", True]),
    ("a bare text", "a", ["a"], ["b", ["a"]]),
    ("a bare truth", "true", [True], [1, "true", False]),
    ("null", "null", [None], [0, False, ""]),
    ("a list means any of its items", "[1, a, null]", [1, "a", None], [2, [1, "a"]]),
    ("equals: a whole value", "{equals: {a: [1]}}", [{"a": [1]}], [{"a": [1], "b": 2}, {"a": 1}]),
    ("equals: a list is the whole list", "{equals: [1, 2]}", [[1, 2]], [1, [1]]),
    ("contains: a text", "{contains: b}", ["abc"], ["x", 1]),
    ("contains: an item", "{contains: 2}", [[1, 2]], [[1], 2]),
    ("starts_with and the others on texts", "{starts_with: a, ends_with: c, glob: '?b?', regex: b}", ["abc"], ["abd", 1]),
    ("gt", "{gt: 1}", [1.5, 2], [1, "2", True, None]),
    ("gte and lte", "{gte: 1, lte: 2}", [1, 2], [0.5, 2.5]),
    ("lt", "{lt: 1}", [0], [1]),
    ("exists, also null", "{exists: true}", [None, 0, ""], []),
    ("length of a text, a list, an object", "{length: 2}", ["ab", [1, 2], {"a": 1, "b": 2}], ["a", 2, None]),
    ("schema", "{schema: {type: object, required: [a]}}", [{"a": 1}], [{}, []]),
    ("subset", "{subset: {a: {b: 1}}}", [{"a": {"b": 1, "c": 2}, "d": 3}], [{"a": {"c": 2}}, {}]),
    ("each item", "{each: {gt: 1}}", [[2, 3]], [[1, 2]]),
    ("some item", "{some: {gt: 1}}", [[1, 2]], [[0, 1], []]),
    ("ignore_case", "{equals: ABC, ignore_case: true}", ["abc"], ["abd"]),
]  # fmt: skip


@cases("condition, yes, no", JSON)
def test_json_conditions(condition: str, yes: list[Any], no: list[Any]) -> None:
    yaml = f"validation: off\nrules: [{{name: it, match: {{body: {{$.x: {condition}}}}}, reply: x}}, {{reply: y}}]"
    responses = respond_all(yaml, *[chat_request(x=value) for value in yes + no])
    assert [each.rule == "it" for each in responses] == [True] * len(yes) + [False] * len(no)


def test_missing_value_meets_only_exists_false() -> None:
    for condition in ("1", "null", "{gt: 0}", "{contains: x}", "{length: 0}", "{exists: true}"):
        assert not rule_matches(f"{{body: {{$.none: {condition}}}}}", chat_request())
    assert rule_matches("{body: {$.none: {exists: false}}}", chat_request())


NODES: list[tuple[str, str, bool]] = [
    ("a path into objects and lists", "'$.messages[0].content': hi", True),
    ("each of several nodes", "'$.messages[*].role': {each: user}", True),
    ("some of several nodes", "'$.messages[*].content': {some: {contains: h}}", True),
    ("none of several nodes", "'$.messages[*].content': {some: bye}", False),
    ("a filter", "'$.messages[?(@.role == \"user\")].content': {some: hi}", True),
    ("anywhere below", "'$..content': {some: hi}", True),
]


@cases("path, stored", NODES)
def test_body_paths(path: str, stored: bool) -> None:
    for build_request in BOTH:
        assert rule_matches(f"{{body: {{{path}}}}}", build_request()) is stored


# --- combinators ---------------------------------------------------------------------------------

COMBINED: list[tuple[str, str, str, str]] = [
    ("all that is given must hold", "{user: {contains: a}, model: m}", "a", "b"),
    ("all", "{all: [{user: {contains: a}}, {user: {contains: b}}]}", "ab", "a"),
    ("any", "{any: [{user: a}, {user: b}]}", "b", "c"),
    ("not", "{not: {user: a}}", "b", "a"),
    ("nested", "{any: [{all: [{user: {contains: a}}, {not: {user: ab}}]}, {user: c}]}", "a", "ab"),
    ("beside others", "{user: {contains: a}, any: [{user: {contains: b}}, {user: {contains: c}}], not: {user: {contains: d}}}", "abc", "abd"),
]  # fmt: skip


@cases("match, yes, no", COMBINED)
@pytest.mark.parametrize("build_request", BOTH)
def test_all_any_and_not(match: str, yes: str, no: str, build_request: Any) -> None:
    assert rule_matches(match, build_request(yes, model="m"))
    assert not rule_matches(match, build_request(no, model="m"))


# --- errors ------------------------------------------------------------------------------------

BAD: list[tuple[str, str, str]] = [
    ("a bare number for a header", "{headers: {x-case: 7}}", 'rules[0].match.headers.x-case: expected a text, found 7; write "7"'),
    ("a bare truth for a query parameter", "{query: {debug: true}}", 'rules[0].match.query.debug: expected a text, found true; write "true"'),
    ("in a list", "{headers: {x: ['1', 2]}}", 'rules[0].match.headers.x[1]: expected a text, found 2; write "2"'),
    ("in an operator", "{query: {x: {contains: 5}}}", 'rules[0].match.query.x.contains: expected a text, found 5; write "5"'),
    ("a text for a number", "{turn: '2'}", "rules[0].match.turn: expected a number"),
    ("an unknown key", "{modle: x}", 'rules[0].match.modle: unknown key; did you mean "model"?'),
    ("an unknown operator", "{user: {contians: x}}", 'rules[0].match.user.contians: unknown key; did you mean "contains"?'),
    ("an unknown provider", "{provider: opena}", 'rules[0].match.provider: no provider is called "opena"; did you mean "openai"?'),
    ("an unknown api", "{api: chats}", 'rules[0].match.api: no api is called "chats"; did you mean "chat"?'),
    ("a path of several nodes without each or some", "{body: {'$.a[*]': 1}}", "rules[0].match.body: $.a[*] can select several nodes; write how many must match: {some: …} or {each: …}"),
]  # fmt: skip


@cases("match, message", BAD)
def test_bad_match_has_diagnostic(match: str, message: str) -> None:
    (result,) = diagnostics_of(f"rules: [{{match: {match}, reply: x}}]")
    assert result.startswith(message)


@pytest.mark.parametrize(
    "match",
    [
        "{user: {regex: '('}}",
        "{body: {'$.a[?(@.b =~ 1)]': {some: 1}}}",
        "{body: {'$.a': {schema: {type: 7}}}}",
    ],
)
def test_uncompilable_match_has_diagnostic(match: str) -> None:
    assert len(diagnostics_of(f"rules: [{{match: {match}, reply: x}}]")) == 1
