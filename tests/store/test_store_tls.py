"""A store with TLS that wants to see a certificate of its client."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from mockllm.server.certificates import CertificateFiles, self_signed
from mockllm.store.connection import BadAddress, StoreAway, store_address
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import program
from tests.waiting import PATIENCE, until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files with a space")


@pytest.fixture(scope="module")
def client(folder: Path) -> CertificateFiles:
    return self_signed(folder / "client")


@pytest.fixture(scope="module")
def authorities(folder: Path) -> Path:
    return self_signed(folder / "store").ca


@pytest.fixture(scope="module")
def port(folder: Path, client: CertificateFiles) -> Iterator[int]:
    """The port of a store that trusts the CA of the client."""
    own = str(self_signed(folder / "store").server)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    line = [
        program(), "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "",
        "--tls-cert-file", own, "--tls-key-file", own, "--tls-ca-cert-file", str(client.ca),
    ]  # fmt: skip
    process = subprocess.Popen(line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or listens(port))
        if process.poll() is not None:
            pytest.skip("this build of the store has no TLS")
        yield port
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def open_files() -> int:
    """The open files and sockets of this process."""
    return len(os.listdir("/dev/fd"))


def reply(port: int, **files: object) -> object:
    """The reply to a command over a connection with these parameters."""
    query = "&".join(f"{name}={quote(str(file))}" for name, file in files.items())

    async def called() -> object:
        before = open_files()
        link = StoreLink(store_address(f"rediss://localhost:{port}/0?{query}"), lambda _: None, PATIENCE)
        try:
            await link.open()
            return await link.call("PING")
        finally:
            link.close()
            # asyncio closes the socket of a failed handshake later, and nothing reports it
            while open_files() > before:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    return asyncio.run(asyncio.wait_for(called(), PATIENCE))


def test_store_accepts_the_certificate_of_its_client(
    port: int, authorities: Path, client: CertificateFiles
) -> None:
    """That of its CA: the second one is for servers."""
    files = {"ssl_certfile": client.ca, "ssl_keyfile": client.ca.with_name("ca-key.pem")}
    assert reply(port, ssl_ca_certs=authorities, **files) == b"PONG"


def test_key_may_be_in_the_file_of_the_certificate(
    port: int, authorities: Path, client: CertificateFiles, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_text(client.ca.read_text() + client.ca.with_name("ca-key.pem").read_text())
    assert reply(port, ssl_ca_certs=authorities, ssl_certfile=both) == b"PONG"


def test_store_that_wants_a_certificate_is_away_without_one(port: int, authorities: Path) -> None:
    # with TLS 1.3 the alert follows the handshake: a reset that crosses the first command may overtake it
    with pytest.raises(StoreAway, match=r"(?i)certificate required|connection reset"):
        reply(port, ssl_ca_certs=authorities)


def test_certificate_of_an_unknown_ca_is_refused(port: int, client: CertificateFiles) -> None:
    with pytest.raises(
        StoreAway, match=r"its certificate is refused: .*; .*ca.pem \(ssl_ca_certs\) does not have its CA$"
    ):
        reply(port, ssl_ca_certs=client.ca, ssl_certfile=client.server)


def test_file_that_is_unusable_is_named(authorities: Path, client: CertificateFiles, tmp_path: Path) -> None:
    key = client.server.read_text().partition("-----BEGIN CERTIFICATE")[0].encode()
    locked, text, none = (tmp_path / name for name in ("locked.pem", "text.pem", "none.pem"))
    locked.write_bytes(
        load_pem_private_key(key, None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        )
    )
    text.write_text("no PEM")
    for files, message in (
        ({"ssl_ca_certs": none}, "cannot read .*none.pem: No such file"),
        ({"ssl_ca_certs": "a\0.pem"}, "cannot read .*: embedded null byte"),
        ({"ssl_ca_certs": text}, "expected certificates in .*text.pem"),
        ({"ssl_certfile": text}, "expected a certificate in .*text.pem and its key in .*text.pem"),
        ({"ssl_certfile": client.ca}, "expected a certificate in .*ca.pem and its key"),
        ({"ssl_certfile": client.server, "ssl_keyfile": locked}, "locked.pem is locked with a passphrase"),
    ):
        with pytest.raises(StoreAway, match=message):
            reply(1, **files)


def test_files_of_an_address_without_effect_are_refused() -> None:
    with pytest.raises(BadAddress, match=r"ssl_certfile has no effect in this address.*rediss://"):
        store_address("redis://127.0.0.1:6379?ssl_certfile=a.pem")
    with pytest.raises(BadAddress, match="ssl_keyfile is the key of a certificate: ssl_certfile names"):
        store_address("rediss://127.0.0.1:6379?ssl_keyfile=a.pem")
