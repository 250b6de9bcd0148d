"""Stored batches: what the server stores of one, and its state at any time.

A batch is stored under its id. Its record is the stored request body. The responses to its lines are the stored
response body. Its states are the events of a timeline. No timer runs. Each protocol has its own words for
states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.batch import BatchOutcome, BatchWaits, LineResponse
from mockllm.core.json.codec import Json
from mockllm.core.request.stored_objects import StoredObject, Timeline, state_seconds

BatchStatus: TypeAlias = Literal[
    "queued", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled"
]
DEFAULT_QUEUED: Final = 0.2
DEFAULT_IN_PROGRESS: Final = 0.5
DEFAULT_FINALIZING: Final = 0.1
"""Seconds of the states where no scenario sets them."""
ENDED: Final = "ended"
"""The last event of a batch's timeline."""


class BatchRecord(Struct):
    """`created` is in seconds since the epoch; `keys` are the names that the client gave the lines; `details` belong
    to the protocol. `succeeded` has one value for each line with a response; None before all lines
    were served."""

    created: float
    keys: list[str]
    outcome: BatchOutcome
    details: dict[str, Json]
    succeeded: list[bool] | None = None


class _Details(Struct):
    """The details of a record: the rest is not read."""

    details: dict[str, msgspec.Raw]


class BatchState(NamedTuple):
    """`reached` are the times of the states so far, in seconds since the epoch. `responded` is the number of the
    first lines that have a response, `succeeded` how many of these have no error."""

    status: BatchStatus
    reached: Mapping[str, float]
    total: int
    responded: int
    succeeded: int

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed", "expired", "cancelled")


_read_record: Final = msgspec.msgpack.Decoder(BatchRecord).decode
_read_details: Final = msgspec.msgpack.Decoder(_Details).decode
_read_responses: Final = msgspec.msgpack.Decoder(list[LineResponse]).decode


def new_batch(id: str, record: BatchRecord, waits: BatchWaits, began: float) -> StoredObject:
    """Return a batch that begins at a time of a monotonic clock."""
    queued = state_seconds(waits.queued, waits.queued_polls, DEFAULT_QUEUED)
    in_progress = state_seconds(waits.in_progress, waits.in_progress_polls, DEFAULT_IN_PROGRESS)
    finalizing = state_seconds(waits.finalizing, waits.in_progress_polls, DEFAULT_FINALIZING)
    seconds, events = 0.0, []
    for name, lasts in (("queued", queued), ("in_progress", in_progress), ("finalizing", finalizing)):
        events.append((seconds, name, b""))
        seconds += lasts * waits.slowdown
    timeline = Timeline(
        began, (*events, (seconds, ENDED, b"")), waits.queued_polls or 0, waits.in_progress_polls or 0
    )
    return StoredObject(id, None, msgspec.msgpack.encode(record), b"", timeline=timeline)


def record_of(batch: StoredObject) -> BatchRecord:
    return _read_record(batch.request_body)


def detail_of(batch: StoredObject, name: str) -> Json:
    """Return one of the details of a batch in a twentieth of the time that its record takes, which has each line."""
    return msgspec.msgpack.decode(_read_details(batch.request_body).details[name])


def responses_of(batch: StoredObject) -> Sequence[LineResponse]:
    """Return the responses to the lines that have one, in order."""
    return _read_responses(batch.response_body) if batch.response_body else ()


def with_responses(batch: StoredObject, responses: Sequence[LineResponse], monotonic: float) -> StoredObject:
    """Return the batch with the responses to its lines. A batch whose lines take longer than its states is in
    progress until now."""
    timeline = _timeline(batch)
    late = max(0.0, timeline.elapsed(monotonic) - timeline.events[2][0])
    first, rest = timeline.events[:2], timeline.events[2:]
    if timeline.cancelled is None:
        events = (*first, *((seconds + late, name, data) for seconds, name, data in rest))
        timeline = timeline._replace(events=events)
    succeeded = [response.status == 200 and not response.cut for response in responses]
    record = replace(record_of(batch), succeeded=succeeded)
    return batch._replace(
        request_body=msgspec.msgpack.encode(record),
        response_body=msgspec.msgpack.encode(list(responses)),
        timeline=timeline,
    )


