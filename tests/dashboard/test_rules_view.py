"""Rules with what they counted, files that are stale, misses, verdicts and sessions."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.dashboard.dashboard_page import FILES, Dashboard
from tests.waiting import until


def test_rules_are_listed_in_order_with_counters(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    dashboard.open("rules", anew=True)
    rows = page.locator(".rows .row")
    expect(rows).to_have_count(7)
    expect(rows.first).to_contain_text("hello")
    expect(rows.first).to_contain_text("scenarios/a.yaml:2")
    server.ask("hello")
    server.ask("hello")
    expect(rows.first.locator(".hits")).to_have_text("2")
    page.get_by_label("Kind", exact=True).select_option("unused")
    expect(rows).to_have_count(6)
    page.get_by_label("Filter the rules").fill("b.yaml")
    expect(rows).to_have_count(1)
    page.get_by_label("Kind", exact=True).select_option("modifier")
    expect(page.get_by_text("No rule matches this filter.")).to_be_visible()


def test_broken_file_is_reported_until_it_is_fixed(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    dashboard.open("rules", anew=True)
    file = server.folder / "b.yaml"
    try:
        file.write_text("rules:\n  - name: draft\n    repyl: Soon.\n")
        alarm = page.locator(".alarm")
        expect(alarm).to_contain_text("b.yaml")
        expect(alarm).to_contain_text('did you mean "reply"')
        expect(alarm).to_contain_text("its last valid version is active")
        expect(page.get_by_role("link", name="1 stale file")).to_be_visible()
        file.write_text(FILES["b.yaml"] + "  - name: more\n    match: {user: more}\n    reply: More.\n")
        page.get_by_role("button", name="Reload the files").click()
        expect(page.locator(".notice")).to_contain_text("Reloaded: 8 rules in 2 files.")
        expect(alarm).to_have_count(0)
        expect(page.locator(".rows .row")).to_have_count(8)
    finally:
        file.write_text(FILES["b.yaml"])
        server.call("POST", "/api/reload")
    until(lambda: len(server.call("GET", "/api/rules")["rules"]) == 7)


def test_unmatched_requests_are_grouped_with_near_misses(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    for _ in range(3):
        server.ask("never asked before")
    dashboard.open("rules", anew=True)
    card = dashboard.card("Unmatched requests")
    expect(card).to_contain_text("3 times")
    expect(card.locator(".near")).to_contain_text("never")
    card.get_by_role("button", name="Show request").click()
    expect(page.locator(".detail")).to_contain_text("Why no rule matched")


def test_near_misses_are_those_of_the_shown_request(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask("never asked before")
    dashboard.open("rules", anew=True)
    near = dashboard.card("Unmatched requests").locator(".near")
    expect(near).to_contain_text("never asked before")
    server.ask("never asked either")
    expect(near).to_contain_text("never asked either")


def test_verdicts_are_shown(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    server.call(
        "POST",
        "/api/rules",
        {"modifiers": [{"chance": 1, "error": {"type": "rate_limit", "retry_after": "60s"}}]},
    )
    for _ in range(3):
        server.ask("hello")
    dashboard.open("clients", anew=True)
    card = dashboard.card("Verdicts")
    expect(card.locator(".verdict.bad").first).to_contain_text("retry after ignored")
    expect(card.locator(".verdict .hint").first).not_to_be_empty()
    card.get_by_role("button", name="Show request").first.click()
    expect(page.locator(".detail .headline")).to_contain_text("429")


def test_sessions_are_listed_and_ended(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    server.send("POST", "/api/rules?session=mine", {"match": {"user": "x"}, "reply": "y"})
    server.ask("hello", headers={"x-mockllm-session": "mine"})
    dashboard.open("clients", anew=True)
    row = page.get_by_role("row").filter(has_text="mine")
    expect(row.get_by_role("cell").nth(0)).to_have_text("1")
    expect(row.get_by_role("cell").nth(1)).to_have_text("1")
    page.get_by_role("button", name="End session mine").click()
    dashboard.reported("Session mine has ended")
    assert server.call("GET", "/api/sessions")["sessions"] == []
    expect(dashboard.card("Sessions")).to_contain_text("None.")
    below = dashboard.card("Sessions").locator("code").filter(has_text="/").first.inner_text()
    server.send("GET", f"{below}/models")
    until(lambda: [each["id"] for each in server.call("GET", "/api/sessions")["sessions"]] == ["its-name"])
