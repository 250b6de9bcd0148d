"""Whose turn it is: guards, scopes, sequences, choices by weight."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import pytest

from tests.language.playing import Ask, chat, claude, mistakes, play, rules, table, texts

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


@table("guard, asked, answered", GUARDS)
def test_a_guard_that_fails_lets_the_next_rule_try(guard: str, asked: int, answered: str) -> None:
    heard = rules(f"rules: [{{name: it, {guard}, reply: x}}, {OTHER}]", *[chat()] * asked)
    assert "".join("1" if rule == "it" else "0" for rule in heard) == answered


@table("guard, asked, answered", GUARDS)
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


@table("per, asked, answered", PER)
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
        "pack.yaml": f'name: p\nversion: "1"\n{params}',
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


@table("sequence, said", SEQUENCES)
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
        "rules[0].then: then belongs to a sequence, and this rule has none"
    ]


# --- choices -------------------------------------------------------------------------------------


def test_choose_draws_by_weight() -> None:
    said = texts(
        "rules: [{choose: [{weight: 3, reply: often}, seldom, {weight: 0, reply: never}]}]", *[chat()] * 1000
    )
    assert 700 < said.count("often") < 800
    assert said.count("often") + said.count("seldom") == 1000


def test_a_choice_of_weights_that_are_all_0_never_answers() -> None:
    files = """
        rules:
          - choose: [{weight: 0, reply: a}, {weight: 0, reply: b}]
          - choose: [{weight: 0, reply: c}]
          - reply: the next rule
        """
    assert texts(files, *[chat()] * 3) == ["the next rule"] * 3


def test_choose_takes_weight_1_where_none_is_given() -> None:
    said = texts("rules: [{choose: [{weight: 1, reply: a}, b]}]", *[chat()] * 1000)
    assert 440 < said.count("a") < 560
