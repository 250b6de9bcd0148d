"""Hunts of the official SDKs in virtual time, and what docs/hunting.md explains of their findings.

For a test, and for `scripts/hunts`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

from msgspec import Struct

from mockllm.core.hunting.disturbance import schedule_text
from mockllm.core.hunting.finding import Finding, HuntReport
from mockllm.hunting import Hunt, HuntBudget
from mockllm.testing import virtual_time

PAGE: Final = Path(__file__).parents[2] / "docs/hunting.md"
SCENARIO: Final = Path(__file__).parent / "clients/scenario.yaml"
MODULES: Final = {"openai": "openai_client", "anthropic": "anthropic_client", "google-genai": "google_client"}
FUNCTIONS: Final = {"sync": "converse", "async": "converse_async"}
CLIENTS: Final = [(sdk, form) for sdk in MODULES for form in FUNCTIONS]
"""The names of the SDKs, each synchronous and asynchronous."""
BOUND: Final = 600.0
"""Seconds of virtual time for a run."""
HOURS: Final = 12 * 3600.0
"""Seconds of virtual time for a hunt, which its runs end sooner."""
_ROW: Final = re.compile(r"\| (openai|anthropic|google-genai) \| `(\w+)` \| ([^|]*) \| [^|]* \| (.*) \|")
_VERSIONS: Final = re.compile(r"(openai|anthropic|google-genai) (\d+\.\d+\.\d+)")
_WHERE: Final = re.compile(r"`([\w./]+\.py)`: `([^`]+)`")


class Explanation(Struct, frozen=True):
    """A row of the page: which rule an SDK breaks by which disturbances, and the lines of its code that show why."""

    sdk: str
    rule: str
    kinds: frozenset[str]
    lines: tuple[tuple[str, str], ...]
    """Paths below the folder of packages, each with a text of that file."""


def explanations() -> Iterator[Explanation]:
    """Yield the rows of the page."""
    for sdk, rule, kinds, where in _ROW.findall(PAGE.read_text(encoding="utf-8")):
        yield Explanation(sdk, rule, frozenset(re.findall(r"`(\w+)`", kinds)), tuple(_WHERE.findall(where)))


def explained_versions() -> dict[str, str]:
    """Return the versions of the SDKs that the page is about."""
    section = PAGE.read_text(encoding="utf-8").partition("## Official SDKs")[2]
    return dict(_VERSIONS.findall(section))


def hunted(sdk: str, form: str, budget: HuntBudget) -> HuntReport:
    """Hunt the client of an SDK."""
    client = import_module(f"tests.hunt.sdks.{MODULES[sdk]}")
    function = getattr(client, FUNCTIONS[form])
    logging.getLogger("google_genai").setLevel(logging.ERROR)
    hunt = Hunt(function, scenarios=[str(SCENARIO)], reported=client.ERRORS, timeout=BOUND, budget=budget)
    with virtual_time():
        return hunt.hunt()


def unexplained(sdk: str, report: HuntReport) -> list[str]:
    """Return the findings, flaky ones too, that the page does not explain."""
    rows = [row for row in explanations() if row.sdk == sdk]

    def known(finding: Finding) -> bool:
        kinds = {*finding.also, *(each.kind for each in finding.schedule)}
        return any(row.rule == finding.problem.rule and kinds <= row.kinds for row in rows)

    return [
        f"{finding.problem.rule} by {schedule_text(finding.schedule)} ({finding.rate}), "
        f"also {finding.also}: {finding.problem.message}"
        for finding in (*report.findings, *report.flaky)
        if not known(finding)
    ]
