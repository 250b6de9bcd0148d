"""The image's root file system: what is copied to it, and that its programs find their libraries."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PROGRESS = """
import sys
from mockllm.cli.progress_bar import ProgressBar
from tests.cli.terminal import Terminal
sys.modules.update(dict.fromkeys(sys.argv[1:]))  # to import them fails
out = Terminal()
with ProgressBar(out, "step") as progress:
    progress.update(1, 2)
    progress.show()
    print("above", file=sys.stderr)
print(out.frames())
"""


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("root_filesystem", ROOT / "deploy" / "root_filesystem.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILES = script()


def test_links_lead_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "python3.11").write_bytes(b"")
    (tmp_path / "python3").symlink_to("python3.11")
    (tmp_path / "python").symlink_to(tmp_path / "python3")
    names = [link.name for link in FILES.links_to(tmp_path / "python")]
    assert names == ["python", "python3", "python3.11"]


def test_copy_resolves_linked_folders(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr" / "cat").write_bytes(b"x")
    (tmp_path / "bin").symlink_to("usr")
    target = tmp_path / "image"
    FILES.copy(tmp_path / "bin" / "cat", target)
    assert (target / (tmp_path / "usr" / "cat").relative_to("/")).read_bytes() == b"x"


def test_modules_that_a_server_loads_are_listed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-c", FILES.IMPORTS]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    listed = done.stdout.splitlines()
    assert str(ROOT / "mockllm" / "server" / "app.py") in listed
    assert any(path.endswith("asyncio/events.py") for path in listed)


def test_progress_needs_nothing_that_is_left_out() -> None:
    left_out = ["pygments", "markdown_it", "mdurl"]
    assert FILES.SOURCES("site-packages", ["rich", "rich-15.0.0.dist-info", *left_out]) == set(left_out)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRESS, *left_out],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1/2 steps" in done.stdout


@pytest.mark.skipif(shutil.which("ldd") is None, reason="ldd lists the libraries of a program")
def test_libraries_of_programs_are_copied(tmp_path: Path) -> None:
    found = shutil.which("cat")
    assert found is not None
    for link in FILES.links_to(Path(found)):
        FILES.copy(link, tmp_path)
    FILES.copy_libraries(tmp_path)
    names = [path.name for path in FILES.binaries(tmp_path)]
    assert any(name.startswith("libc.") for name in names)
    assert any(name.startswith("ld-") for name in names)
