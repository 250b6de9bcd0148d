"""The names of endpoints: `openai-chat`, or the path that it is asked by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.routes import ROUTES, RouteMatch, find
from mockllm.server.control.problem import Problem


def _table() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for route in ROUTES:
        name = f"{route.dialect.name}-{route.dialect.api}"
        found.setdefault(name, {})[route.line] = None
    return {name: tuple(lines) for name, lines in sorted(found.items())}


ENDPOINTS: Final = _table()
"""The calls of each endpoint, by its name."""


def named(given: str) -> str:
    """The endpoint of a name or path. Raises Problem where there is none."""
    if given in ENDPOINTS:
        return given
    if given.startswith("/"):
        for method in ("POST", "GET"):
            found = find(method, given, {}, "")
            if isinstance(found, RouteMatch):
                return f"{found.dialect.name}-{found.dialect.api}"
    raise Problem(404, f"There is no endpoint {given[:80]}; there are {', '.join(ENDPOINTS)}.")
