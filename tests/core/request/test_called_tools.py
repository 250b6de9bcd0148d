"""Which tools were called, also as text, and which ones the person's text names."""

from __future__ import annotations

import pytest

from mockllm.core.request.called_tools import mentioned_tools, text_results, uncalled_tools
from mockllm.core.request.messages import Message, Role, TextPart
from mockllm.core.request.person_texts import MAX_TEXT, person_texts
from mockllm.core.request.tools import Tool


def said(role: Role, *texts: str) -> Message:
    return Message(role, tuple(map(TextPart, texts)))


CALLING = (
    "Calling tools:\n[{'id': 'c1', 'type': 'function', 'function': {'name': 'add', 'arguments': {'a': 3}}}]"
)
TASK = said("user", "New task:\nAdd 3 and 4")


@pytest.mark.parametrize(
    ("messages", "left"),
    [
        ([TASK], ("add", "final_answer")),
        ([TASK, said("assistant", CALLING), said("user", "Observation:\n7")], ("final_answer",)),
        (
            [
                TASK,
                said("assistant", CALLING),
                said("user", "Call id: c1\nError:\nx\nNow let's retry: take care not to repeat previous errors! If"),
            ],
            ("final_answer",),
        ),
        ([said("assistant", CALLING), TASK], ("add", "final_answer")),
        ([TASK, said("assistant", "I will add."), Message("user", ())], ("add", "final_answer")),
    ],
)  # fmt: skip
def test_tools_called_in_text_are_called(messages: list[Message], left: tuple[str, ...]) -> None:
    assert uncalled_tools([Tool("add"), Tool("final_answer")], (), messages) == left


def test_results_in_text_come_after_the_last_model_turn() -> None:
    turns = [
        said("user", "Observation:\n1"),
        said("assistant", CALLING),
        said("user", "Observation:\n7", "Well?"),
    ]
    assert list(text_results(turns)) == ["7"]
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
    assert mentioned_tools(tools, [said("user", text)]) == names


def test_no_text_or_tool_mentions_nothing() -> None:
    assert mentioned_tools((), [said("user", "add")]) == ()
    assert mentioned_tools(("add",), []) == ()
    assert mentioned_tools(("add",), [said("user", "use the tool")], any_called=True) == ()
    assert mentioned_tools(("add",), [said("user", "add 3 and 4"), said("user", "Observation:\n7")]) == (
        "add",
    )


def test_person_texts_are_bounded() -> None:
    long = [said("user", "a" * 30_000_000), said("assistant", "b"), said("user", ""), said("user", "c", "d")]
    first, second = person_texts(long)
    assert first == "c\nd"
    assert len(second) == MAX_TEXT + 1
