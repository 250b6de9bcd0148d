"""Options of the whole test run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "tests.faults.bench", "tests.faults.cells", "tests.faults.expected", "tests.faults.expected_meaning"
)
"""Assertions in the files beside these tests tell what they compare, as those in tests do."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--transcripts",
        metavar="DIR",
        help="a folder of recordings of live providers to hold our answers against (tests/conformance)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """As a variable of the environment, which the modules that make cases of recordings read."""
    given = config.getoption("--transcripts")
    if given is not None:
        os.environ["MOCKLLM_TRANSCRIPTS"] = str(Path(given).absolute())
