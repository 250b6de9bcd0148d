"""All that one client did in one session, as those see it who look for a verdict in it; and what they find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mockllm.core.conduct.deed import Deed
from mockllm.core.conduct.tries import REACH, Tries


class Instance(NamedTuple):
    """One case of a verdict, in a sentence, and the requests that show it."""

    says: str
    deeds: tuple[Deed, ...]


@dataclass(frozen=True)
class Dealings:
    """`now` is on the clock of the requests. `over`: the clients are done, and what they have not done by now
    they never will."""

    deeds: Sequence[Deed]
    tries: Sequence[Tries]
    others: Sequence[Deed]
    """The requests of all clients, in any session."""
    now: float
    over: bool

    def goes_elsewhere(self, failure: Deed) -> bool:
        """Whether what the user said was asked of another model or provider behind a failure, by whatever
        client."""
        assert failure.ended is not None
        return any(
            failure.ended <= deed.begun <= failure.ended + REACH
            and deed.session == failure.session
            and deed.request.user == failure.request.user
            and deed.asked != failure.asked
            for deed in self.others
        )

    def behind(self, deed: Deed) -> Iterator[Deed]:
        """This client's requests that came when the answer to that one had ended."""
        end = deed.ended
        return (each for each in self.deeds if end is not None and each.begun >= end and each is not deed)
