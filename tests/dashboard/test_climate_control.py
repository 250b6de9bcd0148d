"""The card of climates: the weather of all endpoints, or of one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard


def chosen(dashboard: Dashboard, name: str) -> None:
    dashboard.card("Climate").locator(f"input[value='{name}']").check()
    dashboard.reported(f": {name}.")


def test_outage_of_one_endpoint_starts_and_ends(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    dashboard.scope("openai-chat")
    chosen(dashboard, "provider-outage")
    assert server.ask().status >= 500
    assert server.ask(endpoint="anthropic-messages").status == 200
    assert "error: unavailable" in dashboard.shown("Climate")
    assert "api: chat" in dashboard.shown("Climate")
    chosen(dashboard, "calm")
    assert server.ask().status == 200
    assert server.overlay == "mockllm: 1\n"


@pytest.mark.parametrize("name", ["flaky", "rate-limited", "slow", "storm"])
@pytest.mark.covering(count=1)
def test_climate_affects_the_next_request(dashboard: Dashboard, name: str) -> None:
    server = dashboard.server
    dashboard.open("control")
    chosen(dashboard, name)
    server.ask(stream=True)
    met = server.last()["modifiers"]
    assert met
    assert all(each.startswith(f"overlay:settings global {name} ") for each in met)
    if name == "rate-limited":
        assert [server.ask().status for _ in range(4)] == [200, 200, 200, 429]


def test_climate_is_replaced_beside_other_settings(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    chosen(dashboard, "storm")
    server.call("PATCH", "/api/config/global", {"delay": "1ms"})
    chosen(dashboard, "slow")
    assert server.call("GET", "/api/config")["global"] == {"climate": "slow", "delay": "1ms"}
    assert "storm" not in server.overlay
    expect(dashboard.card("Climate").locator("input[value='slow']")).to_be_checked()
