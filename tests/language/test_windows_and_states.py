"""`during`, `requires_state` and `sets_state`: windows in time from a scope's first try, and flows over several
requests; what a miss says of them.
"""

from __future__ import annotations

from typing import Any

from tests.language.virtual_server import (
    NOW,
    ClientRequest,
    VirtualServer,
    cases,
    chat_request,
    claude_request,
    respond_all,
    rule_names,
)


def at(seconds: float, user: str = "hi", **more: Any) -> ClientRequest:
    return chat_request(user, now=NOW + seconds, **more)


WINDOW = "rules: [{name: window, during: {%s}, reply: x}, {name: other, reply: y}]"


@cases(
    "window, times, selected",
    [
        ("until", "to: 10s", [0, 9.9, 10, 11], "++--"),
        ("from", "from: 10s", [0, 9.9, 10, 1e6], "--++"),
        ("from and until", "from: 1s, to: 2s", [0, 1, 1.9, 2], "-++-"),
        ("again and again", "to: 1s, every: 10s", [0, 1, 9, 10, 11, 20.5], "+--+-+"),
        ("from the first try, whenever that is", "to: 10s", [500, 509, 510], "++-"),
        ("a clock that goes back is at the beginning", "to: 10s", [500, 520, 400], "+-+"),
    ],
)
def test_during_selects_times(window: str, times: list[float], selected: str) -> None:
    responses = rule_names(WINDOW % window, *[at(time) for time in times])
    assert "".join("+" if rule == "window" else "-" for rule in responses) == selected


def test_during_starts_for_each_scope() -> None:
    yaml = "rules: [{name: window, per: api_key, during: {to: 10s}, reply: x}, {name: other, reply: y}]"
    requests = [at(0, key="a"), at(20, key="a"), at(20, key="b"), at(29, key="b"), at(30, key="b")]
    assert rule_names(yaml, *requests) == ["window", "other", "window", "window", "other"]


def test_during_starts_for_each_session() -> None:
    requests = [at(0), at(20), at(20, session="s")]
    assert rule_names(WINDOW % "to: 10s", *requests) == ["window", "other", "window"]


def test_during_starts_at_first_try_of_rule() -> None:
    yaml = """
        rules:
          - {name: early, match: {user: early}, reply: x}
          - {name: window, during: {to: 10s}, reply: x}
          - {name: other, reply: y}
        """
    assert rule_names(yaml, at(0, "early"), at(50), at(59), at(60)) == ["early", "window", "window", "other"]


def test_during_is_not_started_by_refusal() -> None:
    requests = [at(0, temperature=7), at(50), at(59), at(60)]
    assert [response.rule for response in respond_all(WINDOW % "to: 10s", *requests)] == [
        None,
        "window",
        "window",
        "other",
    ]


def test_during_of_modifier_starts_for_every_outcome() -> None:
    yaml = "rules: [{reply: x}]\nmodifiers: [{during: {from: 5s, to: 8s}, error: overloaded}]"
    requests = [at(0, temperature=7), at(4), at(5), at(8)]
    assert [response.status for response in respond_all(yaml, *requests)] == [400, 200, 503, 200]


def test_outside_of_window_counts_nothing() -> None:
    yaml = "rules: [{name: window, during: {from: 10s}, times: 2, reply: x}, {name: other, reply: y}]"
    requests = [at(time) for time in (0, 1, 2, 10, 11, 12)]
    assert rule_names(yaml, *requests) == ["other"] * 3 + ["window", "window", "other"]


def test_sequence_continues_in_next_window() -> None:
    yaml = (
        "rules: [{name: window, during: {to: 1s, every: 10s}, sequence: [a, b, c]}, {name: other, reply: y}]"
    )
    assert [response.text for response in respond_all(yaml, *[at(time) for time in (0, 1, 10, 11, 20)])] == [
        "a", "y", "b", "y", "c",
    ]  # fmt: skip


# --- states --------------------------------------------------------------------------------------

FLOW = """
rules:
  - {name: pay, match: {user: pay}, requires_state: {order: null}, sets_state: {order: paid}, reply: x}
  - {name: ship, match: {user: ship}, requires_state: {order: [paid, gift]}, sets_state: {order: null}, reply: x}
  - {name: other, reply: y}
"""


def test_states_flow_over_requests() -> None:
    requests = [chat_request(user) for user in ("ship", "pay", "pay", "ship", "ship", "pay")]
    assert rule_names(FLOW, *requests) == ["other", "pay", "other", "ship", "other", "pay"]


