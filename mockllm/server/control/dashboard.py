"""The dashboard's files at `/dashboard`, and its login.

A browser on another machine sends the admin token once and gets a cookie that replaces the token. A build step
produces the page (`mockllm/dashboard`, in the wheel); the page loads nothing from other hosts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.server.control.access import Access, is_from_other_page
from mockllm.server.control.called_address import called_address
from mockllm.server.control.problem import Problem

if TYPE_CHECKING:
    from mockllm.server.http_server import Address

ROOT: Final = "/dashboard"
FOLDER: Final = Path(__file__).parent.parent.parent / "dashboard"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""No content from other hosts, no inline scripts or styles, no frames."""
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
    ".svg": "image/svg+xml",
}
"""File types that are served."""
HTML: Final = TYPES[".html"]
IMMUTABLE: Final = "private, max-age=31536000, immutable"
"""For files whose name contains a hash of their content."""
_NAME: Final = re.compile(r"[\w-][\w.-]*", re.ASCII)
"""A file directly in the folder; its subfolders contain the page's sources."""
UNBUILT: Final = "unbuilt.txt"
"""The file in which the build explains why the page is missing."""
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
<p>The server was started with this token: <code>--admin-token</code> or <code>MOCKLLM_ADMIN_TOKEN</code>.</p>"""
NOT_BUILT: Final = """<p>This copy of mockllm does not contain a built dashboard.</p>
{}<p>In a clone of the repository <code>python scripts/build_dashboard.py</code> builds it, and so does
<code>./scripts/serve</code>, which starts the server too. An installed wheel contains it.</p>
<p>The control API works without it: <a href="/api/openapi.json">/api/openapi.json</a>.</p>"""


def respond(
    access: Access,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    raw: bytes,
    client_address: str,
    providers: Address | None = None,
) -> Plan:
    """Return the page, one of its files, or the login form. `providers`: where the provider routes are if the page
    has its own port; it replays requests to them."""
    login = method == "POST" and path == ROOT
    if method not in ("GET", "HEAD") and not login:
        return _page(405, f"<p>{escape(method[:20])} is not allowed here; use GET.</p>")
    token = _token(raw.decode("utf-8", "replace") if login else query if path == ROOT else "")
    if (token is not None or login) and not is_from_other_page(headers):
        return _log_in(access, token or "", client_address)
    try:
        access.check(method, headers, client_address)
    except Problem as problem:
        if problem.status == 401:
            return _page(401, f"<p>The dashboard needs the admin token.</p>\n{FORM}")
        return _page(problem.status, f"<p>{escape(problem.body.detail)}</p>\n")
    origin = "" if providers is None else f" {called_address(headers, providers)}"
    return _file(path.removeprefix(ROOT).strip("/") or "index.html", origin)


def _token(text: str) -> str | None:
    """Return the token in a query or form."""
    values = parse_qs(text, keep_blank_values=True).get("token")
    return None if values is None else values[0]


def _log_in(access: Access, token: str, client_address: str) -> Plan:
    """Redirect to the page, with the cookie if the token is right."""
    target = ("Location", ROOT), ("Cache-Control", "no-store")
    if access.token is None:  # no login is needed; the page itself checks access
        return Plan(ResponseHead(303, (*target, *COMMON)), ())
    try:
        access.check_token(token, client_address)
    except Problem as problem:
        return _page(problem.status, f"<p>{escape(problem.body.detail)}</p>\n{FORM}")
    name, value = access.cookie
    cookie = ("Set-Cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Strict")
    return Plan(ResponseHead(303, (*target, cookie, *COMMON)), ())


def _file(name: str, origin: str) -> Plan:
    """Return a file of the page, which may also connect to an origin."""
    file = FOLDER / name
    content_type = TYPES.get(file.suffix) if _NAME.fullmatch(name) else None
    data = None if content_type is None else _read(file)
    if content_type is None or data is None:
        if not (FOLDER / "index.html").is_file():
            reason = (_read(FOLDER / UNBUILT) or b"").decode("utf-8", "replace").strip()
            return _page(503, NOT_BUILT.format(f"<p>{escape(reason)}</p>\n" if reason else ""))
        return _page(404, f'<p>The dashboard has no such file. <a href="{ROOT}">The dashboard</a></p>')
    cache_control = IMMUTABLE if _HASHED.search(file.name) else "no-cache"
    policy = ("Content-Security-Policy", POLICY.replace("connect-src 'self'", f"connect-src 'self'{origin}"))
    own = (("Content-Type", content_type), ("Cache-Control", cache_control), policy)
    return Plan(ResponseHead(200, (*own, *COMMON[1:])), (EventStep(data, 0, "body"),))


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _page(status: int, content: str) -> Plan:
    head = ResponseHead(status, (("Content-Type", HTML), ("Cache-Control", "no-store"), *COMMON))
    return Plan(head, (EventStep(PAGE.format(content).encode(), 0, "body"),))
