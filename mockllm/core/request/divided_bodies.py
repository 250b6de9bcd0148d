"""Bodies that repeat earlier ones: agents resend their tools and their whole history with each request.

A body is divided into its turns (the items of `messages`, `input` or `contents`) and its remaining members.
Both are found by their bytes: the remaining members, and turns that begin with the turns of an earlier body. Only new
turns are parsed. A computation over the turns one by one, as `functools.reduce` does, continues where
the earlier body ended. The result is the value that parsing the whole body returns. A test holds this for any
conversation.

Parsed turns are shared by requests, so no code may change them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Final, TypeVar

from msgspec import Struct, field

from mockllm.core.json.codec import MAX_DEPTH, MISSING, Json, JSONDecodeError, Missing, loads
from mockllm.core.json.nesting import depth_bound, depth_of
from mockllm.core.request.typed_memo import MemoKey, TypedMemo, new_memo

S = TypeVar("S")
T = TypeVar("T")

MIN_DIVIDED_BYTES: Final = 2400
"""Bytes: a shorter body is parsed as a whole, which takes less time than the search."""
MAX_DIVIDED_BYTES: Final = 2 * 1024 * 1024
"""Bytes: a longer body is not divided, since it would evict most others."""
MAX_TURN_BYTES: Final = 48 * 1024 * 1024
"""Bytes of all histories, about: their own, and what was parsed of them. Those whose key was
used least recently are evicted first."""
MAX_REMAINING_BYTES: Final = 8 * 1024 * 1024
"""Bytes of all remaining members, about."""
MEMORY_FACTOR: Final = 5
"""The memory that parsed JSON and what is computed of it take, about, in multiples of its bytes."""
MAX_PREFIXES: Final = 8
"""The prefixes of a history that are stored: a client may continue from a short one, or repeat it."""
MAX_BUCKET: Final = 64
"""The most histories, and the most remaining members, with the same beginning. A new body is compared with all."""
HISTORY_KEY_BYTES: Final = 96
"""Bytes from the first `"user"` in the turns, by which histories are found; without one, from their beginning.
They may reach into the second turn. The second body of such a conversation does not find the history of the first."""
_USER: Final = b'"user"'
_TRIES: Final = 4
"""The most places that are tried as the end of the turns."""
_BEGIN: Final = re.compile(rb"\s*:\s*\[")
_CLOSE: Final = re.compile(rb"\]\s*\}\s*\Z")


class RemainingMembers(Struct, eq=False):
    """A body without its turns: the bytes before and after them, and the members there. `depth` is an
    upper bound of how deep they nest (`nesting.depth_bound`)."""

    bytes_before: bytes
    bytes_after: bytes
    before: dict[str, Json]
    after: dict[str, Json]
    depth: int
    counts: dict[bytes, int] = field(default_factory=dict)
    """How often a text is in the bytes."""
    shared_attributes: dict[type, dict[str, object]] = field(default_factory=dict)
    """The attributes that follow from the members, by the class of the request."""
    passed_checks: set[Hashable] = field(default_factory=set)
    """The names of checks that a body with these members passed."""
    memo: TypedMemo = field(default_factory=new_memo)
    """What else was computed of the members."""


class TurnPrefix(Struct, eq=False):
    """The first turns of a conversation, as one body had them: their bytes and items, and how deep they nest."""

    end: int
    count: int
    depth: int
    counts: dict[Hashable, int] = field(default_factory=dict)
    """Sums over the bytes of the turns, by names."""
    memo: TypedMemo = field(default_factory=new_memo)
    """The results of `reduce_turns`."""


_EMPTY_PREFIX: Final = TurnPrefix(0, 0, 2)


class History(Struct, eq=False):
    """The longest turns that are known of a conversation, and those of the bodies before, the shortest first."""

    turns: bytes
    items: list[Json]
    prefixes: list[TurnPrefix]


class DividedBody(Struct, eq=False):
    """A body that is divided into its turns and its remaining members. Parts of it came before, or none. Its turns
    begin with `known_turns`; `all_turns` is what later bodies may begin with."""

    fields: dict[str, Json]
    remaining_members: RemainingMembers
    turns: bytes
    items: list[Json]
    known_turns: TurnPrefix
    all_turns: TurnPrefix

    @property
    def depth(self) -> int:
        """An upper bound of the body's depth; `BodyFields.depth_bound` of a divided body."""
        return max(self.remaining_members.depth, self.all_turns.depth)

    def cached_by_remaining_members(self, key: MemoKey[T], compute: Callable[[], T]) -> T:
        """Return what follows from the remaining members alone. It is computed once for requests of all classes and
        providers, so `compute` reads nothing but the remaining members."""
        memo = self.remaining_members.memo
        if key not in memo:
            memo[key] = compute()
        return memo[key]

    def reduce_turns(
        self,
        *,
        memo_key: MemoKey[S],
        initial: Callable[[S | None], S],
        step: Callable[[S, Json], bool],
        finish: Callable[[S], None] | None = None,
    ) -> S | None:
        """Return the result of `step` on all turns in order; None if it returned False for one. `initial` returns the
        state to continue from: a copy of its argument, or the first state for None. The result, which `finish`
        completes, is stored under `memo_key`, and must not be changed."""
        memo = self.all_turns.memo
        if memo_key in memo:
            return memo[memo_key]
        known = self.known_turns.memo.get(memo_key)
        state, first = initial(known), 0 if known is None else self.known_turns.count
        items = self.items
        for item in items[first:] if first else items:
            if not step(state, item):
                return None
        if finish is not None:
            finish(state)
        memo[memo_key] = state
        return state

    def sum_turns(self, name: Hashable, count: Callable[[bytes], int]) -> int:
        """Return the sum of a count over the bytes of the turns, which never depends on two turns."""
        counts = self.all_turns.counts
        if name not in counts:
            known = self.known_turns.counts.get(name)
            counts[name] = (
                count(self.turns) if known is None else known + count(self.turns[self.known_turns.end :])
            )
        return counts[name]

    def occurrences(self, part: bytes) -> int:
        """Return how often the body has some bytes, which are within one JSON string or are a whole one."""
        members = self.remaining_members
        if part not in members.counts:
            members.counts[part] = members.bytes_before.count(part) + members.bytes_after.count(part)
        return members.counts[part] + self.sum_turns(part, lambda turns: turns.count(part))


