"""Where our answers differ from the recordings on purpose, or for now, and why. Reviewed like code.

`cases` and `entries` are globs over a recording's id and over "kind path type" (a header is `header NAME`).
Recordings that are more than a year older than the newest need no entry: the services have changed since,
and the newer form is the one that is followed. They still count in the mean.
"""

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


EXEMPTIONS = (
    Exemption(
        "anthropic-messages",
        "*",
        "*.stop_details null",
        "the key came in the spring of 2026, and stands in every answer since",
    ),
    Exemption(
        "anthropic-messages",
        "*",
        "*.caller*",
        "a call tells its caller since the spring of 2026",
    ),
    Exemption(
        "anthropic-messages",
        "*",
        "*.inference_geo string",
        "usage tells where it was computed since February 2026",
    ),
    Exemption(
        "anthropic-messages",
        "*",
        "ping $*",
        "the service pings by the clock, and a short answer may be over before; ours always has the one ping",
    ),
    Exemption(
        "openai-chat",
        "openai-chat-n-400-384bba4b",
        "header x-ratelimit-*-input-images",
        "a limit on images is told only by the answers to requests that hold one",
    ),
    Exemption(
        "openai-chat",
        "openai-chat-n-400-9537d4a3",
        "header x-ratelimit-*-input-images",
        "a limit on images is told only by the answers to requests that hold one",
    ),
)


def excused(protocol: str, case: str, entry: str) -> bool:
    return any(exemption.covers(protocol, case, entry) for exemption in EXEMPTIONS)
