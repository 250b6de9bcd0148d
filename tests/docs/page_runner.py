"""Runs a tutorial as a reader does: saves its files, types its commands in order, and compares what they print.

A code block that begins with a comment with a file name is a file. In a `console` block, lines after `$ ` are
commands and the others their output, in which `...` is any text. Clock times and durations may differ.
Commands that fail are in `failed`: an output `...` does not show it.
`mockllm serve` continues until the page ends; the port of the page is replaced by that of the server.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.process import Process, environment
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:#|//) ([\w./-]+\.\w+)(?::.*)?\n")
ADDRESS = "http://localhost:8080"
VARYING = ((r"\d\d:\d\d:\d\d", r"\\d\\d:\\d\\d:\\d\\d"), (r"\d+(?:\\\.\d+)?m?s\b", r"[\\d.]+m?s"))
"""Clock times and durations, in an expected output that is escaped."""


class PageRunner:
    """One folder with the files of a page, and the server that the page started."""

    def __init__(self, page: str, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self.text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        self.folder = folder
        self.variables = dict(variables or {})
        self.server: Process | None = None
        self.commands: list[str] = []
        self.failed: list[str] = []
        self.saved: list[Path] = []

    def run(self) -> None:
        try:
            for language, text in BLOCK.findall(self.text):
                if language == "console":
                    for command, expected in steps(text):
                        self.type(command, expected)
                elif named := NAMED.match(text):
                    self.save(named[1], text)
        finally:
            if self.server is not None:
                self.server.close()

    def save(self, name: str, text: str) -> None:
        """Save a file; a running server has reloaded it before this returns."""
        path = self.folder / name
        assert path.resolve().is_relative_to(self.folder.resolve()), name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = self.reloads()
        path.write_text(self.local(text), encoding="utf-8")
        self.saved.append(path)
        if self.server is not None and name.startswith("scenarios/"):
            until(lambda: self.reloads() > before, otherwise=lambda: f"no reload of {name}")

    def reloads(self) -> int:
        return self.server.reported.count("\nreloaded: ") if self.server else 0

    def type(self, command: str, expected: str) -> None:
        self.commands.append(command)
        if command.startswith("mockllm serve"):
            self.serve(shlex.split(command)[2:], expected)
            return
        done = subprocess.run(
            ["bash", "-c", self.local(command)],
            cwd=self.folder, env=self.environment(), capture_output=True, encoding="utf-8", timeout=PATIENCE * 3,
        )  # fmt: skip
        compare(command, expected, self.shown(done.stdout + done.stderr))
        if done.returncode:
            self.failed.append(command)

    def serve(self, arguments: list[str], expected: str) -> None:
        assert self.server is None, "a page starts one server"
        if "--port" in arguments:
            del arguments[arguments.index("--port") : arguments.index("--port") + 2]
        self.server = Process([*arguments, "--port", "0"], self.folder, self.variables).ready()
        for path in self.saved:
            if ADDRESS in (text := path.read_text(encoding="utf-8")):
                path.write_text(self.local(text), encoding="utf-8")
        self.variables["MOCKLLM_URL"] = self.server.url
        compare("mockllm serve", expected.rstrip() + "\n...", self.shown("\n".join(self.server.out)))

    def environment(self) -> dict[str, str]:
        """Return the variables of a shell in which `mockllm` and `python` are those of the tests."""
        paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        return environment(PATH=paths, PYTHONPATH=str(ROOT), **self.variables)

    def local(self, text: str) -> str:
        return text.replace(ADDRESS, self.server.url) if self.server else text

    def shown(self, text: str) -> str:
        return text.replace(self.server.url, ADDRESS) if self.server else text


def steps(block: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each with its output."""
    for part in re.split(r"(?m)^\$ ", block)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def compare(command: str, expected: str, found: str) -> None:
    """Fail where an output is not what the page shows. A line `...` is any number of lines."""
    lines = ["(?:.*\n)*?" if line == "..." else form(line) + "\n" for line in expected.strip().splitlines()]
    assert re.fullmatch("".join(lines), found.strip() + "\n"), f"$ {command}\n{found}\n--- is not\n{expected}"


def form(line: str) -> str:
    """Return the regex of an expected line."""
    pattern = re.escape(line).replace(re.escape("..."), ".*")
    for varying, replacement in VARYING:
        pattern = re.sub(varying, replacement, pattern)
    return pattern
