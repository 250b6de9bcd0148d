"""The decisions of one iteration of the event loop, in one call of the Lua script for each session.

A call costs the store more than a decision in it: the counts of a session are read and written once for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

from mockllm.core.selection.decision import DecisionInputs
from mockllm.store.connection import ReplyReceiver, StoreRefused, StoreReply
from mockllm.store.refusals import UNREADABLE
from mockllm.store.script_arguments import REMEMBERED, CandidateEncoder, ScriptArguments
from mockllm.store.script_result import UNEXPECTED, ScriptResult, lacks_number, read_results

MAX_REQUESTS: Final = 64
"""The most requests of one call: the store serves nothing else meanwhile."""
MAX_CANDIDATES: Final = 500
"""The number of candidates after which a call takes no further request."""

TakeNumbers: TypeAlias = Callable[[int], int]
"""Takes some numbers of requests without a session in the global scope. Returns the first one."""


class ScriptCaller(Protocol):
    """Calls the Lua script `decision.lua` (`StoreLink`)."""

    def decide(self, arguments: ScriptArguments, receiver: ReplyReceiver) -> None: ...

    async def decide_with_retry(self, arguments: ScriptArguments) -> StoreReply: ...

    def flush(self) -> None:
        """Send what was written."""


class ResultReceiver(Protocol):
    """Gets the result of one request (`PendingDecision`)."""

    def done(self) -> bool:
        """Return whether the result is ignored, as `Future.done` does."""

    def set_result(self, result: ScriptResult, request_number: int | None, /) -> object:
        """Get the result, and the request's number if the result lacks it."""

    def set_exception(self, error: Exception, /) -> object:
        """Get StoreRefused or StoreAway in place of the result."""


class ResultPosition(NamedTuple):
    """Where the result of a request is: the id of the call, and its index there, from 1. A repeated request has the
    same."""

    id: str
    index_in_call: int


class ScriptCall:
    """A call with the receivers of its results, which receives its reply."""

    __slots__ = ("_take_numbers", "arguments", "receivers")

    def __init__(self, arguments: ScriptArguments, take_numbers: TakeNumbers) -> None:
        self.arguments = arguments
        self._take_numbers = take_numbers
        self.receivers: list[tuple[ResultReceiver, DecisionInputs]] = []

    def is_full(self) -> bool:
        return len(self.receivers) >= MAX_REQUESTS or self.arguments.candidates >= MAX_CANDIDATES

    def done(self) -> bool:
        """Return False: some receivers may be done, others not."""
        return False

    def set_result(self, reply: StoreReply) -> None:
        try:
            results = read_results(reply)
            read = [
                (receiver, result, lacks_number(result, inputs))
                for (receiver, inputs), result in zip(self.receivers, results, strict=True)
                if not receiver.done()
            ]
        except UNEXPECTED:
            self.set_exception(StoreRefused(UNREADABLE))
            return
        lacking = sum([lacks for _, _, lacks in read])
        request_number = self._take_numbers(lacking) if lacking else 0
        for receiver, result, lacks in read:
            receiver.set_result(result, request_number if lacks else None)
            request_number += lacks

    def set_exception(self, error: Exception) -> None:
        for receiver, _ in self.receivers:
            if not receiver.done():
                receiver.set_exception(error)


class DecisionQueue:
    """Sends the requests of one process. `next_id` returns a new id in the store. `ttl` and `remembered`: see
    `ScriptArguments`."""

    def __init__(
        self,
        caller: ScriptCaller,
        next_id: Callable[[], str],
        take_numbers: TakeNumbers,
        ttl: int = 0,
        remembered: float = REMEMBERED,
    ) -> None:
        self._caller = caller
        self._take_numbers = take_numbers
        self._next_id = next_id
        self._ttl = ttl
        self._remembered = remembered
        self._encoder = CandidateEncoder()
        self._calls: list[ScriptCall] = []
        """The calls of this iteration."""
        self._open: dict[str, ScriptCall] = {}
        """Those to which a request can be added, by their session."""

    def add(
        self, receiver: ResultReceiver, inputs: DecisionInputs, slot_id: str, tries: Sequence[int], draws: int
    ) -> ResultPosition:
        """Send a request at the end of this iteration: see `ScriptArguments.add`, whose exceptions are raised."""
        call = self._open.get(inputs.session)
        if call is None or call.is_full():
            call = self._begin_call(inputs.session)
        index = call.arguments.add(inputs, slot_id, tries, draws=draws)
        call.receivers.append((receiver, inputs))
        return ResultPosition(call.arguments.id, index)

    def _begin_call(self, session: str) -> ScriptCall:
        call = self._open[session] = ScriptCall(self._arguments(session, self._next_id()), self._take_numbers)
        if not self._calls:
            asyncio.get_running_loop().call_soon(self.send)
        self._calls.append(call)
        return call

    def _arguments(self, session: str, id: str) -> ScriptArguments:
        return ScriptArguments(self._encoder, session, id, self._ttl, self._remembered)

    def send(self) -> None:
        """Send the calls of this iteration."""
        calls, self._calls = self._calls, []
        self._open.clear()
        for call in calls:
            if not call.receivers:
                continue
            try:
                self._caller.decide(call.arguments, call)
            except (
                Exception
            ) as error:  # a mistake in one call must not keep the requests of all others waiting
                call.set_exception(error)
        self._caller.flush()

    async def repeat(
        self, position: ResultPosition, inputs: DecisionInputs, slot_id: str, tries: Sequence[int], draws: int
    ) -> tuple[ScriptResult, int | None]:
        """Send a request again, until the store has decided it: the caller has a deadline. Return its result, and its
        number if the result lacks it. Raises StoreRefused."""
        arguments = self._arguments(inputs.session, position.id)
        arguments.add(inputs, slot_id, tries, draws=draws, index_in_call=position.index_in_call)
        reply = await self._caller.decide_with_retry(arguments)
        try:
            result = read_results(reply)[position.index_in_call - 1]
            lacks = lacks_number(result, inputs)
        except UNEXPECTED:
            raise StoreRefused(UNREADABLE) from None
        return result, self._take_numbers(1) if lacks else None
