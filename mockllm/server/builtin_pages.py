"""The server's own answers: `/` for a person who opens it, `/health` for what watches it, and plain texts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from mockllm import __version__
from mockllm.core.display import brief
from mockllm.core.json.codec import dumps, pretty
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.engine import EngineInfo

OWN: Final = ("/health", "/metrics", "/api", "/dashboard", "/ws")
FILES: Final = 12
"""So many files are named."""


def plain(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> Plan:
    """A whole answer of a short text."""
    head = ResponseHead(status, (("Content-Type", content_type),))
    return Plan(head, (EventStep(text.encode("utf-8", "replace"), 0, "body"),))


def home(about: EngineInfo, base: str) -> Plan:
    """What is loaded, which routes there are, and what to give each SDK as its base URL."""
    lines = [f"mockllm {__version__}: {amount(about)}", ""]
    if about.bases:
        lines += ["Base URLs:", *(f"  {name}: {base}{path}" for name, path in about.bases), ""]
    if about.sources:
        files = [f"{file} ({rules})" for file, rules in about.sources]
        lines += [*_listed("Rules", files[:FILES] + ["…"] * (len(files) > FILES)), ""]
    lines += ["Routes:"]
    for name, paths in (*about.calls, ("rules", about.routes), ("its own", OWN)):
        lines += _listed(f"  {name}", paths) if paths else []
    if about.stale:
        lines += ["", "Files that could not be loaded:"]
        lines += [f"  {each.file}: {each.outcome}: {each.reason}" for each in about.stale]
    return plain(200, "\n".join(lines) + "\n")


def _listed(name: str, said: Sequence[str]) -> list[str]:
    """`name: a, b, c`, in lines of a terminal's width."""
    return textwrap.wrap(
        f"{name}: {', '.join(said)}",
        width=110,
        subsequent_indent=" " * 6,
        break_long_words=False,
        break_on_hyphens=False,
    )


def health(about: EngineInfo, uptime: float) -> Plan:
    """200 also when degraded: requests are answered, with the last good version of a broken file, or without
    it where it is `left_out`: there was none."""
    report = {
        "status": "degraded" if about.stale else "ok",
        "version": __version__,
        "rules": about.rules,
        "files": about.files,
        "stale": [
            {"file": each.file, "reason": each.reason, "left_out": not each.kept} for each in about.stale
        ],
        "uptime": round(uptime, 3),
    }
    head = ResponseHead(200, (("Content-Type", "application/json"), ("Cache-Control", "no-store")))
    return Plan(head, (EventStep(pretty(report) + b"\n", 0, "body"),))


def only_get(method: str, path: str) -> Plan:
    """A path that is asked by another method, in the form that the control API refuses in."""
    detail = f"{method} is not for {brief(path)}; there is GET."
    body = {
        "type": "about:blank",
        "title": "Method Not Allowed",
        "status": 405,
        "detail": detail,
        "errors": [],
    }
    head = ResponseHead(405, (("Content-Type", "application/problem+json"), ("Allow", "GET")))
    return Plan(head, (EventStep(dumps(body) + b"\n", 0, "body"),))


def amount(about: EngineInfo) -> str:
    """`12 rules in 3 files`."""
    return f"{about.rules} rule{'s' * (about.rules != 1)} in {about.files} file{'s' * (about.files != 1)}"
