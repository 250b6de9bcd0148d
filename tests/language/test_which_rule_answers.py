"""Which rule answers: layers, priority, order, fallbacks, replaces, use, what a rule sees."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

from typing import Any

import pytest

from tests.language.playing import (
    Ask,
    Files,
    ask,
    chat,
    claude,
    first,
    mistakes,
    models,
    rules,
    table,
)


def pack(name: str, use: str = "[]", more: str = "") -> str:
    return f'name: {name}\nversion: "1"\nuse: {use}\n{more}\n'


def says(*names: str, more: str = "") -> str:
    """Rules that answer everything, by these names."""
    return "rules:\n" + "".join(f"  - {{name: {name}, reply: '{name}'{more}}}\n" for name in names)


ORDER: list[tuple[str, Files, dict[str, Any], str]] = [
    ("top to bottom in a file", says("one", "two"), {}, "one"),
    ("files by path", {"b.yaml": says("b"), "a.yaml": says("a")}, {}, "a"),
    ("a deeper file by its whole path", {"b.yaml": says("b"), "a/z.yaml": says("z")}, {}, "z"),
    (
        "the higher priority before path and place",
        {
            "a.yaml": says("a"),
            "b.yaml": says("low", more=", priority: -1") + "  - {name: high, priority: 1, reply: x}",
        },
        {},
        "high",
    ),
    (
        "priority 0 where none is given",
        says("low", more=", priority: -1") + "  - {name: plain, reply: x}",
        {},
        "plain",
    ),
    (
        "of several folders the first given",
        {"one/a.yaml": says("one"), "two/a.yaml": says("two")},
        {"scenarios": ["s/two", "s/one"]},
        "two",
    ),
    (
        "priority before the order of folders, which are one layer",
        {"one/a.yaml": says("one", more=", priority: 1"), "two/a.yaml": says("two")},
        {"scenarios": ["s/two", "s/one"]},
        "one",
    ),
    (
        "the user's files before packs, whatever the priority",
        {
            "a.yaml": "use: [./p]\n" + says("user"),
            "p/pack.yaml": pack("p"),
            "p/p.yaml": says("p", more=", priority: 9"),
        },
        {},
        "user",
    ),
    (
        "the using pack before the used",
        {
            "a.yaml": "use: [./p]",
            "p/pack.yaml": pack("p", "[./inner]"),
            "p/z.yaml": says("p"),
            "p/inner/pack.yaml": pack("inner"),
            "p/inner/a.yaml": says("inner", more=", priority: 9"),
        },
        {},
        "p",
    ),
    (
        "packs depth first: what the first one uses before the second one",
        {
            "a.yaml": "use: [./p, ./q]",
            "p/pack.yaml": pack("p", "[./inner]"),
            "p/inner/pack.yaml": pack("inner"),
            "p/inner/a.yaml": says("inner"),
            "q/pack.yaml": pack("q"),
            "q/a.yaml": says("q"),
        },
        {},
        "inner",
    ),
    (
        "a pack is loaded once, at its first place",
        {
            "a.yaml": "use: [./p, ./q, ./p]",
            "p/pack.yaml": pack("p"),
            "p/a.yaml": says("p"),
            "q/pack.yaml": pack("q"),
            "q/a.yaml": says("q"),
        },
        {},
        "p",
    ),
    (
        "a fallback behind what stands below it",
        says("back", more=", fallback: true") + "  - {name: plain, reply: x}",
        {},
        "plain",
    ),
    (
        "a fallback of the user behind every ordinary rule of every pack",
        {
            "a.yaml": "use: [./p]\n" + says("user", more=", fallback: true, priority: 9"),
            "p/pack.yaml": pack("p"),
            "p/a.yaml": says("p", more=", priority: -9"),
        },
        {},
        "p",
    ),
    (
        "fallbacks among themselves in the same order: the user's first",
        {
            "a.yaml": "use: [./p]\n" + says("user", more=", fallback: true"),
            "p/pack.yaml": pack("p"),
            "p/a.yaml": says("p", more=", fallback: true, priority: 9"),
        },
        {},
        "user",
    ),
    (
        "fallbacks among themselves in the same order: priority",
        says("low", more=", fallback: true") + "  - {name: high, fallback: true, priority: 1, reply: x}",
        {},
        "high",
    ),
    ("a shipped pack by its name", {"a.yaml": "use: [error-models]"}, {}, "echo"),
    ("a shipped pack on the command line", {"a.yaml": ""}, {"packs": ["error-models"]}, "echo"),
]


@table("files, more, rule", ORDER)
def test_the_first_rule_that_matches_answers(files: Files, more: dict[str, Any], rule: str) -> None:
    assert rules(files, chat(), **more) == [rule]


def test_nothing_is_built_in() -> None:
    heard = first("rules: []")
    assert (heard.status, heard.rule, heard.answer.missed) == (404, None, True)


# --- replaces ------------------------------------------------------------------------------------

MADE = {"p/pack.yaml": pack("p"), "p/a.yaml": says("first", "made", "last")}
REPLACED: list[tuple[str, str, list[str | None]]] = [
    ("takes the place and layer of what it names", "{name: mine, replaces: 'p:first', reply: x}", ["mine"]),
    ("is not where it stands itself", "{name: mine, replaces: 'p:last', reply: x}", ["first"]),
    ("by the whole id", "{name: mine, replaces: 'p/a.yaml:first', reply: x}", ["mine"]),
    ("switches off where it is disabled", "{replaces: 'p:first', enabled: false, reply: x}", ["made"]),
]


@table("rule, answers", REPLACED)
def test_replaces(rule: str, answers: list[str | None]) -> None:
    assert rules({"a.yaml": f"use: [./p]\nrules:\n  - {rule}", **MADE}, chat()) == answers


def test_a_modifier_replaces_a_modifier() -> None:
    packed = {
        "p/pack.yaml": pack("p"),
        "p/a.yaml": "rules: [{reply: x}]\nmodifiers: [{name: m, headers: {x-who: pack}}]",
    }
    mine = "use: [./p]\nmodifiers: [{replaces: 'p:m', headers: {x-who: user}}]"
    assert first({"a.yaml": mine, **packed}).headers["x-who"] == "user"
    off = "use: [./p]\nmodifiers: [{replaces: 'p:m', enabled: false}]"
    assert "x-who" not in first({"a.yaml": off, **packed}).headers


@pytest.mark.parametrize("enabled", ["", ", enabled: false"])
def test_what_replaces_an_unknown_id_is_an_error(enabled: str) -> None:
    files = {"a.yaml": f"use: [./p]\nrules: [{{replaces: 'p:mad', reply: x{enabled}}}]", **MADE}
    assert mistakes(files) == ['rules[0].replaces: there is no rule "p:mad"; did you mean "p:made"?']


def test_a_rule_cannot_replace_a_modifier() -> None:
    files = {
        "a.yaml": "use: [./p]\nrules: [{replaces: 'p:m', reply: x}]",
        "p/pack.yaml": pack("p"),
        "p/a.yaml": "modifiers: [{name: m, delay: 1s}]",
    }
    assert mistakes(files) == ['rules[0].replaces: there is no rule "p:m"']


def test_nothing_replaces_itself() -> None:
    assert mistakes("rules: [{name: r, replaces: 'a.yaml:r', reply: x}]") == [
        'rules[0].replaces: there is no rule "a.yaml:r"'
    ]


@pytest.mark.parametrize("rules_off", [says("m", more=", enabled: false"), "enabled: false\n" + says("m")])
def test_what_is_disabled_already_may_be_replaced(rules_off: str) -> None:
    packed = {"p/pack.yaml": pack("p"), "p/a.yaml": rules_off}
    assert rules(
        {"a.yaml": "use: [./p]\nrules: [{name: mine, replaces: 'p:m', reply: x}]", **packed}, chat()
    ) == ["mine"]


# --- only and except -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "rule"),
    [
        ("only: [last, made]", "made"),
        ("except: [first]", "made"),
        ("except: [first, made]", "last"),
        ("only: [last]", "last"),
    ],
)
def test_a_pack_can_be_used_in_part(use: str, rule: str) -> None:
    assert rules({"a.yaml": f"use: [{{pack: ./p, {use}}}]", **MADE}, chat()) == [rule]


@pytest.mark.parametrize("word", ["only", "except"])
def test_what_is_taken_or_left_must_be_there(word: str) -> None:
    files = {"a.yaml": f"use: [{{pack: ./p, {word}: [first, mad]}}]", **MADE}
    assert mistakes(files) == [
        f'use[0].{word}[1]: the pack ./p has no rule or modifier "mad"; did you mean "made"?'
    ]


def test_only_holds_for_modifiers_too_and_leaves_out_what_has_no_name() -> None:
    packed = {
        "p/pack.yaml": pack("p"),
        "p/a.yaml": "rules: [{reply: x}, {name: r, reply: y}]\nmodifiers: [{name: m, delay: 1s}]",
    }
    heard = first({"a.yaml": "use: [{pack: ./p, only: [r]}]", **packed})
    assert (heard.rule, heard.modifiers) == ("r", [])
    heard = first({"a.yaml": "use: [{pack: ./p, except: [r]}]", **packed})
    assert (heard.rule, heard.modifiers) == ("rules[0]", ["m"])


# --- what a rule and a modifier see --------------------------------------------------------------

HTTP = "http: {body: x}"
SEEN: list[tuple[str, str, Ask, str | None]] = [
    ("a rule without api and path sees chats", "{reply: x}", chat(), "rules[0]"),
    ("a rule without api and path sees messages", "{reply: x}", claude(), "rules[0]"),
    ("a rule without api and path does not see lists", f"{{{HTTP}}}", models(), "models"),
    ("a rule sees lists if it names their api", f"{{match: {{api: models}}, {HTTP}}}", models(), "rules[0]"),
    ("a rule sees lists if it names their path", f"{{match: {{path: /v1/models}}, {HTTP}}}", models(), "rules[0]"),
    ("a rule sees lists if one of its alternatives names them", f"{{match: {{any: [{{path: /x}}, {{api: models}}]}}, {HTTP}}}", models(), "rules[0]"),
    ("what a rule must not be names nothing", f"{{match: {{not: {{path: /x}}}}, {HTTP}}}", models(), "models"),
    ("a path outside every protocol is offered to rules that name it", f"{{match: {{path: /custom}}, {HTTP}}}", ask("/custom"), "rules[0]"),
    ("also with a glob", f"{{match: {{path: '/cus*'}}, {HTTP}}}", ask("/custom/a/b", method="PUT"), "rules[0]"),
    ("a path outside every protocol is not offered to others", f"{{match: {{method: POST}}, {HTTP}}}", ask("/custom"), None),
    ("another method on a known path is offered too", f"{{match: {{path: /v1/messages}}, {HTTP}}}", ask("/v1/messages", method="PUT"), "rules[0]"),
]  # fmt: skip


@table("rule, asked, answers", SEEN)
def test_what_a_rule_sees(rule: str, asked: Ask, answers: str | None) -> None:
    assert rules(f"rules: [{rule}]", asked) == [answers]


def test_a_path_that_nobody_knows_is_a_404_that_lists_the_routes() -> None:
    heard = first("rules: [{reply: x}]", ask("/v2/chat"))
    assert (heard.status, heard.answer.missed) == (404, True)
    assert "POST /v1/chat/completions" in heard.message
    assert "POST /v1/messages" in heard.message


@pytest.mark.parametrize("asked", [ask("/custom", {"user": "hi"}), models()], ids=["outside", "a list"])
def test_a_reply_where_nothing_generates_is_told_to_be_http(asked: Ask) -> None:
    heard = first("rules: [{name: r, match: {path: '*'}, reply: x}]", asked)
    assert heard.status == 400
    assert "a.yaml:r (s/a.yaml:1)" in heard.message
    assert "use http or error" in heard.message


def test_an_error_outside_every_protocol() -> None:
    heard = first("rules: [{match: {path: /custom}, error: overloaded}]", ask("/custom"))
    assert (heard.status, heard.rule, heard.answer.error) == (503, "rules[0]", "overloaded")


EVERYWHERE = "rules: [{match: {path: /custom}, http: {body: x}}, {reply: x}]\nmodifiers: [{name: m, headers: {x-m: '1'}}]"


@pytest.mark.parametrize(
    ("asked", "applied"),
    [(chat(), True), (claude(), True), (models(), True), (ask("/custom"), False)],
    ids=["chats", "messages", "lists of models", "no path outside every protocol"],
)
def test_modifiers_see_provider_calls(asked: Ask, applied: bool) -> None:
    heard = first(EVERYWHERE, asked)
    assert (heard.modifiers, heard.headers.get("x-m")) == ((["m"], "1") if applied else ([], None))


def test_a_modifier_that_names_a_path_sees_it_outside_every_protocol() -> None:
    named = EVERYWHERE.replace("name: m,", "name: m, match: {path: /custom},")
    assert first(named, ask("/custom")).modifiers == ["m"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "found none"),
        ("reply: x, error: overloaded", "found reply and error"),
        ("reply: x, sequence: [y]", "found reply and sequence"),
        ("choose: [x], http: {}", "found http and choose"),
    ],
)
def test_exactly_one_answer(given: str, said: str) -> None:
    assert mistakes(f"rules: [{{name: r{', ' if given else ''}{given}}}]") == [
        f"rules[0]: exactly one of reply, error, http, replay, proxy, sequence, choose is needed; {said}"
    ]
