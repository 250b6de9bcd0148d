"""Every bound that the server keeps, in one table: its default, its option and its environment variable.

The command line is made from this table, so a limit that is not settable cannot exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias

from mockllm.core.budget import CHARACTERS_PER_VALUE, DEFAULT_VALUES
from mockllm.core.json.codec import MAX_DEPTH

KIB: Final = 1024
MIB: Final = 1024 * KIB

PREFIX: Final = "MOCKLLM_"
"""How the names of our environment variables begin."""

Unit: TypeAlias = Literal["bytes", "seconds", "count"]


def _limit(default: Any, option: str, unit: Unit, help: str) -> Any:
    return field(default=default, metadata={"option": option, "unit": unit, "help": help})


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds in bytes, seconds or counts. ValueError where one is not above zero, or more than can be kept."""

    body: int = _limit(
        32 * MIB,
        "--max-body",
        "bytes",
        "largest request body, as it came and unpacked; a larger one is a 413",
    )
    depth: int = _limit(100, "--max-depth", "count", "deepest nesting of a JSON body; deeper is a 400")
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
        "time for a request's head to come, from its first byte",
    )
    body_idle: float = _limit(
        30.0,
        "--body-idle-timeout",
        "seconds",
        "silence in the middle of a body after which the request is given up",
    )
    keepalive: float = _limit(
        75.0, "--keepalive-timeout", "seconds", "silence between two requests after which a connection closes"
    )
    unsent: int = _limit(
        MIB, "--max-unsent", "bytes", "how much of an answer waits in memory for a slow reader"
    )
    linger: float = _limit(
        2.0,
        "--linger-timeout",
        "seconds",
        "time to take in the rest of a refused body, to flush before a reset, or to answer who sends no more",
    )
    grace: float = _limit(
        10.0, "--grace", "seconds", "time for running answers to finish when the server is stopped"
    )
    journal: int = _limit(1000, "--journal", "count", "how many requests the journal remembers")
    journal_bytes: int = _limit(
        64 * MIB,
        "--journal-bytes",
        "bytes",
        "how much memory the journal takes, about; the oldest requests go first",
    )
    sessions: int = _limit(
        1000,
        "--max-sessions",
        "count",
        "how many sessions are kept; the one unused for the longest time goes",
    )
    session_ttl: float = _limit(
        3600.0, "--session-ttl", "seconds", "time after which a session ends that nobody uses"
    )

    def __post_init__(self) -> None:
        for limit in fields(self):
            if getattr(self, limit.name) <= 0:
                raise ValueError(f"{limit.metadata['option']} must be above zero")
        if self.depth > MAX_DEPTH:
            raise ValueError(f"--max-depth must be at most {MAX_DEPTH}: what is deeper is not read as JSON")


def environment_name(option: str) -> str:
    """`--max-body` is `MOCKLLM_MAX_BODY`."""
    return PREFIX + option.removeprefix("--").replace("-", "_").upper()
