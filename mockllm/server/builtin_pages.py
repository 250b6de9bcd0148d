"""The server's own responses: `/` for a person who opens it, `/health` for probes, preflights, and plain texts."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Mapping, Sequence
from typing import Final

from mockllm import __version__
from mockllm.core.display import brief, counted
from mockllm.core.json.codec import Json, dumps, pretty
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.server_address import SESSION_PREFIX, scheme
from mockllm.dialects.router import RouteMatch, find_route
from mockllm.engine import EngineInfo, PlannedResponse
from mockllm.engine.session_id import split_session
from mockllm.server.access_log import shortened_for_line
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.request_target import first_segment, is_control_path

BUILTIN_PATHS: Final = ("/health", "/metrics", "/api", "/dashboard", "/ws")
MAX_LISTED_FILES: Final = 12
"""The most files that `/` lists."""
FINDINGS: Final = "Findings of hunts, each in the session of its name"
"""What precedes the findings in lists."""
NO_PATH: Final = "The request's target is no path"
_HEADER_NAMES: Final = re.compile(r"[\w!#$%&'*+.^`|~, \t-]{1,4096}", re.ASCII)


def respond_builtin(app: App, exchange: Exchange) -> bool:
    """Set the response if it is one of the server's own. Return whether it is."""
    head = exchange.head
    notes: tuple[str, ...] = ()
    method, path, headers, prefix = head.message.method, head.path, head.headers, ""
    plan: Plan | None = None
    if not path:
        plan, exchange.ends_connection = text_page(400, f"{NO_PATH}.\n"), True
        notes = (NO_PATH,)
    elif app.control_only and path != "/health" and not is_control_path(path):
        plan = text_page(404, "Here is the control API alone: /api, /metrics.\n")
        exchange.hidden = True
    else:
        if path.startswith(SESSION_PREFIX):
            _, behind = split_session(path)
            prefix, path = path.removesuffix(behind), behind
        if path == "/health" and method in ("GET", "HEAD"):
            store_problem = None if app.store_client is None else app.store_client.status()
            plan = health(app.engine.info(), time.monotonic() - app.started, store_problem)
            exchange.hidden = True
        elif first_segment(path) == "health":
            plan = refusal_below_health(app.engine.info(), method, path)
        elif path == "/" and method in ("GET", "HEAD"):
            address = shortened_for_line(headers.get("host", "localhost") + prefix)
            plan = home(app.engine.info(), f"{scheme(headers, over_tls=head.over_tls)}://{address}")
        elif app.allow_cors and method == "OPTIONS" and is_preflight(headers):
            plan, exchange.sends_cors_headers = preflight(headers), True
    if plan is None:
        return False
    exchange.response = PlannedResponse(plan, None, notes=notes)
    return True


def refusal_below_health(about: EngineInfo, method: str, path: str) -> Plan | None:
    """Return the error response to a call below `/health` that is no GET of it; None for a call of a provider."""
    if path == "/health":
        return only_get(method, path)
    if first_segment(path) != "health" or _is_root_call(about, method, path):
        return None
    return text_page(404, f"Nothing is served at {shortened_for_line(path)}.\n")


def _is_root_call(about: EngineInfo, method: str, path: str) -> bool:
    """Return whether the provider whose paths need no prefix has this call."""
    root = about.root_provider
    return root is not None and type(find_route(method, f"/{root}{path}", {})) is RouteMatch


def text_page(
    status: int, text: str, content_type: str = "text/plain; charset=utf-8", *more: tuple[str, str]
) -> Plan:
    """Return a non-streaming response with a short text, and with `more` headers."""
    head = ResponseHead(status, (("Content-Type", content_type), *more))
    return Plan(head, (EventStep(text.encode("utf-8", "replace"), 0, "body"),))


def home(about: EngineInfo, base: str) -> Plan:
    """Return a page with what is loaded, the routes, and the base URL for each SDK."""
    lines = [f"mockllm {__version__}: {amount(about)}", ""]
    if about.bases:
        lines += ["Base URLs:", *(f"  {name}: {base}{path}" for name, path in about.bases), ""]
    if about.sources:
        files = [f"{file} ({rules})" for file, rules in about.sources]
        lines += [*_listed("Rules", files[:MAX_LISTED_FILES] + ["…"] * (len(files) > MAX_LISTED_FILES)), ""]
    if about.findings:
        lines += [*_listed(FINDINGS, [f"{SESSION_PREFIX}{name}" for name in about.findings]), ""]
    lines += ["Routes:"]
    for name, paths in (*about.calls, ("rules", about.rule_paths), ("its own", BUILTIN_PATHS)):
        lines += _listed(f"  {name}", paths) if paths else []
    if about.stale:
        lines += ["", "Files that could not be loaded:"]
        lines += [f"  {source.file}: {source.outcome}: {source.reason}" for source in about.stale]
    return text_page(200, "\n".join(lines) + "\n")


def _listed(name: str, items: Sequence[str]) -> list[str]:
    """Return `name: a, b, c`, in lines of a terminal's width."""
    return textwrap.wrap(
        f"{name}: {', '.join(items)}",
        width=110,
        subsequent_indent=" " * 6,
        break_long_words=False,
        break_on_hyphens=False,
    )


def health(about: EngineInfo, uptime: float, store: str | None = None) -> Plan:
    """Return the health report. The status is 200 also if it is degraded. The server responds with the last good
    version of a broken file then, or without the file if it is `left_out` because it had none. `store` is what is
    wrong with the store; empty for one that works, None without a store."""
    report: dict[str, Json] = {
        "status": "degraded" if about.stale or store else "ok",
        "version": __version__,
        "rules": about.rules,
        "files": about.files,
        "stale": [
            {"file": source.file, "reason": source.reason, "left_out": not source.in_use}
            for source in about.stale
        ],
        "uptime": round(uptime, 3),
    }
    if store is not None:
        report["store"] = store or "ok"
    return text_page(200, f"{pretty(report).decode()}\n", "application/json", ("Cache-Control", "no-store"))


def only_get(method: str, path: str) -> Plan:
    """Return the error response to another method than GET, in the form of the control API."""
    detail = f"{method} is not for {brief(path)}; there is GET."
    problem = {"type": "about:blank", "title": "Method Not Allowed", "status": 405, "detail": detail}
    body = {**problem, "errors": []}
    return text_page(405, f"{dumps(body).decode()}\n", "application/problem+json", ("Allow", "GET"))


def amount(about: EngineInfo) -> str:
    """Return `12 rules in 3 files, 25 rules in packs`. A user looks for the number of the own rules."""
    rules, files = about.rules - about.pack_rules, about.files - about.pack_files
    own = f"{counted(rules, 'rule')} in {counted(files, 'file')}"
    in_packs = f"{counted(about.pack_rules, 'rule')} in packs"
    return f"{own}, {in_packs}" if files and about.pack_files else in_packs if about.pack_files else own


def is_preflight(headers: Mapping[str, str]) -> bool:
    """Return whether an OPTIONS request is a browser's preflight (Fetch, section 4.8)."""
    return "origin" in headers and "access-control-request-method" in headers


def preflight(headers: Mapping[str, str]) -> Plan:
    """Allow any method and the requested headers (`*` would exclude Authorization)."""
    requested = headers.get("access-control-request-headers", "")
    allowed = requested if _HEADER_NAMES.fullmatch(requested) else "*, Authorization"
    return Plan(
        ResponseHead(
            204,
            (
                ("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD"),
                ("Access-Control-Allow-Headers", allowed),
                ("Access-Control-Max-Age", "86400"),
            ),
        ),
        (),
    )
