"""The one place where requests, rules, counts and wire formats meet: find, settle, plan.

Synchronous, and without I/O or a clock: the server hands in a Request and plays the Plan that comes back.
"""

from __future__ import annotations

from dataclasses import dataclass

from mockllm.core.plan import Plan


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `rule` and `modifiers` are ids as a person reads them (`a.yaml:greeting`);
    `notes` what was planned and could not be played, or is worth a word in the live line and journal."""

    plan: Plan
    rule: str | None
    modifiers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missed: bool = False
