"""`during`, `requires_state` and `sets_state`: windows in time from a scope's first try, and flows over several
requests; what a miss says of them.
"""

from __future__ import annotations

from typing import Any

from tests.language.playing import NOW, Ask, Game, chat, claude, play, rules, table


def at(seconds: float, user: str = "hi", **more: Any) -> Ask:
    return chat(user, now=NOW + seconds, **more)


WINDOW = "rules: [{name: window, during: {%s}, reply: x}, {name: other, reply: y}]"


@table(
    "window, times, answered",
    [
        ("until", "to: 10s", [0, 9.9, 10, 11], "++--"),
        ("from", "from: 10s", [0, 9.9, 10, 1e6], "--++"),
        ("from and until", "from: 1s, to: 2s", [0, 1, 1.9, 2], "-++-"),
        ("again and again", "to: 1s, every: 10s", [0, 1, 9, 10, 11, 20.5], "+--+-+"),
        ("from the first try, whenever that is", "to: 10s", [500, 509, 510], "++-"),
        ("a clock that goes back is at the beginning", "to: 10s", [500, 520, 400], "+-+"),
    ],
)
def test_when_a_rule_answers(window: str, times: list[float], answered: str) -> None:
    heard = rules(WINDOW % window, *[at(time) for time in times])
    assert "".join("+" if rule == "window" else "-" for rule in heard) == answered


def test_each_scope_has_its_own_first_try() -> None:
    yaml = "rules: [{name: window, per: api_key, during: {to: 10s}, reply: x}, {name: other, reply: y}]"
    asks = [at(0, key="a"), at(20, key="a"), at(20, key="b"), at(29, key="b"), at(30, key="b")]
    assert rules(yaml, *asks) == ["window", "other", "window", "window", "other"]


def test_each_session_has_its_own_first_try() -> None:
    asks = [at(0), at(20), at(20, session="s")]
    assert rules(WINDOW % "to: 10s", *asks) == ["window", "other", "window"]


def test_it_is_the_first_try_of_the_rule_itself() -> None:
    yaml = """
        rules:
          - {name: early, match: {user: early}, reply: x}
          - {name: window, during: {to: 10s}, reply: x}
          - {name: other, reply: y}
        """
    assert rules(yaml, at(0, "early"), at(50), at(59), at(60)) == ["early", "window", "window", "other"]


def test_what_is_answered_before_rules_is_no_first_try() -> None:
    asks = [at(0, temperature=7), at(50), at(59), at(60)]
    assert [heard.rule for heard in play(WINDOW % "to: 10s", *asks)] == [None, "window", "window", "other"]


def test_a_window_on_a_modifier_runs_whatever_becomes_of_the_request() -> None:
    yaml = "rules: [{reply: x}]\nmodifiers: [{during: {from: 5s, to: 8s}, error: overloaded}]"
    asks = [at(0, temperature=7), at(4), at(5), at(8)]
    assert [heard.status for heard in play(yaml, *asks)] == [400, 200, 503, 200]


def test_outside_of_a_window_nothing_is_used_up() -> None:
    yaml = "rules: [{name: window, during: {from: 10s}, times: 2, reply: x}, {name: other, reply: y}]"
    asks = [at(time) for time in (0, 1, 2, 10, 11, 12)]
    assert rules(yaml, *asks) == ["other"] * 3 + ["window", "window", "other"]


def test_a_sequence_goes_on_where_its_window_left_it() -> None:
    yaml = (
        "rules: [{name: window, during: {to: 1s, every: 10s}, sequence: [a, b, c]}, {name: other, reply: y}]"
    )
    assert [heard.text for heard in play(yaml, *[at(time) for time in (0, 1, 10, 11, 20)])] == [
        "a", "y", "b", "y", "c",
    ]  # fmt: skip


# --- states --------------------------------------------------------------------------------------

FLOW = """
rules:
  - {name: pay, match: {user: pay}, requires_state: {order: null}, sets_state: {order: paid}, reply: x}
  - {name: ship, match: {user: ship}, requires_state: {order: [paid, gift]}, sets_state: {order: null}, reply: x}
  - {name: other, reply: y}
"""


def test_a_flow_over_several_requests() -> None:
    asks = [chat(user) for user in ("ship", "pay", "pay", "ship", "ship", "pay")]
    assert rules(FLOW, *asks) == ["other", "pay", "other", "ship", "other", "pay"]


def test_states_are_kept_by_per_and_by_session() -> None:
    each = FLOW.replace("match:", "per: api_key, match:")
    asks = [chat("pay", key="a"), chat("ship", key="b"), chat("ship", key="a")]
    assert rules(each, *asks) == ["pay", "other", "ship"]
    asks = [chat("pay"), chat("ship", session="s"), claude("ship")]
    assert rules(FLOW, *asks) == ["pay", "other", "ship"]


