"""The state of a stored batch at any time."""

from __future__ import annotations

import pytest

from mockllm.core.batch import BatchOutcome, BatchWaits, LineResponse
from mockllm.core.request.stored_batches import (
    BatchRecord,
    as_failed,
    cancelled,
    new_batch,
    record_of,
    responses_of,
    state_of,
    with_read,
    with_responses,
)
from mockllm.core.request.stored_objects import StoredObject

BEGAN, CREATED = 100.0, 1_700_000_000.0
WAITS = BatchWaits(1.0, 10.0, 2.0)
WHOLE = BatchOutcome()
OK, BAD = LineResponse(200, b"{}"), LineResponse(429, b"{}")


def batch(outcome: BatchOutcome = WHOLE, waits: BatchWaits = WAITS, lines: int = 4) -> StoredObject:
    record = BatchRecord(CREATED, [f"k{number}" for number in range(lines)], outcome, {})
    return new_batch("b", record, waits, BEGAN)


def stored_batch(outcome: BatchOutcome = WHOLE, waits: BatchWaits = WAITS, at: float = BEGAN) -> StoredObject:
    responses = [OK, BAD, OK, OK][: outcome.response_count(4)]
    return with_responses(batch(outcome, waits), responses, at)


@pytest.mark.parametrize(
    ("elapsed", "status", "answers", "successes"),
    [
        (0.5, "queued", 0, 0),
        (1.0, "in_progress", 0, 0),
        (6.5, "in_progress", 2, 1),
        (11.5, "finalizing", 4, 3),
        (13.0, "completed", 4, 3),
    ],
)
def test_state_follows_the_time(elapsed: float, status: str, answers: int, successes: int) -> None:
    state = state_of(stored_batch(), BEGAN + elapsed)
    assert (state.status, state.total, state.responded, state.succeeded) == (status, 4, answers, successes)
    assert state.ended is (status == "completed")


def test_states_have_their_times() -> None:
    reached = state_of(stored_batch(), BEGAN + 20).reached
    assert {name: at - CREATED for name, at in reached.items()} == {
        "queued": 0.0,
        "in_progress": 1.0,
        "finalizing": 11.0,
        "completed": 13.0,
    }


def test_batch_without_responses_stays_in_progress() -> None:
    assert state_of(batch(), BEGAN + 1000).status == "in_progress"


def test_late_responses_delay_the_end() -> None:
    late = stored_batch(at=BEGAN + 50)
    assert state_of(late, BEGAN + 50).status == "finalizing"
    assert state_of(late, BEGAN + 52).status == "completed"
    assert list(responses_of(late)) == [OK, BAD, OK, OK]


def test_defaults_end_within_five_seconds() -> None:
    assert state_of(stored_batch(waits=BatchWaits()), BEGAN + 5).status == "completed"


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_batch_ends_as_scenario_says(status: str) -> None:
    outcome = BatchOutcome(status, 1)  # type: ignore[arg-type]
    state = state_of(stored_batch(outcome), BEGAN + 20)
    assert (state.status, state.responded, state.succeeded) == (status, 1, 1)
    assert state.reached[status] == CREATED + 13


def test_failed_batch_fails_behind_the_queue() -> None:
    failed = batch(BatchOutcome("failed"))
    assert state_of(failed, BEGAN).status == "queued"
    state = state_of(failed, BEGAN + 2)
    assert (state.status, state.responded, state.reached["failed"]) == ("failed", 0, CREATED + 1)


def test_batch_fails_while_its_lines_are_served() -> None:
    failed = as_failed(batch(), "Too large.", BEGAN + 4)
    state = state_of(failed, BEGAN + 5)
    assert (state.status, state.total, state.responded) == ("failed", 4, 0)
    assert state.reached == {"queued": CREATED, "failed": CREATED + 4}
    assert record_of(failed).outcome.message == "Too large."
    ended = cancelled(batch(), BEGAN + 4)
    assert as_failed(ended, "Too large.", BEGAN + 5) is ended


def test_reads_decide_the_state() -> None:
    stored = stored_batch(waits=BatchWaits(queued_polls=1, in_progress_polls=2))
    seen = []
    for _ in range(4):
        seen.append(state_of(stored, BEGAN + 5).status)
        stored = with_read(stored) or stored
    assert seen == ["queued", "in_progress", "in_progress", "completed"]
    assert with_read(stored) is None


def test_cancelled_batch_has_its_finished_lines() -> None:
    stopped = cancelled(stored_batch(), BEGAN + 6.5)
    assert cancelled(stopped, BEGAN + 7) is stopped
    state = state_of(stopped, BEGAN + 7)
    assert (state.status, state.responded, state.succeeded) == ("cancelling", 2, 1)
    state = state_of(stopped, BEGAN + 30)
    assert (state.status, state.reached["cancelling"], state.reached["cancelled"]) == (
        "cancelled",
        CREATED + 6.5,
        CREATED + 8.5,
    )
    assert with_read(stopped) is None


def test_responses_after_a_cancellation_change_no_time() -> None:
    stopped = cancelled(batch(), BEGAN + 6.5)
    assert with_responses(stopped, [OK], BEGAN + 90).timeline == stopped.timeline
    assert state_of(with_responses(stopped, [OK], BEGAN + 90), BEGAN + 91).responded == 0


def test_ended_batch_cannot_be_cancelled() -> None:
    ended = stored_batch()
    assert cancelled(ended, BEGAN + 20) is ended


def test_time_scale_stretches_the_states() -> None:
    stored = stored_batch()
    assert stored.timeline is not None
    slow = stored._replace(timeline=stored.timeline.scaled(10.0, BEGAN))
    assert state_of(slow, BEGAN + 15).status == "in_progress"
    assert state_of(slow, BEGAN + 130).reached["completed"] == CREATED + 130


def test_responses_of_new_batch_are_none() -> None:
    assert responses_of(batch()) == ()
    assert record_of(batch()).keys == ["k0", "k1", "k2", "k3"]


def test_empty_batch_ends() -> None:
    empty = with_responses(batch(lines=0), [], BEGAN)
    assert state_of(empty, BEGAN + 6).responded == 0
    assert state_of(empty, BEGAN + 20).status == "completed"
