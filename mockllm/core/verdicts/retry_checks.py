"""What a client does about failures: whether it tries again, when, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.verdicts.client_history import ClientHistory, Evidence
from mockllm.core.verdicts.observed_request import ObservedRequest
from mockllm.core.verdicts.retry_after import words
from mockllm.core.verdicts.retry_chains import RetryChain, as_told, waited

QUICK: Final = 0.1
"""Seconds: who comes sooner behind a failure has not waited. The shortest wait of an official SDK is 375 ms."""
QUICK_RETRIES: Final = 2
EVEN: Final = 1.1
"""Waits whose longest is so many times the shortest do not grow."""
EVEN_RETRIES: Final = 4
EVEN_UP_TO: Final = 5.0
"""Seconds: longer waits need not grow."""
STORM: Final = 10
"""So many retries of one request …"""
STORM_TIME: Final = 10.0
"""… in so many seconds. OpenAI's and Anthropic's SDKs come to five, however many they are allowed."""
USUAL_TRIES: Final = 3
"""As many as OpenAI's and Anthropic's SDKs make by default."""
LONG_WAIT: Final = 60.0
"""Seconds: of who is told to wait for longer nobody expects that."""
DONE: Final = 10.0
"""Seconds without another try, behind what was asked to wait, after which none is expected: the SDKs' own waits
end at 8."""

Pair = tuple[ObservedRequest, ObservedRequest]


def retry_after_ignored(dealings: ClientHistory) -> Iterator[Evidence]:
    for each in dealings.tries:
        for failure, again in each.pairs:
            if failure.wait is not None and not as_told(failure, again):
                came = max(0.0, waited(failure, again))
                told = f"#{failure.id}, which was told to wait {words(failure.wait)}"
                yield Evidence(f"#{again.id} came {words(came)} behind {told}", (failure, again))


def retried_non_retryable(dealings: ClientHistory) -> Iterator[Evidence]:
    for each in dealings.tries:
        for failure, again in each.pairs:
            if failure.for_good:
                says = (
                    f"#{again.id} asks again for what #{failure.id} was refused for good ({failure.status})"
                )
                yield Evidence(says, (failure, again))


def no_backoff(dealings: ClientHistory) -> Iterator[Evidence]:
    for each in dealings.tries:
        for run in _unpaced(each):
            found = _unwaiting(run) or _even(run)
            if found is not None:
                yield found
                break  # of these tries this is enough


def _unpaced(each: RetryChain) -> Iterator[list[Pair]]:
    """The pairs of a failure by the server and the try behind it that are not paced by what the server asked;
    each run of them that stand behind each other."""
    run: list[Pair] = []
    for failure, again in each.pairs:
        if failure.may_pass and not as_told(failure, again):
            run.append((failure, again))
        else:
            yield run
            run = []
    yield run


def _unwaiting(run: list[Pair]) -> Evidence | None:
    """Retries without a wait, behind each other."""
    quick: list[Pair] = []
    for pair in run:
        if waited(*pair) < QUICK:
            quick.append(pair)
        elif len(quick) >= QUICK_RETRIES:
            break
        else:
            quick = []
    if len(quick) < QUICK_RETRIES:
        return None
    longest = max(0.0, *(waited(*pair) for pair in quick))
    says = f"{len(quick)} retries in a row, each within {words(longest)} of the failure before it"
    return Evidence(says, _all(quick))


def _even(run: list[Pair]) -> Evidence | None:
    """Retries whose waits never grow."""
    waits = [waited(*pair) for pair in run]
    if len(run) < EVEN_RETRIES or not 0 < max(waits) <= min(min(waits) * EVEN, EVEN_UP_TO):
        return None
    says = f"{len(run)} retries in a row, each {words(min(waits))} behind the failure before it: the wait never grows"
    return Evidence(says, _all(run))


def _all(pairs: list[Pair]) -> tuple[ObservedRequest, ...]:
    return (pairs[0][0], *(again for _, again in pairs))


def retry_storm(dealings: ClientHistory) -> Iterator[Evidence]:
    for each in dealings.tries:
        wild = [pair for pair in each.pairs if not as_told(*pair)]
        for place, (failure, again) in enumerate(wild):
            start = again.begun - waited(failure, again)
            shown = [pair for pair in wild[place:] if pair[1].begun - start <= STORM_TIME]
            if len(shown) >= STORM:
                span = words(shown[-1][1].begun - start)
                yield Evidence(f"{len(shown)} retries of #{failure.id} within {span}", _all(shown))
                break


def gave_up(dealings: ClientHistory) -> Iterator[Evidence]:
    for each in dealings.tries:
        last = each.last
        if _might_be_tried(last) and each.count < USUAL_TRIES and not each.unsure:
            if not _done(last, dealings) or dealings.goes_elsewhere(last):
                continue
            ended = "without an answer" if last.status < 400 else f"with {last.status}"
            said = "1 try" if each.count == 1 else f"{each.count} tries"
            yield Evidence(f"#{last.id} ended {ended}, and after {said} no other came", tuple(each.deeds))


def _might_be_tried(last: ObservedRequest) -> bool:
    """Whether a failure is one that official SDKs try again: not once a stream has begun, and not after money
    has run out."""
    if not last.may_pass or last.out_of_credit:
        return False
    return (last.status >= 400 or last.unanswered) and (last.wait or 0.0) <= LONG_WAIT


def _done(last: ObservedRequest, dealings: ClientHistory) -> bool:
    return dealings.over or dealings.now > (last.ended or 0.0) + (last.wait or 0.0) + DONE


def recovered(dealings: ClientHistory) -> Iterator[Evidence]:
    for each in dealings.tries:
        last = each.last
        failures = each.deeds[:-1]
        if failures and last.ended is not None and not last.failed and not failures[-1].for_good:
            said = "1 failure" if len(failures) == 1 else f"{len(failures)} failures"
            yield Evidence(f"#{last.id} was answered, behind {said}", tuple(each.deeds))
