"""All routes of the control API."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import dumps
from mockllm.server.control.api_types import JSON, ApiCall, ApiRoute, TextResponse
from mockllm.server.control.context import ControlContext
from mockllm.server.control.handlers import journal, metrics, options, overlay, sessions, settings, verdicts
from mockllm.server.control.openapi import document


async def show_openapi(context: ControlContext, call: ApiCall) -> TextResponse:
    return TextResponse(dumps(document(ROUTES)) + b"\n", JSON)


ROUTES: Final[tuple[ApiRoute, ...]] = (
    *journal.ROUTES,
    *verdicts.ROUTES,
    *overlay.ROUTES,
    *sessions.ROUTES,
    *settings.ROUTES,
    *metrics.ROUTES,
    *options.ROUTES,
    ApiRoute("GET", "/api/openapi.json", show_openapi, "This document"),
)


def find(method: str, path: str) -> tuple[ApiRoute, dict[str, str]] | list[str]:
    """Return the route of a call and its parameters, or else the methods of the path."""
    segments = path.split("/")
    allowed = []
    for route in ROUTES:
        params = route.match(segments)
        if params is None:
            continue
        if route.method == method or (method == "HEAD" and route.method == "GET"):
            return route, params
        allowed.append(route.method)
    return allowed
