"""Faults of meaning and errors with a limit, as a file writes them: what is read, what is played, what is noted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.playing import Ask, chat, claude, first, mistakes, play, table

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@table(
    "faults, text, finish, played",
    [
        ("a name alone", "[length_stop]", "Half said", "length", ("length_stop",)),
        ("a place in chunks", "[{length_stop: {after: {chunks: 1}}}]", "Half", "length", ("length_stop",)),
        (
            "a place from the request",
            '[{length_stop: {after: {chunks: "{{ query.n }}"}}}]',
            "Half said",
            "length",
            ("length_stop",),
        ),
        (
            "a percentage",
            "[{content_filter: {after: {fraction: 30%}}}]",
            "Half ",
            "content_filter",
            ("content_filter",),
        ),
        (
            "several, in order",
            "[length_stop, {length_stop: {after: {fraction: 50%}}}]",
            "Half",
            "length",
            ("length_stop", "length_stop"),
        ),
        ("beyond the end", "[{length_stop: {after: {chunks: 9}}}]", "Half said is said.", "stop", ()),
        ("what has nothing to break", "[unknown_tool]", "Half said is said.", "stop", ()),
        (
            "one that is played beside one that is not",
            "[unknown_tool, length_stop]",
            "Half said",
            "length",
            ("length_stop",),
        ),
    ],
)
def test_faults_on_a_rule(faults: str, text: str, finish: str, played: tuple[str, ...]) -> None:
    heard = first(f"rules: [{{reply: Half said is said., faults: {faults}}}]", chat(query="n=2"))
    assert (heard.text, heard.choice["finish_reason"], heard.answer.faults) == (text, finish, played)


def test_what_is_not_played_is_noted_with_its_reason() -> None:
    heard = first("rules: [{reply: a, faults: [unknown_tool, wrong_schema]}]")
    assert heard.notes.splitlines() == [
        "unknown_tool not played: the response calls no tool",
        "wrong_schema not played: the response calls no tool, and the request has no schema for it",
    ]


def test_a_fault_of_meaning_has_nothing_to_say_on_an_error() -> None:
    heard = first("rules: [{error: overloaded, faults: [length_stop]}]")
    assert heard.status == 503
    assert heard.notes == "length_stop not played: the response is not a reply"


def test_a_script_that_breaks_off_keeps_its_end() -> None:
    script = "rules: [{reply: {chunks: [a, b, {error: overloaded}]}, faults: [length_stop]}]"
    heard = first(script, chat(stream=True))
    assert heard.chunks == ["a", "b"]
    assert "the reply itself ends with an error" in heard.notes


def test_faults_on_a_step_and_on_a_modifier() -> None:
    files = """
        rules: [{sequence: [{reply: one two, faults: [empty_answer]}, three four]}]
        modifiers: [{match: {user: cut}, faults: [{length_stop: {after: {chunks: 1}}}]}]
    """
    texts = [heard.text for heard in play(files, chat(), chat(), chat("cut"))]
    assert texts == ["", "three four", "three"]


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_cut_is_what_is_counted(stream: bool) -> None:
    files = "rules: [{reply: one two three four, faults: [{length_stop: {after: {chunks: 2}}}]}]"
    heard = first(files, chat(stream=stream, stream_options={"include_usage": True} if stream else None))
    counted = heard.events[-2].json if stream else heard.json
    assert counted["usage"]["completion_tokens"] == 2


def test_a_stream_is_paced_by_what_is_left() -> None:
    files = (
        "rules: [{reply: a b c d, pace: {ttft: 1s, itl: 1s}, faults: [{length_stop: {after: {chunks: 2}}}]}]"
    )
    assert [heard.took for heard in play(files, chat(stream=True), chat())] == [2.0, 2.0]


def test_the_slip_in_arguments_is_drawn_by_the_seed() -> None:
    files = "rules: [{reply: {tool_calls: [{name: look, arguments: {a: 1}}]}, faults: [bad_tool_arguments]}]"

    def slips(seed: int) -> list[str]:
        asked = [chat(tools=[TOOL])] * 8
        return [
            heard.choice["message"]["tool_calls"][0]["function"]["arguments"]
            for heard in play(files, *asked, seed=seed)
        ]

    assert slips(0) == slips(0)
    assert slips(0) != slips(1)
    assert len(set(slips(0))) > 1


@table(
    "text, message",
    [
        ("an unknown setting", "{content_filter: {kind: x}}", "kind: unknown key"),
        (
            "two places",
            "{length_stop: {after: {chunks: 1, fraction: 10%}}}",
            "write after: {chunks: 3} or after: {fraction: 50%}",
        ),
        ("no place", "{length_stop: {after: {}}}", "write after: {chunks: 3} or after: {fraction: 50%}"),
        ("a place that it does not know", "{length_stop: {after: {bytes: 10}}}", "bytes: unknown key"),
        ("a category that there is not", "{content_filter: {category: rude}}", "category"),
        ("a call before the first", "{unknown_tool: {call: 0}}", "call"),
        ("a name of its own", "empty_answers", 'did you mean "empty_answer"?'),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    (found,) = mistakes(f"rules: [{{reply: a, faults: [{text}]}}]")
    assert message in found


# --- errors --------------------------------------------------------------------------------------


@table(
    "asked, message",
    [
        (
            "OpenAI",
            chat("word " * 9),
            "This model's maximum context length is 5 tokens. However, your messages resulted in 15 tokens.",
        ),
        ("Anthropic", claude("word " * 9), "prompt is too long: 15 tokens > 5 maximum"),
    ],
)
def test_a_context_that_overflows_tells_the_true_count(asked: Ask, message: str) -> None:
    files = """
        rules: [{reply: fits}]
        modifiers: [{match: {input_tokens: {gt: 5}}, error: {type: context_length, limit: 5}}]
    """
    heard = first(files, asked)
    assert heard.status == 400
    assert heard.message.startswith(message)


def test_a_limit_may_be_asked_for() -> None:
    files = 'rules: [{error: {type: context_length, limit: "{{ query.window }}"}}]'
    assert "is 7 tokens" in first(files, chat(query="window=7")).message
    assert first(files, chat(query="window=0")).status == 400
    assert "window" in first(files, chat(query="window=0")).message


def test_a_limit_goes_with_one_error_only() -> None:
    (found,) = mistakes("rules: [{error: {type: rate_limit, limit: 5}}]")
    assert "a limit goes with type: context_length" in found


def test_a_deprecated_model() -> None:
    heard = first("rules: [{match: {model: gpt-3}, error: model_deprecated}]", chat(model="gpt-3"))
    assert (heard.status, heard.answer.error) == (404, "model_deprecated")
    assert heard.message.startswith("The model `gpt-3` has been deprecated")
