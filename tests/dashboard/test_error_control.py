"""The card of errors: by rate and kind, for all endpoints or one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard
from tests.waiting import until

KINDS = [
    ("bad_request", 400, "error: bad_request"),
    ("authentication", 401, "error: authentication"),
    ("permission", 403, "error: permission"),
    ("rate_limit", 429, "error: rate_limit"),
    ("server_error", 500, "error: server_error"),
    ("overloaded", 503, "error: overloaded"),
]


def injected(dashboard: Dashboard, kind: str, rate: str = "100%") -> None:
    card = dashboard.card("Errors")
    card.locator(f"input[value='{kind}']").check()
    card.get_by_label("Rate", exact=True).fill(rate)
    card.get_by_role("button", name="Inject the error").click()
    dashboard.reported(f"get {kind}")


@pytest.mark.parametrize(("kind", "status", "yaml"), KINDS, ids=[kind[0] for kind in KINDS])
@pytest.mark.covering(count=1)
def test_next_request_gets_the_error(dashboard: Dashboard, kind: str, status: int, yaml: str) -> None:
    server = dashboard.server
    dashboard.open("control")
    injected(dashboard, kind)
    assert yaml in dashboard.shown("Errors")
    got = server.ask()
    assert got.status == status
    dashboard.page.get_by_role("button", name=f"Remove inject {kind} global").click()
    dashboard.reported("removed from the overlay")
    assert server.ask().status == 200


def test_timeout_waits_30_seconds_before_504(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    injected(dashboard, "timeout")
    assert "delay: 30s" in dashboard.shown("Errors")
    assert server.ask(patience=0.2).broke == "TimeoutError", "who does not wait gets nothing"
    (left,) = until(lambda: server.call("GET", "/api/requests?left=gone")["requests"])
    assert (left["status"], left["error"]) == (504, "timeout")
    why = server.call("POST", "/api/explain", {"user": "hello", "model": "gpt-4o"})["sent"]
    assert (why["delay"], why["status"], why["error"]) == (30.0, 504, "timeout"), "who waits gets this"


def test_error_of_one_endpoint_has_retry_after(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    dashboard.scope("anthropic-messages")
    card = dashboard.card("Errors")
    card.locator("input[value='overloaded']").check()
    card.get_by_label("Status", exact=True).fill("529")
    card.get_by_label("Retry after").fill("5s")
    card.get_by_label("Rate", exact=True).fill("100%")
    card.get_by_role("button", name="Inject the error").click()
    dashboard.reported("get overloaded")
    got = server.ask(endpoint="anthropic-messages")
    assert (got.status, got.headers["retry-after"]) == (529, "5")
    assert server.ask().status == 200


def test_rate_applies_to_requests_and_can_change(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    injected(dashboard, "server_error", "50")
    assert "chance: 50%" in server.overlay
    statuses = [server.ask().status for _ in range(40)]
    assert 5 < statuses.count(500) < 35
    slider = dashboard.card("Errors").get_by_label("Rate in percent")
    slider.focus()
    dashboard.page.keyboard.press("Home")
    expect(dashboard.card("Errors").get_by_label("Rate", exact=True)).to_have_value("0%")
    dashboard.card("Errors").get_by_role("button", name="Inject the error").click()
    dashboard.reported("0% of the requests to all endpoints get server_error")
    assert server.overlay.count("inject server_error global") == 1, "it took the place of the one before"
    assert [server.ask().status for _ in range(10)] == [200] * 10


def test_invalid_rate_is_refused(dashboard: Dashboard) -> None:
    card = dashboard.open("control").card("Errors")
    card.get_by_label("Rate", exact=True).fill("often")
    card.get_by_role("button", name="Inject the error").click()
    expect(card.locator(".hint.bad")).to_contain_text("chance")
    assert dashboard.server.call("GET", "/api/overlay")["items"] == []
