"""Which rule answers: layers, priority, order, fallbacks, replaces, use, what a rule sees, guards, turns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.playing import Ask, Files, ask, chat, claude, first, mistakes, models, play, rules, texts


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


@pytest.mark.parametrize(
    ("files", "more", "rule"), [case[1:] for case in ORDER], ids=[case[0] for case in ORDER]
)
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


@pytest.mark.parametrize(
    ("rule", "answers"), [case[1:] for case in REPLACED], ids=[case[0] for case in REPLACED]
)
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


@pytest.mark.parametrize(
    ("rule", "asked", "answers"), [case[1:] for case in SEEN], ids=[case[0] for case in SEEN]
)
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


# --- guards --------------------------------------------------------------------------------------

OTHER = "{name: other, reply: x}"
GUARDS: list[tuple[str, str, int, str]] = [
    ("times: answers in all", "times: 2", 5, "11000"),
    ("times: 0 never answers", "times: 0", 3, "000"),
    ("skip: passes over the first", "skip: 2", 5, "00111"),
    ("every: the Nth, the 2Nth", "every: 3", 7, "0010010"),
    ("every: 1 is each", "every: 1", 3, "111"),
    ("skip, then every", "skip: 1, every: 2", 7, "0010101"),
    ("every and times", "every: 2, times: 2", 8, "01010000"),
    ("skip and times", "skip: 1, times: 2", 5, "01100"),
    ("all three", "skip: 1, every: 2, times: 1", 6, "001000"),
    ("chance: 100% always", "chance: 100%", 4, "1111"),
    ("chance: 0 never", "chance: 0", 4, "0000"),
]


@pytest.mark.parametrize(
    ("guard", "asked", "answered"), [case[1:] for case in GUARDS], ids=[case[0] for case in GUARDS]
)
def test_a_guard_that_fails_lets_the_next_rule_try(guard: str, asked: int, answered: str) -> None:
    heard = rules(f"rules: [{{name: it, {guard}, reply: x}}, {OTHER}]", *[chat()] * asked)
    assert "".join("1" if rule == "it" else "0" for rule in heard) == answered


@pytest.mark.parametrize(
    ("guard", "asked", "answered"), [case[1:] for case in GUARDS], ids=[case[0] for case in GUARDS]
)
def test_guards_are_the_same_on_modifiers(guard: str, asked: int, answered: str) -> None:
    heard = play(
        f"rules: [{OTHER}]\nmodifiers: [{{name: it, {guard}, headers: {{a: b}}}}]", *[chat()] * asked
    )
    assert "".join("1" if "it" in each.modifiers else "0" for each in heard) == answered


@pytest.mark.parametrize(("chance", "low", "high"), [("30%", 250, 350), (0.5, 450, 550)])
def test_chance_is_how_often(chance: object, low: int, high: int) -> None:
    heard = rules(f"rules: [{{name: it, chance: {chance}, reply: x}}, {OTHER}]", *[chat()] * 1000)
    assert low < heard.count("it") < high


A, B = chat(key="sk-a"), chat(key="sk-b")
PER: list[tuple[str, str, list[Ask], str]] = [
    ("global is the default, one count for all", "", [A, B, A], "100"),
    ("global by its name", "per: global", [A, B, A], "100"),
    ("api_key", "per: api_key", [A, B, A, B], "1100"),
    ("api_key wherever the provider carries it", "per: api_key", [A, claude(key="sk-a"), claude(key="sk-b")], "101"),
    ("no api_key is one of its own", "per: api_key", [chat(), A, chat()], "110"),
    ("header:NAME", "per: 'header:X-User'", [chat(headers={"x-user": "1"}), chat(headers={"X-USER": "2"}), chat(headers={"x-user": "1"})], "110"),
    ("ip", "per: ip", [chat(client="::1"), chat(client="10.0.0.1"), chat(client="::1")], "110"),
    (
        "conversation: the system text and the first user message",
        "per: conversation",
        [
            chat("one"),
            chat("two"),
            chat(messages=[{"role": "user", "content": "one"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": "more"}]),
            chat(messages=[{"role": "system", "content": "s"}, {"role": "user", "content": "one"}]),
        ],
        "1101",
    ),
    ("the session, whatever per says", "", [chat(session="a"), chat(session="b"), chat(), chat(session="a"), chat()], "11100"),
    ("the session, and inside it the key", "per: api_key", [chat(key="k", session="a"), chat(key="k", session="b"), chat(key="k", session="a")], "110"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("per", "asked", "answered"), [case[1:] for case in PER], ids=[case[0] for case in PER]
)
def test_per_says_whose_counts(per: str, asked: list[Ask], answered: str) -> None:
    heard = rules(f"rules: [{{name: it, times: 1, {per}{', ' if per else ''}reply: x}}, {OTHER}]", *asked)
    assert "".join("1" if rule == "it" else "0" for rule in heard) == answered


@pytest.mark.parametrize(
    ("enabled", "rule"),
    [("true", "it"), ("false", "other"), ("{climate: storm}", "it"), ("{climate: [calm, storm]}", "it"),
     ("{climate: calm}", "other"), ("{level: {gt: 2}}", "it"), ("{level: {gt: 2}, climate: calm}", "other"),
     ("{unset: {exists: true}}", "other"), ("{unset: {exists: false}}", "it")],
)  # fmt: skip
def test_enabled_is_a_condition_on_the_packs_parameters(enabled: str, rule: str) -> None:
    params = "params: {climate: {default: storm}, level: {type: integer, default: 3}, unset: {}}"
    files = {
        "pack.yaml": pack("p", more=params),
        "a.yaml": f"rules: [{{name: it, enabled: {enabled}, reply: x}}, {OTHER}]",
    }
    assert rules(files, chat()) == [rule]


def test_what_is_disabled_is_not_typed() -> None:
    assert rules(f"rules: [{{enabled: false, match: {{modle: x}}, replay: 7}}, {OTHER}]", chat()) == ["other"]
    files = {"a.yaml": "enabled: false\nrules: [{modle: x}]", "b.yaml": f"rules: [{OTHER}]"}
    assert rules(files, chat()) == ["other"]


# --- sequences -----------------------------------------------------------------------------------

STEPS = "sequence: [{reply: a, times: 2}, b]"
SEQUENCES: list[tuple[str, str, str]] = [
    ("a step gives its times, and repeat_last is the default", STEPS, "aabbbb"),
    ("then: repeat_last", f"{STEPS}, then: repeat_last", "aabbbb"),
    ("then: cycle", f"{STEPS}, then: cycle", "aabaab"),
    ("then: fall_through", f"{STEPS}, then: fall_through", "aabooo"),
    ("times holds for the rule's answers in all", f"{STEPS}, then: cycle, times: 4", "aabaoo"),
    ("the lesser of times and what falls through", f"{STEPS}, then: fall_through, times: 2", "aaoooo"),
    ("skip counts before the first step", f"{STEPS}, skip: 1", "oaabbb"),
    ("every: the steps go by its answers", f"{STEPS}, every: 2", "oaoaob"),
]


@pytest.mark.parametrize(
    ("sequence", "said"), [case[1:] for case in SEQUENCES], ids=[case[0] for case in SEQUENCES]
)
def test_a_sequence_answers_in_turn(sequence: str, said: str) -> None:
    assert "".join(texts(f"rules: [{{{sequence}}}, {{reply: o}}]", *[chat()] * 6)) == said


def test_then_error_is_the_miss() -> None:
    heard = play("rules: [{name: s, sequence: [a], then: error}, {reply: o}]", chat(), chat(), chat())
    assert [each.status for each in heard] == [200, 404, 404]
    assert "s/a.yaml:1 s: matched, but its sequence has ended" in heard[1].message
    assert heard[1].answer.missed


def test_a_sequence_counts_for_each_of_per() -> None:
    assert texts("rules: [{per: api_key, sequence: [a, b]}]", A, A, B, A, B) == ["a", "b", "a", "b", "b"]


def test_steps_and_branches_hold_errors_and_http_and_settings() -> None:
    heard = play(
        """
        rules:
          - sequence:
              - {error: rate_limit, delay: 1s}
              - {http: {status: 201, body: made}, headers: {x-step: two}}
              - {reply: done, stream: true}
        """,
        chat(), chat(), chat(),
    )  # fmt: skip
    assert [(each.status, each.delay, each.headers.get("x-step"), each.streamed) for each in heard] == [
        (429, 1.0, None, False),
        (201, 0.0, "two", False),
        (200, 0.0, None, True),
    ]


@pytest.mark.parametrize("word", ["sequence", "choose"])
@pytest.mark.parametrize("inner", ["sequence", "choose"])
def test_steps_and_branches_hold_no_sequence_and_no_choice(word: str, inner: str) -> None:
    assert mistakes(f"rules: [{{{word}: [{{{inner}: [a]}}]}}]")


def test_then_without_a_sequence_is_a_mistake() -> None:
    assert mistakes("rules: [{reply: x, then: cycle}]") == [
        "rules[0]: then belongs to a sequence, and there is none"
    ]


# --- choices -------------------------------------------------------------------------------------


def test_choose_draws_by_weight() -> None:
    said = texts(
        "rules: [{choose: [{weight: 3, reply: often}, seldom, {weight: 0, reply: never}]}]", *[chat()] * 1000
    )
    assert 700 < said.count("often") < 800
    assert said.count("often") + said.count("seldom") == 1000


def test_choose_takes_weight_1_where_none_is_given() -> None:
    said = texts("rules: [{choose: [{weight: 1, reply: a}, b]}]", *[chat()] * 1000)
    assert 440 < said.count("a") < 560


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
        f"rules[0]: exactly one of reply, error, http, sequence, choose is needed; {said}"
    ]
