"""Options of the whole test run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


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
