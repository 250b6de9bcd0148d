"""The page as a person finds it: every view, by mouse and by keyboard, in both colours, narrow and wide."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Route, expect

from tests.dashboard.dashboard_page import Dashboard, DashboardServer

PLACES = "all => all.map(each => [each.offsetLeft, each.offsetTop, each.offsetWidth])"
"""JavaScript that returns where elements are."""
VIEWS = ["live", "requests", "control", "rules", "clients", "hunt", "mcp"]


def test_page_loads_only_own_files_with_strict_policy(server: DashboardServer) -> None:
    got = server.send("GET", "/dashboard")
    assert got.status == 200
    policy = got.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in got.text
    assert "http://" not in got.text
    assert "https://" not in got.text


@pytest.mark.parametrize("width", [400, 1600])
def test_tabs_stay_in_their_places_when_marks_appear(dashboard: Dashboard, width: int) -> None:
    server, page = dashboard.server, dashboard.page
    page.set_viewport_size({"width": width, "height": 900})
    try:
        dashboard.open()
        tabs = page.get_by_role("tab")
        before = tabs.evaluate_all(PLACES)
        server.ask("nobody answers this")
        server.call("PATCH", "/api/config/global", {"pace": {"itl": "20ms"}})
        expect(page.locator("#tab-requests .mark")).to_be_visible()
        expect(page.locator("#tab-control .mark")).to_be_visible()
        assert tabs.evaluate_all(PLACES) == before
    finally:
        page.set_viewport_size({"width": 1400, "height": 1000})


@pytest.mark.parametrize("width", [400, 1600])
def test_tabs_stay_in_their_places_when_the_head_fills(dashboard: Dashboard, width: int) -> None:
    page, held = dashboard.page, list[Route]()
    page.set_viewport_size({"width": width, "height": 900})
    page.route("**/health", lambda route: held.append(route))
    try:
        page.goto("about:blank")
        with page.expect_request("**/health"):
            page.goto(f"{dashboard.server.url}/dashboard#/live")
        expect(page.locator(".state")).to_have_text("live")
        tabs = page.get_by_role("tab")
        before = tabs.evaluate_all(PLACES)
        for route in held:
            route.continue_()
        expect(page.locator(".about")).to_contain_text("rules in")
        assert tabs.evaluate_all(PLACES) == before
    finally:
        page.unroute("**/health")
        page.set_viewport_size({"width": 1400, "height": 1000})


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.covering(count=2)
def test_every_view_fits_at_this_width(
    dashboard: Dashboard, width: int, scheme: Literal["light", "dark"]
) -> None:
    server, page = dashboard.server, dashboard.page
    server.ask("hello", stream=True)
    server.ask("nobody answers this, however long what is asked may be and whatever it may be about")
    server.ask("hello", headers={"x-mockllm-session": "a-test-with-quite-a-long-name"})
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    try:
        dashboard.open(anew=True)
        for view in VIEWS:
            page.get_by_role("tab", name=view).click()
            expect(page.get_by_role("tabpanel")).to_have_id(f"view-{view}")
            expect(page.get_by_text("Loading")).to_have_count(0)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        dark = sum(int(each) for each in colour.strip("rgb()").split(",")) < 200
        assert dark is (scheme == "dark")
    finally:
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1400, "height": 1000})


def test_tabs_follow_arrow_home_and_end_keys(dashboard: Dashboard) -> None:
    page = dashboard.open(anew=True).page
    page.get_by_role("tab", name="Live").focus()
    for key, tab in [
        ("ArrowRight", "Requests"), ("ArrowRight", "Control"), ("End", "MCP"), ("ArrowRight", "Live"),
        ("ArrowLeft", "MCP"), ("Home", "Live"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        chosen = page.get_by_role("tab", name=tab)
        expect(chosen).to_be_focused()
        expect(chosen).to_have_attribute("aria-selected", "true")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus can be seen"


def test_every_control_has_a_name_and_is_focusable(dashboard: Dashboard) -> None:
    page = dashboard.open("control").page
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a')].filter((each) =>
             !(each.getAttribute('aria-label') || each.textContent.trim() || each.labels?.length)).length"""
    )
    assert nameless == 0
    controls = page.locator("main").locator("button:enabled, input, select").count()
    page.get_by_label("Endpoint", exact=True).focus()
    reached = set()
    for _ in range(controls + 30):
        page.keyboard.press("Tab")
        place = page.evaluate(
            "[...document.querySelectorAll('button, input, select')].indexOf(document.activeElement)"
        )
        reached.add(place)
    radios = page.locator("main input[type=radio]").count() - 2  # a group is one stop
    assert len(reached - {-1}) >= controls - radios - 1


def test_colour_theme_is_chosen_and_stored(dashboard: Dashboard) -> None:
    page = dashboard.open(anew=True).page
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="Use dark colours").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Use light colours").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_view_has_an_address_and_back_returns(dashboard: Dashboard) -> None:
    page = dashboard.open(anew=True).page
    page.get_by_role("tab", name="Rules").click()
    page.get_by_role("tab", name="Control").click()
    assert page.url.endswith("#/control")
    page.go_back()
    expect(page.get_by_role("tab", name="Rules")).to_have_attribute("aria-selected", "true")
    page.reload()
    expect(page.get_by_role("tab", name="Rules")).to_have_attribute("aria-selected", "true")


def test_empty_views_say_what_to_do(dashboard: Dashboard) -> None:
    page = dashboard.open("requests", anew=True).page
    expect(page.get_by_text("No requests yet.")).to_be_visible()
    expect(page.locator("pre.try")).to_contain_text(f"curl {dashboard.server.url}/v1/chat/completions")
    page.get_by_role("tab", name="Clients").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
    page.get_by_role("tab", name="Rules").click()
    expect(page.get_by_text("A request that no rule matches is listed here")).to_be_visible()
