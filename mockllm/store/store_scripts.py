"""The scripts that run in the store: they decide requests, change stored objects, and end sessions."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import Final, Literal

from mockllm.store.connection import Argument, StoreConnection, StoreRefused
from mockllm.store.reply_values import bytes_of

ScriptName = Literal["decide", "write_update", "end_session"]
SOURCES: Final[dict[ScriptName, str]] = {
    "decide": "decision.lua",
    "write_update": "stored.lua",
    "end_session": "",
}
"""The file of each function, after `session.lua`, which has the last one."""
UNKNOWN_SCRIPT: Final = ("NOSCRIPT", "ERR Function not found")
"""Refusals of a store that has lost the scripts."""
TRANSIENT_REFUSALS: Final = (
    "LOADING", "BUSY", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "MISCONF", "OOM",
    "ERR max number of clients", *UNKNOWN_SCRIPT,
)  # fmt: skip
"""The beginnings of refusals after which the store may accept the same command later."""
CHECK_WRITABLE: Final = ("SETRANGE", "mockllm:writable", 0, "")
"""A command that changes nothing, and that a store refuses which accepts no writes."""
REFUSED_STEP: Final = "EXECABORT Transaction discarded because of: "
"""What the refusal of several commands in one step begins with, before the reason."""


def is_transient(refusal: StoreRefused) -> bool:
    """Return whether the refusal is temporary: the store may accept the same command later."""
    return str(refusal).removeprefix(REFUSED_STEP).startswith(TRANSIENT_REFUSALS)


class StoreScripts:
    """The scripts in the store: functions, or on servers without functions (before Redis 7) scripts by their digests.

    A function is compiled once. All functions in a script are made again for each call.
    """

    def __init__(self) -> None:
        self._session = _source("session.lua")
        self._texts = {name: _source(file) for name, file in SOURCES.items() if file}
        text = self._session + "".join(self._texts.values())
        self._library = f"mockllm_{sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]}"
        self.call: dict[ScriptName, tuple[Argument, ...]] = {}
        """The beginning of the command that runs each of them."""

    def function(self, name: ScriptName) -> str:
        """Return the name of a function in the store."""
        return f"{self._library}_{name}"

    @property
    def library(self) -> str:
        """All functions."""
        registered = [f"redis.register_function('{self.function(name)}', {name})" for name in SOURCES]
        text = "\n".join([self._session, *self._texts.values(), *registered])
        return f"#!lua name={self._library}\n{text}\n"

    def script(self, name: ScriptName) -> str:
        """Return the text of a script that does the same as a function."""
        return f"{self._session}\n{self._texts.get(name, '')}\nreturn {name}(KEYS, ARGV)\n"

    async def load(self, connection: StoreConnection) -> None:
        """Load them into the store. Raises StoreAway, or StoreRefused also where the store accepts no writes."""
        try:
            await connection.send("FUNCTION", "LOAD", "REPLACE", self.library)
            self.call = {name: ("FCALL", self.function(name)) for name in SOURCES}
        except StoreRefused as refusal:
            if is_transient(refusal):
                raise
            await self.load_as_scripts(connection)
        await connection.send(*CHECK_WRITABLE)

    async def load_as_scripts(self, connection: StoreConnection) -> None:
        """Load them into a store without functions."""
        for name in SOURCES:
            digest = bytes_of(await connection.send("SCRIPT", "LOAD", self.script(name)))
            self.call[name] = ("EVALSHA", digest)


def _source(file: str) -> str:
    return (files("mockllm.store") / file).read_text("utf-8")
