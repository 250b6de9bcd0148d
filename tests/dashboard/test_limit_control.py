"""The card of rate limits: each strategy with its own settings, on and off, and giving back what was used."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard

CASES = [
    ("fixed-window", {"Requests": "2", "Window": "1h"}, [200, 200, 429], "window: 1h"),
    ("sliding-window", {"Requests": "1", "Window": "1h"}, [200, 429], "strategy: sliding-window"),
    ("token-bucket", {"Requests": "9", "Burst": "2", "Window": "1h"}, [200, 200, 429], "burst: 2"),
    ("leaky-bucket", {"Requests": "1", "Queue": "0", "Window": "1h"}, [200, 429], "queue: 0"),
    ("after-n", {"Requests": "1", "Retry after": "7s"}, [200, 429], "retry_after: 7s"),
    ("random", {"Probability": "100%"}, [429], "probability: 100%"),
    ("always", {"Retry after": "3s"}, [429], "retry_after: 3s"),
]


@pytest.mark.parametrize(("strategy", "fields", "wanted", "yaml"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.covering(count=1)
def test_limit_is_enabled_and_its_quota_reset(
    dashboard: Dashboard, strategy: str, fields: dict[str, str], wanted: list[int], yaml: str
) -> None:
    server = dashboard.server
    card = dashboard.open("control").card("Rate limit")
    card.get_by_label("Strategy").select_option(strategy)
    for label in card.locator(".fields label").all_inner_texts():
        card.get_by_label(label, exact=True).fill(fields.get(label, ""))
    assert yaml in dashboard.shown("Rate limit")
    card.get_by_role("button", name="Switch on").click()
    dashboard.reported("is on")
    assert [server.ask().status for _ in wanted] == wanted
    card.get_by_role("button", name="Reset the quota").click()
    dashboard.reported("Quota reset")
    assert [server.ask().status for _ in wanted] == wanted


def test_limit_switch_disables_and_enables(dashboard: Dashboard) -> None:
    server = dashboard.server
    card = dashboard.open("control").card("Rate limit")
    card.get_by_label("Strategy").select_option("always")
    switch = card.get_by_role("switch", name="Rate limit")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.focus()
    dashboard.page.keyboard.press("Space")
    dashboard.reported("is on")
    assert server.ask().status == 429
    switch.click()
    dashboard.reported("is off")
    expect(switch).to_have_attribute("aria-checked", "false")
    assert server.ask().status == 200
    expect(card.get_by_label("Strategy")).to_have_value("always")


def test_new_strategy_has_none_of_the_old_settings(dashboard: Dashboard) -> None:
    server = dashboard.server
    card = dashboard.open("control").card("Rate limit")
    dashboard.scope("anthropic-messages")
    card.get_by_label("Strategy").select_option("fixed-window")
    card.get_by_label("Tokens", exact=True).fill("5000")
    card.get_by_label("Input tokens").fill("4000")
    card.get_by_label("Output tokens").fill("300")
    card.get_by_role("button", name="Switch on").click()
    dashboard.reported("is on")
    held = server.call("GET", "/api/config")["endpoints"]["anthropic-messages"]["limit"]
    assert held == {
        "strategy": "fixed-window", "requests": 10, "tokens": 5000, "input_tokens": 4000, "output_tokens": 300,
        "window": "1m",
    }  # fmt: skip
    card.get_by_label("Strategy").select_option("after-n")
    card.get_by_label("Requests").fill("0")
    card.get_by_role("button", name="Apply").click()
    dashboard.reported("is on")
    held = server.call("GET", "/api/config")["endpoints"]["anthropic-messages"]["limit"]
    assert held == {"strategy": "after-n", "requests": 0}
    assert server.ask(endpoint="anthropic-messages").status == 429
    assert server.ask().status == 200


def test_missing_setting_is_reported(dashboard: Dashboard) -> None:
    card = dashboard.open("control").card("Rate limit")
    card.get_by_label("Strategy").select_option("after-n")
    card.get_by_label("Requests").fill("")
    card.get_by_role("button", name="Switch on").click()
    expect(card.locator(".hint.bad")).to_contain_text("after-n needs requests")
    expect(card.get_by_role("switch")).to_have_attribute("aria-checked", "false")
