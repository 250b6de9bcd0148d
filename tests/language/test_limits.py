"""`limit` on modifiers: requests that pass, and counts that a refusal changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.limit_files import HI, gemini_request, limit_file, passed_pattern, request_at, statuses
from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    VirtualServer,
    cases,
    chat_request,
    claude_request,
    models_request,
    respond_all,
)

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


@cases("settings, times, expected", PASSES)
@pytest.mark.parametrize("sent", [chat_request, claude_request, gemini_request])
def test_limit_strategies_pass_requests(settings: str, times: list[float], expected: str, sent: Any) -> None:
    assert (
        passed_pattern(respond_all(limit_file(settings), *[request_at(time, sent) for time in times]))
        == expected
    )


def test_limit_random_refuses_by_probability_and_seed() -> None:
    yaml = limit_file("strategy: random, probability: 30%")
    runs = [statuses(respond_all(yaml, *[chat_request()] * 400)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert 90 < runs[0].count(429) < 150
    assert statuses(respond_all(yaml, *[chat_request()] * 400, seed=1)) != runs[0]


X, Y = chat_request(model="x"), chat_request()
SESSION = chat_request(session="s")


@cases(
    "guard, sent_requests, expected",
    [
        (
            "per key",
            {"per": "api_key"},
            [chat_request(key="a"), chat_request(key="a"), chat_request(key="b")],
            "+-+",
        ),
        ("for all", {}, [chat_request(key="a"), chat_request(key="b")], "+-"),
        ("in each session", {}, [Y, SESSION, SESSION, Y], "++--"),
        ("for what it matches", {"match": "{model: x}"}, [X, Y, Y, X], "+++-"),
        ("also of lists of models", {}, [models_request(), models_request()], "+-"),
        ("not those that its chance spares", {"chance": "0%"}, [Y, Y, Y], "+++"),
        ("not those before its turn", {"skip": "2"}, [Y, Y, Y, Y], "+++-"),
    ],
)
def test_limit_counts_by_scope(
    guard: dict[str, str], sent_requests: list[ClientRequest], expected: str
) -> None:
    assert (
        passed_pattern(respond_all(limit_file("strategy: after-n, requests: 1", **guard), *sent_requests))
        == expected
    )


def test_limit_tokens_are_input_plus_max_tokens() -> None:
    yaml = limit_file("strategy: fixed-window, tokens: 1000")
    requests = [
        chat_request("hi", max_tokens=600),
        chat_request("hi", max_tokens=600),
        chat_request("hi"),
        claude_request(max_tokens=300),
    ]
    responses = respond_all(yaml, *requests)
    assert statuses(responses) == [200, 429, 200, 200]
    left = [int(each.headers["x-ratelimit-remaining-tokens"]) for each in responses[:3]]
    assert 380 < left[0] < 400
    assert left[1] == left[0]
    assert left[2] == left[0] - (1000 - 600 - left[0])  # the same input again


def test_limits_are_charged_together_or_not() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - {{name: wide, limit: {{strategy: fixed-window, requests: 3, window: 1h}}}}
          - {{name: narrow, match: {{model: x}}, limit: {{strategy: fixed-window, requests: 1, window: 1m}}}}
        """
    server = VirtualServer(yaml)
    sent = [
        chat_request(model="x"),
        chat_request(model="x"),
        chat_request(model="x"),
        chat_request(),
        chat_request(),
        chat_request(),
    ]
    responses = [server.respond(each) for each in sent]
    assert statuses(responses) == [200, 429, 429, 200, 200, 429]
    assert [each.rule for each in responses if each.status == 429] == ["narrow", "narrow", "wide"]


# --- order of decisions -------------------------------------------------------------------

ONCE = "rules: [{name: once, times: 1, reply: once}, {name: steps, sequence: [a, b], then: error}]"


def test_limit_refusal_counts_nothing_of_rules() -> None:
    server = VirtualServer(limit_file("strategy: fixed-window, requests: 1, window: 10s", ONCE))
    responses = [server.respond(request_at(time)) for time in (0, 1, 2, 10, 11, 20)]
    assert [each.text if each.status == 200 else "" for each in responses] == ["once", "", "", "a", "", "b"]


def test_limit_without_rule() -> None:
    responses = respond_all(
        limit_file("strategy: after-n, requests: 1", "rules: []"), chat_request(), chat_request()
    )
    assert [(each.status, each.planned.unmatched) for each in responses] == [(404, True), (429, False)]
    assert responses[0].headers["x-ratelimit-remaining-requests"] == "0"


def test_limit_precedes_validation() -> None:
    responses = respond_all(
        limit_file("strategy: after-n, requests: 1"), chat_request(temperature=7), chat_request(temperature=7)
    )
    assert statuses(responses) == [400, 429]


def test_modifier_error_precedes_limit() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - {{limit: {{strategy: after-n, requests: 1}}}}
          - {{match: {{query: {{fail: {{exists: true}}}}}}, error: overloaded}}
        """
    assert statuses(
        respond_all(
            yaml, chat_request(query="fail=1"), chat_request(query="fail=1"), chat_request(), chat_request()
        )
    ) == [
        503,
        503,
        200,
        429,
    ]


def test_limit_headers_on_every_outcome() -> None:
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
    invalid, outage = chat_request(temperature=7), chat_request(query="fail=1")
    responses = respond_all(
        yaml,
        chat_request("unfit"),
        chat_request("failing"),
        chat_request("plain"),
        chat_request("miss"),
        invalid,
        models_request(),
        outage,
        Y,
    )
    assert statuses(responses) == [400, 500, 200, 404, 400, 200, 503, 200]
    left = [int(each.headers["x-ratelimit-remaining-requests"]) for each in responses]
    assert left == [8, 7, 6, 5, 4, 3, 3, 2]


def test_limit_refusal_has_rule_note_and_settings() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - {{name: quota, limit: {{strategy: fixed-window, requests: 1, tokens: 50, window: 10s}}}}
          - {{name: late, delay: 2s, headers: {{x-a: b}}}}
        """
    _, requests, tokens = respond_all(
        yaml, chat_request(), request_at(4), request_at(4, chat_request, max_tokens=60)
    )
    assert (requests.rule, requests.modifiers, requests.took) == ("quota", ["quota", "late"], 2.0)
    assert (requests.headers["x-a"], requests.headers["x-mockllm-rule"]) == ("b", "a.yaml:quota")
    assert requests.notes == "limited: too many requests, retry after 6s (s/a.yaml:4)"
    assert tokens.notes == "limited: too many tokens (s/a.yaml:4)"


def test_limit_refusal_with_bad_settings_is_429() -> None:
    yaml = f"""
        {HI}
        modifiers: [{{name: quota, limit: {{strategy: always}}, delay: "{{{{ query.none }}}}ms"}}]
        """
    responses = respond_all(yaml, chat_request())[0]
    assert (responses.status, responses.headers["x-mockllm-rule"]) == (400, "a.yaml:quota")


def test_limit_preview_equals_next_result() -> None:
    server = VirtualServer(limit_file("strategy: fixed-window, requests: 2, concurrent: 2"))
    engine = server.engine
    for expected in (200, 200, 429):
        for _ in range(3):
            sent = chat_request()
            request = engine.read(sent.method, sent.path, "", {}, sent.body, sent.client, sent.now)
            seen = ClientResponse(engine.preview(request).build())
            assert seen.status == expected
            assert seen.planned.slot is None
        came = server.respond(chat_request())
        assert came.status == expected
        assert came.headers == seen.headers
        if came.planned.slot is not None:
            came.planned.slot.release()
