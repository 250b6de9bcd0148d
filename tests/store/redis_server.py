"""A Redis or Valkey server of a test's own, on a Unix socket."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mockllm.store.own_server import DURABLE
from tests.tools import absent
from tests.waiting import until


def program() -> str:
    """The server's program. Skips the running test without one, or fails it in CI."""
    for name in ("valkey-server", "redis-server"):
        if shutil.which(name) is not None:
            return name
    return absent(
        "neither valkey-server nor redis-server is installed (Debian: apt-get install redis-server)"
    )


class RedisServer:
    """A server that appends each change to a file, and can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._program = program()
        self.folder = folder
        self.socket = folder / "store.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        line = [
            self._program, "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder),
            *DURABLE, "--save", "", "--loglevel", "warning",
        ]  # fmt: skip
        self._process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.socket.unlink(missing_ok=True)

    def send(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        import redis

        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    # a short path, as that of a socket has at most 107 bytes; the next `mockllm` removes `mockllm-store-*`
    with TemporaryDirectory(prefix="mockllm-test-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
