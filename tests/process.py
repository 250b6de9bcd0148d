"""`mockllm` as a user runs it: a separate process, with its output so far."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.server_client import ServerClient
from tests.waiting import PATIENCE, until

MOCKLLM = (sys.executable, "-m", "mockllm")
LISTENING = re.compile(r"listening on (\S+)")


def environment(**more: str) -> dict[str, str]:
    """This process's own, without what would steer the server."""
    steering = ("MOCKLLM_", "CHUNK_", "STREAM_", "DEFAULT_RESPONSE", "PORT", "COVERAGE_", "OTEL_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return {**inherited, "PYTHONIOENCODING": "utf-8", **more}


def command(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [*MOCKLLM, *arguments],
        cwd=cwd, env=environment(**more), capture_output=True, encoding="utf-8", timeout=PATIENCE * 2,
    )  # fmt: skip


def without_dashboard(lines: Sequence[str]) -> list[str]:
    """Return the lines without the warning of a checkout whose dashboard is not built."""
    return [line for line in lines if not line.startswith("warning: the dashboard is not built")]


class Process(ServerClient):
    """A running `mockllm serve` (or another `verb`). `out` and `err` grow while it speaks."""

    def __init__(
        self,
        arguments: Sequence[str],
        cwd: Path,
        more: Mapping[str, str],
        python: Sequence[str] | None = None,
        verb: str = "serve",
    ) -> None:
        line = [*(python or (sys.executable, "-m", "mockllm")), verb, *arguments]
        # the default of one second is too short for a store on a busy machine
        waits = {"MOCKLLM_STORE_WAIT": f"{PATIENCE:g}s"}
        self._process = subprocess.Popen(
            line, cwd=cwd, env=environment(**{**waits, **more}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        self.out: list[str] = []
        self.err: list[str] = []
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=_read, args=(stream, lines), daemon=True)
            for stream, lines in ((self._process.stdout, self.out), (self._process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def reported(self) -> str:
        return "\n".join([*self.out, *self.err])

    def ready(self) -> Process:
        """Waits for the ready line."""
        self.line(lambda line: "listening on" in line)
        return self

    @property
    def url(self) -> str:
        """The first address of the ready line."""
        match = LISTENING.search(self.reported)
        assert match is not None
        return match[1].rstrip(",")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self._process.pid

    def line(self, holds: Callable[[str], bool], start: int = 0) -> str:
        """The first line, from the `start`th of each stream on, for which this holds; waits for it."""

        def look() -> str | None:
            ended = self._process.poll() is not None and not any(
                reader.is_alive() for reader in self._readers
            )
            match = next((line for line in self.out[start:] + self.err[start:] if holds(line)), None)
            assert match or not ended, f"it ended:\n{self.reported}"
            return match

        return until(look, otherwise=lambda: self.reported)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """The exit code, once it has ended; its workers may still have its output."""
        return self._process.wait(PATIENCE)

    def ended(self) -> int:
        """The exit code, once it has ended and all its output is read."""
        code = self.exit_code()
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def close(self) -> None:
        """Ends it, whatever it is doing."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _read(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line.rstrip("\n"))  # noqa: PERF401 - read line by line while it is written


@contextmanager
def serving(
    *arguments: str, cwd: Path, mockllm: Sequence[str] = MOCKLLM, verb: str = "serve", **more: str
) -> Iterator[Process]:
    """`mockllm serve`, ready, in this folder and with these variables; on a free port where none is named."""
    free = (
        () if {"-l", "--port"} & set(arguments) or {"PORT", "MOCKLLM_PORT"} & set(more) else ("--port", "0")
    )
    process = Process([*arguments, *free], cwd, more, mockllm, verb)
    try:
        yield process.ready()
    finally:
        process.close()
