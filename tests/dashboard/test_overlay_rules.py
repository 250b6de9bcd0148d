"""Rules of the overlay with any name, and of several sessions, are edited, switched off and deleted."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard
from tests.dashboard.test_rule_workbench import at, editor, reported, typed


def test_overlay_rule_that_is_enabled_is_switched_off(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.call(
        "POST", "/api/rules", {"name": "mine", "enabled": True, "match": {"user": "me"}, "reply": "You."}
    )
    page = at(dashboard, "rules/rule/overlay%3Amine")
    page.get_by_role("button", name="Switch off").click()
    dashboard.reported("mine is switched off")
    assert server.ask("me").status == 404


def test_overlay_rule_with_a_colon_is_switched_off(dashboard: Dashboard) -> None:
    server = dashboard.server
    rule = {"name": "status: busy", "match": {"user": "me"}, "reply": "You."}
    server.call("POST", "/api/rules", rule)
    page = at(dashboard, "rules/rule/overlay%3Astatus%3A%20busy")
    pane = page.get_by_role("complementary", name="status: busy")
    pane.get_by_role("button", name="Switch off").click()
    dashboard.reported("status: busy is switched off")
    assert server.ask("me").status == 404
    assert [each["name"] for each in server.call("GET", "/api/overlay")["items"]] == ["status: busy"]


def test_rules_of_two_sessions_share_a_name(dashboard: Dashboard) -> None:
    server = dashboard.server
    for session in "AB":
        rule = {"name": "same", "match": {"user": "me"}, "reply": f"Of {session}."}
        server.call("POST", f"/api/rules?session={session}", rule)
    page = dashboard.open("rules", anew=True).page
    page.locator(".rows .row").filter(has_text="session B").click()
    pane = page.get_by_role("complementary", name="same")
    expect(pane.get_by_label("the rule", exact=True)).to_contain_text("Of B.")
    page.reload()
    expect(pane.get_by_label("the rule", exact=True)).to_contain_text("Of B.")
    pane.get_by_role("button", name="Edit", exact=True).click()
    expect(editor(page)).to_contain_text("Of B.")
    typed(page, "name: same\nmatch: {user: me}\nreply: New of B.\n")
    page.get_by_role("button", name="Save in the overlay").click()
    dashboard.reported("same is active")
    expect(pane.get_by_label("the rule", exact=True)).to_contain_text("New of B.")
    assert [reported(server.ask("me", headers=of(each))) for each in "AB"] == ["Of A.", "New of B."]
    page.get_by_role("button", name="Delete").click()
    dashboard.reported("same is removed")
    assert [server.ask("me", headers=of(each)).status for each in "AB"] == [200, 404]


def of(session: str) -> dict[str, str]:
    return {"x-mockllm-session": session}


def test_unsaved_text_is_that_of_one_rule(dashboard: Dashboard) -> None:
    server = dashboard.server
    for session in "AB":
        rule = {"name": "same", "match": {"user": "me"}, "reply": f"Of {session}."}
        server.call("POST", f"/api/rules?session={session}", rule)
    page = at(dashboard, "rules/edit/session%3Asame?session=A")
    typed(page, "name: same\nreply: A draft.\n")
    page.evaluate("location.hash = '#/rules/edit/session%3Asame?session=B'")
    expect(editor(page)).to_contain_text("Of B.")
    page.evaluate("location.hash = '#/rules/edit/session%3Asame?session=A'")
    expect(editor(page)).to_contain_text("A draft.")