class _BoundedBuckets(dict[bytes, list[T]]):
    """Objects by a key that several may share, bounded in bytes. The newest of a key is found first."""

    def __init__(self, room: int, size_of: Callable[[T], int]) -> None:
        super().__init__()
        self._room = room
        self._size_of = size_of
        self.size = 0

    def put(self, key: bytes, value: T) -> None:
        """Add a value, unless it takes more than half of the capacity. Evict values of the least recently used key
        where the bytes exceed the capacity."""
        if (size := self._size_of(value)) > self._room // 2:
            return
        bucket = self.pop(key, [])
        bucket.insert(0, value)
        self[key] = bucket
        if len(bucket) > MAX_BUCKET:
            self.size -= self._size_of(bucket.pop())
        self.grow(size)

    def grow(self, by: int) -> None:
        """Count further bytes of a value that is in."""
        self.size += by
        while self.size > self._room:
            oldest = next(iter(self))
            self.size -= self._size_of(self[oldest].pop())
            if not self[oldest]:
                del self[oldest]

    def touch(self, key: bytes, value: T) -> None:
        """Mark a value, which is in, as used."""
        bucket = self.pop(key)
        self[key] = bucket
        if bucket[0] is not value:
            bucket.remove(value)
            bucket.insert(0, value)


def _remaining_size(members: RemainingMembers) -> int:
    return 1000 + (1 + MEMORY_FACTOR) * (len(members.bytes_before) + len(members.bytes_after))


def _history_size(history: History) -> int:
    return 1000 + (1 + MEMORY_FACTOR) * len(history.turns)


