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
    """The process ids of the children, the oldest first. A thread may end while its children are read."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for thread in threads for child in text_of(thread).split())


def command_of(pid: int) -> str:
    return text_of(Path(f"/proc/{pid}/cmdline"))


def text_of(file: Path) -> str:
    """The text of a file in /proc; none once its process or thread has ended."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
