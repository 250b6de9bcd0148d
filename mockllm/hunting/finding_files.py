"""The files of a hunt: a scenario for each finding, and the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mockllm.core.hunting.finding import HuntReport
from mockllm.core.hunting.report_files import report_json
from mockllm.core.hunting.scenario_text import scenario_text
from mockllm.hunting.disturbed_server import FAST

REPORT: Final = "hunt.json"
"""The report in the folder of findings."""
RUNS: Final = ".hunt-runs.jsonl"
"""The stored runs of an interrupted hunt, in the same folder."""


def keep_findings(report: HuntReport, folder: Path, *, own_pace: bool) -> Mapping[str, str]:
    """Write a scenario for each finding, and the report. Return the paths by the findings' names. Raise OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for finding in report.findings:
        path = folder / f"{finding.name}.yaml"
        text = scenario_text(
            finding, report.baseline, report.command, path.as_posix(), None if own_pace else dict(FAST)
        )
        path.write_text(text, encoding="utf-8")
        files[finding.name] = path.as_posix()
    document = json.dumps(report_json(report, files), indent=2, ensure_ascii=False)
    (folder / REPORT).write_text(document + "\n", encoding="utf-8")
    return files
