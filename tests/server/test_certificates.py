"""HTTPS: certificates that the server makes once and stores; HTTP and HTTPS side by side."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import stat
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from mockllm.cli.main import main
from mockllm.server.certificates import DAYS, NoCertificate, context, folder, self_signed
from mockllm.server.http_server import Address
from tests.process import command, serving
from tests.waiting import PATIENCE

RULES = "rules: [{reply: {chunks: [One, {wait: 10ms}, Two]}}]"


def ask(url: str, trusted: Path | None = None, own: Path | None = None) -> str:
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True})
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", body.encode(), {"content-type": "application/json"}
    )
    trust = None if trusted is None else ssl.create_default_context(cafile=str(trusted))
    if trust is not None and own is not None:
        trust.load_cert_chain(own, own.with_name("ca-key.pem"))
    with urllib.request.urlopen(request, context=trust, timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
    return text


def test_self_signed_files_are_reused(tmp_path: Path) -> None:
    first = self_signed(tmp_path)
    held = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert self_signed(tmp_path) == first
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == held
    assert sorted(held) == ["ca-key.pem", "ca.pem", "server.pem"]
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "ca-key.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "server.pem").stat().st_mode) == 0o600
    assert b"PRIVATE" not in held["ca.pem"]


def test_another_host_or_an_end_that_comes_near_makes_a_new_one(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    kept = self_signed(tmp_path, now=now)
    held, trusted = kept.server.read_bytes(), kept.ca.read_bytes()
    self_signed(tmp_path, ["mock.test", ""], now)
    second = kept.server.read_bytes()
    assert second != held
    self_signed(tmp_path, ["mock.test"], now + timedelta(DAYS - 10))
    assert kept.server.read_bytes() != second
    assert kept.ca.read_bytes() == trusted
    self_signed(tmp_path, now=now + timedelta(4000))
    assert kept.ca.read_bytes() != trusted
    kept.ca.unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "ca-key.pem").write_bytes(
        (self_signed(tmp_path / "other").ca.parent / "ca-key.pem").read_bytes()
    )
    before = kept.server.read_bytes()
    self_signed(tmp_path)
    assert kept.server.read_bytes() != before  # the CA is another one


def test_unusable_files_raise_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for broken in (lambda: self_signed(tmp_path / "file"), lambda: context(tmp_path / "none.pem")):
        with pytest.raises(NoCertificate):
            broken()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "ca-key.pem").write_text("no PEM")
    with pytest.raises(NoCertificate, match=r"bad.ca-key\.pem is no CA with its key; remove it"):
        self_signed(tmp_path / "bad")
    with pytest.raises(NoCertificate, match=r"cannot store certificates in \S+file: \w[^\[]+$"):
        self_signed(tmp_path / "file")


def test_stored_certificate_that_is_broken_is_made_again(tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    whole = files.server.read_bytes()
    files.server.write_bytes(whole[: len(whole) // 2])
    assert context(self_signed(tmp_path).server)


def test_weak_key_of_a_certificate_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each build of OpenSSL has its own bound."""

    def refuse(*_: object) -> None:
        error = ssl.SSLError(1, "[SSL: EE_KEY_TOO_SMALL] ee key too small (_ssl.c:4022)")
        error.reason = "EE_KEY_TOO_SMALL"
        raise error

    files = self_signed(tmp_path)
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", refuse)
    with pytest.raises(NoCertificate, match=r"OpenSSL refuses the certificate in \S+: ee key too small$"):
        context(files.server)


def test_half_handshake_ends_after_the_head_timeout(tmp_path: Path) -> None:
    with (
        served(tmp_path, "--tls-self-signed", "--head-timeout", "300ms") as server,
        socket.create_connection(("127.0.0.1", server.port)) as half,
    ):
        half.settimeout(PATIENCE / 2)  # asyncio's own bound is longer
        half.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert half.recv(1) == b""