def test_states_are_by_scope_and_session() -> None:
    each = FLOW.replace("match:", "per: api_key, match:")
    requests = [chat_request("pay", key="a"), chat_request("ship", key="b"), chat_request("ship", key="a")]
    assert rule_names(each, *requests) == ["pay", "other", "ship"]
    requests = [chat_request("pay"), chat_request("ship", session="s"), claude_request("ship")]
    assert rule_names(FLOW, *requests) == ["pay", "other", "ship"]


def test_rule_that_does_not_respond_sets_no_state() -> None:
    requests = [chat_request("pay", temperature=9), chat_request("ship"), chat_request("pay")]
    assert [response.rule for response in respond_all(FLOW, *requests)] == [None, "other", "pay"]
    refused = f"{FLOW}\nmodifiers: [{{times: 1, error: overloaded}}]"
    assert [response.status for response in respond_all(refused, chat_request("pay"))] == [503]
    assert rule_names(refused, chat_request("pay"), chat_request("ship"))[1] == "other"


def test_rule_without_state_counts_nothing() -> None:
    yaml = """
        rules:
          - {name: go, match: {user: go}, sets_state: {on: true}, reply: x}
          - {name: once, requires_state: {on: true}, times: 1, reply: x}
          - {name: other, reply: y}
        """
    requests = [chat_request(), chat_request(), chat_request("go"), chat_request(), chat_request()]
    assert rule_names(yaml, *requests) == ["other", "other", "go", "once", "other"]


def test_modifier_sets_and_requires_states() -> None:
    yaml = """
        rules: [{reply: x}]
        modifiers:
          - {name: break, match: {user: break}, sets_state: {broken: true}}
          - {name: mend, match: {user: mend}, sets_state: {broken: null}}
          - {name: broken, requires_state: {broken: true}, error: unavailable}
        """
    requests = [chat_request(user) for user in ("hi", "break", "hi", "mend", "hi")]
    assert [response.status for response in respond_all(yaml, *requests)] == [200, 200, 503, 503, 200]


def test_same_state_rule_precedes_modifiers() -> None:
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
    assert rule_names(yaml, chat_request(), chat_request(), chat_request("own"), chat_request()) == [
        "unset",
        "first",
        "own",
        "ruled",
    ]


def test_ended_sequence_sets_no_state() -> None:
    yaml = """
        rules:
          - {name: off, match: {user: "off"}, sets_state: {lamp: null}, reply: x}
          - {name: lit, match: {user: lit}, requires_state: {lamp: true}, reply: x}
          - {name: steps, match: {user: "on"}, sets_state: {lamp: true}, sequence: [a, b], then: %s}
          - {name: dark, reply: x}
        """
    requests = [chat_request(user) for user in ("on", "on", "off", "on", "lit")]
    assert rule_names(yaml % "error", *requests) == ["steps", "steps", "off", None, "dark"]
    assert rule_names(yaml % "repeat_last", *requests) == ["steps", "steps", "off", "steps", "lit"]


def test_cached_response_sets_states() -> None:
    yaml = """
        rules:
          - {name: on, match: {user: "on"}, sets_state: {lamp: true}, reply: x}
          - {name: off, match: {user: "off"}, sets_state: {lamp: null}, reply: x}
          - {name: bright, requires_state: {lamp: true}, reply: x}
          - {name: dark, reply: x}
        """
    requests = [chat_request(user) for _ in range(5) for user in ("on", "hi", "off", "hi")]
    assert rule_names(yaml, *requests) == ["on", "bright", "off", "dark"] * 5


# --- misses ----------------------------------------------------------------------------


@cases(
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
def test_miss_states_window_and_state(rule: str, message: str) -> None:
    responses = respond_all(f"rules: [{{name: gone, {rule}, reply: x}}]", chat_request())[0]
    assert (responses.status, responses.planned.unmatched) == (404, True)
    assert f"s/a.yaml:1 {message}" in responses.message


def test_preview_starts_no_window_and_sets_no_state() -> None:
    server = VirtualServer(
        FLOW
        + "  - {name: never, reply: x}\nmodifiers: [{during: {to: 5s}, error: overloaded, match: {user: m}}]"
    )
    sent = [at(0, "pay"), at(0, "m")]
    for each in sent:
        request = server.engine.read("POST", each.path, "", {}, each.body, each.client, each.now)
        server.engine.preview(request)
    assert server.respond(at(50, "ship")).rule == "other"
    assert [server.respond(at(time, "m")).status for time in (50, 54, 55)] == [503, 503, 200]
