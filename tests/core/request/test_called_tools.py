"""Which tools were called, also as text, and which ones the person's text names."""

from __future__ import annotations

import pytest

from mockllm.core.request import called_tools
from mockllm.core.request.called_tools import mentioned_tools, text_results, uncalled_tools
from mockllm.core.request.messages import CallPart, Message, Role, TextPart, ThinkingPart
from mockllm.core.request.person_texts import MAX_TEXT, person_texts


def message(role: Role, *texts: str) -> Message:
    return Message(role, tuple(map(TextPart, texts)))


CALLING = (
    "Calling tools:\n[{'id': 'c1', 'type': 'function', 'function': {'name': 'add', 'arguments': {'a': 3}}}]"
)
TASK = message("user", "New task:\nAdd 3 and 4")


@pytest.mark.parametrize(
    ("messages", "left"),
    [
        ([TASK], ("add", "final_answer")),
        ([TASK, message("assistant", CALLING), message("user", "Observation:\n7")], ("final_answer",)),
        (
            [TASK, message("assistant", CALLING), message("user", "Call id: c1\nObservation:\n7")],
            ("final_answer",),
        ),
        (
            [
                TASK,
                message("assistant", CALLING),
                message(
                    "user", "Call id: c1\nError:\nx\nNow let's retry: take care not to repeat previous errors! If"
                ),
            ],
            ("final_answer",),
        ),
        ([message("assistant", CALLING), TASK], ("add", "final_answer")),
        ([TASK, message("assistant", "I will add."), Message("user", ())], ("add", "final_answer")),
    ],
)  # fmt: skip
def test_tools_called_in_text_are_called(messages: list[Message], left: tuple[str, ...]) -> None:
    assert uncalled_tools(["add", "final_answer"], messages) == left


def test_thinking_calls_no_tool() -> None:
    thought = Message("assistant", (ThinkingPart("I add."), CallPart("c1", "add", {})))
    assert uncalled_tools(["add", "final_answer"], [TASK, thought]) == ("final_answer",)


def test_results_in_text_come_after_the_last_model_turn() -> None:
    turns = [
        message("user", "Observation:\n1"),
        message("assistant", CALLING),
        message("user", "Observation:\n7", "Well?"),
    ]
    assert list(text_results(turns)) == ["7"]
    assert list(text_results([message("user", "Call id: c1\nObservation:\n7\n8")])) == ["7\n8"]
    assert list(text_results([])) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("what is the weather in Rome", ("get_weather",)),
        ("call magic_fn(3)", ("magic_fn",)),
        ("what is 3 plus 4", ("add",)),
        ("3 times 4", ("multiply",)),
        ("what are 3 and 4, use the tool", ("get_weather", "magic_fn", "add", "multiply", "sendEmail", "x")),
        ("send an email, add nothing", ("add", "sendEmail")),
        ("hi", ()),
        ("weather" + " " * 5_000 + "add", ("get_weather", "add")),
    ],
)
def test_text_mentions_tools(text: str, names: tuple[str, ...]) -> None:
    tools = ("get_weather", "magic_fn", "add", "multiply", "sendEmail", "x")
    assert mentioned_tools(tools, text) == names


def test_no_text_or_tool_mentions_nothing() -> None:
    assert mentioned_tools((), "add") == ()
    assert mentioned_tools(("add",), "") == ()
    assert mentioned_tools(("add",), "use the tool", any_called=True) == ()
    messages = [message("user", "add 3 and 4"), message("user", "Observation:\n7")]
    assert next(person_texts(messages)) == "add 3 and 4"


def test_person_texts_are_bounded() -> None:
    long = [
        message("user", "a" * 30_000_000),
        message("assistant", "b"),
        message("user", ""),
        message("user", "c", "d"),
    ]
    first, second = person_texts(long)
    assert first == "c\nd"
    assert len(second) == MAX_TEXT + 1


def test_text_stores_results_for_bounded_tools() -> None:
    text = "The weather of Oslo, for many agents."
    for first in range(0, 1_000, 100):
        names = [f"get_weather_{number}" for number in range(first, first + 100)]
        assert mentioned_tools(names, text) == tuple(names)
        assert mentioned_tools(names, text) == tuple(names)
    assert len(called_tools._scores_of(text)) == called_tools._MAX_TOOLS