def test_wrong_certificate_or_key_is_named_without_prompt(tmp_path: Path) -> None:
    kept, others = self_signed(tmp_path / "one"), self_signed(tmp_path / "two")
    key, locked = tmp_path / "key.pem", tmp_path / "locked.pem"
    key.write_text(others.server.read_text().partition("-----BEGIN CERTIFICATE")[0])
    locked.write_bytes(
        load_pem_private_key(key.read_bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        )
    )
    assert context(others.server, key)
    for certificate, private_key, message in (
        (kept.server, key, "is not that of the certificate in"),
        (others.server, locked, "is locked with a passphrase"),
        (kept.ca, None, "or use --tls-key FILE"),
        (kept.server, kept.ca, "and its key in"),
        (kept.server, tmp_path / "none.pem", r"cannot read .*none\.pem"),
    ):
        with pytest.raises(NoCertificate, match=message):
            context(certificate, private_key)


def test_folder_is_option_or_xdg_data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder(str(tmp_path)) == tmp_path
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folder() == tmp_path / "mockllm" / "tls"


def test_addresses_tell_how_they_are_served() -> None:
    assert Address("::1", 1, True).url == "https://[::1]:1"
    assert Address("localhost", 1).url == "http://localhost:1"


def served(tmp_path: Path, *options: str) -> Any:
    (tmp_path / "scenarios").mkdir(exist_ok=True)
    (tmp_path / "scenarios" / "a.yaml").write_text(RULES)
    return serving(*options, cwd=tmp_path, MOCKLLM_TLS_DIR=str(tmp_path / "tls"))


@pytest.mark.full
def test_http_and_https_side_by_side(tmp_path: Path) -> None:
    with served(tmp_path, "--tls-self-signed", "--tls-port", "0") as server:
        line = server.line(lambda line: "listening on" in line)
        plain, secure = line.rpartition("listening on ")[2].split(", ")
        stated = server.line(lambda line: "SSL_CERT_FILE" in line)
        trusted = Path(stated.rpartition("SSL_CERT_FILE=")[2])
        assert "[DONE]" in ask(plain)
        assert secure.startswith("https://localhost:")
        assert "[DONE]" in ask(secure, trusted)
        assert "[DONE]" in ask(secure.replace("localhost", "127.0.0.1"), trusted)
        with pytest.raises(OSError, match="certificate verify failed"):
            ask(secure)


@pytest.mark.parametrize(
    "line", [("serve",), ("record", "--upstream", "openai=http://127.0.0.1:1")], ids=["serve", "record"]
)
def test_ca_is_named_by_its_absolute_path(line: tuple[str, ...], tmp_path: Path) -> None:
    verb, *options = line
    secure = ("--tls-self-signed", "--tls-dir", "tls")
    with serving(*options, *secure, cwd=tmp_path, verb=verb) as server:
        stated = server.line(lambda line: "SSL_CERT_FILE" in line)
    assert stated.rpartition("SSL_CERT_FILE=")[2] == str(tmp_path / "tls" / "ca.pem")


@pytest.mark.full
def test_commands_explain_failed_https(tmp_path: Path) -> None:
    with served(tmp_path, "--tls-self-signed", "--tls-port", "0") as server:
        line = server.line(lambda line: "listening on" in line)
        plain, secure = line.rpartition("listening on ")[2].split(", ")

        def err(url: str, **more: str) -> str:
            return command("requests", "--url", url, cwd=tmp_path, **more).stderr

        assert "is not trusted (self-signed certificate in certificate chain); export SSL_CERT" in err(secure)
        assert err(secure, SSL_CERT_FILE="tls/ca.pem") == "the server has no requests in its journal\n"
        assert err(plain.replace("http:", "https:")).endswith(" does not speak HTTPS; write http://\n")
        assert err(secure.replace("https:", "http:")).endswith("; if it speaks HTTPS, write https://\n")


@pytest.mark.full
def test_client_needs_a_certificate_of_the_ca(tmp_path: Path) -> None:
    client = self_signed(tmp_path / "client")
    with served(tmp_path, "--tls-self-signed", "--tls-client-ca", str(client.ca)) as server:
        url = server.line(lambda line: "listening on" in line).rpartition("listening on ")[2].strip()
        trusted = Path(server.line(lambda line: "SSL_CERT_FILE" in line).rpartition("SSL_CERT_FILE=")[2])
        assert "[DONE]" in ask(url, trusted, client.ca)
        with pytest.raises(OSError):  # closed, or reset: which of them depends on the time
            ask(url, trusted)


