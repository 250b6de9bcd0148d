"""How a client takes an answer: whether it hears it to its end, notices that there was none, and waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.request.request import Message
from mockllm.core.verdicts.client_history import ClientHistory, Evidence
from mockllm.core.verdicts.delivery_timing import DeliveryTiming
from mockllm.core.verdicts.observed_request import LEFT, SPOILING, ObservedRequest
from mockllm.core.verdicts.retry_after import words

SILENT: Final = frozenset({"silence", "stall", "no_response"})
"""Faults in which nothing comes."""
LONG_SILENCE: Final = 120.0
"""Seconds for which nobody need wait for the next byte of a stream …"""
LONG_ANSWER: Final = 600.0
"""… or for a whole answer: so long do OpenAI's and Anthropic's SDKs wait by default."""
NOTICEABLE: Final = 0.1
"""Seconds of a silence, below which who has waited through it shows nothing."""
REACTING: Final = 0.1
"""Seconds behind the last byte within which who leaves has not left because nothing came."""
RATHER: Final = 0.8
"""Who leaves behind this part of its own read timeout has left because of that."""


# --- streams that were cut --------------------------------------------------------------------------


def truncated_stream_accepted(dealings: ClientHistory) -> Iterator[Evidence]:
    cut = [(deed, text) for deed in dealings.deeds if (text := (deed.cut_text or "").strip())]
    holding = dealings.by_assistant() if cut else {}
    for deed, text in cut:
        for later in holding.get(text, ()):
            if deed.ended is None or later.begun < deed.ended:
                continue
            if _goes_on(text, deed.request.messages, later.request.messages):
                if not _answered_between(dealings, deed, later):
                    says = f"#{later.id} has as the assistant's words what #{deed.id} had said when it was cut off"
                    yield Evidence(says, (deed, later))
                break


def _answered_between(dealings: ClientHistory, deed: ObservedRequest, later: ObservedRequest) -> bool:
    """Whether the same was asked again, and answered: then what is said later may come from there."""
    return any(
        deed.begun < each.begun < later.begun and not each.failed and each.asked == deed.asked
        for each in dealings.deeds
    )


def _goes_on(text: str, before: tuple[Message, ...], messages: tuple[Message, ...]) -> bool:
    """Whether a conversation holds a text as the answer to an earlier request, and goes on behind it. Where it
    stands last, the model is asked to complete it."""
    said = _said(before)
    return any(
        message.role == "assistant"
        and message.text.strip() == text
        and _said(messages[:place])[-len(said) :] == said
        for place, message in enumerate(messages[:-1])
    )


def _said(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages if message.role != "system"]


# --- waiting ----------------------------------------------------------------------------------------


def no_read_timeout(dealings: ClientHistory) -> Iterator[Evidence]:
    for deed in dealings.deeds:
        if deed.status >= 400 or not _may_be_silent(deed, dealings.now):
            continue
        went = deed.went(dealings.now if deed.ended is None else deed.ended)
        if went is None:
            continue
        most = LONG_SILENCE if deed.request.stream else LONG_ANSWER
        says = f"in #{deed.id} nothing came for {words(went.longest)}, and the client waited on"
        if went.longest >= most:
            yield Evidence(says, (deed,))
        elif _by_its_own_word(deed, most, dealings) and went.longest >= NOTICEABLE:
            yield Evidence(f"{says}; its read timeout is {words(deed.read_timeout or 0.0)}", (deed,))


def _may_be_silent(deed: ObservedRequest, now: float) -> bool:
    """Whether it is worth looking: a fault was played in which nothing comes, or it took long."""
    return not SILENT.isdisjoint(deed.faults) or (deed.ended or now) - deed.begun >= LONG_SILENCE


def _by_its_own_word(deed: ObservedRequest, most: float, dealings: ClientHistory) -> bool:
    """Whether a client that sat through a silence says that it would have for too long."""
    stayed = dealings.over if deed.left is None else deed.left not in LEFT
    silent = not SILENT.isdisjoint(deed.faults)
    return stayed and silent and deed.read_timeout is not None and deed.read_timeout > most


# --- leaving ----------------------------------------------------------------------------------------


def cancelled_early(dealings: ClientHistory) -> Iterator[Evidence]:
    tried_again = {failure.id for each in dealings.tries for failure, _ in each.pairs}
    for deed in dealings.deeds:
        if deed.left != "gone" or deed.status >= 400 or deed.id in tried_again:
            continue
        went = deed.duration
        if went is not None and _broke_off(deed, went):
            says = f"#{deed.id} was left when {went.heard} of {went.all} chunks had been sent"
            yield Evidence(says, (deed,))


def _broke_off(deed: ObservedRequest, went: DeliveryTiming) -> bool:
    """Whether its client left while the answer came, and not because it did not come."""
    if not 0 < went.heard < went.all or not (SILENT | SPOILING).isdisjoint(deed.faults):
        return False
    if deed.read_timeout is not None and went.last >= deed.read_timeout * RATHER:
        return False
    return went.last <= max(REACTING, 2 * went.before)
