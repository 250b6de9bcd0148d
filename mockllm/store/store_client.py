"""Decides the requests of one process in the store, within a bounded time."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Final, Literal, TypeAlias

from mockllm.core.failure import Failure
from mockllm.core.request.stored_objects import ObjectLookup, StorageUpdate
from mockllm.core.selection.decision import Candidate, Decision, DecisionInputs
from mockllm.state.decide import COUNTED_OUTCOMES
from mockllm.state.fetched_objects import FetchedObject, ObjectToFetch, RespondAgain, StorageConflict
from mockllm.state.shared_engine_state import SharedEngineState
from mockllm.store.connection import StoreAddress, StoreAway, StoreRefused
from mockllm.store.decision_queue import DecisionQueue
from mockllm.store.pending_decision import PendingDecision
from mockllm.store.remote_objects import RemoteObjects, StoredChange, session_ttl
from mockllm.store.script_arguments import REMEMBERED, session_base
from mockllm.store.script_result import StoreDecision
from mockllm.store.store_link import StoreLink
from mockllm.store.store_scripts import CHECK_WRITABLE
from mockllm.store.store_slots import RENEWAL, StoreSlot, StoreSlots

OnFailure: TypeAlias = Literal["error", "local"]
CHECK: Final = 1.0
"""Seconds between two checks whether the store accepts writes."""
MAX_EXPECTED: Final = 50_000
"""The most numbers of tries that a process stores."""
NOTED: Final = 10.0
"""Seconds between two notes that a session is used."""
SESSIONS: Final = "mockllm:sessions"
"""The sorted set of used sessions, by the time of their last use."""


class StoreClient:
    """`wait`: seconds in which a decision is made (`max_store_seconds`). `on_failure`: whether a request without a
    decision gets an error, or is decided with the counts of this process. `unused_timeout`: seconds after which a
    session ends."""

    def __init__(
        self,
        address: StoreAddress,
        state: SharedEngineState,
        say: Callable[[str], None],
        *,
        wait: float,
        on_failure: OnFailure,
        unused_timeout: float,
    ) -> None:
        self.link = StoreLink(address, say, wait)
        self._state = state
        self._wait = wait
        self._on_failure = on_failure
        self._unused_timeout = unused_timeout
        self.queue = DecisionQueue(
            self.link,
            self.next_id,
            state.counters_without_session.take_numbers,
            session_ttl(unused_timeout),
            REMEMBERED + wait,
        )
        self._slots = StoreSlots(self.link)
        self._objects = RemoteObjects(self.link, unused_timeout, REMEMBERED + wait)
        self._unconfirmed: list[tuple[StoredChange, RespondAgain | None]] = []
        state.store_elsewhere = self._write_update
        self._name = f"{os.urandom(6).hex()}-"
        self._ids = count()
        self._expected: dict[tuple[str, str, str], int] = {}
        self._noted: dict[str, float] = {}
        self.tries: Counter[str] = Counter()
        """The tries that this process had decided, by key."""
        self.responses: Counter[str] = Counter()
        self.link.keep_open()
        self._check = asyncio.get_running_loop().create_task(self._check_store())
        asyncio.get_running_loop().call_later(RENEWAL, self._renew)

    def status(self) -> str | None:
        if self.link.problem is None:
            return ""
        effect = "are decided without it" if self._on_failure == "local" else "get an error"
        return (
            f"the store {self.link.address.shown} is away ({self.link.problem}): requests that count {effect}"
        )

    @property
    def max_store_seconds(self) -> float:
        """Seconds for which a request waits for the store. A request that can be decided without the store does not
        wait for one that has been away for so long."""
        if self._on_failure == "error" or self.link.problem is None:
            return self._wait
        return max(0.0, self._wait - self.link.away_for)

    def begin(self, inputs: DecisionInputs, on_ready: Callable[[], object]) -> PendingDecision:
        if inputs.session:
            self._note_use(inputs.session)  # before its response, after which the sessions may be listed
        return PendingDecision(self, inputs, on_ready)

    def next_id(self) -> str:
        return f"{self._name}{next(self._ids)}"

    def expected_tries(self, session: str, candidates: Sequence[Candidate]) -> Sequence[int]:
        known = self._expected
        if not known:  # nothing has been drawn
            return [0] * len(candidates)
        return [known.get((session, each.scope, each.key), 0) for each in candidates]

    async def fetch(self, to_fetch: ObjectToFetch) -> FetchedObject | Failure:
        try:
            async with asyncio.timeout(self.max_store_seconds) as deadline:
                prolong = partial(self._prolong, deadline)
                return await self._objects.look_up(to_fetch.session, to_fetch.key, prolong)
        except (TimeoutError, StoreAway, StoreRefused) as error:
            if self._on_failure == "local":
                return () if to_fetch.key[0] == "all_stored" else None
            return self._failure(error)

    def _prolong(self, deadline: asyncio.Timeout) -> None:
        """Wait again for the rest: the store has replied."""
        deadline.reschedule(asyncio.get_running_loop().time() + self._wait)

    def _write_update(
        self,
        session: str,
        update: StorageUpdate,
        read_lookup: ObjectLookup,
        respond_again: RespondAgain | None,
    ) -> None:
        if self._on_failure == "local" and self.link.problem is not None:
            return  # the response does not wait for a store that is away
        self._unconfirmed.append((self._objects.write_update(session, update, read_lookup), respond_again))

    def take_storage_confirmation(self) -> Awaitable[Failure | StorageConflict | None] | None:
        if not self._unconfirmed:
            return None
        unconfirmed, self._unconfirmed = self._unconfirmed, []
        return self._confirmed(unconfirmed)

    async def _confirmed(
        self, unconfirmed: Sequence[tuple[StoredChange, RespondAgain | None]]
    ) -> Failure | StorageConflict | None:
        conflict: StorageConflict | None = None
        try:
            async with asyncio.timeout(self.max_store_seconds):
                for change, respond_again in unconfirmed:
                    if not await change.done():
                        conflict = StorageConflict(respond_again)
        except (TimeoutError, StoreAway, StoreRefused) as error:
            return None if self._on_failure == "local" else self._failure(error)
        return conflict

    def slot(
        self, inputs: DecisionInputs, id: str, candidates: Sequence[Candidate], at: float = 0.0
    ) -> StoreSlot:
        base = session_base(inputs.session)
        return StoreSlot(self._slots, id, base, candidates, at - time.monotonic())

    def without_store(self, inputs: DecisionInputs, error: Exception) -> Decision | Failure:
        return self._state.local_state.decide(inputs) if self._on_failure == "local" else self._failure(error)

    def _failure(self, error: Exception) -> Failure:
        why = f"no decision within {self._wait:g} s" if isinstance(error, TimeoutError) else str(error)
        how = "refuses this request" if isinstance(error, StoreRefused) else "is away"
        if self.link.problem is not None:
            how, why = "is away", self.link.problem
        return Failure("unavailable", 503, f"mockllm: the store of this server's counts {how}: {why}.")

    def count(self, inputs: DecisionInputs, result: StoreDecision) -> None:
        """Count the tries and responses that the control API shows, and remember the tries of what is drawn."""
        if inputs.session:
            self._note_use(inputs.session)  # the store may have been away when the decision began
        decision = result.decision
        tries, responses = self.tries, self.responses
        for candidate, _ in decision.blocked_modifiers:
            tries[candidate.key] += 1
        for selected in decision.selected_modifiers:
            tries[selected.candidate.key] += 1
            responses[selected.candidate.key] += 1
        if decision.outcome in COUNTED_OUTCOMES:
            for candidate, _ in decision.blocked_rules:
                tries[candidate.key] += 1
            if decision.selected_rule is not None:
                selected_rule, before = (
                    decision.selected_rule.candidate,
                    decision.selected_rule.earlier_responses,
                )
                tries[selected_rule.key] += 1
                responses[selected_rule.key] += (
                    selected_rule.max_responses is None or before < selected_rule.max_responses
                )
        for candidate, number in zip((*inputs.modifiers, *inputs.rules), result.tries, strict=False):
            guard, limit = candidate.guard, candidate.limit
            if (guard is not None and guard.chance is not None) or (limit and limit.strategy == "random"):
                if len(self._expected) > MAX_EXPECTED:
                    self._expected.clear()
                self._expected[inputs.session, candidate.scope, candidate.key] = number + 1

    def _note_use(self, session: str) -> None:
        """Note in the store that a session is used, some times a minute. Sessions that have ended are removed: no
        count of theirs is there any more."""
        now = time.time()
        if self.link.problem is not None or now - self._noted.get(session, 0.0) < min(
            NOTED, self._unused_timeout / 4
        ):
            return
        if len(self._noted) > MAX_EXPECTED:
            self._noted.clear()
        self._noted[session] = now
        self.link.post("ZADD", SESSIONS, f"{now:.3f}", session)
        self.link.post("ZREMRANGEBYSCORE", SESSIONS, "-inf", f"({now - self._unused_timeout:.3f}")

    async def _check_store(self) -> None:
        """Notice a store that does not reply or accepts no writes, also while no request counts."""
        while True:
            await asyncio.sleep(CHECK)
            with suppress(StoreRefused):
                await self.link.call(*CHECK_WRITABLE)

    def _renew(self) -> None:
        self._slots.renew(time.monotonic())
        asyncio.get_running_loop().call_later(RENEWAL, self._renew)

    @property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """The tries and responses of each key that were decided for this process."""
        return {key: (tries, self.responses[key]) for key, tries in self.tries.items()}

    def retain(self, keys: frozenset[str]) -> None:
        """Forget the counts of all other keys."""
        for counts in (self.tries, self.responses):
            for key in [key for key in counts if key not in keys]:
                del counts[key]

    def forget_session(self, id: str) -> None:
        """Forget that a session is used: it has ended."""
        self._noted.pop(id, None)

    def reset(self) -> None:
        """Forget all counts and sessions."""
        self.tries.clear()
        self.responses.clear()
        self._noted.clear()

    def close(self) -> None:
        self._check.cancel()
        self.link.close()
