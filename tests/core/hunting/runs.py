"""Outcomes of runs, for tests of hunts."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mockllm.core.hunting.disturbance import Disturbance
from mockllm.core.hunting.outcome import ExchangeSeen, RunOutcome, VerdictSeen

REQUESTED = ExchangeSeen(
    "openai", "chat", "gpt-4o", True, 1, 200, left="finished", took=0.1, text="one two three",
    line="12:00 POST /v1/chat/completions", path="/v1/chat/completions", user="hi",
    body={"model": "gpt-4o"}, reply={"chunks": ["one ", "two ", "three"]},
)  # fmt: skip
BASE = RunOutcome(0, 0.1, "one two three\n", "", b"one two three\n", exchanges=(REQUESTED,))
CRLF = Disturbance("crlf", {"faults": ["crlf"]})
CUT = Disturbance("cut", {"faults": [{"close": {"after": {"chunks": 1}}}]}, times=1)
LIMIT = Disturbance("rate_limit", {"error": "rate_limit"}, times=1)


def requested(disturbance: Disturbance | None = None, number: int = 1, **more: Any) -> ExchangeSeen:
    """An exchange to which the disturbance with this number applied."""
    changes: dict[str, Any] = {"modifiers": ("hunt-pace",)}
    if disturbance is not None:
        changes = {"modifiers": (f"hunt-{number}",), "faults": disturbance.fault_names}
    return replace(REQUESTED, **{**changes, **more})


def ended(code: int | None = 0, disturbance: Disturbance | None = CRLF, **more: Any) -> RunOutcome:
    """A run in which a disturbance was played, and the command ended so."""
    fields: dict[str, Any] = {
        "stdout": BASE.stdout,
        "compared": BASE.compared,
        "exchanges": (requested(disturbance),),
        **more,
    }
    return RunOutcome(code, 0.2, **fields)


BAD = VerdictSeen("retry_storm", False, "12 retries")
GOOD = VerdictSeen("recovered", True, "#2 succeeded")
