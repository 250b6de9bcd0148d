"""What `serve` prints when it listens: addresses, base URLs, warnings about the rules and the dashboard."""

from __future__ import annotations

import shlex
import socket
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from mockllm import __version__
from mockllm.cli.console import log, print_line
from mockllm.cli.control_setup import AdminToken
from mockllm.cli.sources import DEFAULT_PACK, FOLDER, misnamed_files
from mockllm.cli.units import byte_text
from mockllm.core.request.server_address import SESSION_PREFIX
from mockllm.engine import EngineInfo
from mockllm.server.app import App
from mockllm.server.builtin_pages import FINDINGS, amount
from mockllm.server.http_server import Address


def no_rules_warning(about: EngineInfo) -> Iterator[str]:
    """Yield a warning if no rule is loaded."""
    if not about.rules:
        yield "no rule is loaded, so every request gets a 404; scenario files end in .yaml or .yml"


def dashboard_warning() -> Iterator[str]:
    """Yield a warning if the dashboard was not built, with the message of the build."""
    home = Path(__file__).parent.parent / "dashboard"
    if not (home / "index.html").exists():
        reason = home / "unbuilt.txt"
        detail = f": {reason.read_text(encoding='utf-8').strip()}" if reason.exists() else ""
        yield f"the dashboard is not built{detail}"


def print_ready(
    where: Sequence[Address],
    app: App,
    default_pack: bool = False,
    trusted: Path | None = None,
    token: AdminToken = AdminToken(),  # noqa: B008 - immutable
) -> None:
    """Print the addresses, the loaded rules and the base URL of each SDK. The admin token is printed only when it was
    just generated, because these lines end up in logs."""
    about = app.engine.info()
    print_line(
        f"mockllm {__version__}: {amount(about)}, listening on {', '.join(each.url for each in where)}"
    )
    first = where[0]
    base = first._replace(host="localhost").url if first.everywhere else first.url
    for name, path in about.bases:
        print_line(f"  {name + ':':<11} base_url = {base}{path}")
    if about.findings:
        print_line(f"  {FINDINGS} (base_url = {base}{SESSION_PREFIX}NAME/v1):")
        for line in textwrap.wrap(", ".join(about.findings), 100, break_on_hyphens=False):
            print_line(f"    {line}")
    alone = all(address.host in ("localhost", "127.0.0.1", "::1") for address in where)
    if app.control is not None:
        others = (
            "other machines need the admin token"
            if token.text
            else "for this machine only: no --admin-token is set"
        )
        suffix = f"?token={token.text}" if token.generated else "" if alone else f" ({others})"
        print_line(f"  Dashboard:  {base}/dashboard{suffix}")
    if token.generated:
        print_line(f"  Other machines need the admin token. It was created in {token.generated}.")
    for line in _reached(first, app, trusted, alone=alone):
        print_line(f"  {line}")
    if default_pack:
        _print_default_pack_note()
    journal = app.journal
    print_line(
        f"  Journal:    the last {journal.max_entries} requests, in {byte_text(journal.max_bytes)} at most"
    )


def _print_default_pack_note() -> None:
    """Print why the pack `default` is served, and what else can be."""
    if any(Path(FOLDER).glob("*/pack.yaml")):
        found, advice = "Only packs", "`--pack NAME` serves another one."
    else:
        found, advice = "No scenario files", "`mockllm init` writes scenarios to start from."
    print_line(f"  {found} in ./{FOLDER}; serving the pack `{DEFAULT_PACK}`. {advice}")
    for warning in misnamed_files():
        log(f"warning: {warning}")


def _reached(first: Address, app: App, trusted: Path | None, *, alone: bool) -> Iterator[str]:
    """Yield lines about upstreams, certificates and reachability."""
    if app.provider_proxy is not None:
        there = ", ".join(f"{name}: {url}" for name, url in app.provider_proxy.upstreams.bases.items())
        yield f"Unmatched requests are forwarded ({there}) and recorded in {app.provider_proxy.out}."
    if trusted is not None:
        yield f"HTTPS clients must trust the CA: export SSL_CERT_FILE={shlex.quote(str(trusted))}"
    if first.everywhere:
        named = first._replace(host=socket.gethostname()).url
        yield f"Containers and other machines: {named}, or this machine's address in place of its name."
    if alone:
        yield "Only this machine can reach it; --host 0.0.0.0 opens it to containers and the network."
