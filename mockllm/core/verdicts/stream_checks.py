"""Checks of how a client reads a response: to its end, with a timeout, and without accepting a cut stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.request.request import Message
from mockllm.core.verdicts.client_history import ClientHistory, Evidence
from mockllm.core.verdicts.observed_request import (
    CLIENT_LEFT,
    SPOILING_FAULTS,
    DeliveryTiming,
    ObservedRequest,
)
from mockllm.core.verdicts.retry_after import format_seconds

SILENT_FAULTS: Final = frozenset({"silence", "stall", "no_response"})
"""Faults in which no byte is sent for a while."""
MAX_STREAM_SILENCE: Final = 120.0
"""Seconds that a client may wait for the next byte of a stream."""
MAX_RESPONSE_SILENCE: Final = 600.0
"""The same for a non-streaming response: the default timeout of OpenAI's and Anthropic's SDKs."""
MIN_SILENCE: Final = 0.1
"""Seconds: a shorter silence shows nothing about a client's timeout."""
REACTION_TIME: Final = 0.1
"""Seconds: a client that disconnects so soon after a byte did not disconnect because of a silence."""
TIMEOUT_RATIO: Final = 0.8
"""A client that disconnects after this part of its own read timeout did so because of that timeout."""


def truncated_stream_accepted(history: ClientHistory) -> Iterator[Evidence]:
    cut = [(observed, text) for observed in history.requests if (text := (observed.cut_text or "").strip())]
    by_text = history.by_assistant_text() if cut else {}
    for observed, text in cut:
        for later in by_text.get(text, ()):
            if observed.ended is None or later.started < observed.ended:
                continue
            if _continues(text, observed.request.messages, later.request.messages):
                if not _retried_between(history, observed, later):
                    message = f"#{later.id} has the cut text of #{observed.id} as the assistant's message"
                    yield Evidence(message, (observed, later))
                break


def _retried_between(history: ClientHistory, observed: ObservedRequest, later: ObservedRequest) -> bool:
    """Return whether a retry succeeded in between: then the text may come from its response."""
    return any(
        observed.started < retry.started < later.started and not retry.failed and retry.hash == observed.hash
        for retry in history.requests
    )


def _continues(text: str, before: tuple[Message, ...], messages: tuple[Message, ...]) -> bool:
    """Return whether a conversation has a text as the response to an earlier request, with messages after it. A
    text in the last message is a request to complete it."""
    earlier = _turns(before)
    return any(
        message.role == "assistant"
        and message.text.strip() == text
        and _turns(messages[:place])[-len(earlier) :] == earlier
        for place, message in enumerate(messages[:-1])
    )


def _turns(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages if message.role != "system"]


def no_read_timeout(history: ClientHistory) -> Iterator[Evidence]:
    for observed in history.requests:
        if observed.status >= 400 or not _may_be_silent(observed, history.now):
            continue
        timing = observed.timing_until(history.now if observed.ended is None else observed.ended)
        if timing is None:
            continue
        limit = MAX_STREAM_SILENCE if observed.request.stream else MAX_RESPONSE_SILENCE
        silence = format_seconds(timing.longest)
        message = f"#{observed.id} sent nothing for {silence}, and the client did not disconnect"
        if timing.longest >= limit:
            yield Evidence(message, (observed,))
        elif _states_longer_timeout(observed, limit, history) and timing.longest >= MIN_SILENCE:
            timeout = format_seconds(observed.read_timeout or 0.0)
            yield Evidence(f"{message}; its read timeout is {timeout}", (observed,))


def _may_be_silent(observed: ObservedRequest, now: float) -> bool:
    """Return whether a silent fault was played, or the response took long."""
    return (
        not SILENT_FAULTS.isdisjoint(observed.faults)
        or (observed.ended or now) - observed.started >= MAX_STREAM_SILENCE
    )


def _states_longer_timeout(observed: ObservedRequest, limit: float, history: ClientHistory) -> bool:
    """Return whether a client that did not leave during a silence states a timeout above the limit."""
    stayed = history.over if observed.end_reason is None else observed.end_reason not in CLIENT_LEFT
    silent = not SILENT_FAULTS.isdisjoint(observed.faults)
    return stayed and silent and observed.read_timeout is not None and observed.read_timeout > limit


def cancelled_early(history: ClientHistory) -> Iterator[Evidence]:
    retried = {failure.id for chain in history.chains for failure, _ in chain.pairs}
    for observed in history.requests:
        if observed.end_reason != "gone" or observed.status >= 400 or observed.id in retried:
            continue
        timing = observed.timing
        if timing is not None and _is_cancelled(observed, timing):
            message = f"the client left #{observed.id} after {timing.sent} of {timing.total} chunks"
            yield Evidence(message, (observed,))


def _is_cancelled(observed: ObservedRequest, timing: DeliveryTiming) -> bool:
    """Return whether a client left between two chunks, and not because of a silence."""
    if not 0 < timing.sent < timing.total or not (SILENT_FAULTS | SPOILING_FAULTS).isdisjoint(
        observed.faults
    ):
        return False
    if observed.read_timeout is not None and timing.last >= observed.read_timeout * TIMEOUT_RATIO:
        return False
    return timing.last <= max(REACTION_TIME, 2 * timing.before)
