"""Certificates for HTTPS: those of the user, or a generated CA and certificate, which are stored and reused.

`cryptography` generates them, and is imported only then. Python's standard library cannot, the `openssl` program is
not on every machine, and a private X.509 implementation would not be trustworthy.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from mockllm.recordings.atomic_files import write_file

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

NAMES: Final = ("localhost", "127.0.0.1", "::1", "host.docker.internal")
"""Names that clients use for a server on this machine."""
CA_DAYS: Final = 3650
DAYS: Final = 397
"""Validity of a certificate in days: clients accept no more."""
RENEWAL_DAYS: Final = 30
"""Days before its end when a certificate is renewed."""

WEAK: Final = ("TOO_SMALL", "TOO_WEAK")
"""The ends of OpenSSL's reasons for a key or a signature that is too easy to break."""


class NoCertificate(Exception):
    """The reason why HTTPS is impossible, as one line for the user."""


class CertificateFiles(NamedTuple):
    """Paths of the CA certificate that clients trust, and of the server's key with its certificates."""

    ca: Path
    server: Path


def folder(named: str | None = None) -> Path:
    """Return the folder of certificates: the named one, or the user's data folder."""
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share", "mockllm", "tls")


def context(
    certificate: str | Path, key: str | Path | None = None, client_ca: str | Path | None = None
) -> ssl.SSLContext:
    """Return an SSL context with a certificate. With `client_ca`, clients need a certificate of that CA.

    Raises NoCertificate.
    """
    result = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    result.set_alpn_protocols(["h2", "http/1.1"])
    key_file = key or certificate
    for file in (certificate, key_file):
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise NoCertificate(f"cannot read {file}: {error.strerror}") from None

    def locked() -> str:
        """Prevent OpenSSL's prompt on the terminal."""
        raise NoCertificate(
            f"the key in {key_file} is locked with a passphrase; use a key without a passphrase"
        )

    try:
        result.load_cert_chain(certificate, key, locked)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise NoCertificate(
                f"the key in {key_file} is not that of the certificate in {certificate}"
            ) from None
        if error.reason and error.reason.endswith(WEAK):
            reason = error.reason.lower().replace("_", " ")
            raise NoCertificate(f"OpenSSL refuses the certificate in {certificate}: {reason}") from None
        key_text = "and its key (or use --tls-key FILE)" if key is None else f"and its key in {key}"
        raise NoCertificate(f"expected a certificate in {certificate} {key_text}, as PEM") from None
    if client_ca is not None:
        _require_client_certificates(result, client_ca)
    return result


def _require_client_certificates(result: ssl.SSLContext, authority: str | Path) -> None:
    try:
        result.load_verify_locations(authority)
    except ssl.SSLError:
        raise NoCertificate(f"expected the certificate of a CA in {authority}, as PEM") from None
    except OSError as error:
        raise NoCertificate(f"cannot read {authority}: {error.strerror}") from None
    result.verify_mode = ssl.CERT_REQUIRED


def self_signed(where: Path, hosts: Sequence[str] = (), now: datetime | None = None) -> CertificateFiles:
    """Return a CA and a certificate for this machine's names and these hosts.

    Stored ones are reused while they are valid and contain all names. Raises NoCertificate.
    """
    now = now or datetime.now(UTC)
    names = [*dict.fromkeys((*NAMES, socket.gethostname(), *(host for host in hosts if host)))]
    files = CertificateFiles(where / "ca.pem", where / "server.pem")
    try:
        authority = _authority(where, now)
        if not _is_valid(files.server, authority[1], names, now):
            write_file(files.server, _server(names, *authority, now), private=True)
        if not files.ca.is_file() or files.ca.read_bytes() != _pem(authority[1]):
            write_file(files.ca, _pem(authority[1]).decode())
    except OSError as error:
        raise NoCertificate(f"cannot store certificates in {where}: {error.strerror or error}") from None
    return files


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization as forms

    return key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()).decode()


def _authority(where: Path, now: datetime) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
    """Return the stored CA, or create one."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = where / "ca-key.pem"
    if path.is_file():
        raw = path.read_bytes()
        try:
            certificate, key = x509.load_pem_x509_certificate(raw), load_pem_private_key(raw, None)
        except (ValueError, TypeError):
            another = "remove it, and another one is made, which clients have to trust"
            raise NoCertificate(f"{path} is no CA with its key; {another}") from None
        lasts = certificate.not_valid_after_utc > now + timedelta(DAYS)
        if lasts and isinstance(key, ec.EllipticCurvePrivateKey):
            return key, certificate
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"mockllm test CA of {socket.gethostname()}"[:64]
    certificate = (
        _builder(name, None, key, now)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    write_file(path, _key_pem(key) + _pem(certificate).decode(), private=True)
    return key, certificate


def _server(
    names: Sequence[str], key: EllipticCurvePrivateKey, authority: x509.Certificate, now: datetime
) -> str:
    """Return a key, its certificate for these names, and the CA's certificate, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID

    server_key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    certificate = (
        _builder("mockllm", authority.subject, server_key, now)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(key, SHA256())
    )
    return _key_pem(server_key) + _pem(certificate).decode() + _pem(authority).decode()


def _is_valid(path: Path, authority: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    if not path.is_file():
        return False
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        certificate.verify_directly_issued_by(authority)
    except (
        InvalidSignature,
        ValueError,
        TypeError,
    ):  # broken, of another issuer or of another key of its name
        return False
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    fresh = certificate.not_valid_after_utc > now + timedelta(RENEWAL_DAYS)
    return fresh and set(map(_general, names)) <= set(alternatives)


def _general(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host if host.isascii() else host.encode("idna").decode())
    except ValueError as error:
        raise NoCertificate(f"{host!r} cannot be a name in a certificate: {error}") from None


def _builder(
    name: str, issuer: x509.Name | None, key: EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    """Begin a certificate; without an issuer that of a CA."""
    from cryptography import x509

    authority = issuer is None
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    constraints = x509.BasicConstraints(ca=authority, path_length=0 if authority else None)
    return (
        x509.CertificateBuilder(issuer or subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CA_DAYS if authority else DAYS))
        .add_extension(constraints, critical=True)
        .add_extension(usage, critical=True)
    )
