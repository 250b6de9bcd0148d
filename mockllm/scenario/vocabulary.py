"""The names that only the engine knows and a scenario may use: providers, dialects, apis.

They are handed in, so that the language imports no dialect.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from mockllm.scenario.diagnostics import meant
from mockllm.scenario.key_suggestions import ours as our_word

RESERVED: Final = frozenset({"health", "api", "metrics", "dashboard", "ws"})
"""The first parts of paths that are the server's own: no rule sees a request to them."""

_GLOB: Final = re.compile(r"[*?\[]")
_NAMED: Final = re.compile(r"\{\w+\}")


class Vocabulary(Struct, frozen=True):
    """What `match: {provider, dialect, api, path}` knows."""

    providers: Collection[str] = ()
    dialects: Collection[str] = ()
    apis: Collection[str] = ()
    generating: Collection[str] = ()
    """The paths of generating calls; `{name}` in them is any text."""
    speaking: Collection[str] = ()
    """The apis that generate."""
    aliases: Mapping[str, str] = {}
    """Words that people write in place of a provider's name, with the name."""

    def may_speak(self, api: str) -> bool:
        """Whether an api, or one that a glob stands for, may be one that generates."""
        return any(fnmatchcase(each, api) for each in self.speaking)

    def may_generate(self, path: str) -> bool:
        """Whether a path, or one that a glob stands for, may be a generating call's."""
        begins = _GLOB.split(path, maxsplit=1)[0]
        for route in self.generating:
            start, *rest = _NAMED.split(route)
            if begins == path:
                if re.fullmatch(".+".join(map(re.escape, (start, *rest))), path):
                    return True
            elif start.startswith(begins) or (rest and begins.startswith(start)):
                return True
        return False

    def unknown(self, word: str, name: str) -> str | None:
        """What to say of a name that the server does not speak; None where it does."""
        known = {"provider": self.providers, "dialect": self.dialects, "api": self.apis}[word]
        if not known or name in known:
            return None
        alias = self.aliases.get(name)
        ours = alias if alias in known else our_word(name, known)
        return f'no {word} is called "{name}"{meant(ours or name, sorted(known))}'