def test_what_does_not_answer_sets_nothing() -> None:
    asks = [chat("pay", temperature=9), chat("ship"), chat("pay")]
    assert [heard.rule for heard in play(FLOW, *asks)] == [None, "other", "pay"]
    refused = f"{FLOW}\nmodifiers: [{{times: 1, error: overloaded}}]"
    assert [heard.status for heard in play(refused, chat("pay"))] == [503]
    assert rules(refused, chat("pay"), chat("ship"))[1] == "other"


def test_a_rule_without_its_state_is_not_used_up() -> None:
    yaml = """
        rules:
          - {name: go, match: {user: go}, sets_state: {on: true}, reply: x}
          - {name: once, requires_state: {on: true}, times: 1, reply: x}
          - {name: other, reply: y}
        """
    asks = [chat(), chat(), chat("go"), chat(), chat()]
    assert rules(yaml, *asks) == ["other", "other", "go", "once", "other"]


def test_a_modifier_sets_and_requires_states_too() -> None:
    yaml = """
        rules: [{reply: x}]
        modifiers:
          - {name: break, match: {user: break}, sets_state: {broken: true}}
          - {name: mend, match: {user: mend}, sets_state: {broken: null}}
          - {name: broken, requires_state: {broken: true}, error: unavailable}
        """
    asks = [chat(user) for user in ("hi", "break", "hi", "mend", "hi")]
    assert [heard.status for heard in play(yaml, *asks)] == [200, 200, 503, 503, 200]


def test_of_two_that_set_the_same_state_the_rule_wins_then_the_earlier_modifier() -> None:
    yaml = """
        rules:
          - {name: own, match: {user: own}, sets_state: {who: rule}, reply: x}
          - {name: first, requires_state: {who: first}, reply: x}
          - {name: ruled, requires_state: {who: rule}, reply: x}
          - {name: unset, reply: x}
        modifiers:
          - {sets_state: {who: first}}
          - {sets_state: {who: second}}
        """
    assert rules(yaml, chat(), chat(), chat("own"), chat()) == ["unset", "first", "own", "ruled"]


def test_a_sequence_that_has_ended_in_a_miss_sets_nothing() -> None:
    yaml = """
        rules:
          - {name: off, match: {user: "off"}, sets_state: {lamp: null}, reply: x}
          - {name: lit, match: {user: lit}, requires_state: {lamp: true}, reply: x}
          - {name: steps, match: {user: "on"}, sets_state: {lamp: true}, sequence: [a, b], then: %s}
          - {name: dark, reply: x}
        """
    asks = [chat(user) for user in ("on", "on", "off", "on", "lit")]
    assert rules(yaml % "error", *asks) == ["steps", "steps", "off", None, "dark"]
    assert rules(yaml % "repeat_last", *asks) == ["steps", "steps", "off", "steps", "lit"]


def test_what_is_kept_sets_its_states_each_time() -> None:
    yaml = """
        rules:
          - {name: on, match: {user: "on"}, sets_state: {lamp: true}, reply: x}
          - {name: off, match: {user: "off"}, sets_state: {lamp: null}, reply: x}
          - {name: bright, requires_state: {lamp: true}, reply: x}
          - {name: dark, reply: x}
        """
    asks = [chat(user) for _ in range(5) for user in ("on", "hi", "off", "hi")]
    assert rules(yaml, *asks) == ["on", "bright", "off", "dark"] * 5


# --- what a miss says ----------------------------------------------------------------------------


@table(
    "rule, message",
    [
        ("outside its window", "during: {from: 5s}", "gone: matched, but outside its window (during)"),
        (
            "an unset state",
            "requires_state: {step: paid}",
            'gone: matched, but the state step is null, wants "paid"',
        ),
        (
            "several that would do",
            "requires_state: {count: [1, true]}",
            "gone: matched, but the state count is null, wants 1 or true",
        ),
    ],
)
def test_a_miss_says_why(rule: str, message: str) -> None:
    heard = play(f"rules: [{{name: gone, {rule}, reply: x}}]", chat())[0]
    assert (heard.status, heard.answer.missed) == (404, True)
    assert f"s/a.yaml:1 {message}" in heard.message


def test_what_is_peeked_at_begins_no_window_and_sets_no_state() -> None:
    game = Game(
        FLOW
        + "  - {name: never, reply: x}\nmodifiers: [{during: {to: 5s}, error: overloaded, match: {user: m}}]"
    )
    asked = [at(0, "pay"), at(0, "m")]
    for each in asked:
        request = game.engine.read("POST", each.path, "", {}, each.body, each.client, each.now)
        game.engine.peek(request)
    assert game.hear(at(50, "ship")).rule == "other"
    assert [game.hear(at(time, "m")).status for time in (50, 54, 55)] == [503, 503, 200]
