"""Guards, scopes, sequences and choices by weight."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    cases,
    chat_request,
    claude_request,
    diagnostics_of,
    respond_all,
    response_texts,
    rule_names,
)

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


@cases("guard, sent, selected", GUARDS)
def test_blocked_rule_leaves_next_rule(guard: str, sent: int, selected: str) -> None:
    responses = rule_names(f"rules: [{{name: it, {guard}, reply: x}}, {OTHER}]", *[chat_request()] * sent)
    assert "".join("1" if rule == "it" else "0" for rule in responses) == selected


@cases("guard, sent, selected", GUARDS)
def test_guards_apply_to_modifiers(guard: str, sent: int, selected: str) -> None:
    responses = respond_all(
        f"rules: [{OTHER}]\nmodifiers: [{{name: it, {guard}, headers: {{a: b}}}}]", *[chat_request()] * sent
    )
    assert "".join("1" if "it" in each.modifiers else "0" for each in responses) == selected


@pytest.mark.parametrize(("chance", "low", "high"), [("30%", 250, 350), (0.5, 450, 550)])
def test_chance_is_probability(chance: object, low: int, high: int) -> None:
    response = rule_names(
        f"rules: [{{name: it, chance: {chance}, reply: x}}, {OTHER}]", *[chat_request()] * 1000
    )
    assert low < response.count("it") < high


A, B = chat_request(key="sk-a"), chat_request(key="sk-b")
PER: list[tuple[str, str, list[ClientRequest], str]] = [
    ("global is the default, one count for all", "", [A, B, A], "100"),
    ("global by its name", "per: global", [A, B, A], "100"),
    ("api_key", "per: api_key", [A, B, A, B], "1100"),
    ("api_key wherever the provider carries it", "per: api_key", [A, claude_request(key="sk-a"), claude_request(key="sk-b")], "101"),
    ("no api_key is one of its own", "per: api_key", [chat_request(), A, chat_request()], "110"),
    ("header:NAME", "per: 'header:X-User'", [chat_request(headers={"x-user": "1"}), chat_request(headers={"X-USER": "2"}), chat_request(headers={"x-user": "1"})], "110"),
    ("ip", "per: ip", [chat_request(client="::1"), chat_request(client="10.0.0.1"), chat_request(client="::1")], "110"),
    (
        "conversation: the system text and the first user message",
        "per: conversation",
        [
            chat_request("one"),
            chat_request("two"),
            chat_request(messages=[{"role": "user", "content": "one"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": "more"}]),
            chat_request(messages=[{"role": "system", "content": "s"}, {"role": "user", "content": "one"}]),
        ],
        "1101",
    ),
    ("the session, whatever per says", "", [chat_request(session="a"), chat_request(session="b"), chat_request(), chat_request(session="a"), chat_request()], "11100"),
    ("the session, and inside it the key", "per: api_key", [chat_request(key="k", session="a"), chat_request(key="k", session="b"), chat_request(key="k", session="a")], "110"),
]  # fmt: skip


@cases("per, sent, selected", PER)
def test_per_selects_scope(per: str, sent: list[ClientRequest], selected: str) -> None:
    responses = rule_names(
        f"rules: [{{name: it, times: 1, {per}{', ' if per else ''}reply: x}}, {OTHER}]", *sent
    )
    assert "".join("1" if rule == "it" else "0" for rule in responses) == selected


@pytest.mark.parametrize(
    ("enabled", "rule"),
    [("true", "it"), ("false", "other"), ("{climate: storm}", "it"), ("{climate: [calm, storm]}", "it"),
     ("{climate: calm}", "other"), ("{level: {gt: 2}}", "it"), ("{level: {gt: 2}, climate: calm}", "other"),
     ("{unset: {exists: true}}", "other"), ("{unset: {exists: false}}", "it")],
)  # fmt: skip
def test_enabled_condition_on_parameters(enabled: str, rule: str) -> None:
    params = "params: {climate: {default: storm}, level: {type: integer, default: 3}, unset: {}}"
    files = {
        "pack.yaml": f'name: p\nversion: "1"\n{params}',
        "a.yaml": f"rules: [{{name: it, enabled: {enabled}, reply: x}}, {OTHER}]",
    }
    assert rule_names(files, chat_request()) == [rule]


def test_disabled_rule_is_not_typed() -> None:
    assert rule_names(
        f"rules: [{{enabled: false, match: {{modle: x}}, replay: 7}}, {OTHER}]", chat_request()
    ) == ["other"]
    files = {"a.yaml": "enabled: false\nrules: [{modle: x}]", "b.yaml": f"rules: [{OTHER}]"}
    assert rule_names(files, chat_request()) == ["other"]


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


@cases("sequence, message", SEQUENCES)
def test_sequence_responds_in_turn(sequence: str, message: str) -> None:
    assert "".join(response_texts(f"rules: [{{{sequence}}}, {{reply: o}}]", *[chat_request()] * 6)) == message


def test_sequence_then_error_is_miss() -> None:
    responses = respond_all(
        "rules: [{name: s, sequence: [a], then: error}, {reply: o}]",
        chat_request(),
        chat_request(),
        chat_request(),
    )
    assert [each.status for each in responses] == [200, 404, 404]
    assert "s/a.yaml:1 s: matched, but its sequence has ended" in responses[1].message
    assert responses[1].planned.unmatched


def test_sequence_counts_by_scope() -> None:
    assert response_texts("rules: [{per: api_key, sequence: [a, b]}]", A, A, B, A, B) == [
        "a",
        "b",
        "a",
        "b",
        "b",
    ]


def test_steps_and_branches_have_responses_and_settings() -> None:
    responses = respond_all(
        """
        rules:
          - sequence:
              - {error: rate_limit, delay: 1s}
              - {http: {status: 201, body: made}, headers: {x-step: two}}
              - {reply: done, stream: true}
        """,
        chat_request(), chat_request(), chat_request(),
    )  # fmt: skip
    assert [(each.status, each.delay, each.headers.get("x-step"), each.streamed) for each in responses] == [
        (429, 1.0, None, False),
        (201, 0.0, "two", False),
        (200, 0.0, None, True),
    ]


@pytest.mark.parametrize("key", ["sequence", "choose"])
@pytest.mark.parametrize("inner", ["sequence", "choose"])
def test_steps_and_branches_refuse_nesting(key: str, inner: str) -> None:
    assert diagnostics_of(f"rules: [{{{key}: [{{{inner}: [a]}}]}}]")


def test_then_without_sequence_has_diagnostic() -> None:
    assert diagnostics_of("rules: [{reply: x, then: cycle}]") == [
        "rules[0].then: then belongs to a sequence, and this rule has none"
    ]


# --- choices -------------------------------------------------------------------------------------


def test_choose_draws_by_weight() -> None:
    message = response_texts(
        "rules: [{choose: [{weight: 3, reply: often}, seldom, {weight: 0, reply: never}]}]",
        *[chat_request()] * 1000,
    )
    assert 700 < message.count("often") < 800
    assert message.count("often") + message.count("seldom") == 1000


def test_choose_with_zero_weights_never_responds() -> None:
    files = """
        rules:
          - choose: [{weight: 0, reply: a}, {weight: 0, reply: b}]
          - choose: [{weight: 0, reply: c}]
          - reply: the next rule
        """
    assert response_texts(files, *[chat_request()] * 3) == ["the next rule"] * 3


def test_choose_default_weight_is_1() -> None:
    message = response_texts("rules: [{choose: [{weight: 1, reply: a}, b]}]", *[chat_request()] * 1000)
    assert 440 < message.count("a") < 560
