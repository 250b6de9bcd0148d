"""How settings combine: who beats whom, what adds up, and when things leave."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import pytest

from tests.language.playing import NOW, chat, claude, first, mistakes, play, table

STREAM = chat(stream=True)


def header(yaml: str) -> str | None:
    return first(yaml).headers.get("x-who")


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


@table("yaml, who", WHO)
def test_the_strongest_setting_wins(yaml: str, who: str) -> None:
    assert header(yaml) == who


PACK = {"p/pack.yaml": 'name: p\nversion: "1"\nuse: [./q]', "p/q/pack.yaml": 'name: q\nversion: "1"'}


def test_the_users_files_beat_the_packs() -> None:
    files = {
        "a.yaml": "use: [./p]\nmodifiers: [{headers: {x-who: user}}]",
        "p/a.yaml": "rules: [{reply: x, headers: {x-who: pack's rule}}]",
        **PACK,
    }
    assert first(files).headers["x-who"] == "user"


def test_all_packs_are_one_layer() -> None:
    files = {
        "a.yaml": "use: [./p]",
        "p/a.yaml": "modifiers: [{headers: {x-who: p's modifier}}]",
        "p/q/a.yaml": "rules: [{reply: x, headers: {x-who: q's rule}}]",
        **PACK,
    }
    assert first(files).headers["x-who"] == "q's rule"
    files["p/q/a.yaml"] = "rules: [{reply: x}]\nmodifiers: [{priority: 9, headers: {x-who: q's modifier}}]"
    assert first(files).headers["x-who"] == "p's modifier"


def test_headers_merge_name_by_name() -> None:
    heard = first(
        """
        rules: [{reply: x, headers: {x-a: rule, Content-Type: text/odd}}]
        modifiers: [{headers: {x-a: m, x-b: m}}, {headers: {x-b: n, x-c: n}}]
        """
    )
    assert [heard.headers[name] for name in ("x-a", "x-b", "x-c")] == ["rule", "m", "n"]
    assert [value for name, value in heard.answer.plan.head.headers if name.lower() == "content-type"] == [
        "text/odd"
    ]


def test_of_stream_the_first_wins() -> None:
    modifiers = "modifiers: [{stream: true}, {stream: false}]"
    assert first(f"rules: [{{reply: x}}]\n{modifiers}").streamed
    assert not first(f"rules: [{{reply: x, stream: false}}]\n{modifiers}", STREAM).streamed


def test_stream_answers_as_it_says_and_match_sees_what_was_asked() -> None:
    yaml = "rules: [{name: asked, match: {stream: true}, reply: x, stream: false}, {name: not, reply: y, stream: true}]"
    for ask in (chat, claude):
        asked, not_asked = play(yaml, ask(stream=True), ask())
        assert (asked.rule, asked.streamed, asked.text) == ("asked", False, "x")
        assert (not_asked.rule, not_asked.streamed, not_asked.text) == ("not", True, "y")


def test_delays_add_up() -> None:
    heard = first(
        """
        rules: [{delay: 1s, sequence: [{reply: x, delay: 500ms}]}]
        modifiers: [{delay: 2s}, {delay: 250ms}]
        """
    )
    assert heard.delay == 3.75


def test_delays_add_up_on_errors_too() -> None:
    heard = first("rules: [{error: overloaded, delay: 1s}]\nmodifiers: [{delay: 2s}]")
    assert (heard.status, heard.delay) == (503, 3.0)
    heard = first("rules: [{reply: x, delay: 1s}]\nmodifiers: [{delay: 2s}, {delay: 4s, error: overloaded}]")
    assert (heard.status, heard.delay) == (503, 6.0)


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
    ("a scripted wait replaces the gap it stands in", "rules: [{reply: {chunks: [a, {wait: 1s}, b, c]}, pace: {itl: 100ms}}]", [0, 1, 1.1]),
    ("also where it is shorter", "rules: [{reply: {chunks: [a, {wait: 1ms}, b, c]}, pace: {itl: 100ms}}]", [0, 0.001, 0.101]),
    ("a scripted wait before the first chunk replaces ttft", "rules: [{reply: {chunks: [{wait: 2s}, a, b]}, pace: {ttft: 1s, itl: 100ms}}]", [2, 2.1]),
    ("two scripted waits in one gap add up", "rules: [{reply: {chunks: [a, {wait: 1s}, {wait: 1s}, b]}, pace: {itl: 100ms}}]", [0, 2]),
    ("slowdown multiplies scripted waits too", "rules: [{reply: {chunks: [a, {wait: 1s}, b]}, pace: {slowdown: 2}}]", [0, 2]),
    ("with chunks, chunk_size is ignored", f"rules: [{{{ABC}, pace: {{itl: 1s, chunk_size: 3 characters}}}}]", [0, 1, 2]),
]  # fmt: skip


@table("yaml, moments", PACES)
@pytest.mark.parametrize("ask", [chat, claude])
def test_when_chunks_leave(yaml: str, moments: list[float], ask: type) -> None:
    assert first(yaml, ask(stream=True)).moments == pytest.approx(moments)


def test_chunk_size_cuts_texts() -> None:
    yaml = "rules: [{reply: 'one two three', pace: {chunk_size: %s}}]"
    for size, chunks in (
        ("5", ["one t", "wo th", "ree"]),
        ("5 characters", ["one t", "wo th", "ree"]),
        ("2 words", ["one two", " three"]),
        ("1 token", ["one", " two", " three"]),
    ):
        for ask in (chat, claude):
            assert first(yaml % size, ask(stream=True)).chunks == chunks


def test_jitter_adds_a_uniform_0_to_n_to_each_gap() -> None:
    heard = first(
        "rules: [{reply: {text: {tokens: 200}}, pace: {ttft: 1s, itl: 100ms, jitter: 50ms}}]", STREAM
    )
    gaps = [later - earlier for earlier, later in zip(heard.moments, heard.moments[1:], strict=False)]
    assert heard.moments[0] == 1.0
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
def test_wherever_a_duration_stands_it_may_be_drawn(drawn: str, low: float, high: float) -> None:
    heard = play(
        f"rules: [{{reply: a b, delay: {drawn}, pace: {{ttft: {drawn}, itl: {drawn}}}}}]", *[STREAM] * 20
    )
    for times in ([each.delay for each in heard], [each.moments[1] - each.moments[0] for each in heard]):
        assert all(low - 1e-6 <= time <= high + 1e-6 for time in times)
        assert len(set(times)) > 1


def test_a_number_that_is_drawn() -> None:
    heard = play(
        "rules: [{reply: {text: {tokens: [2, 4]}}, pace: {tokens_per_second: [1, 2]}}]", *[STREAM] * 30
    )
    assert {len(each.chunks) for each in heard} == {2, 3, 4}
    gaps = [each.moments[1] - each.moments[0] for each in heard]
    assert all(0.499 <= gap <= 1.001 for gap in gaps)


# --- whole answers -------------------------------------------------------------------------------

WHOLE: list[tuple[str, str, float]] = [
    ("as long as its stream would", f"rules: [{{{ABC}, delay: 1s, pace: {{ttft: 1s, itl: 100ms}}}}]", 2.2),
    ("as_streamed is the default", f"rules: [{{{ABC}, pace: {{itl: 100ms, whole: as_streamed}}}}]", 0.2),
    ("at_once", f"rules: [{{{ABC}, delay: 1s, pace: {{ttft: 1s, itl: 100ms, whole: at_once}}}}]", 1.0),
    (
        "whole is a key of its own",
        f"rules: [{{{ABC}, pace: {{itl: 100ms}}}}]\nmodifiers: [{{pace: {{whole: at_once}}}}]",
        0,
    ),
    ("scripted waits add up", "rules: [{reply: {chunks: [a, {wait: 1s}, b, {wait: 2s}, c, {wait: 4s}]}}]", 7),
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


@table("yaml, took", WHOLE)
@pytest.mark.parametrize("ask", [chat, claude])
def test_how_long_a_whole_answer_takes(yaml: str, took: float, ask: type) -> None:
    assert first(yaml, ask()).took == pytest.approx(took)


# --- faults --------------------------------------------------------------------------------------


def test_faults_are_all_played_in_order() -> None:
    heard = first(
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
    assert [event.data for event in heard.events if not event.data.startswith("{")] == [
        "two",
        "three",
        "four",
    ]
    assert heard.chunks == ["a"]
    assert heard.answer.faults == ("malformed", "malformed", "malformed")


def test_a_faults_name_alone_takes_its_defaults() -> None:
    heard = first("rules: [{reply: x, faults: [malformed]}]", STREAM)
    assert heard.events[-1].data == '{"broken": '


NOT_PLAYED: list[tuple[str, str, bool, str]] = [
    ("at a chunk exists in streams only", "reply: x", False, "the response is not streamed"),
    ("beyond the end", "reply: {chunks: [a, b]}", True, "the response has only 2 chunks"),
    ("chunks are not playable on errors", "error: overloaded", True, "the response is not streamed"),
    ("nor on http", "http: {body: x}", True, "the response is not streamed"),
]


@table("says, stream, reason", NOT_PLAYED)
def test_what_was_not_played_is_reported(says: str, stream: bool, reason: str) -> None:
    yaml = f"rules: [{{{says}}}]"
    whole = f"rules: [{{{says}, faults: [{{malformed: {{at: {{chunk: 5}}}}}}]}}]"
    spared, plain = first(whole, chat(stream=stream)), first(yaml, chat(stream=stream))
    assert spared.notes == f"malformed not played: {reason}"
    assert spared.bytes == plain.bytes


# --- evaluation ----------------------------------------------------------------------------------


def test_only_the_winning_setting_is_evaluated() -> None:
    yaml = """
    rules:
      - reply: x
        headers: {x-a: "1"}
        pace: {ttft: 1s, itl: 1s}
    modifiers:
      - headers: {x-a: "{{ query.none }}"}
        pace: {ttft: "{{ query.none }}", tokens_per_second: "{{ query.none }}"}
    """
    assert first(yaml, STREAM).status == 200


def test_a_winning_setting_that_does_not_fit_is_a_400() -> None:
    heard = first("rules: [{reply: x}]\nmodifiers: [{delay: '{{ query.delay }}ms'}]", chat(query="delay=abc"))
    assert heard.status == 400
    assert "delay" in heard.message


def test_a_modifiers_templates_read_its_own_names() -> None:
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
    heard = first(files, chat("order tea"))
    assert (heard.text, heard.headers["x-what"], heard.headers["x-color"]) == ("tea", "ord", "red")


def test_a_modifiers_draws_are_its_own() -> None:
    drawn = "modifiers: [{per: api_key, delay: [0s, 10s], pace: {ttft: [0s, 10s]}}]"
    one = play(f"rules: [{{name: a, reply: x}}]\n{drawn}", *[chat(key="k", stream=True)] * 3)
    two = play(f"rules: [{{name: b, reply: y}}]\n{drawn}", *[chat(key="k", stream=True)] * 3)
    assert [(each.delay, each.took) for each in one] == [(each.delay, each.took) for each in two]
    assert len({each.delay for each in one}) == 3


def test_itl_and_tokens_per_second_in_one_pace_are_a_mistake() -> None:
    assert mistakes("rules: [{reply: x, pace: {itl: 1s, tokens_per_second: 4}}]") == [
        "rules[0].pace: itl and tokens_per_second are one setting; write one of them"
    ]


@pytest.mark.parametrize("bare", ["2", "0.5", '"100"'])
@pytest.mark.parametrize(
    "key", ["delay: %s", "pace: {ttft: %s}", "pace: {itl: %s}", "pace: {jitter: %s}", "delay: [1s, %s]"]
)
def test_a_bare_number_for_a_duration_says_so(bare: str, key: str) -> None:
    (said,) = mistakes(f"rules: [{{reply: x, {key % bare}}}]")
    assert 'write "300ms", "2s" or "1m"' in said


@pytest.mark.parametrize(
    ("chance", "fine"), [("5%", True), ("0.05", True), ("5", False), ("'101%'", False), ("often", False)]
)
def test_probabilities(chance: str, fine: bool) -> None:
    assert bool(mistakes(f"rules: [{{reply: x, chance: {chance}}}]")) is not fine


def test_times_run_from_the_requests_last_byte_and_not_from_the_clock() -> None:
    yaml = f"rules: [{{{ABC}, pace: {{ttft: 1s, itl: 100ms}}}}]"
    later = chat(stream=True, now=NOW + 1000)
    assert first(yaml, later).moments == first(yaml, STREAM).moments
