"""Frameworks that want older SDKs than ours, each in a process of the environment .venv/older.

The checks are in tests/sdk/older, a file for each; this file starts the servers and reports the outcome.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.sdk.frameworks.serving import scripted, shipped
from tests.tools import absent

FOLDER = Path(__file__).parent / "older"
PYTHON = Path(__file__).parents[2] / ".venv" / "older" / "bin" / "python"
RUN = "import gc, pytest, sys; gc.disable(); sys.exit(pytest.main())"
"""Without the collector of garbage, which would walk all that a framework imports, again and again."""
CHECKS = sorted(FOLDER.glob("checks_*.py"))
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches a list of prices
    "LANGSMITH_TRACING": "false",
}


@pytest.fixture(scope="module")
def surroundings() -> Iterator[dict[str, str]]:
    """The environment variables of a run."""
    inherited = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")
    }
    with ExitStack() as stack:
        urls = {
            "SCRIPTED_URL": stack.enter_context(scripted()).url,
            "DEFAULT_URL": stack.enter_context(shipped()).url,
            "DRILLS_URL": stack.enter_context(shipped("gateway-drill")).url,
        }
        yield inherited | QUIET | urls


def test_folder_has_file_for_each_framework() -> None:
    names = [path.stem.removeprefix("checks_") for path in CHECKS]
    assert names == ["gateway", "instructor", "langchain_google_genai", "litellm", "llama_index"]


@pytest.mark.timeout(300)  # a process that imports all of a framework, where others run beside it
@pytest.mark.parametrize("checks", CHECKS, ids=lambda path: path.stem)
def test_framework_with_older_sdks_passes_its_checks(checks: Path, surroundings: dict[str, str]) -> None:
    if not PYTHON.exists():
        absent("scripts/setup all has not made .venv/older")
    line: list[str | Path] = [PYTHON, "-c", RUN, "-q", "-c", FOLDER / "pytest.ini", checks]
    done = subprocess.run(line, env=surroundings, capture_output=True, encoding="utf-8", timeout=280)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
