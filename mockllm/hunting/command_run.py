"""One run of the user's command against a disturbed server."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from msgspec import Struct, field

from mockllm.core.hunting.disturbance import Schedule
from mockllm.core.hunting.outcome import FIRST_OF_SIGNALS, RunOutcome
from mockllm.hunting.disturbed_server import ServerSources, disturbed_server, exchanges_seen, verdicts_seen
from mockllm.testing.environment import RUN_DIR

STDOUT: Final = "stdout"
"""The value of `--compare` for standard output."""
MAX_OUTPUT: Final = 50_000
"""The characters of an output that a judgement reads: its end."""
KILLED_WAIT: Final = 2.0
"""Seconds that the output of a command is read after it was ended."""


class CannotRun(Exception):
    """The command cannot be started, or its files cannot be removed before; the message says why."""


def cannot_run(line: Sequence[str], error: OSError) -> str:
    """Return why a command line cannot be started."""
    hint = "; the command follows --" if "--" in line else ""
    return f"cannot run {line[0]}: {error.strerror}{hint}"


class RunningCommands:
    """The commands that run now. All of them can be ended at once, from another thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    @contextmanager
    def containing(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Contain a command within the block."""
        with self._lock:
            self._processes.add(process)
            if self._ended:
                _send_kill(process)
        try:
            yield
        finally:
            with self._lock:
                self._processes.discard(process)

    def end(self) -> None:
        """End the commands that run, and those that begin later."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                _send_kill(process)


class CommandTrial(Struct, frozen=True):
    """Runs a command. `timeout` is in seconds. `compare` is `stdout`, or a file; `side_effects` a file. Files are
    relative to the folder of the run, where their path begins with `$MOCKLLM_RUN_DIR/`."""

    line: Sequence[str]
    sources: ServerSources
    timeout: float
    compare: str | None = None
    side_effects: str | None = None
    running: RunningCommands = field(default_factory=RunningCommands)

    @property
    def parallel(self) -> bool:
        """Whether two runs do not disturb each other by a common file."""
        files = [name for name in (self.compare, self.side_effects) if name not in (None, STDOUT)]
        return all(name.startswith(f"${RUN_DIR}") for name in files)

    @property
    def inline(self) -> bool:
        return False

    def end(self) -> None:
        self.running.end()

    def run(self, schedule: Schedule) -> RunOutcome:
        """Run the command once. Raise CannotRun, or Broken for mistakes in the scenarios."""
        with tempfile.TemporaryDirectory(prefix="mockllm-hunt-") as folder:
            for option, name in (("--compare", self.compare), ("--side-effects", self.side_effects)):
                if name not in (None, STDOUT):
                    _remove(_path(name, folder), f"{option} {name}")
            with disturbed_server(self.sources, schedule) as server:
                began, since = time.monotonic(), time.time()
                environment = {**os.environ, **server.environment, RUN_DIR: folder}
                code, out, err = self._end_of(self._start(environment))
                took = time.monotonic() - began
                verdicts = verdicts_seen(server)
                seen = exchanges_seen(server, since)
                here = server.base_url.partition("//")[2].encode()
            return RunOutcome(
                code,
                took,
                _text(out),
                _text(err),
                self._compared(out.replace(here, b"HOST:PORT"), folder),
                self._repeated(folder),
                verdicts,
                seen,
                self._missing(folder),
            )

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - the user chose the command
                self.line,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # so that its children end with it
            )
        except OSError as error:
            raise CannotRun(cannot_run(self.line, error)) from None

    def _end_of(self, process: subprocess.Popen[bytes]) -> tuple[int | None, bytes, bytes]:
        """Return the exit code as a shell has it, and the output; no code for a command that was ended."""
        try:
            with self.running.containing(process):
                out, err = process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            out, err = _kill(process)
            return None, out, err
        except BaseException:
            _kill(process)
            raise
        code = process.returncode
        return (FIRST_OF_SIGNALS - code if code < 0 else code), out, err

    def _compared(self, out: bytes, folder: str) -> bytes | None:
        if self.compare is None:
            return None
        compared = out if self.compare == STDOUT else _content(_path(self.compare, folder))
        return compared.replace(folder.encode(), b"FOLDER")

    def _missing(self, folder: str) -> tuple[str, ...]:
        """Return the files to compare or to count that the command did not write."""
        names = [name for name in (self.compare, self.side_effects) if name not in (None, STDOUT)]
        return tuple(name for name in names if not _path(name, folder).is_file())

    def _repeated(self, folder: str) -> tuple[str, ...]:
        if self.side_effects is None:
            return ()
        lines = _content(_path(self.side_effects, folder)).decode("utf-8", "replace").splitlines()
        return tuple(line for line, count in Counter(lines).items() if count > 1 and line.strip())


def _kill(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """End a command and its children. Return what it had written."""
    _send_kill(process)
    try:
        return process.communicate(timeout=KILLED_WAIT)
    except subprocess.TimeoutExpired as left:  # a child in another session holds the output
        return left.output or b"", left.stderr or b""


def _send_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()


def _path(name: str, folder: str) -> Path:
    return Path(name.replace(f"${RUN_DIR}", folder, 1))


def _remove(path: Path, shown: str) -> None:
    """Remove the file of an earlier run. Raise CannotRun for what is no file."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CannotRun(f"{shown}: {'this is a folder' if path.is_dir() else error.strerror}") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _text(raw: bytes) -> str:
    return raw[-MAX_OUTPUT:].decode("utf-8", "replace")
