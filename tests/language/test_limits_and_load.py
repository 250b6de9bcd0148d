"""`limit` and `load` on modifiers: what passes, what is told, what is held back, and what nothing is used up by."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from mockllm.core.framing import lasting
from tests.language.playing import NOW, Ask, Game, Heard, ask, chat, claude, models, play, table

HI = "rules: [{name: hi, reply: hi}]"


def limited(settings: str, rules: str = HI, **guard: str) -> str:
    """A file with a limit."""
    more = "".join(f"{name}: {value}, " for name, value in guard.items())
    return f"{rules}\nmodifiers: [{{name: quota, {more}limit: {{{settings}}}}}]"


def at(seconds: float, asked: Any = chat, *args: Any, **more: Any) -> Ask:
    made: Ask = asked(*args, now=NOW + seconds, **more)
    return made


def gemini(**more: Any) -> Ask:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    return ask("/v1beta/models/gemini-2.5-flash:generateContent", body, **more)


def vendor(base: str) -> Any:
    def made(**more: Any) -> Ask:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        return ask(f"/{base}/v1/chat/completions", body, **more)

    return made


def passed(heard: list[Heard]) -> str:
    """A plus for each that passed."""
    return "".join({200: "+", 429: "-"}[each.status] for each in heard)


def statuses(heard: list[Heard]) -> list[int]:
    return [each.status for each in heard]


# --- what passes ---------------------------------------------------------------------------------

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


# --- what is told --------------------------------------------------------------------------------

TOLD = {
    "openai": (chat, "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
    "anthropic": (claude, "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining"),
    "groq": (vendor("groq/openai"), "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
    "together": (vendor("together"), "x-ratelimit-limit", "x-ratelimit-remaining"),
    "mistral": (vendor("mistral"), "x-ratelimit-limit-req-minute", "x-ratelimit-remaining-req-minute"),
    "xai": (vendor("xai"), "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
}
COUNTED = {
    "fixed-window": [2, 1, 0, 0],
    "sliding-window": [2, 1, 0, 0],
    "token-bucket": [2, 1, 0, 0],
    "leaky-bucket": [2, 1, 0, 0],
    "after-n": [2, 1, 0, 0],
}


@pytest.mark.parametrize("provider", TOLD)
@pytest.mark.parametrize("strategy", COUNTED)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_what_is_left_is_told_on_every_answer(strategy: str, provider: str, streamed: bool) -> None:
    asked, limit, remaining = TOLD[provider]
    yaml = limited(
        f"strategy: {strategy}, requests: 3", f"rules: [{{reply: hi, stream: {str(streamed).lower()}}}]"
    )
    heard = play(yaml, *[at(0, asked)] * 4)
    assert statuses(heard) == [200, 200, 200, 429]
    assert [int(each.headers[remaining]) for each in heard] == COUNTED[strategy]
    assert {each.headers[limit] for each in heard} == {"3"}
    assert len([name for name, _ in heard[0].answer.plan.head.headers if name == remaining]) == 1


@pytest.mark.parametrize(
    "settings",
    [
        f"strategy: {strategy}, requests: 2, window: 7s"
        for strategy in ("fixed-window", "sliding-window", "token-bucket", "leaky-bucket")
    ],
)
@pytest.mark.parametrize("asked", [chat, claude, vendor("groq/openai"), vendor("mistral")])
def test_who_waits_as_long_as_is_told_passes(settings: str, asked: Any) -> None:
    game = Game(limited(settings))
    now, refused = 0.0, 0
    for _ in range(12):
        heard = game.hear(at(now, asked))
        if heard.status == 429:
            refused += 1
            now += float(heard.headers["retry-after"])
            assert game.hear(at(now, asked)).status == 200
        now += 0.3
    assert refused


def test_gemini_tells_in_its_body() -> None:
    heard = play(limited("strategy: fixed-window, requests: 1, window: 7s"), gemini(), at(2, gemini))[1]
    details = heard.json["error"]["details"]
    assert details[-1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "5s"}
    assert "retry-after" not in heard.headers


@pytest.mark.parametrize(
    "asked", [chat, claude, gemini, vendor("groq/openai"), vendor("mistral"), vendor("deepseek")]
)
def test_a_request_that_never_passes_is_told_no_time(asked: Any) -> None:
    heard = play(limited("strategy: token-bucket, tokens: 1"), asked())[0]
    assert (heard.status, heard.answer.error) == (429, "rate_limit")
    assert not {"retry-after", "retry-after-ms"} & heard.headers.keys()
    assert b"retryDelay" not in heard.bytes
    assert b"try again in" not in heard.bytes.lower()
    assert b"retry in" not in heard.bytes.lower()


def test_with_no_requests_allowed_none_ever_passes() -> None:
    heard = play(limited("strategy: fixed-window, requests: 0"), gemini())[0]
    assert (
        heard.message
        == "Request too large for model gemini-2.5-flash: it takes 1 request, more than the limit."
    )


def test_those_that_know_no_time_tell_a_constant() -> None:
    for settings in ("strategy: always", "strategy: always, retry_after: 30s"):
        wait = "30" if "30s" in settings else "1"
        for asked in (chat, claude):
            assert play(limited(settings), asked())[0].headers["retry-after"] == wait


def test_the_tightest_limit_is_told() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - limit: {{strategy: fixed-window, requests: 5, window: 1m}}
          - limit: {{strategy: token-bucket, requests: 2, tokens: 5000, window: 1h}}
        """
    heard = play(yaml, chat())[0].headers
    assert (heard["x-ratelimit-limit-requests"], heard["x-ratelimit-limit-tokens"]) == ("2", "5000")


def test_of_a_refusal_the_figures_of_what_refused_it() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - limit: {{strategy: fixed-window, requests: 2, window: 1m}}
          - limit: {{strategy: fixed-window, tokens: 100, window: 1h}}
        """
    heard = play(yaml, chat(), chat(max_tokens=92))[1]
    assert heard.json["error"]["type"] == "tokens"
    assert "Limit 100, Used 8, Requested 100" in heard.message
    assert heard.headers["x-ratelimit-limit-requests"] == "2"


def test_a_scenarios_own_headers_win() -> None:
    yaml = f"""
        {HI}
        modifiers: [{{limit: {{strategy: after-n, requests: 1}}, headers: {{X-RateLimit-Remaining-Requests: mine}}}}]
        """
    for heard in play(yaml, chat(), chat()):
        assert heard.headers["x-ratelimit-remaining-requests"] == "mine"


def test_without_a_limit_what_is_plausible_is_told() -> None:
    yaml = limited("strategy: fixed-window, tokens: 1000")
    assert play(yaml, chat())[0].headers["x-ratelimit-limit-requests"] == "10000"


def test_outside_of_every_protocol_it_is_said_plainly() -> None:
    yaml = limited("strategy: always", match="{path: /other}")
    assert play(yaml, ask("/other", {}))[0].status == 429


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
            seen = Heard(engine.peek(request).answer())
            assert seen.status == expected
            assert seen.answer.lease is None
        came = game.hear(chat())
        assert came.status == expected
        assert came.headers == seen.headers
        if came.answer.lease is not None:
            came.answer.lease.end()


# --- what is held back ---------------------------------------------------------------------------


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
        patched.setattr(game.engine.planner, "plan", fails)
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
    hangs = game.engine.answer(read(game, chat("hang", stream=True)))
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