class BodyCache:
    """The remaining members and the histories of the bodies that came."""

    def __init__(self, turn_bytes: int = MAX_TURN_BYTES, remaining_bytes: int = MAX_REMAINING_BYTES) -> None:
        """Make a cache with a capacity in bytes for histories, and one for remaining members."""
        self._remaining_members: _BoundedBuckets[RemainingMembers] = _BoundedBuckets(
            remaining_bytes, _remaining_size
        )
        self._histories: _BoundedBuckets[History] = _BoundedBuckets(turn_bytes, _history_size)
        self._lock = Lock()

    @property
    def size(self) -> int:
        """The bytes that all entries take, about."""
        return self._remaining_members.size + self._histories.size

    def clear(self) -> None:
        """Forget all bodies."""
        with self._lock:
            self._remaining_members.clear()
            self._remaining_members.size = 0
            self._histories.clear()
            self._histories.size = 0

    def read(self, raw: bytes, member: str) -> tuple[Json | Missing, DividedBody | None]:
        """Return the JSON of a body, MISSING if it is invalid, and its parts. `member` has its turns. Without a list
        of them there are no parts, nor for a body that is too short or too long, nor while a thread reads."""
        try:
            # the event loop does not wait while a thread parses a long body
            if not MIN_DIVIDED_BYTES <= len(raw) <= MAX_DIVIDED_BYTES or not self._lock.acquire(
                blocking=False
            ):
                return loads(raw), None
            try:
                read = self._read(raw, member)
            finally:
                self._lock.release()
        except JSONDecodeError:
            return MISSING, None
        return (read.fields, read) if type(read) is DividedBody else (read, None)

    def _read(self, raw: bytes, member: str) -> DividedBody | Json:
        key = b"%b %b" % (member.encode(), raw[:12])  # bodies of different clients begin differently
        for remaining_members in self._remaining_members.get(key, ()):
            if raw.startswith(remaining_members.bytes_before) and raw.endswith(remaining_members.bytes_after):
                body = self._with_remaining_members(remaining_members, raw, member)
                if body is not None:
                    self._remaining_members.touch(key, remaining_members)
                    return body
        fields = loads(raw)
        if type(fields) is not dict or type(fields.get(member)) is not list or not fields[member]:
            return fields
        found = remaining_members_of(raw, fields, member)
        body = None if found is None else self._with_remaining_members(found, raw, member)
        if found is None or body is None:
            return fields
        self._remaining_members.put(key, found)
        return body

    def _with_remaining_members(
        self, remaining_members: RemainingMembers, raw: bytes, member: str
    ) -> DividedBody | None:
        """Return the body with these remaining members; None if something else than turns is between them."""
        end = len(raw) - len(remaining_members.bytes_after)
        if end < len(remaining_members.bytes_before):
            return None
        turns = raw[len(remaining_members.bytes_before) : end]
        at = max(turns.find(_USER), 0)
        key = turns[at : at + HISTORY_KEY_BYTES]
        history, known = _longest(self._histories.get(key, ()), turns)
        if history is not None and known.end == len(turns):
            self._histories.touch(key, history)
            items = history.items if len(history.items) == known.count else history.items[: known.count]
            prefix = known
        else:
            try:
                items = _parsed(turns, known.end, history)
            except JSONDecodeError:
                return None
            depth = max(known.depth, 2 + depth_of(items[known.count :]))
            if depth > MAX_DEPTH:
                return None
            prefix = TurnPrefix(len(turns), len(items), depth)
            self._keep(key, history, known, History(turns, items, [prefix]))
        fields = {**remaining_members.before, member: items, **remaining_members.after}
        return DividedBody(fields, remaining_members, turns, items, known, prefix)

    def _keep(self, key: bytes, history: History | None, known: TurnPrefix, new: History) -> None:
        """Store new turns: in place of the history that they continue, or as one that branches off."""
        if history is None:
            self._histories.put(key, new)
        elif history.prefixes[-1] is known:
            grown = _history_size(new) - _history_size(history)
            history.turns, history.items = new.turns, new.items
            history.prefixes = [*history.prefixes[1 - MAX_PREFIXES :], *new.prefixes]
            self._histories.touch(key, history)
            self._histories.grow(grown)
        else:
            new.prefixes = [*history.prefixes[: history.prefixes.index(known) + 1], *new.prefixes]
            self._histories.put(key, new)


