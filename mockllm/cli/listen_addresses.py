"""Where a command listens, and what it serves HTTPS with: what `serve` and `record` have in common."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mockllm.cli.options import BadOption
from mockllm.server.app import App
from mockllm.server.http_server import Address


def addresses(given: argparse.Namespace, values: Mapping[str, Any]) -> list[Address]:
    """Where to listen: --listen stands in place of --host and --port, unless these are given as well."""
    tls = _asks_tls(values) and values["tls_port"] is None
    more = [Address(host, port, tls) for host, port in values["listen"] or ()]
    beside = [Address(values["host"], values["tls_port"], True)] if values["tls_port"] is not None else []
    if more and given.port is None and given.host is None:
        return more + beside
    return [Address(values["host"], values["port"], tls), *more, *beside]


def _asks_tls(values: Mapping[str, Any]) -> bool:
    return bool(values["tls_self_signed"] or values["tls_cert"])


def secured(app: App, values: Mapping[str, Any]) -> Path | None:
    """Gives the app what it serves HTTPS with; the CA that clients must trust, where it is our own. Raises
    BadOption."""
    if not _asks_tls(values):
        if values["tls_port"] is not None or values["tls_key"]:
            raise BadOption(
                "HTTPS needs a certificate: --tls-self-signed, or --tls-cert FILE (and --tls-key FILE)"
            )
        return None
    if values["tls_self_signed"] and values["tls_cert"]:
        raise BadOption("give --tls-self-signed or --tls-cert, not both")
    from mockllm.server.certificates import NoCertificate, context, folder, self_signed

    try:
        if values["tls_cert"]:
            app.tls = context(values["tls_cert"], values["tls_key"])
            return None
        kept = self_signed(
            folder(values["tls_dir"]), [values["host"], *(host for host, _ in values["listen"] or ())]
        )
        app.tls = context(kept.server)
    except NoCertificate as error:
        raise BadOption(str(error)) from None
    return kept.ca
