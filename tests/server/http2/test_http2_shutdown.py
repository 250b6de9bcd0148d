"""HTTP/2 while a server stops, over TLS, and beside HTTP/1.1."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path

import httpx2
import pytest

from mockllm.core.rendering.plan import CutStep, WaitStep
from mockllm.server import certificates
from mockllm.server.app import App
from mockllm.server.http_server import Address
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, say, streamed, whole
from tests.server.http2.h2_client import H2Client
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer

PLANS = {
    "/ok": whole(),
    "/slow": streamed(say("one"), WaitStep(0.3, 1), say("two")),
    "/silence": streamed(say("one"), CutStep("silence", 1)),
}


def stopping(server: ThreadedServer) -> threading.Thread:
    thread = threading.Thread(target=server.stop)
    thread.start()
    return thread


def test_streams_end_while_the_server_stops() -> None:
    server = ThreadedServer(App(FakeEngine(PLANS), limits=ServerLimits(grace=30)))
    server.start()
    with H2Client(server.port) as client:
        id = client.ask("/slow")
        client.until(lambda: bool(client.responses[id].body))
        thread = stopping(server)
        client.until(lambda: client.goaway is not None)
        assert client.response(id).text == "data: one\n\ndata: two\n\n"
        client.to_the_end()
        thread.join()
        assert client.goaway == 0


def test_stream_that_lasts_is_cut_after_the_grace_time() -> None:
    server = ThreadedServer(App(FakeEngine(PLANS), limits=ServerLimits(grace=0.1, linger=0.1)))
    server.start()
    with H2Client(server.port) as client:
        id = client.ask("/silence")
        client.until(lambda: bool(client.responses[id].body))
        thread = stopping(server)
        client.to_the_end()
        thread.join()
    assert [entry.end_reason for entry in list(server.app.journal)] == ["stopped"]


def test_idle_connection_ends_with_the_server() -> None:
    server = ThreadedServer(App(FakeEngine(PLANS), limits=ServerLimits(grace=0.1)))
    server.start()
    with H2Client(server.port) as client:
        client.response(client.ask("/ok"))
        thread = stopping(server)
        client.to_the_end()
        thread.join()
        assert client.goaway == 0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> certificates.CertificateFiles:
    return certificates.self_signed(tmp_path_factory.mktemp("tls"))


def secure(files: certificates.CertificateFiles) -> ThreadedServer:
    app = App(FakeEngine(PLANS), limits=ServerLimits(grace=0.2))
    app.tls = certificates.context(files.server)
    return ThreadedServer(app, Address("127.0.0.1", 0, tls=True))


@pytest.mark.parametrize(("offers", "version"), [(True, "HTTP/2"), (False, "HTTP/1.1")])
def test_alpn_selects_the_version(files: certificates.CertificateFiles, offers: bool, version: str) -> None:
    trusted = ssl.create_default_context(cafile=str(files.ca))
    with secure(files) as url, httpx2.Client(http2=offers, verify=trusted, trust_env=False) as client:
        for path in ("/ok", "/slow"):
            got = client.get(url + path)
            assert (got.status_code, got.http_version) == (200, version)


def test_streams_of_httpx2_share_a_connection(files: certificates.CertificateFiles) -> None:
    trusted = ssl.create_default_context(cafile=str(files.ca))

    async def texts(url: str) -> set[str]:
        async with httpx2.AsyncClient(http2=True, verify=trusted, trust_env=False) as client:
            await client.get(url + "/ok")
            found = await asyncio.gather(*[client.get(url + "/slow") for _ in range(50)])
            return {got.text for got in found}

    server = secure(files)
    with server as url:
        assert asyncio.run(texts(url)) == {"data: one\n\ndata: two\n\n"}


def test_connections_are_counted_for_both_versions() -> None:
    server = ThreadedServer(App(FakeEngine(PLANS), limits=ServerLimits(grace=0.2, connections=2)))
    with server as _, H2Client(server.port) as client, Raw(server.port) as raw:
        ids = [client.ask("/ok") for _ in range(10)]
        assert {client.response(id).status for id in ids} == {200}
        assert raw.send(request(path="/ok")).answer().status == 200
        with Raw(server.port) as third:
            assert third.answer().status == 503


def test_library_is_imported_for_the_first_client(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = "import sys, mockllm.server.http_server, mockllm.cli.main; print('h2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
