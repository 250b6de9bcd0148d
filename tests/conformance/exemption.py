"""A difference between this server's responses and recordings that is deliberate or temporary."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Exemption:
    protocol: str
    cases: str
    entries: str
    reason: str

    def covers(self, protocol: str, case: str, entry: str) -> bool:
        return (
            protocol == self.protocol and fnmatchcase(case, self.cases) and fnmatchcase(entry, self.entries)
        )
