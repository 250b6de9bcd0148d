"""Selection of a rule: layers, priority, order, fallbacks, replaces, use, visible requests."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    ScenarioText,
    cases,
    chat_request,
    claude_request,
    diagnostics_of,
    models_request,
    raw_request,
    respond_once,
    rule_names,
)


def pack(name: str, use: str = "[]", more: str = "") -> str:
    return f'name: {name}\nversion: "1"\nuse: {use}\n{more}\n'


def rules_named(*names: str, more: str = "") -> str:
    """Return rules without a match, with these names."""
    return "rules:\n" + "".join(f"  - {{name: {name}, reply: '{name}'{more}}}\n" for name in names)


ORDER: list[tuple[str, ScenarioText, dict[str, Any], str]] = [
    ("top to bottom in a file", rules_named("one", "two"), {}, "one"),
    ("files by path", {"b.yaml": rules_named("b"), "a.yaml": rules_named("a")}, {}, "a"),
    ("a deeper file by its whole path", {"b.yaml": rules_named("b"), "a/z.yaml": rules_named("z")}, {}, "z"),
    (
        "the higher priority before path and place",
        {
            "a.yaml": rules_named("a"),
            "b.yaml": rules_named("low", more=", priority: -1") + "  - {name: high, priority: 1, reply: x}",
        },
        {},
        "high",
    ),
    (
        "priority 0 where none is given",
        rules_named("low", more=", priority: -1") + "  - {name: plain, reply: x}",
        {},
        "plain",
    ),
    (
        "of several folders the first given",
        {"one/a.yaml": rules_named("one"), "two/a.yaml": rules_named("two")},
        {"scenarios": ["s/two", "s/one"]},
        "two",
    ),
    (
        "priority before the order of folders, which are one layer",
        {"one/a.yaml": rules_named("one", more=", priority: 1"), "two/a.yaml": rules_named("two")},
        {"scenarios": ["s/two", "s/one"]},
        "one",
    ),
    (
        "the user's files before packs, whatever the priority",
        {
            "a.yaml": "use: [./p]\n" + rules_named("user"),
            "p/pack.yaml": pack("p"),
            "p/p.yaml": rules_named("p", more=", priority: 9"),
        },
        {},
        "user",
    ),
    (
        "the using pack before the used",
        {
            "a.yaml": "use: [./p]",
            "p/pack.yaml": pack("p", "[./inner]"),
            "p/z.yaml": rules_named("p"),
            "p/inner/pack.yaml": pack("inner"),
            "p/inner/a.yaml": rules_named("inner", more=", priority: 9"),
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
            "p/inner/a.yaml": rules_named("inner"),
            "q/pack.yaml": pack("q"),
            "q/a.yaml": rules_named("q"),
        },
        {},
        "inner",
    ),
    (
        "a pack is loaded once, at its first place",
        {
            "a.yaml": "use: [./p, ./q, ./p]",
            "p/pack.yaml": pack("p"),
            "p/a.yaml": rules_named("p"),
            "q/pack.yaml": pack("q"),
            "q/a.yaml": rules_named("q"),
        },
        {},
        "p",
    ),
    (
        "a fallback behind what stands below it",
        rules_named("back", more=", fallback: true") + "  - {name: plain, reply: x}",
        {},
        "plain",
    ),
    (
        "a fallback of the user behind every ordinary rule of every pack",
        {
            "a.yaml": "use: [./p]\n" + rules_named("user", more=", fallback: true, priority: 9"),
            "p/pack.yaml": pack("p"),
            "p/a.yaml": rules_named("p", more=", priority: -9"),
        },
        {},
        "p",
    ),
    (
        "fallbacks among themselves in the same order: the user's first",
        {
            "a.yaml": "use: [./p]\n" + rules_named("user", more=", fallback: true"),
            "p/pack.yaml": pack("p"),
            "p/a.yaml": rules_named("p", more=", fallback: true, priority: 9"),
        },
        {},
        "user",
    ),
    (
        "fallbacks among themselves in the same order: priority",
        rules_named("low", more=", fallback: true")
        + "  - {name: high, fallback: true, priority: 1, reply: x}",
        {},
        "high",
    ),
    ("a shipped pack by its name", {"a.yaml": "use: [error-models]"}, {}, "echo"),
    ("a shipped pack on the command line", {"a.yaml": ""}, {"packs": ["error-models"]}, "echo"),
]


@cases("files, more, rule", ORDER)
def test_first_matching_rule_is_selected(files: ScenarioText, more: dict[str, Any], rule: str) -> None:
    assert rule_names(files, chat_request(), **more) == [rule]


def test_no_rule_is_built_in() -> None:
    response = respond_once("rules: []")
    assert (response.status, response.rule, response.planned.unmatched) == (404, None, True)


# --- replaces ------------------------------------------------------------------------------------

BUILT = {"p/pack.yaml": pack("p"), "p/a.yaml": rules_named("first", "made", "last")}
REPLACED: list[tuple[str, str, list[str | None]]] = [
    ("takes the place and layer of what it names", "{name: mine, replaces: 'p:first', reply: x}", ["mine"]),
    ("is not where it stands itself", "{name: mine, replaces: 'p:last', reply: x}", ["first"]),
    ("by the whole id", "{name: mine, replaces: 'p/a.yaml:first', reply: x}", ["mine"]),
    ("switches off where it is disabled", "{replaces: 'p:first', enabled: false, reply: x}", ["made"]),
]


@cases("rule, answers", REPLACED)
def test_replaces(rule: str, answers: list[str | None]) -> None:
    assert rule_names({"a.yaml": f"use: [./p]\nrules:\n  - {rule}", **BUILT}, chat_request()) == answers


def test_replaces_modifier_by_modifier() -> None:
    packed = {
        "p/pack.yaml": pack("p"),
        "p/a.yaml": "rules: [{reply: x}]\nmodifiers: [{name: m, headers: {x-who: pack}}]",
    }
    mine = "use: [./p]\nmodifiers: [{replaces: 'p:m', headers: {x-who: user}}]"
    assert respond_once({"a.yaml": mine, **packed}).headers["x-who"] == "user"
    off = "use: [./p]\nmodifiers: [{replaces: 'p:m', enabled: false}]"
    assert "x-who" not in respond_once({"a.yaml": off, **packed}).headers


@pytest.mark.parametrize("enabled", ["", ", enabled: false"])
def test_replaces_unknown_id_has_diagnostic(enabled: str) -> None:
    files = {"a.yaml": f"use: [./p]\nrules: [{{replaces: 'p:mad', reply: x{enabled}}}]", **BUILT}
    assert diagnostics_of(files) == ['rules[0].replaces: there is no rule "p:mad"; did you mean "p:made"?']


def test_replaces_modifier_by_rule_has_diagnostic() -> None:
    files = {
        "a.yaml": "use: [./p]\nrules: [{replaces: 'p:m', reply: x}]",
        "p/pack.yaml": pack("p"),
        "p/a.yaml": "modifiers: [{name: m, delay: 1s}]",
    }
    assert diagnostics_of(files) == ['rules[0].replaces: there is no rule "p:m"']


def test_replaces_itself_has_diagnostic() -> None:
    assert diagnostics_of("rules: [{name: r, replaces: 'a.yaml:r', reply: x}]") == [
        'rules[0].replaces: there is no rule "a.yaml:r"'
    ]


@pytest.mark.parametrize(
    "rules_off", [rules_named("m", more=", enabled: false"), "enabled: false\n" + rules_named("m")]
)
def test_replaces_disabled_id_is_accepted(rules_off: str) -> None:
    packed = {"p/pack.yaml": pack("p"), "p/a.yaml": rules_off}
    assert rule_names(
        {"a.yaml": "use: [./p]\nrules: [{name: mine, replaces: 'p:m', reply: x}]", **packed}, chat_request()
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
def test_use_only_and_except_select_rules(use: str, rule: str) -> None:
    assert rule_names({"a.yaml": f"use: [{{pack: ./p, {use}}}]", **BUILT}, chat_request()) == [rule]


@pytest.mark.parametrize("key", ["only", "except"])
def test_use_only_unknown_name_has_diagnostic(key: str) -> None:
    files = {"a.yaml": f"use: [{{pack: ./p, {key}: [first, mad]}}]", **BUILT}
    assert diagnostics_of(files) == [
        f'use[0].{key}[1]: the pack ./p has no rule or modifier "mad"; did you mean "made"?'
    ]


def test_use_only_selects_modifiers_and_named_entries() -> None:
    packed = {
        "p/pack.yaml": pack("p"),
        "p/a.yaml": "rules: [{reply: x}, {name: r, reply: y}]\nmodifiers: [{name: m, delay: 1s}]",
    }
    response = respond_once({"a.yaml": "use: [{pack: ./p, only: [r]}]", **packed})
    assert (response.rule, response.modifiers) == ("r", [])
    response = respond_once({"a.yaml": "use: [{pack: ./p, except: [r]}]", **packed})
    assert (response.rule, response.modifiers) == ("rules[0]", ["m"])


# --- visible requests --------------------------------------------------------------

HTTP = "http: {body: x}"
SEEN: list[tuple[str, str, ClientRequest, str | None]] = [
    ("a rule without api and path sees chats", "{reply: x}", chat_request(), "rules[0]"),
    ("a rule without api and path sees messages", "{reply: x}", claude_request(), "rules[0]"),
    ("a rule without api and path does not see lists", f"{{{HTTP}}}", models_request(), "models"),
    ("a rule sees lists if it names their api", f"{{match: {{api: models}}, {HTTP}}}", models_request(), "rules[0]"),
    ("a rule sees lists if it names their path", f"{{match: {{path: /v1/models}}, {HTTP}}}", models_request(), "rules[0]"),
    ("a rule sees lists if one of its alternatives names them", f"{{match: {{any: [{{path: /x}}, {{api: models}}]}}, {HTTP}}}", models_request(), "rules[0]"),
    ("what a rule must not be names nothing", f"{{match: {{not: {{path: /x}}}}, {HTTP}}}", models_request(), "models"),
    ("a path outside every protocol is offered to rules that name it", f"{{match: {{path: /custom}}, {HTTP}}}", raw_request("/custom"), "rules[0]"),
    ("also with a glob", f"{{match: {{path: '/cus*'}}, {HTTP}}}", raw_request("/custom/a/b", method="PUT"), "rules[0]"),
    ("a path outside every protocol is not offered to others", f"{{match: {{method: POST}}, {HTTP}}}", raw_request("/custom"), None),
    ("another method on a known path is offered too", f"{{match: {{path: /v1/messages}}, {HTTP}}}", raw_request("/v1/messages", method="PUT"), "rules[0]"),
]  # fmt: skip


@cases("rule, sent, answers", SEEN)
def test_rule_without_api_matches_generating_calls(
    rule: str, sent: ClientRequest, answers: str | None
) -> None:
    assert rule_names(f"rules: [{rule}]", sent) == [answers]


def test_unknown_path_is_404_with_routes() -> None:
    responses = respond_once("rules: [{reply: x}]", raw_request("/v2/chat"))
    assert (responses.status, responses.planned.unmatched) == (404, True)
    assert "POST /v1/chat/completions" in responses.message
    assert "POST /v1/messages" in responses.message


@pytest.mark.parametrize(
    "sent", [raw_request("/custom", {"user": "hi"}), models_request()], ids=["outside", "a list"]
)
def test_reply_on_other_path_suggests_http(sent: ClientRequest) -> None:
    responses = respond_once("rules: [{name: r, match: {path: '*'}, reply: x}]", sent)
    assert responses.status == 400
    assert "a.yaml:r (s/a.yaml:1)" in responses.message
    assert "use http or error" in responses.message


def test_error_outside_every_protocol() -> None:
    response = respond_once("rules: [{match: {path: /custom}, error: overloaded}]", raw_request("/custom"))
    assert (response.status, response.rule, response.planned.error) == (503, "rules[0]", "overloaded")


EVERYWHERE = "rules: [{match: {path: /custom}, http: {body: x}}, {reply: x}]\nmodifiers: [{name: m, headers: {x-m: '1'}}]"


@pytest.mark.parametrize(
    ("sent", "applied"),
    [
        (chat_request(), True),
        (claude_request(), True),
        (models_request(), True),
        (raw_request("/custom"), False),
    ],
    ids=["chats", "messages", "lists of models", "no path outside every protocol"],
)
def test_modifier_without_path_matches_provider_calls(sent: ClientRequest, applied: bool) -> None:
    response = respond_once(EVERYWHERE, sent)
    assert (response.modifiers, response.headers.get("x-m")) == ((["m"], "1") if applied else ([], None))


def test_modifier_with_path_matches_outside_protocols() -> None:
    named = EVERYWHERE.replace("name: m,", "name: m, match: {path: /custom},")
    assert respond_once(named, raw_request("/custom")).modifiers == ["m"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "found none"),
        ("reply: x, error: overloaded", "found reply and error"),
        ("reply: x, sequence: [y]", "found reply and sequence"),
        ("choose: [x], http: {}", "found http and choose"),
    ],
)
def test_rule_needs_exactly_one_response(options: str, message: str) -> None:
    assert diagnostics_of(f"rules: [{{name: r{', ' if options else ''}{options}}}]") == [
        f"rules[0]: exactly one of reply, error, http, replay, proxy, sequence, choose is needed; {message}"
    ]
