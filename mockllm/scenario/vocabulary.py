"""The names that only the engine knows and a scenario may use: providers, dialects, apis.

They are handed in, so that the language imports no dialect.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from mockllm.scenario.mistakes import meant

RESERVED: Final = frozenset({"health", "api", "metrics", "dashboard", "ws"})
"""The first parts of paths that are the server's own: no rule sees a request to them."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What `match: {provider, dialect, api}` knows."""

    providers: Collection[str] = ()
    dialects: Collection[str] = ()
    apis: Collection[str] = ()

    def unknown(self, word: str, name: str) -> str | None:
        """What to say of a name that the server does not speak; None where it does."""
        known = {"provider": self.providers, "dialect": self.dialects, "api": self.apis}[word]
        if not known or name in known:
            return None
        return f'no {word} is called "{name}"{meant(name, sorted(known))}'
