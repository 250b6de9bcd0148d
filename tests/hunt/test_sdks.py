"""The official SDKs: a hunt reports nothing of them that docs/hunting.md does not explain by a line of their code."""

from __future__ import annotations

import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest

from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.hunting import HuntBudget
from tests.hunt.sdk_hunts import (
    CLIENTS,
    HOURS,
    MODULES,
    Explanation,
    explained_versions,
    explanations,
    hunted,
    unexplained,
)

PACKAGES = Path(sysconfig.get_path("purelib"))
EXPLANATIONS = list(explanations())
RUNS = 40
"""Each variation, and each fault on the first request. `scripts/hunts sdks` makes 500 runs of each client."""


@pytest.mark.parametrize("row", EXPLANATIONS, ids=lambda row: f"{row.sdk} {row.rule} {min(row.kinds)}")
def test_explanation_names_rows_and_lines_of_the_sdk(row: Explanation) -> None:
    assert row.kinds <= set(DISTURBANCES)
    assert row.lines
    if version(row.sdk) != explained_versions()[row.sdk]:
        pytest.skip(f"the page explains another version of {row.sdk}")
    for path, text in row.lines:
        assert text in (PACKAGES / path).read_text(encoding="utf-8"), path


def test_page_names_the_version_of_each_sdk() -> None:
    assert set(explained_versions()) == set(MODULES)
    assert {row.sdk for row in EXPLANATIONS} <= set(MODULES)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")  # an SDK that is cut off leaves connections open
@pytest.mark.parametrize(("sdk", "form"), CLIENTS)
def test_hunt_of_sdk_reports_only_what_is_explained(sdk: str, form: str) -> None:
    report = hunted(sdk, form, HuntBudget(runs=RUNS, seconds=HOURS, replays=3))
    assert unexplained(sdk, report) == []
    assert report.runs == RUNS
