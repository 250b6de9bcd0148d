"""The state of the engine in the memory of this process: the counts and stored objects of all sessions.

A session is created when it is first named. It ends when it was unused for a while, or as the least recently
used one of too many. Its counts and stored objects are deleted then, and nothing finds its prompt caches any
more. The state of requests without a session has no timeout. Where one state has too many scopes, or all scopes take
too many bytes, those are removed that were not used for the longest time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

from mockllm.core.load.plan_queue import PlanQueueEntry
from mockllm.core.redaction import Redactor
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup, StorageUpdate
from mockllm.core.selection.decision import Decision, DecisionInputs
from mockllm.core.selection.guards import StateValue
from mockllm.core.time_scale import ScenarioClock
from mockllm.state.counters import MAX_SCOPES, Counters
from mockllm.state.decide import decide, waits_for_plans
from mockllm.state.local_objects import LocalObjects
from mockllm.state.prompt_caches import PromptCaches
from mockllm.state.scope_counts import ScopeCounts
from mockllm.state.scope_memory_bound import MAX_SCOPE_BYTES, ScopeMemoryBound

ResponseCounts: TypeAlias = Mapping[str, Callable[[int], int]]
NO_COUNTS: Final[ResponseCounts] = MappingProxyType({})
MAX_SESSIONS: Final = 1000
"""Maximum number of sessions."""
MAX_SESSION_SCOPES: Final = 1000
"""Maximum number of counted scopes of one session, so that the total is bounded."""
MAX_NAMED_IDS: Final = 3
"""Maximum number of ids in a log line about sessions that ended."""


class Session:
    """One session. `seed` and `time_scale` replace those of the server for all of its requests; they may be set
    at any time, and end with the session. `clock` replaces the server's, since `time_scale` was first set.
    `last_used_monotonic` is the time of its last use on a monotonic clock, `last_used` the same in seconds since the
    epoch. `number` differs from that of an earlier session with the same id. `redacted_id` is the id as the log
    and the control API show it, without an API key; empty before a request names the session."""

    __slots__ = (
        "clock",
        "counters",
        "last_used",
        "last_used_monotonic",
        "lookup",
        "number",
        "redacted_id",
        "seed",
        "time_scale",
    )

    def __init__(self, lookup: ObjectLookup, memory_bound: ScopeMemoryBound, number: int) -> None:
        self.number = number
        self.redacted_id = ""
        self.counters = Counters(MAX_SESSION_SCOPES, memory_bound)
        self.lookup = lookup
        self.seed: int | None = None
        self.time_scale: float | None = None
        self.clock: ScenarioClock | None = None
        self.last_used_monotonic = 0.0
        self.last_used = 0.0


class EngineState:
    """The state of an engine. A reload deletes the counts, limits and loads of changed and removed rules and
    modifiers, and nothing else of it. It has the counters and stored objects of all sessions, by id, and one table
    of prompt caches, whose keys contain the session. Requests without a session have the empty id.

    At most `max_sessions` sessions exist, each until it was unused for `unused_timeout` seconds. `log`
    receives a log line about sessions that ended.
    """

    counts_are_shared: ClassVar[bool] = False
    """Whether several processes share the counts, so that the store decides requests with counts."""
    stores_objects: bool = True
    """Whether a request finds what the responses before it store."""

    def __init__(
        self,
        *,
        scope_bytes: int = MAX_SCOPE_BYTES,
        max_sessions: int = MAX_SESSIONS,
        unused_timeout: float = inf,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._memory_bound = ScopeMemoryBound(self._all_counters, scope_bytes)
        self.counters_without_session = Counters(MAX_SCOPES, self._memory_bound)
        """The counters of requests without a session."""
        self._objects = LocalObjects()
        self.prompt_caches: PromptCaches = PromptCaches()
        self._created = 0
        """The number of sessions that were created."""
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        """By id; the one that was not used for the longest time first."""
        self._latest_monotonic = self._latest_now = 0.0
        """The times of the latest use of any session: a session that a decision creates counts as used then."""
        self._max_sessions = max_sessions
        self.unused_timeout = unused_timeout
        self._log = log
        self.on_end: list[Callable[[Sequence[str]], None]] = []
        """Callbacks with the ids of sessions that ended."""

    def use_session(self, id: str, monotonic: float, now: float | None = None) -> Session:
        """Return a session, and record that it is used: `monotonic` is on a monotonic clock, `now` in seconds since
        the epoch (by default the same). Create the session if no session has this id, or if it has ended."""
        found = self._sessions.get(id)
        if found is not None and found.last_used_monotonic + self.unused_timeout > monotonic:
            self._sessions.move_to_end(id)
        self.expire(monotonic)
        found = self._get_or_create(id)
        self._latest_monotonic = found.last_used_monotonic = monotonic
        self._latest_now = found.last_used = monotonic if now is None else now
        return found

    def session(self, id: str, monotonic: float) -> Session | None:
        """Return a session without using it; None if no session has this id, or if it has ended."""
        self.expire(monotonic)
        return self._sessions.get(id)

    def clock(self, id: str) -> ScenarioClock | None:
        """Return the clock of a session; None for the server's."""
        found = self._sessions.get(id)
        return None if found is None else found.clock

    def change_time_scale(
        self,
        id: str,
        scale: float | None,
        clock_of_server: ScenarioClock,
        monotonic: float,
        now: float | None = None,
    ) -> Session:
        """Set the time scale of a session, which is used now; None is the server's. Its clock does not jump: windows
        of limits, `during` and the planned ends of responses go on."""
        session = self.use_session(id, monotonic, now)
        before, after = session.clock or clock_of_server, clock_of_server.scale if scale is None else scale
        session.time_scale, session.clock = scale, before.with_scale(after, monotonic)
        return session

    def session_number(self, id: str) -> int:
        """Return the number of a session; 0 for requests without one."""
        found = self._sessions.get(id)
        return 0 if found is None else found.number

    def can_decide(self, inputs: DecisionInputs) -> bool:
        """Return whether all counts of a decision are in this process."""
        return True

    def waits_for_plans(self, inputs: DecisionInputs, entry: PlanQueueEntry) -> bool:
        """Return whether a request waits until earlier responses are planned: see `decide.waits_for_plans`."""
        return bool(inputs.modifiers) and waits_for_plans(self._counters(inputs.session), inputs, entry)

    def decide(self, inputs: DecisionInputs, *, count: bool = True) -> Decision:
        """Decide with the session's counters. Without `count`, it is a preview: no session is created, and no count
        changes."""
        if not count and inputs.session and inputs.session not in self._sessions:
            return decide(Counters(), inputs, count=False)
        return decide(self._counters(inputs.session), inputs, count=count)

    def count_in_global_scope(self, session: str, keys: Sequence[str]) -> int | None:
        """Count a request as the session's counters do. None, and nothing is counted, if that needs a decision."""
        return self._counters(session).count_in_global_scope(keys)

    def retain(self, keys: frozenset[str]) -> None:
        """Delete the counts of all other keys, in all sessions."""
        self.counters_without_session.retain(keys)
        for session in self._sessions.values():
            session.counters.retain(keys)

    def totals(self, response_counts: ResponseCounts = NO_COUNTS) -> Mapping[str, Sequence[int]]:
        """Return the tries and responses of each key, summed over all sessions and scopes. `response_counts` has, by
        key, a function from a scope's eligible tries to its responses. For other keys both are equal."""
        found: dict[str, list[int]] = {}
        for scope_counts in self._scopes():
            for key, (tries, eligible) in scope_counts.all_counts().items():
                total = found.setdefault(key, [0, 0])
                total[0] += tries
                count = response_counts.get(key)
                total[1] += eligible if count is None else count(eligible)
        return found

    def named_states(self) -> Iterator[tuple[str, str, StateValue]]:
        """Yield the named states that are set: session, name and value."""
        by_id = (
            ("", self.counters_without_session),
            *((id, each.counters) for id, each in self._sessions.items()),
        )
        for id, counters in by_id:
            for scope_counts in counters.scopes():
                for name, value in scope_counts.states.items():
                    yield id, name, value

    def reset(self) -> None:
        """Delete all sessions, counts, stored objects and prompt caches."""
        self._forget(list(self._sessions))
        self._objects.end("")
        self.prompt_caches.clear()
        self.counters_without_session.clear()

    def reset_limits(self, keys: frozenset[str] | None = None) -> None:
        """Reset the use of limits: of all, or of the modifiers with these keys."""
        for scope_counts in self._scopes():
            scope_counts.reset_limiters(keys)

    def _all_counters(self) -> Iterator[Counters]:
        yield self.counters_without_session
        yield from (session.counters for session in self._sessions.values())

    def _scopes(self) -> Iterator[ScopeCounts]:
        for counters in self._all_counters():
            yield from counters.scopes()

    def lookup(self, session: str) -> ObjectLookup:
        """Return what finds the stored objects and tool calls of a session."""
        return self._objects.lookup(session)

    def apply_storage_update(
        self,
        session: str,
        update: StorageUpdate,
        read_lookup: ObjectLookup = EMPTY_LOOKUP,
        respond_again: Callable[[], object] | None = None,
    ) -> bool:
        """Store the objects and tool calls of a session, or delete some, as the update says. Return False where the
        objects are too large: none of them changes then.

        In a store of several processes, another request may have changed what `read_lookup` has found. Nothing
        changes then, and `respond_again` responds again.
        """
        return self._objects.apply_storage_update(session, update)

    def sessions(self) -> Mapping[str, Session]:
        """Return all sessions by id, the least recently used first."""
        return dict(self._sessions)

    def end(self, id: str) -> bool:
        """Delete the state of a session; return whether it existed."""
        found = id in self._sessions
        if found:
            self._forget([id])
        return found

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self._sessions)

    def _counters(self, session: str) -> Counters:
        return self._get_or_create(session).counters if session else self.counters_without_session

    def _get_or_create(self, id: str) -> Session:
        """Return a session; create it if no session has this id, as for a request whose session has ended since it
        was read. The least recently used one ends where there are too many."""
        found = self._sessions.get(id)
        if found is None:
            if len(self._sessions) >= self._max_sessions:
                oldest = next(iter(self._sessions))
                self._end([oldest], f"there are more than {self._max_sessions}")
            self._created += 1
            found = self._sessions[id] = Session(self._objects.lookup(id), self._memory_bound, self._created)
            found.last_used_monotonic, found.last_used = self._latest_monotonic, self._latest_now
        return found

    def expire(self, monotonic: float) -> None:
        """End the sessions that were unused for too long."""
        ended = []
        for id, session in self._sessions.items():
            if session.last_used_monotonic + self.unused_timeout > monotonic:
                break
            ended.append(id)
        if ended:
            self._end(ended, f"not used for {self.unused_timeout:g} s")

    def _forget(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._sessions.pop(id).counters.clear()
            self._objects.end(id)
        for callback in self.on_end if ids else ():
            callback(ids)

    def redacted_id(self, id: str) -> str:
        """Return the id of a session as log and control API show it: a client may use its API key as the id."""
        found = self._sessions.get(id)
        return (found.redacted_id if found is not None else "") or Redactor().session(id)

    def _end(self, ids: Sequence[str], reason: str) -> None:
        shown = [self.redacted_id(id) for id in ids[:MAX_NAMED_IDS]]
        self._forget(ids)
        if self._log is not None:
            more = f" and {len(ids) - MAX_NAMED_IDS} more" if len(ids) > MAX_NAMED_IDS else ""
            single = len(ids) == 1
            self._log(
                f"session{'s' * (not single)} {', '.join(shown)}{more} ended: {reason}; "
                f"{'it begins' if single else 'they begin'} anew when {'it is' if single else 'they are'} named again"
            )
