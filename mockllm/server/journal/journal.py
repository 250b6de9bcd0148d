"""What the server remembers of each request, in a ring that is bounded by count and by bytes.

What passes by is first noted as it is: references to what there is anyway, for a request must not wait for its
own history. Within seconds, and before anybody sees it, a note is settled: secrets are taken out, and what is
too old or too much goes (`server.kept`). What is only counted (`watch`) is counted then too.
"""

from __future__ import annotations

import weakref
from array import array
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from threading import RLock
from typing import Final, Protocol, TypeAlias

from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.server.journal.draft import LONGEST as LONGEST
from mockllm.server.journal.draft import JournalDraft
from mockllm.server.journal.draft import short as short
from mockllm.server.journal.entry import JournalEntry, entry_of, weight
from mockllm.server.server_limits import KIB, MIB

HELD: Final = 8 * MIB
"""Where so many bytes of bodies and answers wait to be settled, they are no longer waited for."""
LIGHT: Final = 8 * KIB
"""A smaller body is not counted among these."""
COUNT_EVERY: Final = 1.0
"""Seconds after which a note is counted."""
EVERY: Final = 5.0
"""Seconds after which it is settled: to settle costs a fifth of an answer, and of many nothing is left by then."""
SLICE: Final = 40
"""So many notes are settled in one turn of the loop: less than half a millisecond."""
BREATH: Final = 0.02
"""Seconds between two such turns."""
KINDS: Final = 1_000
"""So many kinds of answers are noted before they are counted."""

Quick: TypeAlias = "tuple[PrerenderedResponse, str | None]"
"""What the answers have in common that are counted together: what they are made of, and the model asked for."""


class JournalListener(Protocol):
    """Who counts what passes by."""

    def one(self, seen: JournalDraft) -> None:
        """A request that has an answer of its own, or one that took its time."""

    def many(self, seen: JournalDraft, took: Sequence[float]) -> None:
        """Requests that were all answered like this one, and what each took."""


class Journal:
    """The last requests, oldest first; `total` and `missed` count all there ever were. `size` is how many are
    kept, `room` the bytes that all of them take at most, about."""

    def __init__(self, size: int, room: int = 64 * MIB, watch: JournalListener | None = None) -> None:
        self.total = 0
        self.missed = 0
        self.size = size
        self.room = room
        self._watch = watch
        self._ring: deque[JournalEntry] = deque()
        self._bytes = 0
        self._pending: deque[JournalDraft] = deque(maxlen=size)
        self._held = 0
        self._alike: dict[Quick, array[float]] = {}
        self._first: dict[Quick, JournalDraft] = {}
        self._lock = RLock()

    def add(self, seen: JournalDraft) -> None:
        self._pending.append(seen)
        self.total += 1
        made = seen.answer.made
        if type(made) is PrerenderedResponse and seen.times is None:
            alike = self._alike.get((made, seen.model))
            if alike is None:
                self._count_first(seen, made)
            else:
                alike.append(seen.took)
        else:
            self._held += weight(seen.answer)
            self.missed += seen.answer.missed
            if self._watch is not None:
                self._watch.one(seen)
        if len(seen.raw) > LIGHT:
            self._held += len(seen.raw)
        if self._held > HELD:
            self.settle(2)  # more than come; all at once would hold up the streams

    def tend(self, loop: AbstractEventLoop) -> None:
        """Counts and settles from time to time, for as long as somebody holds the journal: the loop may outlive
        its server."""
        held = weakref.ref(self)

        def count() -> None:
            journal = held()
            if journal is not None:
                journal.count()
                loop.call_later(COUNT_EVERY, count)

        def settle(newest: int | None = None) -> None:
            """What there is now, slice by slice, and not what comes meanwhile: where much comes, that pushes it
            out before its turn."""
            journal = held()
            if journal is not None:
                newest = journal.total if newest is None else newest
                if journal.settle(SLICE, newest):
                    loop.call_later(BREATH, settle, newest)
                else:
                    loop.call_later(EVERY, settle)

        loop.call_later(COUNT_EVERY, count)
        loop.call_later(EVERY, settle)

    def count(self) -> None:
        """Has those counted that passed by."""
        alike, self._alike = self._alike, {}
        first, self._first = self._first, {}
        if self._watch is not None:
            for key, took in alike.items():
                self._watch.many(first[key], took)

    def settle(self, most: int | None = None, newest: int | None = None) -> bool:
        """Makes what passed by ready to be seen, so many at most, up to this number; whether more is left."""
        with self._lock:
            pending = self._pending
            number = self.total - len(pending)
            last = self.total if newest is None else newest
            while number < last and most != 0:
                number += 1
                most = None if most is None else most - 1
                self._keep(entry_of(number, pending.popleft(), self.room))
            if not pending:
                self._held = 0
        return number < last

    def newest(self, most: int) -> Iterator[JournalEntry]:
        """The newest requests there are now, so many at most, the newest first; made as they are asked for. What
        waits to be settled goes on waiting: of many nothing is left by then."""
        with self._lock:
            total = self.total
            waiting = list(islice(reversed(self._pending), most))
            settled = list(islice(reversed(self._ring), most - len(waiting)))
        made = (entry_of(total - number, seen, self.room) for number, seen in enumerate(waiting))
        return chain(made, settled)

    def clear(self) -> None:
        """Forgets all requests; their numbers go on, and so do the counts."""
        self.settle()
        with self._lock:
            self._ring.clear()
            self._bytes = 0

    def find(self, number: int) -> JournalEntry | None:
        """The request of this number, if it is still there."""
        return next((each for each in self if each.number == number), None)

    @property
    def bytes(self) -> int:
        """What all of it takes, about."""
        self.settle()
        return self._bytes

    def __len__(self) -> int:
        self.settle()
        return len(self._ring)

    def __iter__(self) -> Iterator[JournalEntry]:
        self.settle()
        return iter(tuple(self._ring))

    def __reversed__(self) -> Iterator[JournalEntry]:
        self.settle()
        return reversed(tuple(self._ring))

    def _count_first(self, seen: JournalDraft, made: PrerenderedResponse) -> None:
        """The first of its like; where there are many kinds, these are counted."""
        if len(self._alike) > KINDS:
            self.count()
        self._alike[made, seen.model] = array("d", (seen.took,))
        self._first[made, seen.model] = seen

    def _keep(self, each: JournalEntry) -> None:
        ring = self._ring
        ring.append(each)
        self._bytes += each.size
        while len(ring) > self.size or (self._bytes > self.room and len(ring) > 1):
            self._bytes -= ring.popleft().size
