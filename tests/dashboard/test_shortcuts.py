"""The keyboard shortcuts of the page: the list of them, the views, the search, the rows; none while typing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard

VIEWS = {"l": "live", "r": "requests", "c": "control", "u": "rules", "v": "clients", "h": "hunt", "m": "mcp"}


def test_question_mark_opens_the_list_of_shortcuts(dashboard: Dashboard) -> None:
    page = dashboard.open(anew=True).page
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("the next and the previous row of a list")
    page.keyboard.press("2")
    expect(page.locator("#view-live")).to_be_attached()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("key", VIEWS)
def test_g_and_a_key_show_a_view(key: str, dashboard: Dashboard) -> None:
    page = dashboard.open(anew=True).page
    page.keyboard.press("g")
    page.keyboard.press(key)
    expect(page.get_by_role("tabpanel")).to_have_id(f"view-{VIEWS[key]}")


def test_number_shows_a_view_by_its_place(dashboard: Dashboard) -> None:
    page = dashboard.open(anew=True).page
    page.keyboard.press("4")
    expect(page.get_by_role("tabpanel")).to_have_id("view-rules")


def test_j_and_k_move_through_the_rows(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    server.ask("hello")
    server.ask("words")
    last = server.last()["id"]
    dashboard.open("requests", anew=True)
    expect(page.locator(".rows .row")).to_have_count(2)
    for key, shown in (("j", last), ("j", last - 1), ("k", last)):
        page.keyboard.press(key)
        expect(page.locator(f"#row-{shown}")).to_have_attribute("aria-selected", "true")


def test_no_shortcut_acts_while_a_person_types(dashboard: Dashboard) -> None:
    page = dashboard.open("requests", anew=True).page
    page.keyboard.press("/")
    field = page.get_by_label("Filter the journal")
    expect(field).to_be_focused()
    page.keyboard.type("g?2j/gr")
    expect(field).to_have_value("g?2j/gr")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("tabpanel")).to_have_id("view-requests")
    field.fill("")
    field.blur()
    page.keyboard.press("Control+?")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_no_shortcut_acts_in_the_editor(dashboard: Dashboard) -> None:
    page = dashboard.open("rules", anew=True).page
    page.get_by_role("button", name="New rule", exact=True).click()
    text = page.locator(".editor .cm-content")
    text.focus()
    page.keyboard.press("ControlOrMeta+Home")
    page.keyboard.type("# 2 of 5 / 6? jk gr")
    expect(text).to_contain_text("# 2 of 5 / 6? jk gr")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("tabpanel")).to_have_id("view-rules")
