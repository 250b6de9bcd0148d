"""`mockllm docs`: serves the documentation site that is in the wheel. It needs no network."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from mockllm import __version__
from mockllm.cli.option import argparse_type
from mockllm.cli.units import count

SITE: Final = Path(__file__).parent.parent / "site"
BUILDER: Final = Path(__file__).parent.parent.parent / "scripts" / "build_docs.py"
"""In a source checkout."""
HOST: Final = "127.0.0.1"
PORT: Final = 8081
VERSION_PREFIX: Final = f"/{__version__}"
VERSIONS: Final = "/versions.json"
"""The file in which the site finds its other versions, by the layout of the tool mike."""


class SiteHandler(SimpleHTTPRequestHandler):
    """Serves the site below its version, as a host of several versions does."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == VERSIONS:
            self.send_versions()
        elif path.startswith(f"{VERSION_PREFIX}/") and self.has(path):
            super().do_GET()
        elif page := self.page(path):
            self.redirect(page)
        else:
            self.send_missing()

    def page(self, path: str) -> str | None:
        """Return the page of this version that a path such as `/tutorial/` or `/tutorial.md` means."""
        name = path.removeprefix(VERSION_PREFIX).strip("/").removesuffix(".md")
        pages = (
            (f"{VERSION_PREFIX}/{name}", f"{VERSION_PREFIX}/{name}.html", f"{VERSION_PREFIX}/{name}/")
            if name
            else (f"{VERSION_PREFIX}/",)
        )
        return next((page for page in pages if self.has(page)), None)

    def has(self, path: str) -> bool:
        file = Path(self.translate_path(path))
        return (file / "index.html" if path.endswith("/") else file).is_file()

    def redirect(self, target: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_missing(self) -> None:
        link = f'<a href="{VERSION_PREFIX}/">All pages</a>'
        text = f"<!doctype html><title>No such page</title><p>No such page. {link}</p>\n".encode()
        self.send_response(HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def send_versions(self) -> None:
        text = json.dumps([{"version": __version__, "title": __version__, "aliases": []}]).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix(VERSION_PREFIX))

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: the reader looks at the pages."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=argparse_type(count),
        default=PORT,
        help=f"port on this machine; 0 takes a free one ({PORT})",
    )
    parser.add_argument("--open", action="store_true", help="open the pages in a browser")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C. Return 1 if there is no site or the port is taken."""
    if reason := missing_reason():
        print(f"mockllm docs: {reason}", file=sys.stderr)
        return 1
    try:
        server = ThreadingHTTPServer((HOST, args.port), partial(SiteHandler, directory=str(SITE)))
    except (OSError, OverflowError) as error:
        # Serving pages can do without this import.
        from mockllm.server.http_server import Address, cannot_listen

        print(f"mockllm docs: {cannot_listen(Address(HOST, args.port), error)}", file=sys.stderr)
        return 1
    with server:
        url = f"http://localhost:{server.server_port}{VERSION_PREFIX}/"
        print(f"mockllm {__version__}: documentation, listening on {url}", flush=True)
        if args.open:
            import webbrowser

            webbrowser.open(url)
        server.serve_forever()
    return 0


def missing_reason() -> str:
    """Return why there is no site to serve, or an empty text. A source checkout builds the site if it is stale."""
    if BUILDER.is_file():
        print("Building the pages where they have changed; this takes some seconds ...", file=sys.stderr)
        done = subprocess.run(  # noqa: S603 (a fixed command of this checkout)
            [sys.executable, str(BUILDER)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            return f"{done.stderr.strip()}\nThe pages are in the folder docs of this checkout, as Markdown."
    if (SITE / "index.html").is_file():
        return ""
    file = SITE / "unbuilt.txt"
    reason = (
        file.read_text(encoding="utf-8").strip() if file.is_file() else "this copy was installed without it"
    )
    return f"there is no documentation here: {reason}"
