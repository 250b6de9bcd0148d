"""What was changed at run time: shown as a scenario, saved as one, taken apart, and reset."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard
from tests.dashboard.test_error_control import injected
from tests.dashboard.test_pace_control import applied
from tests.waiting import until


def test_saved_overlay_works_as_a_scenario(dashboard: Dashboard, tmp_path: Path) -> None:
    server, page = dashboard.server, dashboard.page
    dashboard.open("control")
    injected(dashboard, "permission")
    card = dashboard.card("Changed at run time")
    expect(card.locator(".yaml pre")).to_contain_text("inject permission global")
    assert card.locator(".yaml pre").inner_text().strip() == server.overlay.strip()
    expect(card).to_contain_text(f"Put this file into {server.folder}")
    with page.expect_download() as downloading:
        card.get_by_role("link", name="Download").click()
    file = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(file)
    assert file.name == "saved.yaml"

    saved = server.folder / file.name
    saved.write_text(file.read_text())
    try:
        server.call("POST", "/api/reload")
        card.get_by_role("button", name="Reset", exact=True).click()
        dashboard.reported("Reset: overlay")
        expect(card).to_contain_text("Nothing yet.")
        assert server.ask().status == 403, "the file answers as the overlay did"
    finally:
        saved.unlink()
        server.call("POST", "/api/reload")
    assert server.ask().status == 200


def test_overlay_is_copied(dashboard: Dashboard) -> None:
    page = dashboard.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open("control")
    injected(dashboard, "server_error")
    page.get_by_role("button", name="Copy the overlay as a scenario file").click()
    expect(page.get_by_role("button", name="Copy the overlay as a scenario file")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == dashboard.server.overlay


def test_overlay_items_are_removed_one_by_one(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    dashboard.open("control")
    injected(dashboard, "authentication")
    applied(dashboard, delay="50ms")
    server.call("PATCH", "/api/config/endpoints/anthropic-messages", {"error": "overloaded"})
    page.get_by_role("button", name="Remove inject authentication global").click()
    dashboard.reported("removed from the overlay")
    got = server.ask()
    assert (got.status, got.took >= 0.05) == (200, True)
    page.get_by_role("button", name="Unset the settings of anthropic-messages").click()
    dashboard.reported("are unset")
    assert server.ask(endpoint="anthropic-messages").status == 200
    page.get_by_role("button", name="Unset the settings of all endpoints").click()
    dashboard.reported("are unset")
    assert server.overlay == "mockllm: 1\n"


def test_reset_dialog_selects_what_is_reset(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    server.ask()
    dashboard.open("control", anew=True)
    injected(dashboard, "rate_limit")
    card = dashboard.card("Changed at run time")
    card.get_by_label("Changes made at run time").uncheck()
    expect(card.get_by_role("button", name="Reset", exact=True)).to_be_disabled()
    for label in ("The journal", "The metrics", "Counters and sessions"):
        card.get_by_label(label).check()
    card.get_by_role("button", name="Reset", exact=True).click()
    dashboard.reported("Reset: journal, metrics, state")
    assert "inject rate_limit" in server.overlay
    assert server.call("GET", "/api/requests")["requests"] == []
    assert server.call("GET", "/api/metrics")["requests"] == 0
    page.get_by_role("tab", name="Requests").click()
    expect(page.get_by_text("No requests yet.")).to_be_visible()


def test_added_rule_is_shown_and_can_be_removed(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    dashboard.open("control")
    server.call("POST", "/api/rules", {"rules": [{"name": "mine", "match": {"user": "me"}, "reply": "You."}]})
    expect(page.get_by_role("tab", name="Control")).to_contain_text("•")
    page.get_by_role("button", name="Remove mine").click()
    dashboard.reported("mine is removed from the overlay")
    until(lambda: server.ask("me").status == 404)