def _longest(histories: Sequence[History], turns: bytes) -> tuple[History | None, TurnPrefix]:
    """Return the history and its prefix with which turns begin, if there are any."""
    best: History | None = None
    prefix = _EMPTY_PREFIX
    for history in histories:
        last = history.prefixes[-1]
        if last.end > prefix.end and turns.startswith(history.turns) and _ends(turns, last.end):
            best, prefix = history, last
    if best is not None:
        return best, prefix
    for history in histories[:4]:  # the newest: each comparison reads its turns
        for earlier in reversed(history.prefixes[:-1]):
            if turns.startswith(history.turns[: earlier.end]) and _ends(turns, earlier.end):
                return history, earlier
    return None, _EMPTY_PREFIX


def _ends(turns: bytes, end: int) -> bool:
    """Return whether an item that may end here does: a comma follows it, or nothing. (`1` is no item of `12`.)"""
    rest = turns[end : end + 1]
    return rest in (b"", b",") or (rest.isspace() and turns[end:].lstrip()[:1] in (b"", b","))


def _parsed(turns: bytes, end: int, history: History | None) -> list[Json]:
    """Return all items; those before `end` are known. Raise JSONDecodeError where the turns are not only items."""
    if history is None:
        parsed: list[Json] = loads(b"[%b]" % turns)
        return parsed
    count = next(prefix.count for prefix in history.prefixes if prefix.end == end)
    new: list[Json] = loads(b"[0%b]" % turns[end:])
    new[:1] = history.items[:count]
    return new


def remaining_members_of(raw: bytes, fields: dict[str, Json], member: str) -> RemainingMembers | None:
    """Return the remaining members of a body with this value; None where it is unclear which turns it has.

    The turns are at a place if a number that is put there is parsed as the only turn. The parser is then in the
    same state after any turns there.
    """
    name = b'"%b"' % member.encode()
    begin = _BEGIN.match(raw, raw.find(name) + len(name))
    if begin is None:
        return None
    names = list(fields)
    later = names[names.index(member) + 1 :]
    bytes_before = raw[: begin.end()]
    found = (
        _members_around(bytes_before, raw[end:], member, names)
        for end in _ends_of_turns(raw, later)
        if end >= len(bytes_before)
    )
    return next((remaining_members for remaining_members in found if remaining_members is not None), None)


def _members_around(
    bytes_before: bytes, bytes_after: bytes, member: str, names: Sequence[str]
) -> RemainingMembers | None:
    try:
        one, two = loads(bytes_before + b"1" + bytes_after), loads(bytes_before + b"2" + bytes_after)
    except JSONDecodeError:
        return None
    if list(one) != names or one[member] != [1] or two[member] != [2]:
        return None
    place = names.index(member)
    before = {name: one[name] for name in names[:place]}
    after = {name: one[name] for name in names[place + 1 :]}
    return RemainingMembers(
        bytes_before, bytes_after, before, after, depth_bound(bytes_before + bytes_after, 0)
    )


def _ends_of_turns(raw: bytes, later: Sequence[str]) -> Sequence[int]:
    """Return the places at which the turns may end, by the name of the next member; the last first."""
    # 64 bytes suffice for brackets, a comma and usual white space between the turns and what follows them
    if not later:
        close = _CLOSE.search(raw, max(0, len(raw) - 64))
        return () if close is None else (close.start(),)
    name, end = b'"%b"' % later[0].encode(), len(raw)
    places: list[int] = []
    while len(places) < _TRIES and (at := raw.rfind(name, 0, end)) >= 0:
        end = at
        ahead = raw[max(0, at - 64) : at].rstrip()
        if ahead.endswith(b",") and (ahead := ahead[:-1].rstrip()).endswith(b"]"):
            places.append(max(0, at - 64) + len(ahead) - 1)
    return places


BODIES: Final = BodyCache()
"""Those of all servers of the process."""
