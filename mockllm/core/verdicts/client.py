"""Who asks, as far as a server can tell: by its program, its key and its address."""

from __future__ import annotations

from typing import Final, NamedTuple

from mockllm.core.display import cut

LONGEST: Final = 80
"""So much of what a program calls itself is told."""


class Client(NamedTuple):
    """`agent` is what it calls itself (`user-agent`), `key` the hash of its API key, `address` without a port;
    each is empty where there is none. Two programs that have all three in common are one client here."""

    agent: str = ""
    key: str = ""
    address: str = ""

    def __str__(self) -> str:
        """`OpenAI/Python 2.8.0, key 3fa9c2d1e07b, 127.0.0.1`, in printable characters."""
        agent = "".join(mark if mark.isprintable() else "?" for mark in cut(self.agent, LONGEST))
        key = f"key {self.key}" if self.key else ""
        return ", ".join(part for part in (agent, key, self.address) if part) or "unknown"

    def is_called(self, name: str) -> bool:
        """Whether a person means this one: by all of it, or by one of the three."""
        return bool(name) and name in (str(self), *self)
