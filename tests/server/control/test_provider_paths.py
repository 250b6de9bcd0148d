"""The control API takes no path of a provider: a client of that provider would get the API's response."""

from __future__ import annotations

from mockllm.dialects.route_table import ROUTES as PROVIDER_ROUTES
from mockllm.server.control.api_types import ApiRoute
from mockllm.server.control.routes import ROUTES, show_openapi


def _overlap(own: str, other: str) -> bool:
    """Whether a path fits both; a variable is any segment."""
    pairs = list(zip(own.split("/"), other.split("/"), strict=False))
    alike = all(one == another or "{" in one + another for one, another in pairs)
    return alike and own.count("/") == other.count("/")


def conflicts(routes: tuple[ApiRoute, ...]) -> list[str]:
    return [
        f"`{route.method} {route.path}` belongs to {provider.provider.capitalize()} ({provider.line}): "
        "choose another path of the control API"
        for route in routes
        for provider in PROVIDER_ROUTES
        for path in provider.paths()
        if not provider.needs_prefix and _overlap(route.path, path)
    ]


def test_control_api_takes_no_path_of_a_provider() -> None:
    assert conflicts(ROUTES) == []


def test_path_of_a_provider_is_a_conflict() -> None:
    taken = ApiRoute("GET", "/api/version", show_openapi)
    assert conflicts((taken,)) == [
        "`GET /api/version` belongs to Ollama (GET /api/version): choose another path of the control API"
    ]
    assert conflicts((ApiRoute("PUT", "/api/{name}", show_openapi),)) != []
    assert conflicts((ApiRoute("GET", "/api/versions", show_openapi),)) == []
