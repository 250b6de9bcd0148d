"""Outcomes of runs: crashes, last words, features."""

from __future__ import annotations

import pytest

from mockllm.core.hunting.outcome import RunOutcome
from tests.core.hunting.runs import BAD, BASE, REQUESTED


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Traceback (most recent call last):\n  x\nIndexError: list index out of range\n",
            "IndexError: list",
        ),
        ("json.decoder.JSONDecodeError: Expecting value", "json.decoder.JSONDecodeError"),
        ("\nTypeError: Cannot read properties of null\n    at x\n\nNode.js v20", "TypeError: Cannot"),
        ("panic: runtime error", "panic: runtime"),
        ('Exception in thread "main" java.lang.NullPointerException', "Exception in thread"),
        ("E   KeyError: 'choices'", "KeyError: 'choices'"),
    ],
)
def test_crash_is_the_line_of_a_mistake(text: str, line: str) -> None:
    for run in (RunOutcome(1, 0.1, stderr=text), RunOutcome(1, 0.1, stdout=text)):
        assert (run.crash or "").startswith(line)


@pytest.mark.parametrize(
    "text", ["", "openai.APIError: overloaded", "error: IndexError in the provider's text"]
)
def test_crash_of_a_reported_error_is_none(text: str) -> None:
    assert RunOutcome(1, 0.1, stderr=text).crash is None


CHAINS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)


@pytest.mark.parametrize("chain", CHAINS)
def test_crash_of_a_cause_that_was_handled_is_none(chain: str) -> None:
    text = f"Traceback (most recent call last):\n  x\nKeyError: 'choices'\n\n{chain}\n\n"
    text += "Traceback (most recent call last):\n  y\n"
    assert RunOutcome(1, 0.1, stderr=f"{text}client.ProviderError: no choices\n").crash is None
    assert RunOutcome(1, 0.1, stderr=f"{text}TypeError: x\n").crash == "TypeError: x"


def test_crash_before_a_handled_cause_is_found() -> None:
    text = f"IndexError: of a thread\nTraceback (most recent call last):\nKeyError\n\n{CHAINS[0]}\n\nOwnError"
    assert RunOutcome(1, 0.1, stderr=text).crash == "IndexError: of a thread"


def test_crash_of_a_signal_names_it() -> None:
    assert RunOutcome(139, 0.1).crash == "a signal ended the command: 11"
    assert RunOutcome(None, 0.1).crash is None


def test_failed_assertion_is_found_in_both_outputs() -> None:
    assert RunOutcome(1, 0.1, stdout="E   AssertionError: x").failed_assertion
    assert RunOutcome(1, 0.1, stderr="AssertionError").failed_assertion
    assert not RunOutcome(1, 0.1, stderr="no AssertionError").failed_assertion


def test_last_words_prefer_standard_error() -> None:
    assert RunOutcome(1, 0.1, "a\nb\n", "c\n").last_words == "c"
    assert RunOutcome(1, 0.1, "a\nb\n").last_words == "b"
    assert RunOutcome(1, 0.1).last_words == ""


def test_features_leave_out_numbers_and_texts() -> None:
    one = RunOutcome(1, 0.1, stderr="failed after 12 s", verdicts=(BAD,), exchanges=(REQUESTED,))
    other = RunOutcome(1, 0.3, stderr="failed after 34 s", verdicts=(BAD,), exchanges=(REQUESTED,))
    assert one.features == other.features
    assert "verdict retry_storm" in one.features
    assert "exchange openai chat stream 1 200 finished" in BASE.features
