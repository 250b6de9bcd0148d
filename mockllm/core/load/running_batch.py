"""The requests of a continuous batch: those that run, and those that wait for a slot or for capacity in the KV
cache.

The state machine is pure: callers pass the time. A request's times are decided when it arrives: the plans of the
others say when they end. A request that comes later does not change them. One that a limit delays has its slot from
its arrival, and does not hold back those that begin before it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from math import inf
from typing import NamedTuple

from mockllm.core.load.continuous_batch import BatchCapacity, ContinuousBatchTimes, PromptWork
from mockllm.core.load.prefix_tokens import CachedPrefixes


class BatchEntry(NamedTuple):
    """A request of the batch: when it ends, its number, and the tokens that it takes of the cache."""

    end: float
    number: int
    claimed: int


class DelayedPrompt(NamedTuple):
    """The prompt of a request that a limit delays: when the request begins, and when its prompt has been read."""

    begin: float
    read_until: float


class RunningBatch:
    """The requests of one batch by their slots, which are any hashable objects."""

    __slots__ = ("_begins", "_by_end", "_delayed", "_entries", "_number", "_read_until", "batch", "prefixes")

    def __init__(self, batch: BatchCapacity) -> None:
        self.batch = batch
        self.prefixes = None if batch.kv_cache is None else CachedPrefixes(batch.kv_cache)
        self._entries: dict[object, BatchEntry] = {}
        self._by_end: list[tuple[BatchEntry, object]] = []
        self._begins: OrderedDict[object, float] = OrderedDict()
        """When those begin that wait for the batch, in their order; also of some that began since."""
        self._delayed: dict[object, DelayedPrompt] = {}
        """The prompts of those that begin after the delay of a limit."""
        self._read_until = 0.0
        """When the last prompt will have been read, without those of the delayed requests."""
        self._number = 0

    def __len__(self) -> int:
        return len(self._entries)

    def copy(self) -> RunningBatch:
        """Return a batch with the same requests, which changes separately."""
        copied = RunningBatch(self.batch)
        copied.prefixes = None if self.prefixes is None else self.prefixes.copy()
        copied._entries, copied._by_end = self._entries.copy(), self._by_end.copy()
        copied._begins, copied._delayed = self._begins.copy(), self._delayed.copy()
        copied._read_until, copied._number = self._read_until, self._number
        return copied

    def schedule(
        self, work: PromptWork, scenario_time: float, delay: float = 0.0
    ) -> ContinuousBatchTimes | None:
        """Return the schedule of one more request, which arrives now and may begin after a delay. Return None if
        it is refused: the queue is full, or it would wait for a response without an end. The batch does not
        change."""
        self._forget_ended(scenario_time)
        batch, cache = self.batch, self.batch.kv_cache
        earliest = scenario_time + delay
        claimed = 0 if cache is None else min(cache.in_blocks(work.tokens + work.output), cache.tokens)
        begin = self._begin(max(earliest, self._last_begin(earliest)), claimed)
        if begin == inf:
            return None
        is_queued = begin > earliest
        if is_queued and batch.queue is not None and len(self._begins) >= batch.queue:
            return None
        cached = 0 if self.prefixes is None else self.prefixes.cached(work.prefixes, work.tokens)
        read = begin
        if batch.prefill_rate is not None:
            read = self._reader_free(begin) + (work.tokens - cached) / batch.prefill_rate
        running = 1 + len(self._by_end) - self._ended_by(read) - self._begin_after(read)
        timed = batch.prefill_rate is not None or batch.base > 0.0
        ttft = read - begin + batch.base if timed else None
        capacity = None if cache is None else cache.tokens
        times = begin - scenario_time, ttft, batch.token_latency(running)
        return ContinuousBatchTimes(*times, running, cached, read - begin, claimed, capacity, is_queued)

    def add(
        self, slot: object, schedule: ContinuousBatchTimes, work: PromptWork, scenario_time: float
    ) -> None:
        """Add a request with the schedule that it got now. Until `expect_end` it ends after the most that it may
        generate, or never."""
        begin = scenario_time + schedule.wait
        if schedule.is_queued:
            self._begins[slot] = begin
        if begin > scenario_time and not schedule.is_queued:
            self._delayed[slot] = DelayedPrompt(begin, begin + schedule.read)
        elif self.batch.prefill_rate is not None:
            self._read_until = begin + schedule.read
        if self.prefixes is not None:
            self.prefixes.add(work.prefixes)
        self._number += 1
        stated = schedule.itl is not None and work.output > 0
        end = begin + (schedule.ttft or 0.0) + (schedule.itl or 0.0) * work.output if stated else inf
        self._add(slot, BatchEntry(end, self._number, schedule.claimed))

    def expect_end(self, slot: object, until: float) -> None:
        """Set when a request ends; infinite if that is unknown. A request that has left the batch does not
        return."""
        entry = self._entries.get(slot)
        if entry is not None:
            self._remove(slot)
            self._add(slot, entry._replace(end=until))

    def end(self, slot: object) -> None:
        """Remove a request, which has ended or left, also while it waited."""
        self._begins.pop(slot, None)
        self._delayed.pop(slot, None)
        if slot in self._entries:
            self._remove(slot)

    def _begin(self, begin: float, claimed: int) -> float:
        """Return the first time, from `begin` on, at which there is a slot and capacity in the cache."""
        slots, cache = self.batch.slots, self.batch.kv_cache
        ended = self._ended_by(begin)
        left = self._by_end[ended:]
        count, used = len(left), sum(entry.claimed for entry, _ in left)
        for entry, _ in left:
            full = slots is not None and count >= slots
            if not full and (cache is None or used + claimed <= cache.tokens):
                break
            begin, count, used = entry.end, count - 1, used - entry.claimed
        return begin

    def _last_begin(self, earliest: float) -> float:
        """Return when the last of those begins that wait for the batch: who comes later does not overtake."""
        return next(reversed(self._begins.values()), earliest)

    def _reader_free(self, begin: float) -> float:
        """Return the first time, from `begin` on, at which the prompts of those have been read that begin before."""
        if not self._entries:
            return begin
        delayed = (prompt.read_until for prompt in self._delayed.values() if prompt.begin <= begin)
        return max(begin, self._read_until, *delayed)

    def _begin_after(self, at: float) -> int:
        """Return how many begin after a time."""
        return sum(prompt.begin > at for prompt in self._delayed.values())

    def _ended_by(self, at: float) -> int:
        """Return how many will have ended at a time."""
        return bisect_right(self._by_end, at, key=lambda known: known[0].end)

    def _forget_ended(self, scenario_time: float) -> None:
        ended = self._ended_by(scenario_time)
        for _, slot in self._by_end[:ended]:
            del self._entries[slot]
            self._begins.pop(slot, None)
            self._delayed.pop(slot, None)
        del self._by_end[:ended]
        while self._begins and next(iter(self._begins.values())) <= scenario_time:
            self._begins.popitem(last=False)
        begun = [slot for slot, prompt in self._delayed.items() if prompt.begin <= scenario_time]
        for slot in begun:
            self._read_until = max(self._read_until, self._delayed.pop(slot).read_until)

    def _add(self, slot: object, entry: BatchEntry) -> None:
        self._entries[slot] = entry
        insort(self._by_end, (entry, slot), key=lambda known: known[0])

    def _remove(self, slot: object) -> None:
        entry = self._entries.pop(slot)
        index = bisect_right(self._by_end, entry, key=lambda known: known[0]) - 1
        del self._by_end[index]
