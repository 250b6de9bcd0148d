"""One decision that the Lua script makes in the store: its request, and what the result leads to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from mockllm.core.failure import Failure
from mockllm.core.selection.decision import Candidate, Decision, DecisionInputs, InFlightSlot
from mockllm.store.connection import StoreAway, StoreRefused
from mockllm.store.decision_queue import ResultPosition, ResultReceiver
from mockllm.store.refusals import UNREADABLE
from mockllm.store.script_arguments import FEW_DRAWS, MANY_DRAWS
from mockllm.store.script_result import (
    UNEXPECTED,
    MissingDraws,
    ScriptResult,
    StoreDecision,
    read_result,
    takes_slot,
)
from mockllm.store.store_scripts import is_transient


class RequestQueue(Protocol):
    """Sends the requests to the script (`DecisionQueue`)."""

    def add(
        self, receiver: ResultReceiver, inputs: DecisionInputs, slot_id: str, tries: Sequence[int], draws: int
    ) -> ResultPosition: ...

    def send(self) -> None: ...

    async def repeat(
        self, position: ResultPosition, inputs: DecisionInputs, slot_id: str, tries: Sequence[int], draws: int
    ) -> tuple[ScriptResult, int | None]: ...


class DecisionClient(Protocol):
    """What the decisions of one process need of the store's client (`StoreClient`)."""

    @property
    def max_store_seconds(self) -> float:
        """Seconds in which a decision that begins now is made."""

    @property
    def queue(self) -> RequestQueue: ...

    def next_id(self) -> str: ...

    def expected_tries(self, session: str, candidates: Sequence[Candidate]) -> Sequence[int]:
        """Return how many tries each candidate has probably had."""

    def slot(
        self, inputs: DecisionInputs, id: str, candidates: Sequence[Candidate], at: float = 0.0
    ) -> InFlightSlot:
        """Make the slot of a decision on limits and loads, taken at the store's time in seconds."""

    def count(self, inputs: DecisionInputs, result: StoreDecision) -> None:
        """Count a decision that was made."""

    def without_store(self, inputs: DecisionInputs, error: Exception) -> Decision | Failure:
        """Return the decision, or the failure, where the store makes none."""


class PendingDecision:
    """A decision that the script makes. `decision` is None until it is made; `on_ready` is called then.

    `on_ready` is also called where the store refuses the request or is away: `wait` repeats it. The script remembers
    what it has decided, so a repeated request counts once. The pending decision receives its
    result (`ResultReceiver`).
    """

    __slots__ = (
        "_abandoned",
        "_client",
        "_deadline",
        "_draws",
        "_error",
        "_id",
        "_inputs",
        "_on_ready",
        "_position",
        "_tries",
        "decision",
    )  # fmt: skip

    def __init__(
        self, client: DecisionClient, inputs: DecisionInputs, on_ready: Callable[[], object]
    ) -> None:
        self._client = client
        self._inputs = inputs
        self._on_ready = on_ready
        self._tries = client.expected_tries(inputs.session, (*inputs.modifiers, *inputs.rules))
        self._draws = FEW_DRAWS
        self._id = client.next_id()
        self._abandoned = False
        self._deadline = time.monotonic() + client.max_store_seconds
        self._error: Exception | None = None
        self.decision: Decision | Failure | None = None
        self._position = self._send()

    def _send(self) -> ResultPosition:
        return self._client.queue.add(self, self._inputs, self._id, self._tries, self._draws)

    def done(self) -> bool:
        """Return whether a result is ignored: the decision was abandoned, or `wait` repeats the request."""
        return self._abandoned or self._error is not None

    def set_result(self, result: ScriptResult, number: int | None) -> None:
        try:
            self._read(result, number)
            if self.decision is None:
                self._position = self._send()
                return
        except Exception as error:  # `wait` repeats the request, and raises it
            self._error = error
        self._on_ready()

    def set_exception(self, error: Exception) -> None:
        self._error = error
        self._on_ready()

    def _read(self, result: ScriptResult, number: int | None) -> None:
        """Set the decision, unless the script needs other draws. Raises StoreRefused for a malformed result."""
        client, inputs = self._client, self._inputs
        try:
            read = read_result(result, inputs, number, partial(client.slot, inputs, self._id))
        except UNEXPECTED:
            raise StoreRefused(UNREADABLE) from None
        if isinstance(read, MissingDraws):
            self._tries = [*read.tries, *self._tries[len(read.tries) :]]
            self._draws = MANY_DRAWS
        else:
            client.count(inputs, read)
            self.decision = read.decision

    async def wait(self) -> Decision | Failure:
        """Return the decision within the time of the store, or what is returned without the store."""
        try:
            if self.decision is None and self._error is None:
                event = asyncio.Event()
                self._on_ready = event.set
                async with self._time_left():
                    await event.wait()
            if self.decision is None:
                await self._repeat()
        except (TimeoutError, StoreAway, StoreRefused) as error:
            self.abandon()
            self.decision = self._client.without_store(self._inputs, error)
        except asyncio.CancelledError:  # the client has disconnected
            self.abandon()
            raise
        assert self.decision is not None, "a repeated request ends with a decision or an error"
        return self.decision

    async def _repeat(self) -> None:
        """Repeat the request until there is a decision. Raises StoreRefused or TimeoutError."""
        error = self._error
        if isinstance(error, StoreRefused) and not is_transient(error):
            raise error
        queue, position, inputs, id = self._client.queue, self._position, self._inputs, self._id
        async with self._time_left():
            while self.decision is None:
                self._read(*await queue.repeat(position, inputs, id, self._tries, self._draws))

    def _time_left(self) -> asyncio.Timeout:
        return asyncio.timeout(max(0.0, self._deadline - time.monotonic()))

    def abandon(self) -> None:
        """Free the slots in limits and loads that the decision has taken or may have taken."""
        if self._abandoned:
            return
        self._abandoned = True
        if self.decision is None:
            with_slot = [each for each in self._inputs.modifiers if takes_slot(each)]
            if with_slot:
                self._client.queue.send()  # slots are freed after the request that takes them
                self._client.slot(self._inputs, self._id, with_slot).release()
        elif isinstance(self.decision, Decision) and self.decision.slot is not None:
            self.decision.slot.release()
