"""Runs of pytest inside of a test, with the plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest

from tests.process import environment
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
NAME = "mockllm_server"
INSTALLED = any(each.name == NAME for each in entry_points(group="pytest11"))
PLUGINS = [
    *(() if INSTALLED else ("-p", "mockllm.testing.plugin")),
    "-p",
    "no:langsmith_plugin",
    "-p",
    "no:schemathesis",
]
"""Options of a run in a separate process, which finds our plugin where it is installed."""
ONLY_OURS = ("-p", "mockllm.testing.plugin")
"""Options of a run where `PYTEST_DISABLE_PLUGIN_AUTOLOAD` is set."""
ASK = """
import json, urllib.error, urllib.request
import pytest

def ask(url, model="gpt-4o"):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    try:
        with urllib.request.urlopen(f"{url}/chat/completions", body, 10) as answer:
            return json.load(answer)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code
"""


def run(pytester: pytest.Pytester, tests: str, *options: str, ini: str = "") -> pytest.RunResult:
    """Runs these tests in this process, with our plugin and none of the others that are installed: to load them takes
    longer than all else. Others are options, `-p NAME`."""
    pytester.makeini(f"[pytest]\nfilterwarnings = error\n{ini}")
    pytester.makepyfile(ASK + tests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return run_inside(pytester, "-p", "no:cacheprovider", *ONLY_OURS, *options)


def run_inside(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run pytest in this process. The test needs the fixture `restored_modules`."""
    return pytester.runpytest_inprocess(*options, plugins=[ImportedModules(pytester.path)])


_IMPORTED: dict[str, ModuleType] = {}
"""The modules that runs inside of the present test have imported, without the files of those runs."""


class ImportedModules:
    """A plugin that remembers the modules that a run has imported."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}{os.sep}"

    def pytest_unconfigure(self) -> None:
        for name, module in sys.modules.items():
            if not (getattr(module, "__file__", None) or "").startswith(self._folder):
                _IMPORTED.setdefault(name, module)


@pytest.fixture(autouse=True)
def restored_modules() -> Iterator[None]:
    """Keep the packages that runs inside of the test import first. It ends after `pytester`, which forgets them.
    A client does not catch the exceptions of a package that was imported twice."""
    _IMPORTED.clear()
    yield
    for name, module in _IMPORTED.items():
        sys.modules.setdefault(name, module)


def apart(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the tests of a folder in a separate process, with no plugin but those that the options name."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder, env=environment(PYTHONPATH=str(ROOT), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        capture_output=True, encoding="utf-8", timeout=PATIENCE * 8,
    )  # fmt: skip
