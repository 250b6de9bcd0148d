"""What `limit`, `load` and the length of the input hold back."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from mockllm.core.rendering.framing import lasting
from tests.language.limiting import HI, at, limited, statuses
from tests.language.playing import Ask, Game, chat, claude, play


def test_a_leaky_buckets_wait_is_added_to_the_delay() -> None:
    yaml = limited("strategy: leaky-bucket, requests: 2, queue: 2, window: 4s", HI, delay="1s")
    heard = play(yaml, chat(), chat(), chat(), chat())
    assert [(each.status, each.took) for each in heard] == [(200, 1.0), (200, 3.0), (200, 5.0), (429, 1.0)]
    assert [each.notes for each in heard[:2]] == ["", "held back 2s by a limit or load"]


def test_so_many_answers_are_under_way_and_each_hands_back_its_place() -> None:
    game = Game(limited("strategy: fixed-window, concurrent: 2", HI, per="api_key"))
    first, second, third = (game.hear(chat()) for _ in range(3))
    assert statuses([first, second, third]) == [200, 200, 429]
    assert third.headers["retry-after"] == "1"
    assert third.notes == "limited: too many requests under way, retry after 1s (s/a.yaml:2)"
    assert (third.answer.lease, game.hear(chat(key="other")).status) == (None, 200)
    lease = first.answer.lease
    assert lease is not None
    for _ in range(3):
        lease.end()  # once is enough, and more does no harm
    assert [game.hear(chat()).status for _ in range(2)] == [200, 429]


def test_what_is_invalid_hands_back_its_place_too() -> None:
    game = Game(limited("strategy: fixed-window, concurrent: 1"))
    heard = game.hear(chat(temperature=9))
    assert (heard.status, game.hear(chat()).status) == (400, 429)
    assert heard.answer.lease is not None
    heard.answer.lease.end()
    assert game.hear(chat()).status == 200


def test_a_failure_of_our_own_hands_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    game = Game(limited("strategy: fixed-window, concurrent: 1"))

    def fails(speaking: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(game.engine._runtime.planner, "plan", fails)
        with pytest.raises(ZeroDivisionError):
            game.hear(chat())
    assert game.hear(chat()).status == 200


SLOW = "rules: [{reply: {chunks: [a, b, c]}, pace: {ttft: 1s, itl: 1s}}]"
STREAM = chat(stream=True)


def loaded(settings: str, rules: str = SLOW, **guard: str) -> str:
    more = "".join(f"{name}: {value}, " for name, value in guard.items())
    return f"{rules}\nmodifiers: [{{name: machine, {more}load: {{{settings}}}}}]"


def streams(*times: float, **more: Any) -> list[Ask]:
    return [at(time, chat, stream=True, **more) for time in times]


def test_with_more_than_it_bears_every_wait_is_longer() -> None:
    heard = play(loaded("concurrency: 2, slowdown: 3"), *streams(0, 0, 0, 0))
    assert [each.took for each in heard] == [3.0, 3.0, 6.0, 9.0]
    assert heard[3].moments == [3.0, 6.0, 9.0]


def test_what_has_ended_is_not_counted() -> None:
    heard = play(loaded("concurrency: 1"), *streams(0, 2.9, 3.0))
    assert [each.took for each in heard] == [3.0, 6.0, 6.0]
    assert play(loaded("concurrency: 1"), *streams(0, 3.0))[1].took == 3.0


def test_a_whole_answer_is_slower_too() -> None:
    assert [each.took for each in play(loaded("concurrency: 1"), chat(), chat())] == [3.0, 6.0]


def test_who_comes_next_waits_in_the_queue_and_then_is_turned_away() -> None:
    heard = play(loaded("max_inflight: 1, queue: 2"), *streams(0, 1, 2, 2, 9.5))
    assert statuses(heard) == [200, 200, 200, 503, 200]
    assert [each.delay for each in heard] == [0.0, 2.0, 4.0, 0.0, 0.0]
    assert [each.answer.error for each in heard][3] == "overloaded"
    assert heard[3].notes == "overloaded: no room (s/a.yaml:2)"
    assert heard[3].rule == "machine"


def test_anthropics_is_a_529() -> None:
    heard = play(loaded("max_inflight: 1"), STREAM, claude())
    assert (heard[1].status, heard[1].json["error"]["type"]) == (529, "overloaded_error")


def test_each_key_has_its_own_load() -> None:
    heard = play(loaded("max_inflight: 1", per="api_key"), *streams(0, key="a"), *streams(0, key="b"))
    assert statuses(heard) == [200, 200]


def test_who_leaves_makes_room_at_once() -> None:
    game = Game(loaded("max_inflight: 1"))
    lease = game.hear(STREAM).answer.lease
    assert game.hear(STREAM).status == 503
    assert lease is not None
    lease.end()
    assert game.hear(STREAM).status == 200


def test_behind_what_hangs_nobody_waits() -> None:
    rules = (
        "rules: [{match: {user: hang}, reply: hi, faults: [{silence: {after: {chunks: 1}}}]}, {reply: hi}]"
    )
    game = Game(loaded("max_inflight: 1, queue: 5", rules))
    hangs = game.engine.respond(read(game, chat("hang", stream=True)))
    assert lasting(hangs.plan) == inf
    assert game.hear(at(1e6)).status == 503
    assert hangs.lease is not None
    hangs.lease.end()
    assert game.hear(at(1e6)).status == 200


def read(game: Game, asked: Ask) -> Any:
    return game.engine.read(asked.method, asked.path, "", {}, asked.body, asked.client, asked.now)


def test_what_a_load_turns_away_is_not_charged_to_a_limit() -> None:
    yaml = f"""
        {SLOW}
        modifiers:
          - {{name: machine, load: {{max_inflight: 1}}}}
          - {{name: quota, limit: {{strategy: after-n, requests: 2}}}}
        """
    heard = play(yaml, *streams(0, 0, 0, 3, 6))
    assert statuses(heard) == [200, 503, 503, 200, 429]
    assert heard[1].headers["x-ratelimit-remaining-requests"] == "1"


def test_behind_a_leaky_bucket_the_queue_is_that_of_its_time() -> None:
    yaml = f"""
        {SLOW}
        modifiers:
          - {{load: {{max_inflight: 1, queue: 1}}}}
          - {{limit: {{strategy: leaky-bucket, requests: 1, queue: 9, window: 4s}}}}
        """
    heard = play(yaml, *streams(0, 0, 0))
    assert [each.delay for each in heard] == [
        0.0,
        4.0,
        8.0,
    ]  # each leaves the bucket when the one before has ended


def test_several_loads_slow_down_together() -> None:
    yaml = f"{SLOW}\nmodifiers: [{{load: {{concurrency: 1}}}}, {{load: {{concurrency: 1, slowdown: 3}}}}]"
    assert [each.took for each in play(yaml, STREAM, STREAM)] == [3.0, 18.0]


# --- time by the input ---------------------------------------------------------------------------


def test_a_long_input_takes_longer_to_read_each_time() -> None:
    rules = "rules: [{reply: a b, pace: {ttft: {base: 1s, per_input_token: 10ms}, itl: 1s}}]"
    long = "word " * 100
    short_, long_, again = play(
        rules, chat("hi", stream=True), chat(long, stream=True), chat("hi", stream=True)
    )
    assert short_.moments == again.moments
    assert long_.moments[0] == pytest.approx(short_.moments[0] + 0.85, abs=0.1)
    whole = play(rules, chat(long))[0]
    assert whole.took == long_.took


def test_what_was_read_from_the_cache_takes_its_own_time() -> None:
    rules = """
        rules:
          - reply: {text: a, usage: {input_tokens: 1000, cached_tokens: 900}}
            pace: {ttft: {per_input_token: 10ms, cached: 1ms}}
        """
    assert play(rules, STREAM)[0].moments == [1.9]


def test_it_is_bounded_by_what_a_client_may_make_the_server_wait() -> None:
    rules = "rules: [{reply: a, pace: {ttft: {per_input_token: 1s}}}]"
    assert play(rules, chat("word " * 100, stream=True), longest=5.0)[0].moments == [5.0]