def test_client_ca_must_be_readable_certificates(tmp_path: Path) -> None:
    server = self_signed(tmp_path).server
    (tmp_path / "text.pem").write_text("no PEM")
    with pytest.raises(NoCertificate, match=r"expected the certificate of a CA in .*text\.pem"):
        context(server, client_ca=tmp_path / "text.pem")
    with pytest.raises(NoCertificate, match=r"cannot read .*none\.pem: No such file"):
        context(server, client_ca=tmp_path / "none.pem")


def upload_addresses(connection: HTTPConnection) -> set[str | None]:
    """The addresses for an upload that three equal requests get."""
    headers = {"Host": "mock", "X-Goog-Upload-Command": "start", "X-Goog-Upload-Protocol": "resumable"}
    found = set()
    for _ in range(3):
        connection.request("POST", "/upload/v1beta/files", b"{}", headers)
        with connection.getresponse() as response:
            response.read()
            found.add((response.headers["x-goog-upload-url"] or "").partition("?")[0])
    connection.close()
    return found


@pytest.mark.full
def test_addresses_in_responses_have_scheme_of_connection(tmp_path: Path) -> None:
    with served(tmp_path, "--tls-self-signed", "--tls-port", "0") as server:
        line = server.line(lambda line: "listening on" in line)
        plain, secure = (urlsplit(url).port for url in line.rpartition("listening on ")[2].split(", "))
        trust = ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.pem"))
        for _ in range(2):
            over_http = upload_addresses(HTTPConnection("127.0.0.1", plain, timeout=PATIENCE))
            assert over_http == {"http://mock/upload/v1beta/files"}
            over_tls = HTTPSConnection("localhost", secure, timeout=PATIENCE, context=trust)
            assert upload_addresses(over_tls) == {"https://mock/upload/v1beta/files"}
        over_tls.request("GET", "/api/requests/1/code")
        base = f"https://localhost:{secure}/upload"
        with over_tls.getresponse() as response:
            assert base in json.loads(response.read())["python"]
        over_tls.close()


@pytest.mark.full
def test_client_that_closes_tls_logs_nothing(tmp_path: Path) -> None:
    with served(tmp_path, "--tls-self-signed") as server:
        trust = ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.pem"))
        body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": true}'
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            trust.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.settimeout(10)
            client.sendall(head + body)
            received = b""
            while b'"One"' not in received:
                received += client.recv(65536)
            with contextlib.suppress(OSError):  # the server still has something to say
                client.unwrap()
        server.line(lambda line: "/v1/chat/completions" in line)
        assert server.err == []


def test_serve_with_own_certificate_uses_it(tmp_path: Path) -> None:
    kept = self_signed(tmp_path / "mine")
    with served(tmp_path, "--tls-cert", str(kept.server)) as server:
        secure = server.line(lambda line: "listening on" in line).rpartition("listening on ")[2]
        assert "[DONE]" in ask(secure, kept.ca)
        assert "SSL_CERT_FILE" not in "".join(server.out)
        assert "has no effect" not in "".join(server.err)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tls-port", "1"], "HTTPS needs a certificate"),
        (["--tls-key", "x"], "HTTPS needs a certificate"),
        (["--tls-cert", "none.pem"], "cannot read none.pem: No such file"),
        (["--tls-self-signed", "--tls-cert", "x"], "--tls-self-signed and --tls-cert: use only one of them"),
        (["--tls-self-signed", "--tls-key", "x"], "--tls-self-signed and --tls-key: use only one of them"),
    ],
)
def test_mistakes_of_usage(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["serve", "--pack", "default", *options])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err


def test_name_outside_of_ascii_is_in_the_certificate_as_idna(tmp_path: Path) -> None:
    files = self_signed(tmp_path, ["ü.example"])
    held = files.server.read_bytes()
    certificate = x509.load_pem_x509_certificate(held)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert x509.DNSName("xn--tda.example") in names
    self_signed(tmp_path, ["ü.example"])
    assert files.server.read_bytes() == held


def test_name_that_no_certificate_can_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoCertificate, match=r"'ü\.\.example' cannot be a name in a certificate"):
        self_signed(tmp_path, ["ü..example"])
