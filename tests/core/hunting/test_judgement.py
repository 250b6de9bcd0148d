"""Judgements: what a client may do after a disturbance, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.hunting.disturbance import Disturbance
from mockllm.core.hunting.judgement import Judgement, Policy, judge
from mockllm.core.hunting.outcome import RunOutcome
from tests.core.hunting.runs import BAD, BASE, CRLF, CUT, GOOD, LIMIT, ended, requested

REFUSAL = Disturbance("refusal", {"faults": ["refusal"]}, times=1)
STRICT = Policy(frozenset({3}))


def judged(outcome: RunOutcome, disturbance: Disturbance = CRLF, policy: Policy | None = None) -> Judgement:
    return judge((disturbance,), outcome, BASE, policy or Policy())


def rule(outcome: RunOutcome, disturbance: Disturbance = CRLF, policy: Policy | None = None) -> str | None:
    problem = judged(outcome, disturbance, policy).problem
    return None if problem is None else problem.rule


def test_judge_of_unplayed_schedule_is_no_effect() -> None:
    assert judged(ended(1, None)).result == "no effect"
    assert judged(ended(1, exchanges=(requested(CRLF, faults=()),))).result == "no effect"


def test_judge_of_error_needs_no_fault() -> None:
    assert judged(ended(1, LIMIT, exchanges=(requested(LIMIT, faults=()),)), LIMIT).result == "reported"


# --- variations -----------------------------------------------------------------------------------


def test_variation_with_equal_result_holds() -> None:
    assert judged(ended(verdicts=(GOOD,))) == Judgement("held")


@pytest.mark.parametrize(
    ("outcome", "expected", "message"),
    [
        (ended(3), "same_result", "the command ended with exit code 3: one two three"),
        (
            ended(1, stderr="KeyError: 'x'"),
            "same_result",
            "the command ended with exit code 1: KeyError: 'x'",
        ),
        (ended(compared=b"one\n"), "same_result", "line 1 of its output is 'one', not 'one two three'"),
        (ended(compared=b"one two three\nx"), "same_result", "line 2 of its output is 'x', not nothing"),
        (ended(compared=b"one two three"), "same_result", "its output ends otherwise"),
        (ended(None), "ends", "the command had not ended after 0.2 s and 1 request"),
        (ended(repeated=("pay",)), "once", "a side effect came more than once: pay"),
        (ended(verdicts=(BAD,)), "retry_storm", "12 retries"),
    ],
)
def test_variation_with_another_result_fails(outcome: RunOutcome, expected: str, message: str) -> None:
    judgement = judged(outcome)
    assert judgement.result == "failed"
    assert judgement.problem is not None
    assert (judgement.problem.rule, judgement.problem.message) == (expected, message)


def test_bad_verdict_of_the_baseline_does_not_count() -> None:
    baseline = RunOutcome(0, 0.1, compared=BASE.compared, verdicts=(BAD,), exchanges=BASE.exchanges)
    assert judge((CRLF,), ended(verdicts=(BAD,)), baseline, Policy()).result == "held"


# --- faults ---------------------------------------------------------------------------------------


def test_fault_with_equal_output_is_recovered() -> None:
    assert judged(ended(0, CUT), CUT).result == "recovered"


def test_fault_with_nothing_compared_holds() -> None:
    baseline = RunOutcome(0, 0.1, exchanges=BASE.exchanges)
    assert judge((CUT,), ended(0, CUT, compared=None), baseline, Policy()).result == "held"


def test_fault_with_a_part_of_the_response_fails() -> None:
    outcome = ended(0, CUT, stdout="one\n", compared=b"one\n")
    assert rule(outcome, CUT) == "no_wrong_result"


def test_fault_with_words_of_its_own_is_reported() -> None:
    outcome = ended(0, CUT, stdout="one\n", stderr="the answer broke off", compared=b"one\n")
    assert judged(outcome, CUT).result == "reported"


@pytest.mark.parametrize(
    ("words", "result"),
    [("onetwo three", "failed"), ("twothree", "failed"), ("oneX", "reported"), ("Xone", "reported")],
)
def test_fault_with_repeated_text_fails(words: str, result: str) -> None:
    outcome = ended(0, CUT, stdout=words, compared=words.encode())
    assert judged(outcome, CUT).result == result


def test_refusal_that_is_shown_holds() -> None:
    sent: dict[str, Any] = {"exchanges": (requested(REFUSAL, text="Sorry."),)}
    assert judged(ended(0, REFUSAL, stdout="Sorry.", compared=b"Sorry.", **sent), REFUSAL).result == "held"
    assert rule(ended(0, REFUSAL, stdout="\n", compared=b"\n", **sent), REFUSAL) == "no_wrong_result"


def test_empty_answer_that_shows_nothing_holds() -> None:
    empty = Disturbance("empty_answer", {"faults": ["empty_answer"]}, times=1)
    outcome = ended(0, empty, compared=b"\n", exchanges=(requested(empty, text=""),))
    assert judged(outcome, empty).result == "held"


def test_failure_is_reported_without_a_crash() -> None:
    assert judged(ended(1, CUT, stderr="APIError: cut"), CUT).result == "reported"
    assert rule(ended(1, CUT, stderr="KeyError: 'x'"), CUT) == "no_crash"


def test_failure_with_another_code_is_not_reported() -> None:
    assert judged(ended(3, CUT), CUT, STRICT).result == "reported"
    assert rule(ended(1, CUT, stderr="cut"), CUT, STRICT) == "says_so"
    assert rule(ended(1, CUT, stdout="", stderr=""), CUT, STRICT) == "says_so"
    assert rule(ended(1, CUT, stderr="KeyError: 'x'"), CUT, STRICT) == "no_crash"


def test_failed_assertion_is_unclear() -> None:
    failed = ended(1, CUT, stderr="AssertionError: x")
    assert judged(failed, CUT).result == "unclear"
    assert judged(failed, CUT, STRICT).reason == "an assertion of the test failed"


def test_demand_of_recovery_refuses_reports() -> None:
    demanding = Policy(demand="recover")
    assert rule(ended(1, LIMIT, stderr="limit"), LIMIT, demanding) == "recovers"
    unlimited = Disturbance("rate_limit", {"error": "rate_limit"})
    assert judged(ended(1, unlimited, stderr="limit"), unlimited, demanding).result == "reported"
    assert judged(ended(1, CUT, stderr="cut"), CUT, demanding).result == "reported"


def test_expectation_of_the_user_replaces_the_table() -> None:
    strict = Policy(expectations={"cut": "same"})
    assert rule(ended(1, CUT, stderr="cut"), CUT, strict) == "same_result"


def test_hang_of_a_patient_client_is_unclear() -> None:
    silent = requested(CUT, timeout=600.0, left="gone")
    judgement = judged(ended(None, CUT, exchanges=(silent,)), CUT)
    assert judgement.result == "unclear"
    assert judgement.reason == "the client's own read timeout is 600 s, longer than the run's bound"
    assert rule(ended(None, CUT, exchanges=(requested(CUT, left="gone"),)), CUT) == "ends"
    finished = requested(CUT, timeout=600.0, left="finished")
    assert rule(ended(None, CUT, exchanges=(finished,)), CUT) == "ends"


def test_conversation_after_a_refusal_fails() -> None:
    refused = requested(REFUSAL, refused=True)
    assert rule(ended(0, REFUSAL, exchanges=(refused, requested(None, turn=2))), REFUSAL) == "goes_on"
    assert rule(ended(0, REFUSAL, exchanges=(refused, requested(None))), REFUSAL) is None
