"""The TLS of the connection to a store: whom it trusts, and the certificate that it shows."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from msgspec import Struct

FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Parameters in the query of an address, which `redis` has, too."""


class BadStoreFile(Exception):
    """Why a file of the connection's TLS cannot be used, as one line."""


class StoreTls(Struct, frozen=True):
    """Names of files in the form PEM. Without `authorities`, those of the system or of the variable SSL_CERT_FILE are
    trusted. The key is in a separate file, or in that of the certificate."""

    authorities: str | None = None
    certificate: str | None = None
    key: str | None = None

    def context(self) -> ssl.SSLContext:
        """Read the files. Raises BadStoreFile."""
        for file in (self.authorities, self.certificate, self.key):
            if file is not None:
                _require_readable(file)
        try:
            context = ssl.create_default_context(cafile=self.authorities)
        except ssl.SSLError:
            raise BadStoreFile(f"expected certificates in {self.authorities}, as PEM") from None
        if self.certificate is not None:
            self._show_certificate(context, self.certificate)
        return context

    def _show_certificate(self, context: ssl.SSLContext, certificate: str) -> None:
        place = self.key or certificate

        def locked() -> str:
            """Prevent OpenSSL's prompt on the terminal."""
            raise BadStoreFile(
                f"the key in {place} is locked with a passphrase; use one without a passphrase"
            )

        try:
            context.load_cert_chain(certificate, self.key, locked)
        except ssl.SSLError:
            raise BadStoreFile(
                f"expected a certificate in {certificate} and its key in {place}, as PEM"
            ) from None


def _require_readable(file: str) -> None:
    try:
        Path(file).read_bytes()
    except OSError as error:
        raise BadStoreFile(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:  # no file has such a name
        raise BadStoreFile(f"cannot read {file!r}: {error}") from None
