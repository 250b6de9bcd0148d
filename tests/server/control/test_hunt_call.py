"""The report of the last hunt, as the control API shows it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mockllm.server.control.api_types import ApiCall
from mockllm.server.control.context import ControlContext
from mockllm.server.control.handlers.hunts import show_hunt
from mockllm.server.control.problem import Problem

REPORT = (
    '{"command": "c", "runs": 1, "replays": 0, "seconds": 1.5, "seed": 0, "ended": "1 run", "findings": [], '
    '"flaky": [], "tried": {"crlf": {"results": {"held": 1}, "reason": ""}}, "baseline": []}'
)


def shown(folder: Path | None) -> Any:
    context = cast(ControlContext, SimpleNamespace(folder=None if folder is None else str(folder)))
    return asyncio.run(show_hunt(context, cast(ApiCall, None)))


def test_server_without_hunt_has_no_report(tmp_path: Path) -> None:
    assert shown(tmp_path / "scenarios").report is None
    assert shown(None).report is None


@pytest.mark.parametrize("place", ["scenarios", "hunt"])
def test_report_is_in_the_folder_or_beside_it(place: str, tmp_path: Path) -> None:
    (tmp_path / place).mkdir()
    (tmp_path / place / "hunt.json").write_text(REPORT)
    assert shown(tmp_path / "scenarios").report.tried["crlf"].results == {"held": 1}


def test_file_that_is_no_report_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "hunt.json").write_text("[]")
    with pytest.raises(Problem, match="no report of `mockllm hunt`"):
        shown(tmp_path)
