"""Ports with HTTPS: clients that do not begin TLS, and certificates that change while the server runs."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.server.certificates import CertificateFiles, self_signed
from tests.process import Process, serving
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="asyncio's own server has these ports there")

HALF = b"\x16\x03\x01\x02\x00\x01"
"""The beginning of a handshake."""


@contextlib.contextmanager
def served(tmp_path: Path, *options: str) -> Iterator[Process]:
    (tmp_path / "scenarios").mkdir(exist_ok=True)
    (tmp_path / "scenarios" / "a.yaml").write_text("rules: [{reply: Hello.}]")
    with serving(*options, cwd=tmp_path, MOCKLLM_TLS_DIR=str(tmp_path / "tls"), PATH="") as server:
        yield server


def opened(server: Process) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def certificate(server: Process, trusted: Path) -> bytes | None:
    """The certificate that a client gets whose handshake succeeds; None if it fails."""
    trust = ssl.create_default_context(cafile=str(trusted))
    try:
        with opened(server) as plain, trust.wrap_socket(plain, server_hostname="localhost") as client:
            return client.getpeercert(binary_form=True)
    except OSError:
        return None


@pytest.mark.parametrize("begin", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"P", b"PRI * HTTP/2.0\r\n\r\n"])
def test_plain_http_at_a_port_with_https_is_a_400(tmp_path: Path, begin: bytes) -> None:
    options = ("--tls-self-signed", "--linger-timeout", "600s")
    with served(tmp_path, *options) as server, opened(server) as client:
        client.sendall(begin + b"x" * 100_000)
        received = b""
        while part := client.recv(65536):
            received += part
        assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"The plain HTTP request was sent to a port with HTTPS: write https://" in received


def test_client_that_sends_no_byte_ends_after_the_head_timeout(tmp_path: Path) -> None:
    with served(tmp_path, "--tls-self-signed", "--head-timeout", "300ms") as server, opened(server) as client:
        assert client.recv(1) == b""


def test_half_handshakes_of_an_address_are_bounded(tmp_path: Path) -> None:
    options = ("--tls-self-signed", "--max-connections-per-address", "2", "--head-timeout", "600s")
    with served(tmp_path, *options) as server, contextlib.ExitStack() as stack:
        silent, half = (stack.enter_context(opened(server)) for _ in range(2))
        half.sendall(HALF)
        with opened(server) as third, contextlib.suppress(ConnectionError):
            assert third.recv(1) == b""
        line = server.line(lambda line: "--max-connections-per-address" in line)
        assert "refused 1 connection, the last from 127.0.0.1: more than 2" in line
        silent.close()
        half.close()
        until(lambda: certificate(server, tmp_path / "tls" / "ca.pem"))


@pytest.mark.parametrize(
    "options",
    [(), ("--no-reload",), pytest.param(("--workers", "2"), marks=pytest.mark.full)],
    ids=lambda options: " ".join(options) or "one process",
)
def test_sighup_loads_the_certificate_again(tmp_path: Path, options: tuple[str, ...]) -> None:
    first, second = self_signed(tmp_path / "first"), self_signed(tmp_path / "second")
    used = tmp_path / "used.pem"
    used.write_bytes(first.server.read_bytes())
    with served(tmp_path, "--tls-cert", str(used), *options) as server:

        def accepted(files: CertificateFiles) -> list[bool]:
            """Whether clients that trust these files get a connection: one of each worker may."""
            return [certificate(server, files.ca) is not None for _ in range(8)]

        with trusting(first).wrap_socket(opened(server), server_hostname="localhost") as before:
            used.write_bytes(second.server.read_bytes())
            server.send(signal.SIGHUP)
            server.line(lambda line: line == "loaded the certificate again")
            assert (accepted(first), accepted(second)) == ([False] * 8, [True] * 8)
            used.write_text("broken")
            server.send(signal.SIGHUP)
            server.line(
                lambda line: line.startswith("warning: the certificate stays: expected a certificate")
            )
            assert accepted(second) == [True] * 8
            before.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert before.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert not [line for line in server.err if "Traceback" in line]


def trusting(files: CertificateFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files.ca))
