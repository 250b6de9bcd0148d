"""Listening, the signal to end, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from mockllm.server.app import App
from mockllm.server.http_server import Address, CannotListen, Server, bind
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer
from tests.waiting import PATIENCE, until

PROGRAM = """
import resource
import sys
from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits
from mockllm.server.http_server import Address, run, serve
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from tests.server.fake_engine import FakeEngine, chunks, whole
engine = FakeEngine({"/ok": whole(), "/half": chunks(10, 0.05), "/long": chunks(10000, 0.01)})
app = App(engine, limits=ServerLimits(grace=float(sys.argv[1])))
run(serve(app, [Address("127.0.0.1", 0)], lambda where: print(where[0].port, flush=True)))
print("ended", flush=True)
"""


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    arguments = getattr(request, "param", str(2 * PATIENCE)).split()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def refuses(port: int) -> bool:
    """Whether no process listens any more."""
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it was being closed in that very moment
        return False
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
@pytest.mark.covering(count=1)
def test_signal_lets_running_response_finish(
    program: tuple[subprocess.Popen[str], int], number: signal.Signals
) -> None:
    process, port = program
    with Raw(port) as raw, Raw(port) as idle:
        idle.send(request(path="/ok")).answer()
        raw.send(request(path="/half"))
        while b"chunk 1" not in raw.rest:
            raw._more()
        process.send_signal(number)
        until(lambda: refuses(port))
        got = raw.answer()
        assert got.complete
        assert got.body.count(b"data:") == 10
        assert idle.closed_after() < PATIENCE
    out, err = process.communicate(timeout=PATIENCE)
    assert (out, err, process.returncode) == ("ended\n", "", 0)


@pytest.mark.full
@pytest.mark.parametrize("program", ["0.2"], indirect=True)
def test_unfinished_response_is_cut_after_grace_time(
    program: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = program
    with Raw(port) as raw:
        raw.send(request(path="/long"))
        raw._more()
        process.send_signal(signal.SIGTERM)
        assert not raw.answer().complete
    out, err = process.communicate(timeout=PATIENCE)
    assert (out, err, process.returncode) == ("ended\n", "", 0)


@pytest.mark.full
def test_second_signal_stops_at_once(program: tuple[subprocess.Popen[str], int]) -> None:
    process, port = program
    with Raw(port) as raw:
        raw.send(request(path="/long"))
        raw._more()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        until(lambda: refuses(port))  # the first signal has come
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - began < PATIENCE
    assert (out, err, process.returncode) == ("ended\n", "", 0)


@pytest.mark.full
@pytest.mark.parametrize("program", ["0.2 64"], indirect=True)
def test_server_accepts_more_connections_than_file_limit(
    program: tuple[subprocess.Popen[str], int],
) -> None:
    with contextlib.ExitStack() as kept:
        clients = [kept.enter_context(Raw(program[1])) for _ in range(100)]
        assert [each.send(request(path="/ok")).answer().status for each in clients] == [200] * 100


def test_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(CannotListen) as caught:
                bind(Address(host, port))
            assert (
                str(caught.value) == f"port {port} is in use; choose another with --port (0 takes a free one)"
            )
        with pytest.raises(CannotListen, match="is in use"):
            ThreadedServer(App(FakeEngine()), Address("127.0.0.1", port)).start()


def test_reason_names_option_of_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CannotListen) as caught:
        bind(Address("127.0.0.1", taken.getsockname()[1], True, "--tls-port"))
    assert "choose another with --tls-port" in str(caught.value)
    for option, expected in (("--listen", "--listen"), ("--tls-port", "--host")):
        with pytest.raises(CannotListen, match=f"another with {expected}$"):
            bind(Address("192.0.2.1", 0, option=option))  # an address for documentation


def test_failed_bind_releases_other_addresses() -> None:
    async def main() -> int:
        free = bind(Address("127.0.0.1", 0))[0]
        port: int = free.getsockname()[1]
        free.close()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            wanted = [Address("127.0.0.1", port), Address("127.0.0.1", taken.getsockname()[1])]
            with pytest.raises(CannotListen):
                await Server(App(FakeEngine()), wanted).start()
        return port

    with socket.create_server(("127.0.0.1", asyncio.run(main()))):
        pass


@pytest.mark.parametrize(
    ("address", "word"),
    [
        (Address("203.0.113.1", 0), "not an address of this machine"),
        (Address("no.such.host.invalid", 0), "not an address of this machine"),
        (Address("a" * 300, 0), "not an address of this machine"),
        (Address("127.0.0.1", 70_000), "not a port"),
    ],
    ids=["another's address", "no host", "an absurd host", "an absurd port"],
)
def test_unusable_address_has_reason(address: Address, word: str) -> None:
    with pytest.raises(CannotListen, match=word):
        bind(address)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_localhost_is_both_loopbacks_on_one_port() -> None:
    served = ThreadedServer(App(FakeEngine({"/ok": whole()})), Address("localhost", 0))
    with served as url:
        assert url == f"http://localhost:{served.port}"
        for host in ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",):
            with Raw(served.port, host) as raw:
                assert raw.send(request(path="/ok")).answer().text == "hello"


def test_localhost_without_ipv6_is_the_other_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    class NoIPv6(real):  # type: ignore[misc, valid-type]
        def __init__(self, family: int, *more: int) -> None:
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            super().__init__(family, *more)

    monkeypatch.setattr(socket, "socket", NoIPv6)
    bound = bind(Address("localhost", 0))
    assert [sock.getsockname()[0] for sock in bound] == ["127.0.0.1"]
    bound[0].close()


def test_several_addresses_are_served() -> None:
    async def main() -> None:
        server = Server(App(FakeEngine({"/ok": whole()})), [Address("127.0.0.1", 0), Address("127.0.0.1", 0)])
        await server.start()
        assert len({address.port for address in server.listening}) == 2
        for address in server.listening:
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(request(path="/ok", Connection="close"))
            assert (await reader.read()).endswith(b"hello")
            writer.close()
            await writer.wait_closed()
        await server.stop()

    asyncio.run(main())


def test_address_url_has_brackets_for_ipv6() -> None:
    assert Address("::1", 80).url == "http://[::1]:80"
    assert Address("localhost", 80).url == "http://localhost:80"


def test_many_servers_start_and_stop_without_leaving_anything() -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    for _ in range(20):
        with (
            ThreadedServer(App(FakeEngine({"/ok": whole()}), limits=ServerLimits(grace=0.1))) as url,
            Raw.to(url) as raw,
        ):
            assert raw.send(request(path="/ok")).answer().text == "hello"
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_stopping_what_was_stopped_does_nothing() -> None:
    served = ThreadedServer(App(FakeEngine()))
    served.start()
    served.stop()
    served.stop()
