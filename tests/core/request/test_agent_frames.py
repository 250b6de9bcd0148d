"""What a person typed, without the frames of each agent."""

from __future__ import annotations

import pytest

from mockllm.core.request.agent_frames import FRAMES, MAX_SEARCHED, last_typed_text, typed_text
from mockllm.core.request.messages import CallPart, Message, TextPart

TYPED = {
    "Claude Code": "<system-reminder>\nBe kind.\n</system-reminder>\nFix the bug.<ide_selection>x</ide_selection>",
    "a command": "<command-name>/x</command-name><command-message>x</command-message>\nFix the bug.",
    "Gemini CLI": "<session_context>\nToday is today.\n</session_context>\nFix the bug.",
    "Gemini CLI with a file": "Fix the bug.\n--- Content from referenced files ---\nx\n--- End of content ---",
    "a file without an end": "Fix the bug.\n--- Content from referenced files ---\nx",
    "Codex": "<environment_context><cwd>/x</cwd></environment_context>\nFix the bug.",
    "Codex in an editor": "# Context from my IDE setup:\n\n## My request for Codex:\nFix the bug.",
    "Cline": "<task>\nFix the bug.\n</task>\n<environment_details>\nfiles\n</environment_details>",
    "Cline 3": "<mode_notice>The user switched to plan mode.</mode_notice>\n"
    '<user_input mode="plan">Fix the bug.</user_input>',
    "Copilot": "<context>\nToday\n</context>\n<userRequest>\nFix the bug.\n</userRequest>",
    "Copilot CLI": "<current_datetime>2026-11-21T13:15:32.896+00:00</current_datetime>\n\nFix the bug.",
    "opencode": '"Fix the bug."\n',
    "nobody": "  Fix the bug. ",
}


@pytest.mark.parametrize("text", TYPED.values(), ids=TYPED)
def test_frame_of_agent_is_taken_off(text: str) -> None:
    assert typed_text(text) == "Fix the bug."


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ('Say "a" or "b"', 'Say "a" or "b"'),
        ('"a" or "b"', '"a" or "b"'),
        ('"say \\"a\\" now"', 'say "a" now'),
        ('"', '"'),
        ("<system-reminder> without an end", "<system-reminder> without an end"),
        ("What is </task>?", "What is </task>?"),
        ("What is <task>?", "What is <task>?"),
        ("<feedback>No.</feedback> <feedback>Yes.</feedback>", "Yes."),
        ("This is the Gemini CLI. We are setting up the context for our chat.\nToday", ""),
        ("New task:\nAdd 3 and 4", "Add 3 and 4"),
        ("A New task:\nis here", "A New task:\nis here"),
        ("Observation:\n7", ""),
        ("My Observation:\n7", "My Observation:\n7"),
        ("Call id: c1\nObservation:\n7", ""),
        ("Call id: c1", "Call id: c1"),
        ("# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>a</INSTRUCTIONS>", ""),
    ],
)
def test_text_like_a_frame(text: str, typed: str) -> None:
    assert typed_text(text) == typed


def test_typed_is_in_the_last_message_with_a_text_of_a_person() -> None:
    call = Message("assistant", (CallPart("1", "look", {}),))
    reminder = Message("user", (TextPart("<system-reminder>x</system-reminder>"),))
    person = Message(
        "user", (TextPart("<system-reminder>x</system-reminder>"), TextPart("Fix"), TextPart("it."))
    )
    assert last_typed_text((person, call, reminder)) == "Fix\nit."
    assert last_typed_text((call, reminder)) is None


def test_every_frame_has_a_source_and_is_taken_off() -> None:
    for frame in FRAMES:
        assert frame.source
        inside = f"{frame.opening}a{frame.closing}"
        assert typed_text(inside) == ("a" if frame.form in ("wrapper", "quotes", "prefix") else "")


def test_long_message_is_read_in_linear_time() -> None:
    assert typed_text("<system-reminder>" * 20_000) == "<system-reminder>" * 20_000


class SearchedText(str):
    """A text that counts how many of its characters are searched."""

    searched = 0

    def __contains__(self, part: object) -> bool:
        SearchedText.searched += len(self)
        return super().__contains__(str(part))


def test_text_longer_than_is_searched_is_typed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SearchedText, "searched", 0)
    long = "<system-reminder>Hm.</system-reminder>" + "a" * MAX_SEARCHED
    assert typed_text(SearchedText(f" {long}")) == long
    assert SearchedText.searched == 0
    assert typed_text(SearchedText(long[:MAX_SEARCHED])) == "a" * (MAX_SEARCHED - 38)
    assert SearchedText.searched > 0
