"""Batches as data: the requests that a client sends together, how they end, and the responses to them."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

BATCH_HEADER: Final = "x-mockllm-batch"
"""The header of a line's request with the id of its batch."""

BatchEnd: TypeAlias = Literal["completed", "failed", "expired", "cancelled"]


class BatchOutcome(NamedTuple):
    """How a batch ends. `responses`: how many of its first lines have a response by then, None for all of a completed
    batch and for none of another. `code` and `message` say why it failed."""

    status: BatchEnd = "completed"
    responses: int | None = None
    code: str | None = None
    message: str | None = None

    def response_count(self, total: int) -> int:
        """Return how many of `total` lines get a response."""
        if self.status == "failed":
            return 0
        usual = total if self.status == "completed" else 0
        return usual if self.responses is None else min(self.responses, total)


class BatchWaits(NamedTuple):
    """The seconds of a batch's states, and how many reads find it in the first two; None where nothing is set."""

    queued: float | None = None
    in_progress: float | None = None
    finalizing: float | None = None
    queued_polls: int | None = None
    in_progress_polls: int | None = None
    slowdown: float = 1.0


class LineResponse(NamedTuple):
    """The response to a line. `cut`: the connection ended before it was whole."""

    status: int
    body: bytes
    request_id: str | None = None
    cut: bool = False


class BatchLine(NamedTuple):
    """One request of a batch. `path` is as a direct request would have it, without a prefix. `refused` is the
    response to a line that a batch may not have."""

    path: str
    body: bytes
    refused: LineResponse | None = None


class BatchJob(NamedTuple):
    """The lines of a stored batch that the server has to serve. `shown_id` is its id as clients know it, where that
    differs from its stored one."""

    id: str
    lines: tuple[BatchLine, ...]
    shown_id: str | None = None
