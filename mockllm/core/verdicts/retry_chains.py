"""Retry chains: a request and its retries, each after the failure of the one before.

A retry has the same hash as the failed request, and some SDKs send a count. Where several equal requests without a
count are in flight at the same time, the chains are uncertain, and no verdict is based on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import Final

from msgspec import Struct

from mockllm.core.verdicts.observed_request import CLIENT_LEFT, ObservedRequest

RETRY_WINDOW: Final = 90.0
"""Seconds after a failure, plus the wait that it requests, in which an equal request is its retry. No official SDK
waits longer than 60 by its own choice."""
WAIT_TOLERANCE: Final = 0.9
"""The part of a requested wait that suffices: clocks differ."""
WAIT_SLACK: Final = 0.01
"""Seconds of a requested wait that may be missing besides."""


class RetryChain(Struct):
    """A request and its retries, in order. `unsure`: other requests may belong to the chain."""

    requests: list[ObservedRequest]
    unsure: bool = False

    @property
    def last(self) -> ObservedRequest:
        return self.requests[-1]

    @property
    def count(self) -> int:
        """The number of tries, including those that the journal does not hold any more."""
        return max(len(self.requests), 1 + (self.last.retry or 0))

    @property
    def pairs(self) -> Iterator[tuple[ObservedRequest, ObservedRequest]]:
        """Each failure with its retry."""
        return ((failure, retry) for failure, retry in pairwise(self.requests) if failure.ended is not None)


def waited(failure: ObservedRequest, retry: ObservedRequest) -> float:
    """Return the seconds from a failure to its retry."""
    assert failure.ended is not None
    return retry.started - failure.ended


def obeys_wait(failure: ObservedRequest, retry: ObservedRequest) -> bool:
    """Return whether a retry waited for as long as the failure requested."""
    return failure.wait is not None and waited(failure, retry) >= (
        failure.wait * WAIT_TOLERANCE - WAIT_SLACK * failure.leniency
    )


def retry_chains(requests: Sequence[ObservedRequest], lost_before: float | None = None) -> list[RetryChain]:
    """Return the retry chains of all requests of one client in one session. Requests before `lost_before` are not
    known any more, and one of them may be the first try of a request that came soon afterwards."""
    if not any(observed.failed for observed in requests):  # nothing needs to be parsed
        return [RetryChain([observed]) for observed in requests]
    ordered = sorted(requests, key=lambda observed: (observed.started, observed.id))
    overlapping = _overlapping(ordered)
    chains: list[RetryChain] = []
    failing: dict[str, list[RetryChain]] = {}
    for observed in ordered:
        candidates = failing.setdefault(observed.hash, [])
        candidates[:] = [chain for chain in candidates if _in_window(chain.last, observed)]
        chain = _chain_continued_by(observed, candidates, overlapping)
        if chain is None:
            lost = (
                lost_before is not None and observed.started <= lost_before + RETRY_WINDOW * observed.leniency
            )
            chain = RetryChain([], unsure=lost or any(candidate.unsure for candidate in candidates))
            chains.append(chain)
        else:
            candidates.remove(chain)
        chain.requests.append(observed)
        if observed.failed or observed.ended is None:
            candidates.append(chain)
    return chains


def _in_window(failure: ObservedRequest, observed: ObservedRequest) -> bool:
    ended = failure.started if failure.ended is None else failure.ended
    return observed.started <= ended + RETRY_WINDOW * failure.leniency + (failure.wait or 0.0)


def _chain_continued_by(
    observed: ObservedRequest, candidates: Sequence[RetryChain], overlapping: set[int]
) -> RetryChain | None:
    """Return the chain that a request continues.

    Among several candidates for a counted retry, a chain with a temporary failure comes first, then the one whose
    retry was due first. So a client that obeys the rules always appears to obey them.
    """
    if observed.retry:
        counted = [
            chain
            for chain in candidates
            if chain.last.retry == observed.retry - 1 and _failed_before(chain.last, observed)
        ]
        return min(counted, key=_priority, default=None)
    failed = [chain for chain in candidates if _failed_before(chain.last, observed)]
    if len(failed) == 1 and failed[0].last.id not in overlapping and _end(failed[0].last) <= observed.started:
        return failed[0]
    for chain in failed:
        chain.unsure = True
    return None


def _failed_before(failure: ObservedRequest, observed: ObservedRequest) -> bool:
    """Return whether a failure had ended when a request came. The server may notice late that a client left."""
    return _end(failure) <= observed.started or (
        bool(observed.retry) and (failure.end_reason in CLIENT_LEFT or failure.end_reason is None)
    )


def _end(observed: ObservedRequest) -> float:
    return inf if observed.ended is None else observed.ended


def _priority(chain: RetryChain) -> tuple[bool, float]:
    return chain.last.refused_permanently, _end(chain.last) + (chain.last.wait or 0.0)


def _overlapping(ordered: Sequence[ObservedRequest]) -> set[int]:
    """Return the ids of the requests that were in flight at the same time as an equal one."""
    latest: dict[str, ObservedRequest] = {}
    ids: set[int] = set()
    for observed in ordered:
        earlier = latest.get(observed.hash)
        if earlier is not None and observed.started < _end(earlier):
            ids |= {observed.id, earlier.id}
        if earlier is None or _end(observed) > _end(earlier):
            latest[observed.hash] = observed
    return ids
