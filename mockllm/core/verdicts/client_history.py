"""All that one client did in one session, as those see it who look for a verdict in it; and what they find."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from msgspec import Struct

from mockllm.core.lazy import lazy
from mockllm.core.verdicts.observed_request import ObservedRequest
from mockllm.core.verdicts.retry_chains import REACH, RetryChain


class Evidence(NamedTuple):
    """One case of a verdict, in a sentence, and the requests that show it."""

    says: str
    deeds: tuple[ObservedRequest, ...]


class PromptIndex:
    """The requests of all clients in any session, found by what the user said last; read when first asked."""

    def __init__(self, deeds: Sequence[ObservedRequest]) -> None:
        self._deeds = deeds

    def also(self, deed: ObservedRequest) -> Sequence[ObservedRequest]:
        """Those of the same session in which the user said the same, in their order."""
        return self._by_user.get((deed.session, deed.request.user), ())

    @lazy
    def _by_user(self) -> dict[tuple[str | None, str | None], list[ObservedRequest]]:
        found: dict[tuple[str | None, str | None], list[ObservedRequest]] = {}
        for deed in self._deeds:
            found.setdefault((deed.session, deed.request.user), []).append(deed)
        return found


class ClientHistory(Struct, frozen=True):
    """`deeds` are in their order. `now` is on the clock of the requests; `over`: the clients are done, and what
    they have not done by now they never will."""

    deeds: Sequence[ObservedRequest]
    tries: Sequence[RetryChain]
    said: PromptIndex
    now: float
    over: bool

    def goes_elsewhere(self, failure: ObservedRequest) -> bool:
        """Whether what the user said was asked of another model or provider behind a failure, by whatever
        client."""
        assert failure.ended is not None
        also, last = self.said.also(failure), failure.ended + REACH
        behind = also[bisect_left(also, failure.ended, key=_begun) :]
        return any(each.asked != failure.asked for each in takewhile(lambda each: each.begun <= last, behind))

    def by_assistant(self) -> Mapping[str, Sequence[ObservedRequest]]:
        """The requests by what the assistant says in them: each text with those that hold it, and go on behind
        it."""
        found: dict[str, list[ObservedRequest]] = {}
        for deed in self.deeds:
            for text in {
                each.text.strip() for each in deed.request.messages[:-1] if each.role == "assistant"
            }:
                found.setdefault(text, []).append(deed)
        return found


def _begun(deed: ObservedRequest) -> float:
    return deed.begun