def as_failed(batch: StoredObject, message: str, monotonic: float) -> StoredObject:
    """Return the batch as it fails now. One that a client has cancelled is returned unchanged."""
    timeline, record = _timeline(batch), record_of(batch)
    if timeline.cancelled is not None:
        return batch
    outcome = record.outcome._replace(status="failed", message=message)
    late = max(0.0, timeline.elapsed(monotonic) - timeline.events[1][0])
    events = (
        timeline.events[0],
        *((seconds + late, name, data) for seconds, name, data in timeline.events[1:]),
    )
    return batch._replace(
        request_body=msgspec.msgpack.encode(replace(record, outcome=outcome)),
        timeline=timeline._replace(events=events),
    )


def cancelled(batch: StoredObject, monotonic: float) -> StoredObject:
    """Return the batch as it is cancelled now. One that has ended or is cancelled already is returned unchanged."""
    timeline, record = _timeline(batch), record_of(batch)
    if timeline.cancelled is not None or state_of(batch, monotonic).ended:
        return batch
    responded = state_of(batch, monotonic).responded
    record = replace(record, outcome=record.outcome._replace(responses=responded))
    return batch._replace(
        request_body=msgspec.msgpack.encode(record), timeline=timeline._replace(cancelled=monotonic)
    )


def with_read(batch: StoredObject) -> StoredObject | None:
    """Return the batch after a read that counts; None where reads do not decide its state any more."""
    return batch.with_read() if _timeline(batch).cancelled is None else None


def state_of(batch: StoredObject, monotonic: float, record: BatchRecord | None = None) -> BatchState:
    """Return the state as a read at this time finds it. `record` is that of the batch, if the caller has read it."""
    timeline, record = _timeline(batch), record or record_of(batch)
    elapsed, total = timeline.elapsed(monotonic), len(record.keys)
    status = _status(timeline, record, elapsed)
    reached = dict(_reached(timeline, record, elapsed, status))
    responded = _responded(timeline, record, elapsed, status)
    if timeline.cancelled is not None:
        responded = record.outcome.responses or 0
        since = (monotonic - timeline.cancelled) / timeline.time_scale
        lasts = timeline.events[3][0] - timeline.events[2][0]
        reached["cancelling"] = record.created + timeline.cancelled - timeline.began
        status = "cancelling"
        if since >= lasts:
            reached["cancelled"] = reached["cancelling"] + lasts * timeline.time_scale
            status = "cancelled"
    return BatchState(status, reached, total, responded, sum((record.succeeded or [])[:responded]))


def _status(timeline: Timeline, record: BatchRecord, elapsed: float) -> BatchStatus:
    """Return the state of a batch that no client has cancelled."""
    queued = timeline.polls < timeline.queued_polls or elapsed < timeline.events[1][0]
    if queued:
        return "queued"
    if record.outcome.status == "failed":
        return "failed"
    if record.succeeded is None or timeline.polled or elapsed < timeline.events[2][0]:
        return "in_progress"
    return "finalizing" if elapsed < timeline.events[3][0] else record.outcome.status


def _reached(
    timeline: Timeline, record: BatchRecord, elapsed: float, status: BatchStatus
) -> Iterator[tuple[str, float]]:
    """Yield the states so far, each with its time."""
    names = ["queued"] if status == "queued" else ["queued", "in_progress", "finalizing", ENDED]
    if status in ("in_progress", "finalizing"):
        names = names[: names.index(status) + 1]
    if status == "failed":
        names = ["queued", "in_progress"]
    for seconds, name, _ in timeline.events:
        if name in names:
            shown = "failed" if status == "failed" and name == "in_progress" else name
            shown = status if shown == ENDED else shown
            yield shown, record.created + min(seconds, elapsed) * timeline.time_scale


def _responded(timeline: Timeline, record: BatchRecord, elapsed: float, status: BatchStatus) -> int:
    """Return how many lines have a response: while it is in progress the part that the time has passed."""
    total = record.outcome.response_count(len(record.keys))
    if record.succeeded is None or status == "queued":
        return 0
    if status == "in_progress":
        began, ends = timeline.events[1][0], timeline.events[2][0]
        return 0 if timeline.polled else int(total * (elapsed - began) / max(ends - began, 1e-9))
    return total


def _timeline(batch: StoredObject) -> Timeline:
    assert batch.timeline is not None, "a batch has a timeline"
    return batch.timeline
