"""`limit` on modifiers: what passes, and what is used up by it and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.limiting import HI, at, gemini, limited, passed, statuses
from tests.language.playing import Ask, Game, Heard, chat, claude, models, play, table

PASSES: list[tuple[str, str, list[float], str]] = [
    ("none lets all pass", "strategy: none", [0, 0, 0], "+++"),
    ("fixed-window", "strategy: fixed-window, requests: 2, window: 10s", [0, 4, 5, 9.9, 10], "++--+"),
    ("sliding-window", "strategy: sliding_window, requests: 2, window: 10s", [0, 4, 10, 11, 14], "+++-+"),
    ("token-bucket", "strategy: token-bucket, requests: 2, window: 10s", [0, 0, 4, 5, 5], "++-+-"),
    ("its burst", "strategy: token-bucket, requests: 2, burst: 3, window: 10s", [0, 0, 0, 0], "+++-"),
    ("leaky-bucket", "strategy: leaky-bucket, requests: 1, queue: 1, window: 2s", [0, 0, 0, 2], "++-+"),
    ("after-n never recovers", "strategy: after-n, requests: 2", [0, 0, 0, 1e6], "++--"),
    ("always", "strategy: always", [0, 1e6], "--"),
    ("random that always hits", "strategy: random, probability: 100%", [0, 1], "--"),
    ("random that never hits", "strategy: random, probability: 0%", [0, 1], "++"),
]


@table("settings, times, expected", PASSES)
@pytest.mark.parametrize("asked", [chat, claude, gemini])
def test_what_passes(settings: str, times: list[float], expected: str, asked: Any) -> None:
    assert passed(play(limited(settings), *[at(time, asked) for time in times])) == expected


def test_random_refuses_about_as_many_as_it_says_and_the_same_again() -> None:
    yaml = limited("strategy: random, probability: 30%")
    runs = [statuses(play(yaml, *[chat()] * 400)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert 90 < runs[0].count(429) < 150
    assert statuses(play(yaml, *[chat()] * 400, seed=1)) != runs[0]


X, Y = chat(model="x"), chat()
SESSION = chat(session="s")


@table(
    "guard, asks, expected",
    [
        ("per key", {"per": "api_key"}, [chat(key="a"), chat(key="a"), chat(key="b")], "+-+"),
        ("for all", {}, [chat(key="a"), chat(key="b")], "+-"),
        ("in each session", {}, [Y, SESSION, SESSION, Y], "++--"),
        ("for what it matches", {"match": "{model: x}"}, [X, Y, Y, X], "+++-"),
        ("also of lists of models", {}, [models(), models()], "+-"),
        ("not those that its chance spares", {"chance": "0%"}, [Y, Y, Y], "+++"),
        ("not those before its turn", {"skip": "2"}, [Y, Y, Y, Y], "+++-"),
    ],
)
def test_whose_requests_are_counted(guard: dict[str, str], asks: list[Ask], expected: str) -> None:
    assert passed(play(limited("strategy: after-n, requests: 1", **guard), *asks)) == expected


def test_tokens_are_those_of_the_input_and_max_tokens() -> None:
    yaml = limited("strategy: fixed-window, tokens: 1000")
    asks = [chat("hi", max_tokens=600), chat("hi", max_tokens=600), chat("hi"), claude(max_tokens=300)]
    heard = play(yaml, *asks)
    assert statuses(heard) == [200, 429, 200, 200]
    left = [int(each.headers["x-ratelimit-remaining-tokens"]) for each in heard[:3]]
    assert 380 < left[0] < 400
    assert left[1] == left[0]
    assert left[2] == left[0] - (1000 - 600 - left[0])  # the same input again


def test_all_limits_are_charged_or_none() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - {{name: wide, limit: {{strategy: fixed-window, requests: 3, window: 1h}}}}
          - {{name: narrow, match: {{model: x}}, limit: {{strategy: fixed-window, requests: 1, window: 1m}}}}
        """
    game = Game(yaml)
    asked = [chat(model="x"), chat(model="x"), chat(model="x"), chat(), chat(), chat()]
    heard = [game.hear(each) for each in asked]
    assert statuses(heard) == [200, 429, 429, 200, 200, 429]
    assert [each.rule for each in heard if each.status == 429] == ["narrow", "narrow", "wide"]


# --- the order of what happens -------------------------------------------------------------------

