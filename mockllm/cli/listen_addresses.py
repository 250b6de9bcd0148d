"""Listen addresses and TLS set-up, shared by `serve` and `record`."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path

from mockllm.cli.console import log
from mockllm.cli.option import BadOption
from mockllm.cli.option_values import OptionValues
from mockllm.server.app import App
from mockllm.server.http_server import Address


def addresses(args: argparse.Namespace, values: OptionValues) -> list[Address]:
    """Return the addresses to listen on. --listen replaces --host and --port, unless these are set too."""
    tls = _uses_tls(values) and values["tls_port"] is None
    more = [Address(host, port, tls, "--listen") for host, port in values["listen"] or ()]
    beside = []
    if values["tls_port"] is not None:
        beside = [Address(values["host"], values["tls_port"], True, "--tls-port")]
    if more and args.port is None and args.host is None:
        return more + beside
    return [Address(values["host"], values["port"], tls), *more, *beside]


def _uses_tls(values: OptionValues) -> bool:
    return bool(values["tls_self_signed"] or values["tls_cert"])


async def load_certificate_again(
    app: App, values: OptionValues, tell_workers: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Load the certificate for new connections again, or say why the present one stays. `tell_workers` lets them do
    so, too, and raises BadOption."""
    if not _uses_tls(values):
        return
    try:
        configure_tls(app, values)
        if tell_workers is not None:
            await tell_workers()
    except BadOption as reason:
        log(f"warning: the certificate stays: {reason}")
    else:
        log("loaded the certificate again")


def configure_tls(app: App, values: OptionValues) -> Path | None:
    """Set the app's TLS context. Return the CA that clients must trust, if it is self-signed. Raise BadOption for
    options that contradict each other."""
    if not _uses_tls(values):
        if values["tls_port"] is not None or values["tls_key"] or values["tls_client_ca"]:
            raise BadOption(
                "HTTPS needs a certificate: --tls-self-signed, or --tls-cert FILE (and --tls-key FILE)"
            )
        return None
    for option, file in (("--tls-cert", values["tls_cert"]), ("--tls-key", values["tls_key"])):
        if values["tls_self_signed"] and file:
            raise BadOption(f"--tls-self-signed and {option}: use only one of them")
    from mockllm.server.certificates import NoCertificate, context, folder, self_signed

    try:
        if values["tls_cert"]:
            app.tls = context(values["tls_cert"], values["tls_key"], values["tls_client_ca"])
            return None
        certificates = self_signed(
            folder(values["tls_dir"]), [values["host"], *(host for host, _ in values["listen"] or ())]
        )
        app.tls = context(certificates.server, client_ca=values["tls_client_ca"])
    except NoCertificate as error:
        raise BadOption(str(error)) from None
    return certificates.ca.absolute()
