"""The store that mockllm starts for its own processes."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.cli.option import BadOption
from mockllm.cli.store_setup import store_setup
from mockllm.store import connection, own_server
from mockllm.store.connection import store_address
from mockllm.store.own_server import OwnServer, _folders
from mockllm.store.reply_values import names_of
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import program, redis_server
from tests.waiting import PATIENCE, until

KILLED = """
import os, signal, sys, tempfile, threading
from mockllm.store.own_server import OwnServer
tempfile.tempdir = sys.argv[2]
threading.Thread(target=threading.Event().wait, daemon=True).start()
server = OwnServer(sys.argv[1])
server.wait()
server._process.kill()
server._process.wait()
server.started_again()
server.wait()
print(server.url, server._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A process that is killed while its server runs, which was started again."""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the test's own, with a short path."""
    with tempfile.TemporaryDirectory(prefix="own-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def started() -> OwnServer:
    server = OwnServer(program())
    server.wait()
    return server


def path_of(server: OwnServer) -> Path:
    return Path(server.url.removeprefix("unix://")).parent


def left_by_a_killed_process(place: Path) -> tuple[Path, int]:
    """Return the folder and the process id of the server of a process that was killed."""
    line = [sys.executable, "-c", KILLED, program(), str(place)]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    url, pid = ended.stdout.split()
    return Path(url.removeprefix("unix://")).parent, int(pid)


def test_each_command_is_stored_before_its_reply() -> None:
    server = started()

    async def setting(name: str) -> bytes:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        _, value = names_of(await link.call("CONFIG", "GET", name))
        link.close()
        return value

    try:
        assert asyncio.run(setting("appendonly")) == b"yes"
        assert (
            asyncio.run(setting("appendfsync")) == b"no"
        )  # `everysec` holds writes back, and not their replies
    finally:
        server.close()


def test_folder_is_private_and_removed_with_its_server(place: Path) -> None:
    server = started()
    folder = path_of(server)
    assert folder.parent == place
    assert folder.stat().st_mode & 0o777 == 0o700
    server.close()
    assert not list(place.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends the server on Linux alone")
def test_server_of_a_killed_process_ends(place: Path) -> None:
    _, pid = left_by_a_killed_process(place)
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_next_server_removes_folders_of_killed_processes(place: Path) -> None:
    left, _ = left_by_a_killed_process(place)
    assert left.exists()
    living = started()
    (begun := place / "mockllm-store-begun").mkdir()  # another process has not locked it yet
    following = started()
    try:
        assert set(place.iterdir()) == {path_of(living), path_of(following), begun}
        assert living.failure is None
    finally:
        living.close()
        following.close()


def test_next_server_removes_a_folder_that_was_never_locked(place: Path) -> None:
    """Its process was killed before it locked it."""
    (left := place / "mockllm-store-left").mkdir()
    (left / "1.lock").touch()
    os.utime(left, (0, 0))
    started().close()
    assert not left.exists()


def without_links(monkeypatch: pytest.MonkeyPatch, number: int = errno.EPERM) -> None:
    """Pretend that the file system has no hard links."""

    def link(source: object, target: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS])
def test_file_system_without_links_has_a_locked_folder(
    place: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_links(monkeypatch, number)
    living = started()
    following = started()
    try:
        assert set(place.iterdir()) == {path_of(living), path_of(following)}
        assert {path.name for path in path_of(living).iterdir()} >= {own_server.LOCK, own_server.SOCKET}
    finally:
        living.close()
        following.close()
    assert not list(place.iterdir())


def test_folder_that_cannot_be_locked_is_a_wrong_option(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(fd: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    text = "the folder of its store cannot be created: .*No locks available.*; TMPDIR names another place"
    with pytest.raises(BadOption, match=text), store_setup({"store": None}):
        pass
    assert not list(place.iterdir())


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("removed", [False, True])
def test_folder_that_another_process_removes_is_made_again(
    place: Path, monkeypatch: pytest.MonkeyPatch, *, removed: bool, links: bool
) -> None:
    """The process was halted for a long time before it locked its folder."""
    if not links:
        without_links(monkeypatch)
    make, folders = tempfile.mkdtemp, list[Path]()

    def halted(prefix: str, dir: str) -> str:
        folders.append(Path(make(prefix=prefix, dir=dir)))
        if len(folders) == 1:
            if removed:
                folders[0].rmdir()
            else:
                (folders[0] / own_server.LOCK).touch()  # which is about to remove it
        return str(folders[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", halted)
    server = started()
    try:
        assert server.failure is None
        assert [path_of(server)] == folders[1:]
    finally:
        server.close()


def test_next_server_ends_one_that_has_lost_its_process(place: Path) -> None:
    """Only Linux ends it with its process."""
    left = place / "mockllm-store-left"
    left.mkdir()
    (left / own_server.LOCK).touch()
    line = [program(), "--port", "0", "--unixsocket", str(left / own_server.SOCKET), "--logfile", "/dev/null"]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, cwd=left) as lost:
        until(lambda: listens(left / own_server.SOCKET))
        started().close()
        assert lost.wait(PATIENCE) == 0
    assert not left.exists()


def listens(path: Path) -> bool:
    """Return whether a server listens. The file of its socket is there before that."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def test_folder_of_another_user_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (left := place / "mockllm-store-left").mkdir()
    (left / own_server.LOCK).touch()
    monkeypatch.setattr(os, "geteuid", lambda: left.stat().st_uid + 1)
    started().close()
    assert left.exists()


def test_socket_below_a_long_folder_has_a_short_path(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (long := place / ("long" * 30)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    server = started()
    try:
        assert server.failure is None
        assert path_of(server).parent == Path("/tmp")
    finally:
        server.close()


def test_server_that_cannot_start_says_why(place: Path) -> None:
    server = OwnServer("/bin/false")
    server.wait()
    assert server.failure == "false ended with code 1"
    server.close()


@pytest.mark.parametrize(
    ("program", "client", "advice"),
    [
        ("/bin/redis-server", False, "pip install 'mockllm-scenarios[redis]'"),
        (None, True, "install redis-server or valkey-server"),
        (None, False, "install redis-server or valkey-server, and pip install 'mockllm-scenarios[redis]'"),
    ],
)
def test_advice_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, program: str | None, client: bool, advice: str
) -> None:
    monkeypatch.setattr(own_server, "installed_program", lambda: program)
    monkeypatch.setattr(own_server, "has_client", lambda: client)
    assert own_server.missing_store() == advice


def test_store_address_needs_both_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda name: None if name == "hiredis" else name)
    with pytest.raises(connection.BadAddress, match="needs the packages redis and hiredis: pip install"):
        connection.store_address("redis://localhost:6379")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://:secret@10.0.0.5", "redis://10.0.0.5:6379"),
        ("redis://10.0.0.5:6380/0", "redis://10.0.0.5:6380"),
        ("valkey://10.0.0.5/3", "valkey://10.0.0.5:6379/3"),
        ("unix:///run/store.sock", "unix:///run/store.sock"),
    ],
)
def test_shown_address_has_the_database(address: str, shown: str) -> None:
    assert connection.store_address(address).shown == shown


def test_store_of_a_test_is_not_left_by_a_server() -> None:
    """A server that starts its own store would end it."""
    with redis_server() as store:
        assert store.folder not in _folders()