ONCE = "rules: [{name: once, times: 1, reply: once}, {name: steps, sequence: [a, b], then: error}]"


def test_what_a_limit_answers_uses_up_nothing_of_any_rule() -> None:
    game = Game(limited("strategy: fixed-window, requests: 1, window: 10s", ONCE))
    heard = [game.hear(at(time)) for time in (0, 1, 2, 10, 11, 20)]
    assert [each.text if each.status == 200 else "" for each in heard] == ["once", "", "", "a", "", "b"]


def test_a_limit_also_where_no_rule_answers() -> None:
    heard = play(limited("strategy: after-n, requests: 1", "rules: []"), chat(), chat())
    assert [(each.status, each.answer.missed) for each in heard] == [(404, True), (429, False)]
    assert heard[0].headers["x-ratelimit-remaining-requests"] == "0"


def test_a_limit_comes_before_validation_and_counts_what_is_invalid() -> None:
    heard = play(limited("strategy: after-n, requests: 1"), chat(temperature=7), chat(temperature=7))
    assert statuses(heard) == [400, 429]


def test_an_error_comes_before_a_limit_and_is_not_charged() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - {{limit: {{strategy: after-n, requests: 1}}}}
          - {{match: {{query: {{fail: {{exists: true}}}}}}, error: overloaded}}
        """
    assert statuses(play(yaml, chat(query="fail=1"), chat(query="fail=1"), chat(), chat())) == [
        503,
        503,
        200,
        429,
    ]


def test_what_is_left_is_told_on_whatever_is_answered() -> None:
    yaml = """
        rules:
          - {name: unfit, match: {user: unfit}, reply: "{{ query.none }}"}
          - {name: failing, match: {user: failing}, error: server_error}
          - {name: plain, match: {user: plain}, http: {body: plain}}
          - {name: hi, match: {user: hi}, reply: hi}
        modifiers:
          - {limit: {strategy: fixed-window, requests: 9}}
          - {match: {query: {fail: {exists: true}}}, error: overloaded}
          - {match: {user: busy}, load: {max_inflight: 1}}
        """
    invalid, outage = chat(temperature=7), chat(query="fail=1")
    heard = play(
        yaml, chat("unfit"), chat("failing"), chat("plain"), chat("miss"), invalid, models(), outage, Y
    )
    assert statuses(heard) == [400, 500, 200, 404, 400, 200, 503, 200]
    left = [int(each.headers["x-ratelimit-remaining-requests"]) for each in heard]
    assert left == [8, 7, 6, 5, 4, 3, 3, 2]


def test_a_refusal_is_named_noted_and_has_the_settings_of_all() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - {{name: quota, limit: {{strategy: fixed-window, requests: 1, tokens: 50, window: 10s}}}}
          - {{name: late, delay: 2s, headers: {{x-a: b}}}}
        """
    _, requests, tokens = play(yaml, chat(), at(4), at(4, chat, max_tokens=60))
    assert (requests.rule, requests.modifiers, requests.took) == ("quota", ["quota", "late"], 2.0)
    assert (requests.headers["x-a"], requests.headers["x-mockllm-rule"]) == ("b", "a.yaml:quota")
    assert requests.notes == "limited: too many requests, retry after 6s (s/a.yaml:4)"
    assert tokens.notes == "limited: too many tokens (s/a.yaml:4)"


def test_a_refusal_whose_settings_do_not_fit_is_still_the_limits() -> None:
    yaml = f"""
        {HI}
        modifiers: [{{name: quota, limit: {{strategy: always}}, delay: "{{{{ query.none }}}}ms"}}]
        """
    heard = play(yaml, chat())[0]
    assert (heard.status, heard.headers["x-mockllm-rule"]) == (400, "a.yaml:quota")


def test_what_is_peeked_at_is_not_counted_and_is_what_comes_next() -> None:
    game = Game(limited("strategy: fixed-window, requests: 2, concurrent: 2"))
    engine = game.engine
    for expected in (200, 200, 429):
        for _ in range(3):
            asked = chat()
            request = engine.read(asked.method, asked.path, "", {}, asked.body, asked.client, asked.now)
            seen = Heard(engine.peek(request).respond())
            assert seen.status == expected
            assert seen.answer.lease is None
        came = game.hear(chat())
        assert came.status == expected
        assert came.headers == seen.headers
        if came.answer.lease is not None:
            came.answer.lease.end()
