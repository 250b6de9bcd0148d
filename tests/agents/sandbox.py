"""A folder in which an agent runs: its own home, a working folder, and no key or setting of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ended:
    """How an agent ended. `code` is None where it was stopped."""

    code: int | None
    out: str
    err: str


@dataclass(frozen=True)
class Sandbox:
    """Where an agent runs, and the address of its provider."""

    top: Path
    url: str

    @property
    def home(self) -> Path:
        return self.top / "home"

    @property
    def work(self) -> Path:
        return self.top / "work"

    def make(self) -> Sandbox:
        self.home.mkdir(parents=True)
        self.work.mkdir()
        return self

    def write(self, name: str, content: str | Mapping[str, Any]) -> Path:
        """Write a file of settings below the home; a mapping as JSON."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    def run(self, command: Sequence[str], variables: Mapping[str, str], patience: float) -> Ended:
        """Run a command until it ends; after `patience` seconds it and its children are killed."""
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.top),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        out, err = self.top / "out.txt", self.top / "err.txt"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command, cwd=self.work, env={**own, **variables},
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True,
            )  # fmt: skip
            try:
                code: int | None = process.wait(patience)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _kill_group(process.pid)
                process.wait()
                _kill_daemons(self.home)
        return Ended(code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))


def _kill_group(leader: int) -> None:
    """Kill what an agent has started, and itself where it still runs."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill_daemons(home: Path) -> None:
    """Kill what left the agent's process group: Cline starts a hub that stays. It has the home of the sandbox."""
    marked = f"HOME={home}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marked in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:  # it has ended, or is another user's
            continue
