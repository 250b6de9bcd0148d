"""Ollama's paths below /api are none of the control API's, and its other routes need the provider's prefix."""

from __future__ import annotations

import re

import pytest

from mockllm.dialects.listing import paths_by_provider
from mockllm.dialects.ollama.provider import CHAT, PROVIDER
from mockllm.dialects.router import NoRoute, RouteMatch, find_route
from mockllm.server.control.routes import ROUTES

NATIVE = [route for route in PROVIDER.routes if not route.needs_prefix]


@pytest.mark.parametrize("route", NATIVE, ids=lambda route: route.path)
def test_native_path_belongs_to_ollama_alone(route: object) -> None:
    path = getattr(route, "path", "")
    control = [re.sub(r"\{\w+\}", "[^/]+", each.path) for each in ROUTES]
    assert not any(re.fullmatch(pattern, path) for pattern in control)


def test_native_path_is_known_with_and_without_prefix() -> None:
    for path in ("/api/chat", "/ollama/api/chat"):
        found = find_route("POST", path, {})
        assert isinstance(found, RouteMatch)
        assert (found.dialect, found.provider, found.path) == (CHAT, "ollama", "/api/chat")


def test_compatible_path_needs_the_prefix() -> None:
    compatible, plain = (
        find_route("POST", "/ollama/v1/chat/completions", {}),
        find_route("POST", "/v1/chat/completions", {}),
    )
    assert isinstance(compatible, RouteMatch)
    assert isinstance(plain, RouteMatch)
    assert (compatible.provider, plain.provider) == ("ollama", "openai")
    assert isinstance(find_route("POST", "/ollama/chat/completions", {}), RouteMatch)
    assert isinstance(find_route("POST", "/api/signout", {}), NoRoute)


def test_first_page_lists_native_paths_without_prefix() -> None:
    listed = dict(paths_by_provider())
    assert listed["ollama"][:2] == ("/api/chat", "/api/generate")
    assert "/ollama/v1" in listed["vendors"]
