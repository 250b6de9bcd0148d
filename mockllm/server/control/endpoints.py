"""The names of endpoints: `openai-chat`, or a path of the endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from mockllm.dialects.routes import ROUTES, RouteMatch, find
from mockllm.server.control.problem import Problem


class Endpoint(NamedTuple):
    """The calls that share a dialect and an api; `paths` are methods and paths for a person."""

    dialect: str
    api: str
    paths: tuple[str, ...]


def _table() -> Mapping[str, Endpoint]:
    table: dict[str, Endpoint] = {}
    for route in ROUTES:
        known = table.get(route.call.endpoint)
        paths = dict.fromkeys((*(known.paths if known else ()), route.line))
        table[route.call.endpoint] = Endpoint(route.dialect.name, route.dialect.api, tuple(paths))
    return dict(sorted(table.items()))


ENDPOINTS: Final = _table()
"""All endpoints by name."""


def named(given: str) -> str:
    """The endpoint of a name or path. Raises Problem where there is none."""
    if given in ENDPOINTS:
        return given
    if given.startswith("/"):
        for method in ("POST", "GET"):
            found = find(method, given, {}, "")
            if isinstance(found, RouteMatch):
                return found.call.endpoint
    raise Problem(404, f"There is no endpoint {given[:80]}; there are {', '.join(ENDPOINTS)}.")
