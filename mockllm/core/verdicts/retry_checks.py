"""Checks of how a client handles failures: whether it retries, when, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.verdicts.client_history import ClientHistory, Evidence
from mockllm.core.verdicts.observed_request import ObservedRequest
from mockllm.core.verdicts.retry_after import format_seconds
from mockllm.core.verdicts.retry_chains import RetryChain, obeys_wait, waited

MIN_WAIT: Final = 0.1
"""Seconds: a shorter time after a failure is no wait. The shortest wait of an official SDK is 375 ms."""
QUICK_RETRIES: Final = 2
EVEN_RATIO: Final = 1.1
"""Waits do not grow where the longest is at most this many times the shortest."""
EVEN_RETRIES: Final = 4
MAX_EVEN_WAIT: Final = 5.0
"""Seconds: longer waits need not grow."""
STORM_RETRIES: Final = 10
STORM_SECONDS: Final = 10.0
"""A storm is that many retries of one request in that many seconds. OpenAI's and Anthropic's SDKs make at most five
in that time, however many they are allowed."""
EXPECTED_TRIES: Final = 3
"""The number of tries of OpenAI's and Anthropic's SDKs by default."""
MAX_EXPECTED_WAIT: Final = 60.0
"""Seconds: a client need not retry where the requested wait is longer."""
QUIET_TIME: Final = 10.0
"""Seconds after a failure and its requested wait in which a retry may still come: the SDKs' own waits end at 8."""

Pair = tuple[ObservedRequest, ObservedRequest]


def retry_after_ignored(history: ClientHistory) -> Iterator[Evidence]:
    for chain in history.chains:
        for failure, retry in chain.pairs:
            if failure.wait is not None and not obeys_wait(failure, retry):
                elapsed = format_seconds(max(0.0, waited(failure, retry)))
                wait = format_seconds(failure.wait)
                message = f"#{retry.id} came {elapsed} after #{failure.id}, which requested a wait of {wait}"
                yield Evidence(message, (failure, retry))


def retried_non_retryable(history: ClientHistory) -> Iterator[Evidence]:
    for chain in history.chains:
        for failure, retry in chain.pairs:
            rules_changed = failure.unmatched and not retry.unmatched
            if failure.refused_permanently and not rules_changed:
                message = (
                    f"#{retry.id} repeats #{failure.id}, which was refused permanently ({failure.status})"
                )
                yield Evidence(message, (failure, retry))


def no_backoff(history: ClientHistory) -> Iterator[Evidence]:
    for chain in history.chains:
        for run in _own_pace(chain):
            evidence = _without_wait(run) or _even(run)
            if evidence is not None:
                yield evidence
                break  # one is enough for a chain


def _own_pace(chain: RetryChain) -> Iterator[list[Pair]]:
    """Yield runs of consecutive temporary failures and their retries whose wait the response did not request."""
    run: list[Pair] = []
    for failure, retry in chain.pairs:
        if failure.retryable and not obeys_wait(failure, retry):
            run.append((failure, retry))
        else:
            yield run
            run = []
    yield run


def _without_wait(run: list[Pair]) -> Evidence | None:
    """Return the first consecutive retries without a wait."""
    quick: list[Pair] = []
    for pair in run:
        if waited(*pair) < MIN_WAIT:
            quick.append(pair)
        elif len(quick) >= QUICK_RETRIES:
            break
        else:
            quick = []
    if len(quick) < QUICK_RETRIES:
        return None
    longest = format_seconds(max(0.0, *(waited(*pair) for pair in quick)))
    return Evidence(
        f"{len(quick)} retries in a row, each within {longest} of the failure before it", _all(quick)
    )


def _even(run: list[Pair]) -> Evidence | None:
    """Return retries whose waits never grow."""
    waits = [waited(*pair) for pair in run]
    if len(run) < EVEN_RETRIES or not 0 < max(waits) <= min(min(waits) * EVEN_RATIO, MAX_EVEN_WAIT):
        return None
    wait = format_seconds(min(waits))
    message = f"{len(run)} retries in a row, each {wait} after the failure before it: the wait never grows"
    return Evidence(message, _all(run))


def _all(pairs: list[Pair]) -> tuple[ObservedRequest, ...]:
    return (pairs[0][0], *(retry for _, retry in pairs))


def retry_storm(history: ClientHistory) -> Iterator[Evidence]:
    for chain in history.chains:
        pairs = [pair for pair in chain.pairs if not obeys_wait(*pair)]
        for place, (failure, retry) in enumerate(pairs):
            start = retry.started - waited(failure, retry)
            storm = [pair for pair in pairs[place:] if pair[1].started - start <= STORM_SECONDS]
            if len(storm) >= STORM_RETRIES:
                duration = format_seconds(storm[-1][1].started - start)
                yield Evidence(f"{len(storm)} retries of #{failure.id} within {duration}", _all(storm))
                break


def gave_up(history: ClientHistory) -> Iterator[Evidence]:
    for chain in history.chains:
        last = chain.last
        if _expects_retry(last) and chain.count < EXPECTED_TRIES and not chain.unsure:
            if not _is_over(last, history) or history.switches_model(last):
                continue
            ended = "without a response" if last.status < 400 else f"with {last.status}"
            tries = "1 try" if chain.count == 1 else f"{chain.count} tries"
            yield Evidence(
                f"#{last.id} ended {ended}, and no retry followed after {tries}", tuple(chain.requests)
            )


def _expects_retry(last: ObservedRequest) -> bool:
    """Return whether official SDKs retry after a failure: not within a stream, and not without credit."""
    if not last.retryable or last.out_of_credit:
        return False
    return (last.status >= 400 or last.without_response) and (last.wait or 0.0) <= MAX_EXPECTED_WAIT


def _is_over(last: ObservedRequest, history: ClientHistory) -> bool:
    return history.over or history.now > (last.ended or 0.0) + (last.wait or 0.0) + QUIET_TIME


def recovered(history: ClientHistory) -> Iterator[Evidence]:
    for chain in history.chains:
        last = chain.last
        failures = chain.requests[:-1]
        if failures and last.ended is not None and not last.failed and not failures[-1].refused_permanently:
            count = "1 failure" if len(failures) == 1 else f"{len(failures)} failures"
            yield Evidence(f"#{last.id} succeeded after {count}", tuple(chain.requests))
