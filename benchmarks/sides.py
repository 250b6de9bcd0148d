"""Servers to measure, each a process on the first core; the load runs on the second.

A server is described by its command. It prints its address, and its CPU time and memory are read from /proc.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
TICK = 1 / os.sysconf("SC_CLK_TCK")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Without stored bytecode a start would mostly compile modules."""
START_TIMEOUT = 60.0
"""Seconds."""
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Side:
    """One server, not yet running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    spread: bool = False
    """Whether its processes run on all cores; else on the first."""
    program: str = sys.executable
    port: int = 0
    """Where it listens; 0 for a server that prints its address."""


def ours(*arguments: str, name: str = "mockllm", **environment: str) -> Side:
    """Ours as it is served: journal on, hot reload on, no line for each request."""
    command = ["-m", "mockllm", "serve", "--quiet", "--host", "127.0.0.1", "--port", "0", *arguments]
    return Side(name, command, environment)


def bare(kind: str, body: bytes) -> Side:
    """A bare aiohttp handler that sends these bytes (see `benchmarks.bare`)."""
    return Side(f"bare aiohttp ({kind})", ["-m", "benchmarks.bare", kind], stdin=body)


def bare_on_all_cores(body: bytes, processes: int) -> Side:
    """Several processes with that handler on one port."""
    command = ["-m", "benchmarks.bare", "whole", str(processes)]
    return Side(f"bare aiohttp, {processes} processes", command, stdin=body, spread=True)


@dataclass
class Running:
    """A server that listens."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def cpu(self) -> float:
        """Seconds of CPU time so far, of the process and of all that it started."""
        return sum(cpu_of(pid) for pid in tree(self.process.pid))

    def cpu_of_others(self, name: str) -> float:
        """The same of the processes below it whose command has this name."""
        return sum(cpu_of(pid) for pid in tree(self.process.pid) if name in command_of(pid))

    @property
    def memory(self) -> float:
        """Resident megabytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def running(side: Side) -> Iterator[Running]:
    """The side's server, from its first word to its end."""
    process = subprocess.Popen(
        [side.program, *side.command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if side.port else subprocess.PIPE,  # the lines of a peer are not read
        stderr=subprocess.DEVNULL if side.port else None,
        cwd=ROOT,
        env={**ENVIRONMENT, **side.environment},
        preexec_fn=None if side.spread else lambda: put(SERVER_CORE),
    )
    try:
        assert process.stdin is not None
        process.stdin.write(side.stdin)
        process.stdin.close()
        yield Running(process, _listening(process, side.port) if side.port else _port(process))
    finally:
        process.terminate()
        process.wait()


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        text = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except FileNotFoundError:
        return []
    return [pid, *(below for child in map(int, text.split()) for below in tree(child))]


def cpu_of(pid: int) -> float:
    """Seconds of CPU time of a process so far; 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
    except FileNotFoundError:
        return ""


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        found = ADDRESS.search(line.decode())
        if found:
            return int(found[1])
    raise SystemExit("the server did not start")


def _listening(process: subprocess.Popen[bytes], port: int) -> int:
    """Wait until a server accepts connections at its port, and return the port."""
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return port
        time.sleep(0.05)
    raise SystemExit(f"{process.args!r} did not start")


def put(core: int) -> None:
    """Puts this process on a core."""
    os.sched_setaffinity(0, {core})


@contextlib.contextmanager
def placed(core: int) -> Iterator[None]:
    """This process on a core, for a while."""
    cores = os.sched_getaffinity(0)
    put(core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def let_calm_down() -> None:
    """Let the machine calm down after a start."""
    time.sleep(0.3)
