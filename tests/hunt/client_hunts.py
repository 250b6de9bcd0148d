"""Hunts of small clients with one bug each, and of the same clients mended: for tests, and for `scripts/hunts`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest.mock import patch

from mockllm.core.hunting.finding import HuntReport
from mockllm.core.hunting.judgement import Policy
from mockllm.hunting.command_run import CommandTrial
from mockllm.hunting.disturbed_server import ServerSources
from mockllm.hunting.hunter import HuntBudget, Hunter
from mockllm.hunting.outcome_store import OutcomeStore

FOLDER = Path(__file__).parent / "clients"
RULES = {
    "arguments_in_one_chunk": "same_result",
    "comments_refused": "same_result",
    "cut_is_complete": "no_wrong_result",
    "decoded_piecewise": "same_result",
    "done_twice": "once",
    "empty_choices": "same_result",
    "error_event_ignored": "no_wrong_result",
    "error_in_200": "no_crash",
    "lf_only": "same_result",
    "no_backoff": "no_backoff",
    "no_carry_over": "same_result",
    "no_read_timeout": "ends",
    "null_content": "no_crash",
    "overloaded_not_retried": "recovers",
    "parallel_mixed": "same_result",
    "refusal_continued": "goes_on",
    "refused_key_retried": "retried_non_retryable",
    "retry_after_date": "says_so",
    "signature_dropped": "same_result",
    "space_required": "same_result",
    "text_repeated": "no_wrong_result",
}
"""The clients, and the rule that each one breaks."""
BOUND = 20.0
"""Seconds for a run: three times the clients' read timeout, and their back-off."""
ENDLESS = "no_read_timeout"
ENDLESS_BOUND = 5.0
"""Seconds for a run of the client that waits for ever."""
ALL_FINDINGS = frozenset({"no_backoff"})
"""Clients that break another rule first: it does not wait as requested, either."""


def hunted(name: str, budget: HuntBudget, *, mended: bool) -> HuntReport:
    """Hunt a client."""
    (path,) = (
        FOLDER / f"{name}{suffix}" for suffix in (".py", ".mjs") if (FOLDER / f"{name}{suffix}").exists()
    )
    line = ["node", str(path)] if path.suffix == ".mjs" else [sys.executable, "-S", str(path)]
    sources = ServerSources([str(FOLDER / "scenario.yaml")])
    bound = ENDLESS_BOUND if name == ENDLESS and not mended else BOUND
    side_effects = "$MOCKLLM_RUN_DIR/bookings" if "bookings" in path.read_text() else None
    trial = CommandTrial(line, sources, bound, "stdout", side_effects)
    policy = Policy(frozenset({3}), "recover" if name == "overloaded_not_retried" else "report")
    with patch.dict(os.environ, MENDED="1" if mended else "0"):
        return Hunter(OutcomeStore(trial, None, "", resume=False), policy, budget).hunt(name)


def findings_until(name: str) -> int | None:
    """Return the findings after which the hunt of a client ends; None for all."""
    return None if name in ALL_FINDINGS else 1
