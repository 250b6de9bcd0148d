"""Requests whose counts several processes would have to share, without a store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from mockllm.core.failure import Failure
from mockllm.core.request.stored_objects import CLIENT_NAMED, ObjectLookup, StorageUpdate
from mockllm.core.selection.decision import Decision, DecisionInputs
from mockllm.state.fetched_objects import FetchedObject, ObjectToFetch, RespondAgain, StorageConflict
from mockllm.state.shared_engine_state import SharedEngineState

ERROR_TEXT = (
    "mockllm: this server has several processes and no store, so it has no {}; start it with --store, or "
    "with redis-server or valkey-server installed, and the packages of the extra redis."
)


async def _refusal() -> Failure:
    return Failure("bad_request", 400, ERROR_TEXT.format("stored objects"))


class RefusedDecision:
    """In place of a decision: without a store there are no sessions."""

    def __init__(self) -> None:
        self.decision: Decision | Failure | None = Failure("bad_request", 400, ERROR_TEXT.format("sessions"))

    async def wait(self) -> Decision | Failure:
        assert self.decision is not None, "it is set from the beginning"
        return self.decision

    def abandon(self) -> None: ...


class NoStore:
    """Refuses requests that need sessions or stored objects. Rules that count were refused at the start."""

    max_store_seconds = 0.0
    _lacked = False
    """Whether the present response is wrong without what it stores."""

    def __init__(self, state: SharedEngineState) -> None:
        state.store_elsewhere = self._forget
        state.stores_objects = False

    def begin(self, inputs: DecisionInputs, on_ready: Callable[[], object]) -> RefusedDecision:
        on_ready()
        return RefusedDecision()

    async def fetch(self, to_fetch: ObjectToFetch) -> FetchedObject | Failure:
        """Return that a list is empty, and that a tool call or a name of the client is unknown. Refuse a request
        that refers to a stored object by its id."""
        kind, name = to_fetch.key
        if kind == "all_stored":
            return ()
        if kind == "tool_call" or name.startswith(CLIENT_NAMED):
            return None
        return await _refusal()

    def _forget(
        self,
        session: str,
        update: StorageUpdate,
        read_lookup: ObjectLookup,
        respond_again: RespondAgain | None,
    ) -> None:
        """Store nothing: another process could not find it."""
        if update.stored is not None and not update.is_optional:
            self._lacked = True

    def take_storage_confirmation(self) -> Awaitable[Failure | StorageConflict | None] | None:
        if not self._lacked:
            return None
        self._lacked = False
        return _refusal()

    def status(self) -> str | None:
        return None

    @property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """The tries and responses of each key that were decided elsewhere: none."""
        return {}

    def retain(self, keys: frozenset[str]) -> None: ...

    def forget_session(self, id: str) -> None: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...
