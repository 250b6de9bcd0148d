"""All bounds of the server in one table, with default, option and environment variable.

The command line is generated from this table, so every limit can be set.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields
from typing import Final, Literal, TypeAlias, TypeVar

from mockllm.core.budget import CHARACTERS_PER_VALUE, DEFAULT_VALUES
from mockllm.core.json.codec import MAX_DEPTH

KIB: Final = 1024
MIB: Final = 1024 * KIB
BODY_BUFFER: Final = 256 * KIB
"""Bytes of a body that wait to be read; twice as many pause the socket. It bounds what follows an upgrade, too."""
SMALL_BODY: Final = 16 * KIB
"""Bytes. A smaller body never pauses the socket, so the counters of aiohttp's flow control need no update."""

OBJECT_BYTES: Final = 128
"""Bytes that a stored message or a part of a response takes beside its data."""

VARIABLE_PREFIX: Final = "MOCKLLM_"
"""Prefix of the environment variables."""

Unit: TypeAlias = Literal["bytes", "seconds", "count"]
T = TypeVar("T")


def _limit(default: T, option: str, unit: Unit, help: str, at_most: int = sys.maxsize) -> T:
    return field(default=default, metadata={"option": option, "unit": unit, "help": help, "at_most": at_most})


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds in bytes, seconds or counts. Raises ValueError for a bound that is not above zero, or is too large."""

    body: int = _limit(
        32 * MIB,
        "--max-body",
        "bytes",
        "largest request body, as received and decompressed; a larger one is a 413",
    )
    depth: int = _limit(
        100, "--max-depth", "count", "deepest nesting of a JSON body; deeper is a 400", at_most=MAX_DEPTH
    )
    containers: int = _limit(
        100_000, "--max-containers", "count", "most arrays and objects in a JSON body; more is a 400"
    )
    values: int = _limit(
        500_000, "--max-values", "count", "most values in a JSON body, counted by its commas; more is a 400"
    )
    generated: int = _limit(
        DEFAULT_VALUES,
        "--max-generated-values",
        "count",
        f"how many values, and {CHARACTERS_PER_VALUE} times as many characters, from_schema generates for one "
        "schema; more is a 400",
    )
    target: int = _limit(16 * KIB, "--max-target", "bytes", "longest request target; longer is a 431")
    header: int = _limit(32 * KIB, "--max-header", "bytes", "longest header field; longer is a 431")
    headers: int = _limit(128, "--max-headers", "count", "most header fields; more is a 400")
    head_time: float = _limit(
        20.0,
        "--head-timeout",
        "seconds",
        "time for a request's head, from its first byte; for the first request, from the connection's beginning",
    )
    body_idle: float = _limit(
        30.0,
        "--body-idle-timeout",
        "seconds",
        "time without data within a body after which the request is aborted",
    )
    body_time: float = _limit(
        60.0,
        "--body-timeout",
        "seconds",
        "time for a request's body, however steadily it comes; longer is a 408",
    )
    connections: int = _limit(
        10_000,
        "--max-connections-per-address",
        "count",
        "how many connections one client address has at a time; further ones get a 503 and are closed",
    )
    keepalive: float = _limit(
        75.0, "--keepalive-timeout", "seconds", "time between two requests after which a connection closes"
    )
    unsent: int = _limit(
        MIB,
        "--max-unsent",
        "bytes",
        "how much of a response is buffered for a slow reader",
        at_most=2**31 - 1,  # uvloop counts it in a C int
    )
    linger: float = _limit(
        2.0,
        "--linger-timeout",
        "seconds",
        "time to read the rest of a refused body, to flush before a reset, or to respond to a half-closed connection",
    )
    grace: float = _limit(
        10.0, "--grace", "seconds", "time for running responses to finish when the server stops"
    )
    journal: int = _limit(1000, "--journal", "count", "how many requests the journal stores")
    journal_bytes: int = _limit(
        64 * MIB,
        "--journal-bytes",
        "bytes",
        "how much memory the journal uses, approximately; the oldest requests are dropped first",
    )
    sessions: int = _limit(
        1000,
        "--max-sessions",
        "count",
        "how many sessions exist at a time; the least recently used one ends first",
    )
    session_ttl: float = _limit(
        3600.0, "--session-ttl", "seconds", "time without a request after which a session ends"
    )

    def __post_init__(self) -> None:
        for limit in fields(self):
            value, option = getattr(self, limit.name), limit.metadata["option"]
            if value <= 0:
                raise ValueError(f"{option} must be above zero")
            if value > limit.metadata["at_most"]:
                raise ValueError(f"{option} must be at most {limit.metadata['at_most']}")


def environment_name(option: str) -> str:
    """Return the variable of an option: `MOCKLLM_MAX_BODY` for `--max-body`."""
    return VARIABLE_PREFIX + option.removeprefix("--").replace("-", "_").upper()
