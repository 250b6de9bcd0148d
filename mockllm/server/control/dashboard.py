"""The dashboard's files at `/dashboard`, and the door to it: a browser on another machine shows the admin token once
and gets a cookie, which stands for it.

Its page is built apart (`mockllm/dashboard`, in the wheel), and loads nothing from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hmac import compare_digest
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.server.control.access import Access
from mockllm.server.control.problem import Problem

ROOT: Final = "/dashboard"
FOLDER: Final = Path(__file__).parent.parent.parent / "dashboard"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline, in nobody's frame."""
COMMON: Final = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
"""The kinds of files that are handed out."""
HTML: Final = TYPES[".html"]
FOR_GOOD: Final = "private, max-age=31536000, immutable"
"""Of files whose name says what is in them."""
_NAME: Final = re.compile(r"[\w-][\w.-]*", re.ASCII)
"""A file of that folder: what is below it are the page's sources."""
UNBUILT: Final = "unbuilt.txt"
"""Where the build says why there is no page."""
_HASHED: Final = re.compile(r"[.-][A-Z0-9]{8}\.(js|css)$")
"""A bundler's hash."""
PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>mockllm</title>
<h1>mockllm</h1>
{}
</html>
"""
FORM: Final = """<form method="post" action="/dashboard">
<p><label>Admin token <input type="password" name="token" autocomplete="current-password" required autofocus></label>
<button>Open the dashboard</button></p>
</form>
<p>It is what the server was started with: <code>--admin-token</code> or <code>MOCKLLM_ADMIN_TOKEN</code>.</p>"""
NOT_BUILT: Final = """<p>The dashboard's page is not built in this copy of mockllm.</p>
{}<p>In a clone of the repository <code>python scripts/build_dashboard.py</code> builds it, and so does
<code>./scripts/serve</code>, which starts the server too. An installed wheel has it.</p>
<p>The control API works all the same: <a href="/api/openapi.json">/api/openapi.json</a>.</p>"""


def answer(
    access: Access, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client: str
) -> Plan:
    """The page, one of its files, or what opens it."""
    opening = method == "POST" and path == ROOT
    if method not in ("GET", "HEAD") and not opening:
        return _page(405, f"<p>{escape(method[:20])} is not for this; there is GET.</p>")
    shown = _shown(raw.decode("utf-8", "replace") if opening else query if path == ROOT else "")
    if shown is not None or opening:
        return _opened(access, shown or "", client)
    try:
        access.check(method, headers, client)
    except Problem as problem:
        form = FORM if problem.status == 401 else ""
        return _page(problem.status, f"<p>{escape(_said(problem))}</p>\n{form}")
    return _file(path.removeprefix(ROOT).strip("/") or "index.html")


def _said(problem: Problem) -> str:
    return "The dashboard asks for the admin token." if problem.status == 401 else problem.body.detail


def _shown(text: str) -> str | None:
    """The token in a query or form."""
    found = parse_qs(text, keep_blank_values=True).get("token")
    return None if found is None else found[0]


def _opened(access: Access, token: str, client: str) -> Plan:
    """To the page, with the cookie where the token is right."""
    there = ("Location", ROOT), ("Cache-Control", "no-store")
    if access.token is None:  # there is nothing to open; the page itself says who may
        return Plan(ResponseHead(303, (*there, *COMMON)), ())
    if not compare_digest(token.encode("utf-8", "replace"), access.token.encode()):
        return _page(401, f"<p>This is not the admin token.</p>\n{FORM}")
    name, value = access.cookie
    cookie = ("Set-Cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Strict")
    return Plan(ResponseHead(303, (*there, cookie, *COMMON)), ())


def _file(name: str) -> Plan:
    found = FOLDER / name
    content_type = TYPES.get(found.suffix) if _NAME.fullmatch(name) else None
    data = None if content_type is None else _read(found)
    if content_type is None or data is None:
        if not (FOLDER / "index.html").is_file():
            why = (_read(FOLDER / UNBUILT) or b"").decode("utf-8", "replace").strip()
            return _page(503, NOT_BUILT.format(f"<p>{escape(why)}</p>\n" if why else ""))
        return _page(404, f'<p>There is no such file. <a href="{ROOT}">The dashboard</a></p>')
    kept = FOR_GOOD if _HASHED.search(found.name) else "no-cache"
    head = ResponseHead(200, (("Content-Type", content_type), ("Cache-Control", kept), *COMMON))
    return Plan(head, (EventStep(data, 0, "body"),))


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _page(status: int, said: str) -> Plan:
    head = ResponseHead(status, (("Content-Type", HTML), ("Cache-Control", "no-store"), *COMMON))
    return Plan(head, (EventStep(PAGE.format(said).encode(), 0, "body"),))
