"""A Valkey or Redis server that mockllm starts for its own processes, on a Unix socket."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from mockllm.store.connection import EXTRA, has_client

PROGRAMS: Final = ("valkey-server", "redis-server")
DURABLE: Final = ("--appendonly", "yes", "--appendfsync", "no")
"""Each command is written to a file before its reply is sent, so that a killed server forgets none. By default
(`everysec`) a write may wait two seconds for a slow disk, and its reply does not."""
START_TIME: Final = 10.0
"""Seconds in which the server starts."""
END_TIME: Final = 1.0
"""Seconds in which the server of a dead process ends."""
LOCK_TIME: Final = 60.0
"""Seconds in which a process locks its new folder. Another one may remove an older folder that has no lock."""
PREFIX: Final = "mockllm-store-"
SOCKET: Final = "store.sock"
LOCK: Final = "owner.lock"
"""The file that the process of a folder holds locked as long as it lives."""
SHORT: Final = "/tmp"  # noqa: S108 - `mkdtemp` creates the folder in it
"""The place of the folder where the path of the socket would be too long below the usual one."""
MAX_SOCKET_PATH: Final = 103
"""The most bytes in the path of a Unix socket: 107 on Linux, 103 elsewhere."""
END_WITH_PARENT: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Lets the kernel end the program that it becomes with its parent, however that ends. A function that runs between
fork and exec could do the same, but is not safe where the parent has threads."""


class OwnServer:
    """The server, in a separate folder that is removed with it."""

    def __init__(self, program: str) -> None:
        """Raises OSError if the folder cannot be created."""
        _remove_left_folders()
        self._program = program
        self.name = Path(program).name
        self._folder, self._lock = _new_folder()
        self._socket = self._folder / SOCKET
        self.url = f"unix://{self._socket}"
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        line: Sequence[str] = [
            self._program, "--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700",
            "--dir", str(self._folder), "--save", "", "--loglevel", "warning", "--logfile", "store.log", *DURABLE,
        ]  # fmt: skip
        if sys.platform == "linux":
            line = [sys.executable, "-I", "-S", "-c", END_WITH_PARENT, str(os.getpid()), *line]
        return subprocess.Popen(  # noqa: S603 - a program of the system
            line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def wait(self) -> None:
        """Return when the server listens, or has failed to start."""
        end = time.monotonic() + START_TIME
        while not self._socket.exists() and self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)

    def started_again(self) -> bool:
        """Start the server again if it has ended, with the counts in its file. Return whether it was started."""
        if self._process.poll() is None:
            return False
        self._socket.unlink(missing_ok=True)
        self._process = self._start()
        return True

    @property
    def failure(self) -> str | None:
        """The last line of the server's log, if it has ended."""
        if self._process.poll() is None:
            return None
        lines = ""
        with suppress(OSError):
            lines = (self._folder / "store.log").read_text(errors="replace").strip()
        return lines.rpartition("\n")[2] or f"{self.name} ended with code {self._process.returncode}"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)


def missing_store() -> str:
    """Return what a user has to install so that a server starts its own store."""
    program = "install redis-server or valkey-server"
    if has_client():
        return program
    return EXTRA if installed_program() is not None else f"{program}, and {EXTRA}"


def installed_program() -> str | None:
    """Return the path of a server's program, if one is installed."""
    return next((path for path in map(shutil.which, PROGRAMS) if path is not None), None)


def _place() -> str:
    """Return where the folder is created."""
    usual = tempfile.gettempdir()
    longest = os.path.join(usual, f"{PREFIX}{'x' * 8}", SOCKET)
    return usual if len(os.fsencode(longest)) <= MAX_SOCKET_PATH else SHORT


def _new_folder() -> tuple[Path, int]:
    """Create a folder that only this user can read. Return it, and the descriptor of its lock. Raises OSError."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_place()))
        try:
            return folder, _locked(folder)
        except (FileExistsError, FileNotFoundError):  # another process removes it
            continue
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _locked(folder: Path) -> int:
    """Lock a folder that has no lock. Return the lock's descriptor. The file has its name only when it is locked:
    another process may look for the folders of dead ones. Only one process can name it. Raises OSError."""
    from fcntl import LOCK_EX, flock  # POSIX only

    unnamed = folder / f"{os.getpid()}.lock"
    fd = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        flock(fd, LOCK_EX)
        _name_lock(unnamed, folder / LOCK)
    except BaseException:
        os.close(fd)
        raise
    finally:
        unnamed.unlink(missing_ok=True)
    return fd


def _name_lock(unnamed: Path, name: Path) -> None:
    """Give a file the name of the lock, which no other one has. Raises OSError."""
    try:
        os.link(unnamed, name)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # the file system has no hard links
        if name.exists():
            raise FileExistsError(name) from None
        unnamed.rename(name)


def _remove_left_folders() -> None:
    """Remove the folders of this user's processes that were killed, and end their servers."""
    from fcntl import LOCK_EX, LOCK_NB, flock  # POSIX only

    for folder in _folders():
        with suppress(OSError):  # its process lives, or another one removes it
            try:
                fd = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            except FileNotFoundError:
                if time.time() - folder.stat().st_mtime < LOCK_TIME:
                    continue
                fd = _locked(folder)
            try:
                flock(fd, LOCK_EX | LOCK_NB)
                _end_server(str(folder / SOCKET))
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(fd)


def _folders() -> Iterator[Path]:
    """Yield the folders of stores that this user has created."""
    for place in {tempfile.gettempdir(), SHORT}:
        for folder in Path(place).glob(f"{PREFIX}*"):
            with suppress(OSError):
                if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
                    yield folder


def _end_server(path: str) -> None:
    """End the server at a socket, and wait for its end, if there is one."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(END_TIME)
        client.connect(path)
        client.sendall(b"SHUTDOWN NOSAVE\r\n")
        client.recv(1)
