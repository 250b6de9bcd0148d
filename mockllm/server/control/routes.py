"""All routes of the control API."""

from __future__ import annotations

from typing import Final

from mockllm.core.display import brief
from mockllm.core.json.codec import dumps
from mockllm.server.control.api_types import JSON, ApiCall, ApiRoute, TextResponse
from mockllm.server.control.context import ControlContext
from mockllm.server.control.handlers import (
    editing,
    holds,
    hunts,
    journal,
    mcp_servers,
    metrics,
    replays,
    rules,
    settings,
    verdicts,
)
from mockllm.server.control.openapi import document
from mockllm.server.control.problem import Problem, method_problem


async def show_openapi(context: ControlContext, call: ApiCall) -> TextResponse:
    """This document."""
    return TextResponse(dumps(document(ROUTES)) + b"\n", JSON)


ROUTES: Final[tuple[ApiRoute, ...]] = (
    *journal.ROUTES,
    *holds.ROUTES,
    *replays.ROUTES,
    *hunts.ROUTES,
    *mcp_servers.ROUTES,
    *verdicts.ROUTES,
    *rules.ROUTES,
    *editing.ROUTES,
    *settings.ROUTES,
    *metrics.ROUTES,
    ApiRoute("GET", "/api/openapi.json", show_openapi),
)


def find(method: str, path: str) -> tuple[ApiRoute, dict[str, str]]:
    """Return the route of a call and its parameters. Raise Problem where there is none."""
    segments = path.split("/")
    allowed = []
    for route in ROUTES:
        params = route.match(segments)
        if params is None:
            continue
        if route.method == method or (method == "HEAD" and route.method == "GET"):
            return route, params
        allowed.append(route.method)
    if allowed:
        raise method_problem(method, path, allowed)
    raise Problem(404, f"Nothing is served at {brief(path)}; /api/openapi.json lists all calls.")


def is_known(path: str) -> bool:
    """Return whether a path belongs to the control API, with any method: all outside of `/api` do."""
    segments = path.split("/")
    return segments[1] != "api" or any(route.match(segments) is not None for route in ROUTES)
