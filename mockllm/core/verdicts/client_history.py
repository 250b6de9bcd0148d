"""The history of one client in one session: its requests and retry chains. The checks of verdicts read it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.verdicts.observed_request import ObservedRequest
from mockllm.core.verdicts.retry_chains import RETRY_WINDOW, RetryChain


class Evidence(NamedTuple):
    """Evidence for a verdict: a sentence, and the requests that show it."""

    message: str
    requests: tuple[ObservedRequest, ...]


class PromptIndex:
    """The requests of all clients by session and last user message. The index is built on first use."""

    def __init__(self, requests: Sequence[ObservedRequest]) -> None:
        self._requests = requests

    def same_prompt(self, observed: ObservedRequest) -> Sequence[ObservedRequest]:
        """Return the requests of the same session with the same last user message, in order."""
        return self._by_prompt.get((observed.session, observed.request.user), ())

    @cached_property
    def _by_prompt(self) -> dict[tuple[str | None, str | None], list[ObservedRequest]]:
        groups: dict[tuple[str | None, str | None], list[ObservedRequest]] = {}
        for observed in self._requests:
            groups.setdefault((observed.session, observed.request.user), []).append(observed)
        return groups


class ClientHistory(Struct, frozen=True):
    """All that one client did in one session. `requests` are in order. `now` is on the clock of the requests.
    `over`: the clients have ended, so no further request will follow. `lost`: older requests existed, which are not
    known any more."""

    requests: Sequence[ObservedRequest]
    chains: Sequence[RetryChain]
    prompts: PromptIndex
    now: float
    over: bool
    lost: bool = False

    def switches_model(self, failure: ObservedRequest) -> bool:
        """Return whether any client sent the prompt of a failure to another model or provider afterwards."""
        assert failure.ended is not None
        same, last = self.prompts.same_prompt(failure), failure.ended + RETRY_WINDOW
        later = same[bisect_left(same, failure.ended, key=lambda observed: observed.started) :]
        return any(
            observed.hash != failure.hash
            for observed in takewhile(lambda observed: observed.started <= last, later)
        )

    def by_assistant_text(self) -> Mapping[str, Sequence[ObservedRequest]]:
        """Return the requests by the assistant texts in them. A request's last message is left out."""
        groups: dict[str, list[ObservedRequest]] = {}
        for observed in self.requests:
            for text in {
                message.text.strip()
                for message in observed.request.messages[:-1]
                if message.role == "assistant"
            }:
                groups.setdefault(text, []).append(observed)
        return groups
