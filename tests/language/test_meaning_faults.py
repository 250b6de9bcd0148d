"""Faults of meaning and errors with a limit, as a file writes them: reading, application and notes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    cases,
    chat_request,
    claude_request,
    diagnostics_of,
    respond_all,
    respond_once,
)

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@cases(
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
    response = respond_once(
        f"rules: [{{reply: Half said is said., faults: {faults}}}]", chat_request(query="n=2")
    )
    assert (response.text, response.choice["finish_reason"], response.planned.faults) == (
        text,
        finish,
        played,
    )


def test_fault_that_is_not_applied_is_noted() -> None:
    client_response = respond_once("rules: [{reply: a, faults: [unknown_tool, wrong_schema]}]")
    assert client_response.notes.splitlines() == [
        "unknown_tool not applied: the response calls no tool",
        "wrong_schema not applied: the response calls no tool, and the request has no schema for it",
    ]


def test_meaning_fault_does_not_apply_to_error() -> None:
    client_response = respond_once("rules: [{error: overloaded, faults: [length_stop]}]")
    assert client_response.status == 503
    assert client_response.notes == "length_stop not applied: the response is not a reply"


def test_broken_script_is_not_changed_by_fault() -> None:
    script = "rules: [{reply: {chunks: [a, b, {error: overloaded}]}, faults: [length_stop]}]"
    responses = respond_once(script, chat_request(stream=True))
    assert responses.chunks == ["a", "b"]
    assert "the reply itself ends with an error" in responses.notes


def test_faults_on_a_step_and_on_a_modifier() -> None:
    files = """
        rules: [{sequence: [{reply: one two, faults: [empty_answer]}, three four]}]
        modifiers: [{match: {user: cut}, faults: [{length_stop: {after: {chunks: 1}}}]}]
    """
    texts = [
        response.text for response in respond_all(files, chat_request(), chat_request(), chat_request("cut"))
    ]
    assert texts == ["", "three four", "three"]


@pytest.mark.parametrize("stream", [False, True])
def test_cut_reply_usage_is_counted(stream: bool) -> None:
    files = "rules: [{reply: one two three four, faults: [{length_stop: {after: {chunks: 2}}}]}]"
    response = respond_once(
        files, chat_request(stream=stream, stream_options={"include_usage": True} if stream else None)
    )
    counted = response.events[-2].json if stream else response.json
    assert counted["usage"]["completion_tokens"] == 2


def test_cut_stream_pace_follows_remaining_text() -> None:
    files = (
        "rules: [{reply: a b c d, pace: {ttft: 1s, itl: 1s}, faults: [{length_stop: {after: {chunks: 2}}}]}]"
    )
    assert [response.took for response in respond_all(files, chat_request(stream=True), chat_request())] == [
        2.0,
        2.0,
    ]


def test_argument_error_is_drawn_by_seed() -> None:
    files = "rules: [{reply: {tool_calls: [{name: look, arguments: {a: 1}}]}, faults: [bad_tool_arguments]}]"

    def slips(seed: int) -> list[str]:
        sent = [chat_request(tools=[TOOL])] * 8
        return [
            response.choice["message"]["tool_calls"][0]["function"]["arguments"]
            for response in respond_all(files, *sent, seed=seed)
        ]

    assert slips(0) == slips(0)
    assert slips(0) != slips(1)
    assert len(set(slips(0))) > 1


@cases(
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
def test_bad_meaning_fault_has_diagnostic(text: str, message: str) -> None:
    (result,) = diagnostics_of(f"rules: [{{reply: a, faults: [{text}]}}]")
    assert message in result


# --- errors --------------------------------------------------------------------------------------


@cases(
    "sent, message",
    [
        (
            "OpenAI",
            chat_request("word " * 9),
            "This model's maximum context length is 5 tokens. However, your messages resulted in 15 tokens.",
        ),
        ("Anthropic", claude_request("word " * 9), "prompt is too long: 15 tokens > 5 maximum"),
    ],
)
def test_context_length_error_has_real_count(sent: ClientRequest, message: str) -> None:
    files = """
        rules: [{reply: fits}]
        modifiers: [{match: {input_tokens: {gt: 5}}, error: {type: context_length, limit: 5}}]
    """
    response = respond_once(files, sent)
    assert response.status == 400
    assert response.message.startswith(message)


def test_context_length_limit_can_be_set() -> None:
    files = 'rules: [{error: {type: context_length, limit: "{{ query.window }}"}}]'
    assert "is 7 tokens" in respond_once(files, chat_request(query="window=7")).message
    assert respond_once(files, chat_request(query="window=0")).status == 400
    assert "window" in respond_once(files, chat_request(query="window=0")).message


def test_context_limit_needs_context_length() -> None:
    (result,) = diagnostics_of("rules: [{error: {type: rate_limit, limit: 5}}]")
    assert "a limit goes with type: context_length" in result


def test_deprecated_model_fault() -> None:
    response = respond_once(
        "rules: [{match: {model: gpt-3}, error: model_deprecated}]", chat_request(model="gpt-3")
    )
    assert (response.status, response.planned.error) == (404, "model_deprecated")
    assert response.message.startswith("The model `gpt-3` has been deprecated")
