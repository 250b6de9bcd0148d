"""A connection that is made again whenever it is lost, and the scripts behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from mockllm.store.connection import (
    CONNECT_TIME,
    Argument,
    ReplyReceiver,
    StoreAddress,
    StoreAway,
    StoreConnection,
    StoreRefused,
    StoreReply,
    connect,
)
from mockllm.store.script_arguments import ScriptArguments
from mockllm.store.store_scripts import UNKNOWN_SCRIPT, ScriptName, StoreScripts, is_transient

RETRY: Final = 0.1
"""Seconds between two tries to connect."""
MAX_REPORTED: Final = 8
"""The most reasons that are reported while the store is away."""


class StoreLink:
    """The present connection. `say` prints a line when the store is away, and when it is back."""

    def __init__(self, address: StoreAddress, say: Callable[[str], None], wait: float) -> None:
        """`wait`: seconds in which a reply comes, and after that, seconds to wait for a new connection."""
        self.address = address
        self._wait = wait
        self._say = say
        self._scripts = StoreScripts()
        self._connection: StoreConnection | None = None
        self._connected = asyncio.Event()
        self.problem: str | None = "not connected yet"
        """Why the store is away; None if it is not."""
        self._since = time.monotonic()
        self._reported: set[str] = set()
        """The reasons that were reported since the store is away."""
        self._task: asyncio.Task[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def away_for(self) -> float:
        """The seconds since the store is away, where it is."""
        return time.monotonic() - self._since

    async def open(self) -> None:
        """Connect for the first time. Raises StoreAway or StoreRefused."""
        await self._connect()

    def keep_open(self) -> None:
        """Connect, now or when the store is back."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._reconnect())

    async def _connect(self) -> None:
        connection = await connect(self.address, self._lost)
        try:
            async with asyncio.timeout(CONNECT_TIME):
                await self._scripts.load(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, TimeoutError):
                raise StoreAway("it does not reply") from None
            raise
        self._connection, self.problem = connection, None
        if self._expiry is None:
            self._expiry = asyncio.get_running_loop().call_later(self._wait, self._expire)
        if self._reported:
            self._say(f"the store {self.address.shown} is back, after {self.away_for:.1f} s")
            self._reported.clear()
        self._connected.set()

    async def _reconnect(self) -> None:
        while self.problem is not None:
            try:
                await self._connect()
            except (StoreAway, StoreRefused) as error:
                self._report(str(error))
                await asyncio.sleep(RETRY)

    def _expire(self) -> None:
        if self._connection is not None:
            self._connection.expire()
        self._expiry = asyncio.get_running_loop().call_later(self._wait / 2, self._expire)

    def _lost(self, reason: str) -> None:
        if self._connection is None:
            return
        self._connection, self._since = None, time.monotonic()
        self._connected.clear()
        self.problem = reason
        self._report(reason)
        if self._task is None or not self._task.cancelled():
            self.keep_open()

    def _report(self, reason: str) -> None:
        self.problem = reason
        if reason not in self._reported and len(self._reported) < MAX_REPORTED:
            self._reported.add(reason)
            self._say(f"the store {self.address.shown} is away: {reason}")

    def decide(self, arguments: ScriptArguments, receiver: ReplyReceiver) -> None:
        """Run the script, at the end of this iteration or with `flush`. The receiver gets its reply, or StoreRefused
        or StoreAway."""
        if self._connection is None:
            receiver.set_exception(StoreAway(self.problem or ""))
        else:
            self._connection.queue(self._command("decide", arguments.keys, [arguments.payload()]), receiver)

    def flush(self) -> None:
        """Send what was written in this iteration."""
        if self._connection is not None:
            self._connection.flush()

    async def decide_with_retry(self, arguments: ScriptArguments) -> StoreReply:
        """Run the script now, and again until the store has run it: the caller has a deadline. Raises StoreRefused.

        The store holds its result, so a request that is repeated after a lost connection counts once.
        """
        return await self.run_with_retry("decide", arguments.keys, [arguments.payload()])

    def run(
        self, name: ScriptName, keys: Sequence[bytes], arguments: Sequence[bytes]
    ) -> asyncio.Future[StoreReply]:
        """Run a script, at the end of this iteration. Raises StoreAway; so does the future, or StoreRefused."""
        return self.connection().send(*self._command(name, keys, arguments))

    async def run_with_retry(
        self, name: ScriptName, keys: Sequence[bytes], arguments: Sequence[bytes]
    ) -> StoreReply:
        """Run a script now, and again until the store has run it: the caller has a deadline. Raises StoreRefused."""
        return await self._with_retry(lambda: self.run(name, keys, arguments))

    async def _with_retry(self, send: Callable[[], asyncio.Future[StoreReply]]) -> StoreReply:
        """Send until the store is there and accepts what is sent. Raises StoreRefused where it never will."""
        while True:
            try:
                return await send()
            except StoreAway:
                await self._connected.wait()
            except StoreRefused as refusal:
                if not is_transient(refusal):
                    raise
                await self._accepted(refusal)

    async def _accepted(self, refusal: StoreRefused) -> None:
        """Load scripts that the store has lost. After another refusal, wait until the store accepts a new connection
        and the scripts; it is away until then."""
        connection = self._connection
        if connection is None:
            return
        if str(refusal).startswith(UNKNOWN_SCRIPT):
            with suppress(StoreAway):  # the next try waits for a new connection
                await self._scripts.load(connection)
        else:
            connection.abort(str(refusal))
            await asyncio.sleep(0)

    def _command(
        self, name: ScriptName, keys: Sequence[bytes], arguments: Sequence[bytes]
    ) -> Sequence[Argument]:
        return (*self._scripts.call[name], len(keys), *keys, *arguments)

    async def call(self, *arguments: Argument) -> StoreReply:
        """Return the reply to a command, which is repeated until the store accepts it: the caller has a deadline.
        Raises StoreRefused."""
        return await self._with_retry(lambda: self.connection().send(*arguments))

    def run_transaction(self, *commands: Sequence[Argument]) -> asyncio.Future[StoreReply]:
        """Run commands as one transaction, at the end of this iteration. Raises StoreAway; so does the future, or
        StoreRefused."""
        connection = self.connection()
        if len(commands) == 1:
            return connection.send(*commands[0])
        reply: asyncio.Future[StoreReply] = asyncio.get_running_loop().create_future()
        for command in (("MULTI",), *commands):
            connection.queue(command, _RefusalReceiver(reply))
        connection.queue(("EXEC",), reply)
        return reply

    async def run_transaction_with_retry(self, *commands: Sequence[Argument]) -> StoreReply:
        """Run commands as one transaction, now and again until the store accepts them: the caller has a deadline.
        Return the list of their replies, or that of a single one. Raises StoreRefused."""
        return await self._with_retry(lambda: self.run_transaction(*commands))

    def connection(self) -> StoreConnection:
        """Return the present connection. Raises StoreAway."""
        if self._connection is None:
            raise StoreAway(self.problem or "")
        return self._connection

    def post(self, *arguments: Argument) -> None:
        """Send a command whose reply does not matter; nothing is sent to a store that is away."""
        if self._connection is not None:
            self._connection.post(*arguments)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._expiry is not None:
            self._expiry.cancel()
        self._connected.clear()  # calls that wait now end with their tasks
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _RefusalReceiver:
    """Receives the reply to a command that waits for the end of its step. The refusal of one is that of the step."""

    def __init__(self, step: asyncio.Future[StoreReply]) -> None:
        self._step = step

    def done(self) -> bool:
        return self._step.done()

    def set_result(self, reply: StoreReply) -> None: ...

    def set_exception(self, error: Exception) -> None:
        self._step.set_exception(error)
