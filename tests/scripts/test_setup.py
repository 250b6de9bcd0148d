"""What `scripts/setup` installs with apt-get. A program in its place stores its arguments."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "scripts" / "setup"
BASH = "/bin/bash"

pytestmark = pytest.mark.skipif(not Path(BASH).exists(), reason="scripts/setup is for bash")


def installed(folder: Path, call: str, user: int = 0) -> list[str]:
    """The command lines of apt-get after a call of a function of `scripts/setup`, on a machine with no program but
    those of the folder."""
    log = folder / "apt-get.log"
    programs = {"apt-get": f'echo "$*" >> {log}', "id": f"echo {user}", "present": ""}
    for name, text in programs.items():
        (folder / name).write_text(f"#!{BASH}\n{text}\n")
        (folder / name).chmod(0o755)
    functions = SETUP.read_text(encoding="utf-8").partition("\ncase $want in")[0]
    script = functions.replace('cd "$(dirname "$0")/.."\n', "") + "\n" + call
    subprocess.run([BASH, "-c", script], check=True, env={"PATH": str(folder)}, capture_output=True)
    return log.read_text().splitlines() if log.exists() else []


def test_debian_installs_only_absent_programs(tmp_path: Path) -> None:
    lines = installed(tmp_path, "debian present=there chromium=chromium nginx=nginx-light")
    assert lines == ["-qq update", "-qq install -y --no-install-recommends chromium nginx-light"]


@pytest.mark.parametrize("name", ["debian", "javascript", "dashboard"])
def test_debian_function_of_setup_is_no_program(tmp_path: Path, name: str) -> None:
    assert installed(tmp_path, f"debian {name}=package")[-1].endswith(" package")


def test_debian_all_programs_present_installs_nothing(tmp_path: Path) -> None:
    assert installed(tmp_path, "debian present=there") == []


def test_debian_without_root_installs_nothing(tmp_path: Path) -> None:
    assert installed(tmp_path, "debian chromium=chromium", user=1000) == []
