"""Merging of settings: precedence, sums, and the times of chunks."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import pytest

from tests.language.virtual_server import (
    NOW,
    cases,
    chat_request,
    claude_request,
    respond_all,
    respond_once,
)

STREAM = chat_request(stream=True)


def header(yaml: str) -> str | None:
    return respond_once(yaml).headers.get("x-who")


WHO: list[tuple[str, str, str]] = [
    (
        "the step beats its rule",
        "rules: [{headers: {x-who: rule}, sequence: [{reply: x, headers: {x-who: step}}]}]",
        "step",
    ),
    (
        "a branch beats its rule",
        "rules: [{headers: {x-who: rule}, choose: [{reply: x, headers: {x-who: branch}}]}]",
        "branch",
    ),
    ("the rule where the step says nothing", "rules: [{headers: {x-who: rule}, sequence: [x]}]", "rule"),
    (
        "the rule beats modifiers",
        "rules: [{reply: x, headers: {x-who: rule}}]\nmodifiers: [{headers: {x-who: modifier}, priority: 9}]",
        "rule",
    ),
    (
        "earlier modifiers beat later ones",
        "rules: [{reply: x}]\nmodifiers: [{headers: {x-who: first}}, {headers: {x-who: second}}]",
        "first",
    ),
    (
        "the higher priority is earlier",
        "rules: [{reply: x}]\nmodifiers: [{headers: {x-who: first}}, {priority: 1, headers: {x-who: second}}]",
        "second",
    ),
    (
        "an earlier modifier beats the one whose error answers",
        "rules: [{reply: x}]\nmodifiers: [{headers: {x-who: first}}, {error: overloaded, headers: {x-who: error}}]",
        "first",
    ),
    (
        "the rule says nothing where a modifier's error answers",
        "rules: [{reply: x, headers: {x-who: rule}}]\nmodifiers: [{error: overloaded, headers: {x-who: error}}]",
        "error",
    ),
    (
        "names in any case are one",
        "rules: [{reply: x, headers: {X-Who: rule}}]\nmodifiers: [{headers: {x-who: m}}]",
        "rule",
    ),
]


@cases("yaml, who", WHO)
def test_strongest_setting_is_used(yaml: str, who: str) -> None:
    assert header(yaml) == who


PACK = {"p/pack.yaml": 'name: p\nversion: "1"\nuse: [./q]', "p/q/pack.yaml": 'name: q\nversion: "1"'}


def test_settings_of_user_override_packs() -> None:
    files = {
        "a.yaml": "use: [./p]\nmodifiers: [{headers: {x-who: user}}]",
        "p/a.yaml": "rules: [{reply: x, headers: {x-who: pack's rule}}]",
        **PACK,
    }
    assert respond_once(files).headers["x-who"] == "user"


def test_packs_are_one_layer() -> None:
    files = {
        "a.yaml": "use: [./p]",
        "p/a.yaml": "modifiers: [{headers: {x-who: p's modifier}}]",
        "p/q/a.yaml": "rules: [{reply: x, headers: {x-who: q's rule}}]",
        **PACK,
    }
    assert respond_once(files).headers["x-who"] == "q's rule"
    files["p/q/a.yaml"] = "rules: [{reply: x}]\nmodifiers: [{priority: 9, headers: {x-who: q's modifier}}]"
    assert respond_once(files).headers["x-who"] == "p's modifier"


def test_headers_merge_by_name() -> None:
    responses = respond_once(
        """
        rules: [{reply: x, headers: {x-a: rule, Content-Type: text/odd}}]
        modifiers: [{headers: {x-a: m, x-b: m}}, {headers: {x-b: n, x-c: n}}]
        """
    )
    assert [responses.headers[name] for name in ("x-a", "x-b", "x-c")] == ["rule", "m", "n"]
    assert [
        value for name, value in responses.planned.plan.head.headers if name.lower() == "content-type"
    ] == ["text/odd"]


def test_stream_first_setting_is_used() -> None:
    modifiers = "modifiers: [{stream: true}, {stream: false}]"
    assert respond_once(f"rules: [{{reply: x}}]\n{modifiers}").streamed
    assert not respond_once(f"rules: [{{reply: x, stream: false}}]\n{modifiers}", STREAM).streamed


def test_stream_changes_response_not_match() -> None:
    yaml = "rules: [{name: asked, match: {stream: true}, reply: x, stream: false}, {name: not, reply: y, stream: true}]"
    for ask in (chat_request, claude_request):
        sent, not_streamed = respond_all(yaml, ask(stream=True), ask())
        assert (sent.rule, sent.streamed, sent.text) == ("asked", False, "x")
        assert (not_streamed.rule, not_streamed.streamed, not_streamed.text) == ("not", True, "y")


def test_delays_add_up() -> None:
    response = respond_once(
        """
        rules: [{delay: 1s, sequence: [{reply: x, delay: 500ms}]}]
        modifiers: [{delay: 2s}, {delay: 250ms}]
        """
    )
    assert response.delay == 3.75


def test_delays_add_up_on_errors_too() -> None:
    response = respond_once("rules: [{error: overloaded, delay: 1s}]\nmodifiers: [{delay: 2s}]")
    assert (response.status, response.delay) == (503, 3.0)
    response = respond_once(
        "rules: [{reply: x, delay: 1s}]\nmodifiers: [{delay: 2s}, {delay: 4s, error: overloaded}]"
    )
    assert (response.status, response.delay) == (503, 6.0)


# --- pace ----------------------------------------------------------------------------------------

ABC = "reply: {chunks: [a, b, c]}"
PACES: list[tuple[str, str, list[float]]] = [
    ("nothing waits where nothing is said", f"rules: [{{{ABC}}}]", [0, 0, 0]),
    ("ttft, counted from the head, before the first chunk", f"rules: [{{{ABC}, pace: {{ttft: 1s}}}}]", [1, 1, 1]),
    ("delay holds back the head, and ttft follows", f"rules: [{{{ABC}, delay: 2s, pace: {{ttft: 1s}}}}]", [3, 3, 3]),
    ("then itl between two chunks", f"rules: [{{{ABC}, pace: {{ttft: 1s, itl: 100ms}}}}]", [1, 1.1, 1.2]),
    (
        "pace merges key by key",
        f"rules: [{{{ABC}, pace: {{itl: 100ms}}}}]\nmodifiers: [{{pace: {{ttft: 1s, itl: 9s}}}}]",
        [1, 1.1, 1.2],
    ),
    (
        "itl and tokens_per_second are one slot",
        f"rules: [{{{ABC}, pace: {{itl: 100ms}}}}]\nmodifiers: [{{pace: {{tokens_per_second: 1}}}}]",
        [0, 0.1, 0.2],
    ),
    (
        "and the other way round",
        f"rules: [{{{ABC}, pace: {{tokens_per_second: 4}}}}]\nmodifiers: [{{pace: {{itl: 1s}}}}]",
        [0, 0.25, 0.5],
    ),
    ("a chunk takes as long as its tokens", "rules: [{reply: {chunks: [a, ' two words']}, pace: {tokens_per_second: 4}}]", [0, 0.5]),
    ("slowdown multiplies every wait", f"rules: [{{{ABC}, pace: {{ttft: 1s, itl: 100ms, slowdown: 6}}}}]", [6, 6.6, 7.2]),
    (
        "the factors of several settings multiply",
        f"rules: [{{{ABC}, pace: {{itl: 100ms, slowdown: 2}}}}]\nmodifiers: [{{pace: {{slowdown: 3}}}}, {{pace: {{slowdown: 0.5}}}}]",
        [0, 0.3, 0.6],
    ),
    ("an explicit wait replaces the gap it stands in", "rules: [{reply: {chunks: [a, {wait: 1s}, b, c]}, pace: {itl: 100ms}}]", [0, 1, 1.1]),
    ("also where it is shorter", "rules: [{reply: {chunks: [a, {wait: 1ms}, b, c]}, pace: {itl: 100ms}}]", [0, 0.001, 0.101]),
    ("an explicit wait before the first chunk replaces ttft", "rules: [{reply: {chunks: [{wait: 2s}, a, b]}, pace: {ttft: 1s, itl: 100ms}}]", [2, 2.1]),
    ("two explicit waits in one gap add up", "rules: [{reply: {chunks: [a, {wait: 1s}, {wait: 1s}, b]}, pace: {itl: 100ms}}]", [0, 2]),
    ("slowdown multiplies explicit waits too", "rules: [{reply: {chunks: [a, {wait: 1s}, b]}, pace: {slowdown: 2}}]", [0, 2]),
    ("with chunks, chunk_size is ignored", f"rules: [{{{ABC}, pace: {{itl: 1s, chunk_size: 3 characters}}}}]", [0, 1, 2]),
]  # fmt: skip


@cases("yaml, chunk_times", PACES)
@pytest.mark.parametrize("ask", [chat_request, claude_request])
def test_pace_chunk_times(yaml: str, chunk_times: list[float], ask: type) -> None:
    assert respond_once(yaml, ask(stream=True)).chunk_times == pytest.approx(chunk_times)


def test_chunk_size_cuts_texts() -> None:
    yaml = "rules: [{reply: 'one two three', pace: {chunk_size: %s}}]"
    for size, chunks in (
        ("5", ["one t", "wo th", "ree"]),
        ("5 characters", ["one t", "wo th", "ree"]),
        ("2 words", ["one two", " three"]),
        ("1 token", ["one", " two", " three"]),
    ):
        for ask in (chat_request, claude_request):
            assert respond_once(yaml % size, ask(stream=True)).chunks == chunks


def test_jitter_adds_uniform_wait_to_each_gap() -> None:
    response = respond_once(
        "rules: [{reply: {text: {tokens: 200}}, pace: {ttft: 1s, itl: 100ms, jitter: 50ms}}]", STREAM
    )
    gaps = [
        later - earlier
        for earlier, later in zip(response.chunk_times, response.chunk_times[1:], strict=False)
    ]
    assert response.chunk_times[0] == 1.0
    assert all(0.0999 <= gap <= 0.1501 for gap in gaps)
    assert max(gaps) - min(gaps) > 0.04


@pytest.mark.parametrize(
    ("drawn", "low", "high"),
    [
        ("[1s, 2s]", 1.0, 2.0),
        ("{uniform: [1s, 2s]}", 1.0, 2.0),
        ("{normal: {mean: 1s, stddev: 10ms}}", 0.9, 1.1),
        ("{lognormal: {median: 300ms, p99: 2s}}", 0.01, 20.0),
        ("{exponential: {mean: 1s}}", 0.0, 20.0),
        ("{empirical: [1s, 2s]}", 1.0, 2.0),
    ],
)
def test_every_duration_can_be_drawn(drawn: str, low: float, high: float) -> None:
    responses = respond_all(
        f"rules: [{{reply: a b, delay: {drawn}, pace: {{ttft: {drawn}, itl: {drawn}}}}}]", *[STREAM] * 20
    )
    for times in (
        [each.delay for each in responses],
        [each.chunk_times[1] - each.chunk_times[0] for each in responses],
    ):
        assert all(low - 1e-6 <= time <= high + 1e-6 for time in times)
        assert len(set(times)) > 1


def test_number_can_be_drawn() -> None:
    responses = respond_all(
        "rules: [{reply: {text: {tokens: [2, 4]}}, pace: {tokens_per_second: [1, 2]}}]", *[STREAM] * 30
    )
    assert {len(each.chunks) for each in responses} == {2, 3, 4}
    gaps = [each.chunk_times[1] - each.chunk_times[0] for each in responses]
    assert all(0.499 <= gap <= 1.001 for gap in gaps)


# --- non-streaming -------------------------------------------------------------------------------

WHOLE: list[tuple[str, str, float]] = [
    ("as long as its stream would", f"rules: [{{{ABC}, delay: 1s, pace: {{ttft: 1s, itl: 100ms}}}}]", 2.2),
    ("as_streamed is the default", f"rules: [{{{ABC}, pace: {{itl: 100ms, whole: as_streamed}}}}]", 0.2),
    ("at_once", f"rules: [{{{ABC}, delay: 1s, pace: {{ttft: 1s, itl: 100ms, whole: at_once}}}}]", 1.0),
    (
        "whole is a key of its own",
        f"rules: [{{{ABC}, pace: {{itl: 100ms}}}}]\nmodifiers: [{{pace: {{whole: at_once}}}}]",
        0,
    ),
    ("explicit waits add up", "rules: [{reply: {chunks: [a, {wait: 1s}, b, {wait: 2s}, c, {wait: 4s}]}}]", 7),
    (
        "and stand in place of gaps",
        "rules: [{reply: {chunks: [a, {wait: 1s}, b, c]}, pace: {itl: 100ms}}]",
        1.1,
    ),
    ("slowdown multiplies", "rules: [{reply: {chunks: [a, {wait: 1s}, b]}, pace: {slowdown: 3}}]", 3),
    (
        "tokens_per_second: a made text takes as long as its tokens",
        "rules: [{reply: {text: {tokens: 9}}, pace: {tokens_per_second: 4}}]",
        2,
    ),
    (
        "an error in the script comes when its stream would break",
        "rules: [{reply: {chunks: [a, {wait: 1s}, b, {error: overloaded}]}}]",
        1,
    ),
]


@cases("yaml, took", WHOLE)
@pytest.mark.parametrize("ask", [chat_request, claude_request])
def test_non_streaming_response_duration(yaml: str, took: float, ask: type) -> None:
    assert respond_once(yaml, ask()).took == pytest.approx(took)


# --- faults --------------------------------------------------------------------------------------


def test_faults_are_applied_in_order() -> None:
    responses = respond_once(
        """
        rules:
          - reply: {chunks: [a, b, c, d]}
            faults: [{malformed: {at: {chunk: 2}, data: two, then: go_on}}]
        modifiers:
          - faults: [{malformed: {at: {chunk: 3}, data: three, then: go_on}}]
          - faults: [{malformed: {at: {chunk: 4}, data: four}}]
        """,
        STREAM,
    )
    assert [event.data for event in responses.events if not event.data.startswith("{")] == [
        "two",
        "three",
        "four",
    ]
    assert responses.chunks == ["a"]
    assert responses.planned.faults == ("malformed", "malformed", "malformed")


def test_fault_name_alone_has_defaults() -> None:
    response = respond_once("rules: [{reply: x, faults: [malformed]}]", STREAM)
    assert response.events[-1].data == '{"broken": '


NOT_PLAYED: list[tuple[str, str, bool, str]] = [
    ("at a chunk exists in streams only", "reply: x", False, "the response is not streamed"),
    ("beyond the end", "reply: {chunks: [a, b]}", True, "the response has only 2 chunks"),
    ("chunks are not playable on errors", "error: overloaded", True, "the response is not streamed"),
    ("nor on http", "http: {body: x}", True, "the response is not streamed"),
]


@cases("message, stream, reason", NOT_PLAYED)
def test_fault_that_is_not_applied_is_reported(message: str, stream: bool, reason: str) -> None:
    yaml = f"rules: [{{{message}}}]"
    whole = f"rules: [{{{message}, faults: [{{malformed: {{at: {{chunk: 5}}}}}}]}}]"
    skipped, plain = (
        respond_once(whole, chat_request(stream=stream)),
        respond_once(yaml, chat_request(stream=stream)),
    )
    assert skipped.notes == f"malformed not applied: {reason}"
    assert skipped.bytes == plain.bytes


# --- evaluation ----------------------------------------------------------------------------------


def test_only_effective_setting_is_evaluated() -> None:
    yaml = """
    rules:
      - reply: x
        headers: {x-a: "1"}
        pace: {ttft: 1s, itl: 1s}
    modifiers:
      - headers: {x-a: "{{ query.none }}"}
        pace: {ttft: "{{ query.none }}", tokens_per_second: "{{ query.none }}"}
    """
    assert respond_once(yaml, STREAM).status == 200


def test_effective_setting_of_wrong_type_is_400() -> None:
    responses = respond_once(
        "rules: [{reply: x}]\nmodifiers: [{delay: '{{ query.delay }}ms'}]", chat_request(query="delay=abc")
    )
    assert responses.status == 400
    assert "delay" in responses.message


def test_modifier_template_reads_own_parameters() -> None:
    files = {
        "a.yaml": """
            use: [./p]
            rules: [{match: {user: {regex: "order (?P<what>.*)"}}, reply: "{{ match.what }}"}]
            """,
        "p/pack.yaml": 'name: p\nversion: "1"\nparams: {color: {default: red}}',
        "p/a.yaml": """
            modifiers:
              - match: {user: {regex: "(?P<what>o.d)er"}}
                headers: {x-what: "{{ match.what }}", x-color: "{{ color }}"}
            """,
    }
    response = respond_once(files, chat_request("order tea"))
    assert (response.text, response.headers["x-what"], response.headers["x-color"]) == ("tea", "ord", "red")


def test_modifier_draws_are_separate() -> None:
    drawn = "modifiers: [{per: api_key, delay: [0s, 10s], pace: {ttft: [0s, 10s]}}]"
    first_item = respond_all(
        f"rules: [{{name: a, reply: x}}]\n{drawn}", *[chat_request(key="k", stream=True)] * 3
    )
    two = respond_all(f"rules: [{{name: b, reply: y}}]\n{drawn}", *[chat_request(key="k", stream=True)] * 3)
    assert [(each.delay, each.took) for each in first_item] == [(each.delay, each.took) for each in two]
    assert len({each.delay for each in first_item}) == 3


def test_times_start_at_last_byte_of_request() -> None:
    yaml = f"rules: [{{{ABC}, pace: {{ttft: 1s, itl: 100ms}}}}]"
    later = chat_request(stream=True, now=NOW + 1000)
    assert respond_once(yaml, later).chunk_times == respond_once(yaml, STREAM).chunk_times
