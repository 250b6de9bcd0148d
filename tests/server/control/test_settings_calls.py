"""Settings for endpoints, and what was used of limits."""

from __future__ import annotations

import pytest

from tests.server.control.live_server import Steered


def test_settings_become_modifiers_of_the_overlay(server: Steered) -> None:
    server.call("PATCH", "/api/config/global", {"headers": {"x-a": "all"}})
    got = server.call(
        "PATCH", "/api/config/endpoints/openai-chat", {"headers": {"x-a": "chat"}, "delay": "1ms"}
    )
    assert got.json["settings"] == {"headers": {"x-a": "chat"}, "delay": "1ms"}
    assert server.ask("hello").headers["x-a"] == "chat"
    assert server.call("GET", "/v1/models").headers["x-a"] == "all"
    server.call("PATCH", "/api/config/endpoints/openai-chat", {"headers": None})
    assert server.ask("hello").headers["x-a"] == "all"
    config = server.call("GET", "/api/config").json
    assert (config["global"], config["endpoints"]) == (
        {"headers": {"x-a": "all"}},
        {"openai-chat": {"delay": "1ms"}},
    )
    assert "settings openai-chat" in config["overlay"]
    server.call("POST", "/api/config/reset")
    assert "x-a" not in server.ask("hello").headers


def test_chance_of_error_does_not_affect_the_delay(server: Steered) -> None:
    patch = {"delay": "1ms", "error": "overloaded", "chance": "100%"}
    server.call("PATCH", "/api/config/endpoints/openai-chat", patch)
    assert server.ask("hello").status == 503
    server.call("PATCH", "/api/config/endpoints/openai-chat", {"chance": "0%"})
    assert server.ask("hello").status == 200
    assert server.call("DELETE", "/api/config/endpoints/openai-chat").json["settings"] == {}


def test_endpoint_settings_keep_the_languages_order(server: Steered) -> None:
    patch: dict[str, object] = {
        "chance": "0%",
        "faults": ["reset"],
        "stream": True,
        "headers": {"x-a": "b"},
        "pace": {"itl": "1ms"},
        "delay": "1ms",
    }
    settings = server.call("PATCH", "/api/config/endpoints/openai-chat", patch).json["settings"]
    assert list(settings) == ["delay", "pace", "headers", "stream", "faults", "chance"]
    assert settings == patch


def test_invalid_setting_changes_nothing(server: Steered) -> None:
    server.call("PATCH", "/api/config/global", {"headers": {"x-a": "b"}})
    assert server.call("PATCH", "/api/config/global", {"delay": "soon"}).status == 422
    assert server.call("GET", "/api/config").json["global"] == {"headers": {"x-a": "b"}}
    assert server.ask("hello").headers["x-a"] == "b"


@pytest.mark.parametrize("path", ["/api/rate-limit/reset", "/api/rate-limit/reset/openai-chat"])
def test_reset_of_limits_restores_the_quota(server: Steered, path: str) -> None:
    def requested() -> int:
        return server.ask("hello", model="limited").status

    assert [requested(), requested()] == [200, 429]
    assert server.call("POST", "/api/rate-limit/reset/anthropic-messages").status == 200
    assert server.call("POST", path).status == 200
    assert requested() == 200


def test_saved_overlay_is_added_beside_settings(server: Steered) -> None:
    server.call("PATCH", "/api/config/global", {"headers": {"x-a": "set", "x-b": "set"}})
    saved = server.call("GET", "/api/overlay.yaml").text
    assert server.call("POST", "/api/rules", saved.replace("x-a: set", "x-a: saved")).status == 200
    assert server.call("PATCH", "/api/config/global", {"headers": {"x-b": "later"}}).status == 200
    headers = server.ask("hello").headers
    assert (headers["x-a"], headers["x-b"]) == ("saved", "set")
    assert server.call("DELETE", "/api/rules").json["names"] == ["settings global"]
    headers = server.ask("hello").headers
    assert (headers["x-a"], headers["x-b"]) == ("set", "later")
    server.call("POST", "/api/config/reset")
    assert server.call("DELETE", "/api/rules").json["names"] == []
