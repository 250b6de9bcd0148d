"""The worker processes of a running server."""

from __future__ import annotations

from pathlib import Path

from tests.process import Process


def workers_of(server: Process) -> list[int]:
    """The process ids of the workers, the oldest first."""
    return [pid for pid in children_of(server.pid) if is_worker(pid)]


def is_worker(pid: int) -> bool:
    """Forked workers have the command of their supervisor."""
    command = command_of(pid)
    return "worker_process" in command or "mockllm\0serve" in command


def children_of(pid: int) -> list[int]:
    text = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return sorted(map(int, text.split()))


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except FileNotFoundError:
        return ""
