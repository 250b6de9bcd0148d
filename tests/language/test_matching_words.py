"""Every matcher and every condition, written in YAML, against requests of both protocols."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.language.playing import Ask, ask, chat, claude, first, mistakes, play, table, texts

BOTH = (chat, claude)


def holds(match: str, asked: Ask) -> bool:
    """Whether a rule with this match answers."""
    return (
        first(f"validation: off\nrules: [{{name: it, match: {match}, http: {{body: x}}}}]", asked).rule
        == "it"
    )


def tools(asking: Any, *names: str, **more: Any) -> Ask:
    """A request that offers tools."""
    schema = {"type": "object", "properties": {}}
    if asking is chat:
        offered: list[Any] = [
            {"type": "function", "function": {"name": name, "parameters": schema}} for name in names
        ]
    else:
        offered = [{"name": name, "input_schema": schema} for name in names]
    made: Ask = asking(tools=offered, **more)
    return made


def results(asking: Any, *given: tuple[str, str], error: bool = False, then: Sequence[Any] = ()) -> Ask:
    """A history in which tools were called and gave these texts."""
    calls = [(f"call_{number}", name, text) for number, (name, text) in enumerate(given)]
    asked = {"role": "user", "content": "go"}
    if asking is chat:
        called: list[Any] = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}
            for id, name, _ in calls
        ]
        gave: list[Any] = [{"role": "tool", "tool_call_id": id, "content": text} for id, _, text in calls]
        turns = [asked, {"role": "assistant", "content": None, "tool_calls": called}, *gave, *then]
    else:
        called = [{"type": "tool_use", "id": id, "name": name, "input": {}} for id, name, _ in calls]
        gave = [{"type": "tool_result", "tool_use_id": id, "content": text} for id, _, text in calls]
        if error:
            gave[0]["is_error"] = True
        turns = [asked, {"role": "assistant", "content": called}, {"role": "user", "content": gave}, *then]
    made: Ask = asking(messages=turns)
    return made


IMAGE = {
    chat: {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    claude: {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
}


def image(asking: Any) -> Ask:
    made: Ask = asking([{"type": "text", "text": "look"}, IMAGE[asking]])
    return made


def turns(asking: Any, *said: str) -> Ask:
    """Texts of the user and the assistant by turns."""
    roles = ("user", "assistant")
    made: Ask = asking(
        messages=[{"role": roles[number % 2], "content": text} for number, text in enumerate(said)]
    )
    return made


# --- the matchers --------------------------------------------------------------------------------

TRANSPORT: list[tuple[str, str, Ask, Ask]] = [
    ("method", "{method: PUT, path: /x}", ask("/x", method="PUT"), ask("/x")),
    ("path", "{path: /v1/messages}", claude(), chat()),
    ("path without the provider prefix", "{path: /v1/chat/completions}", Ask("/openai/v1/chat/completions", chat().body), claude()),
    ("query", "{query: {mode: slow}}", chat(query="mode=slow&x=1"), chat(query="mode=fast")),
    ("query: what is not there", "{query: {mode: {exists: false}}}", chat(), chat(query="mode=")),
    ("headers, in any case", "{headers: {X-Case: '7'}}", chat(headers={"x-cASE": "7"}), chat(headers={"x-case": "8"})),
    ("host", "{host: {starts_with: api.}}", chat(headers={"host": "api.example.com"}), chat(headers={"host": "localhost"})),
    ("api_key where OpenAI carries it", "{api_key: sk-1}", chat(key="sk-1"), chat(key="sk-2")),
    ("api_key where Anthropic carries it", "{api_key: sk-1}", claude(key="sk-1"), claude()),
    ("session", "{session: s-1}", chat(session="s-1"), chat()),
    ("raw_body", "{raw_body: {contains: ' \"temperature\":  1'}}", ask("/v1/messages", '{"model": "x", "temperature":  1}'), claude(temperature=1)),
]  # fmt: skip


@table("match, yes, no", TRANSPORT)
def test_matchers_of_the_transport(match: str, yes: Ask, no: Ask) -> None:
    assert holds(match, yes)
    assert not holds(match, no)


def test_hash_names_a_request_however_its_json_is_written() -> None:
    body = '{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
    told = first("rules: [{match: {hash: none}, reply: x}]", ask("/v1/chat/completions", body)).message
    found = told.partition('hash expected "none", found "')[2].partition('"')[0]
    assert len(found) == 64
    spaced = '{"messages":[{"content":"hi","role":"user"}],"model":"m","user":"someone"}'
    assert holds(f"{{hash: {found}}}", ask("/v1/chat/completions", spaced))
    assert not holds(f"{{hash: {found}}}", ask("/v1/chat/completions", body.replace("hi", "ho")))


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


@table("match, yes, no", ALIKE)
@pytest.mark.parametrize("asking", BOTH)
def test_matchers_for_every_provider_alike(match: str, yes: Any, no: Any, asking: Any) -> None:
    assert holds(match, yes(asking))
    assert not holds(match, no(asking))


OWN: list[tuple[str, str, Ask, Ask]] = [
    ("provider: openai", "{provider: openai}", chat(), claude()),
    ("provider: anthropic", "{provider: anthropic}", claude(), chat()),
    ("provider: a glob", "{provider: '*ic'}", claude(), chat()),
    ("dialect", "{dialect: anthropic}", claude(), chat()),
    ("api: chat", "{api: chat}", chat(), claude()),
    ("api: messages", "{api: messages}", claude(), chat()),
    ("api: a list", "{api: [messages, models]}", ask("/v1/models", method="GET"), chat()),
    ("system in its own field", "{system: be kind}", claude(system="be kind"), claude()),
    ("system among the messages", "{system: be kind}", chat(messages=[{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]), chat()),
    ("system: several are joined", r'{system: "a\nb"}', claude(system=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), claude(system="a")),
    ("system: none", "{system: {exists: false}}", chat(), claude(system="x")),
    ("tool_choice: auto, also where nothing is said", "{tool_choice: auto}", chat(), tools(chat, "f", tool_choice="none")),
    ("tool_choice: none", "{tool_choice: none}", tools(chat, "f", tool_choice="none"), chat()),
    ("tool_choice: any, as OpenAI says required", "{tool_choice: any}", tools(chat, "f", tool_choice="required"), chat()),
    ("tool_choice: any, as Anthropic says it", "{tool_choice: any}", tools(claude, "f", tool_choice={"type": "any"}), claude()),
    ("tool_choice: named", "{tool_choice: named}", tools(chat, "f", tool_choice={"type": "function", "function": {"name": "f"}}), chat()),
    ("tool_choice: a name", "{tool_choice: {name: f}}", tools(chat, "f", "g", tool_choice={"type": "function", "function": {"name": "f"}}), tools(chat, "f", "g", tool_choice={"type": "function", "function": {"name": "g"}})),
    ("tool_choice: a name, as Anthropic says it", "{tool_choice: {name: f*}}", tools(claude, "fa", tool_choice={"type": "tool", "name": "fa"}), tools(claude, "fa")),
    ("tool_choice: a list", "{tool_choice: [any, named]}", tools(claude, "f", tool_choice={"type": "any"}), claude()),
    ("response_format: text", "{response_format: text}", chat(), chat(response_format={"type": "json_object"})),
    ("response_format: json", "{response_format: json}", chat(response_format={"type": "json_object"}), chat()),
    ("response_format: schema", "{response_format: schema}", chat(response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": {}}}), chat()),
    ("response_format: a name", "{response_format: {name: city}}", chat(response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": {}}}), chat(response_format={"type": "json_schema", "json_schema": {"name": "town", "schema": {}}})),
    ("tool_result: is_error", "{tool_result: {is_error: true}}", results(claude, ("f", "x"), error=True), results(claude, ("f", "x"))),
    ("tool_result: is_error beside the name", "{tool_result: {name: g, is_error: false}}", results(claude, ("f", "x"), ("g", "y"), error=True), results(claude, ("g", "x"), error=True)),
]  # fmt: skip


@table("match, yes, no", OWN)
def test_matchers_as_each_provider_says_them(match: str, yes: Ask, no: Ask) -> None:
    assert holds(match, yes)
    assert not holds(match, no)


def test_the_result_that_matched_first_is_the_templates() -> None:
    yaml = "rules: [{match: {tool_result: {json: {$.t: {gt: 10}}}}, reply: '{{ tool_result.name }} {{ tool_result.json.t }}'}]"
    for asking in BOTH:
        asked = results(asking, ("a", "no json"), ("b", '{"t": 1}'), ("c", '{"t": 20}'), ("d", '{"t": 30}'))
        assert texts(yaml, asked) == ["c 20"]


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


@table("condition, yes, no", TEXT)
def test_conditions_on_a_text(condition: str, yes: list[str], no: list[str]) -> None:
    yaml = f"rules: [{{name: it, match: {{user: {condition}}}, reply: x}}, {{reply: y}}]"
    heard = play(yaml, *map(chat, yes + no))
    assert [each.rule == "it" for each in heard] == [True] * len(yes) + [False] * len(no)


GLOBS: list[tuple[str, str, Ask, Ask]] = [
    ("model", "{model: gpt-4*}", chat(model="gpt-4o"), chat(model="o1")),
    (
        "model: * also matches /",
        "{model: 'meta*8b'}",
        chat(model="meta/llama-8b"),
        chat(model="meta/llama-70b"),
    ),
    ("model: case counts", "{model: 'GPT-*'}", chat(model="GPT-4"), chat(model="gpt-4")),
    ("model: a list of globs", "{model: [o1*, gpt-*]}", chat(model="o1-mini"), chat(model="claude")),
    ("path", "{path: '/v1/*s'}", claude(), ask("/v1/message")),
]


@table("match, yes, no", GLOBS)
def test_a_bare_value_that_is_a_glob(match: str, yes: Ask, no: Ask) -> None:
    assert holds(match, yes)
    assert not holds(match, no)


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


@table("condition, yes, no", JSON)
def test_conditions_on_json(condition: str, yes: list[Any], no: list[Any]) -> None:
    yaml = f"validation: off\nrules: [{{name: it, match: {{body: {{$.x: {condition}}}}}, reply: x}}, {{reply: y}}]"
    heard = play(yaml, *[chat(x=value) for value in yes + no])
    assert [each.rule == "it" for each in heard] == [True] * len(yes) + [False] * len(no)


def test_what_is_not_there_meets_only_exists_false() -> None:
    for condition in ("1", "null", "{gt: 0}", "{contains: x}", "{length: 0}", "{exists: true}"):
        assert not holds(f"{{body: {{$.none: {condition}}}}}", chat())
    assert holds("{body: {$.none: {exists: false}}}", chat())


NODES: list[tuple[str, str, bool]] = [
    ("a path into objects and lists", "'$.messages[0].content': hi", True),
    ("each of several nodes", "'$.messages[*].role': {each: user}", True),
    ("some of several nodes", "'$.messages[*].content': {some: {contains: h}}", True),
    ("none of several nodes", "'$.messages[*].content': {some: bye}", False),
    ("a filter", "'$.messages[?(@.role == \"user\")].content': {some: hi}", True),
    ("anywhere below", "'$..content': {some: hi}", True),
]


@table("path, held", NODES)
def test_paths_into_the_body(path: str, held: bool) -> None:
    for asking in BOTH:
        assert holds(f"{{body: {{{path}}}}}", asking()) is held


# --- combinators ---------------------------------------------------------------------------------

COMBINED: list[tuple[str, str, str, str]] = [
    ("all that is given must hold", "{user: {contains: a}, model: m}", "a", "b"),
    ("all", "{all: [{user: {contains: a}}, {user: {contains: b}}]}", "ab", "a"),
    ("any", "{any: [{user: a}, {user: b}]}", "b", "c"),
    ("not", "{not: {user: a}}", "b", "a"),
    ("nested", "{any: [{all: [{user: {contains: a}}, {not: {user: ab}}]}, {user: c}]}", "a", "ab"),
    ("beside others", "{user: {contains: a}, any: [{user: {contains: b}}, {user: {contains: c}}], not: {user: {contains: d}}}", "abc", "abd"),
]  # fmt: skip


@table("match, yes, no", COMBINED)
@pytest.mark.parametrize("asking", BOTH)
def test_combinators(match: str, yes: str, no: str, asking: Any) -> None:
    assert holds(match, asking(yes, model="m"))
    assert not holds(match, asking(no, model="m"))


# --- mistakes ------------------------------------------------------------------------------------

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


@table("match, said", BAD)
def test_mistakes_in_a_match(match: str, said: str) -> None:
    (found,) = mistakes(f"rules: [{{match: {match}, reply: x}}]")
    assert found.startswith(said)


@pytest.mark.parametrize(
    "match",
    [
        "{user: {regex: '('}}",
        "{body: {'$.a[?(@.b =~ 1)]': {some: 1}}}",
        "{body: {'$.a': {schema: {type: 7}}}}",
    ],
)
def test_what_cannot_be_compiled_is_a_mistake(match: str) -> None:
    assert len(mistakes(f"rules: [{{match: {match}, reply: x}}]")) == 1
