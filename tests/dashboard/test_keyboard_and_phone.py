"""A person without a mouse, and one with a telephone: both steer."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.dashboard.dashboard_page import Dashboard, DashboardServer, served


def test_error_is_injected_and_removed_by_keyboard(dashboard: Dashboard) -> None:
    page, server = dashboard.open(anew=True).page, dashboard.server
    page.get_by_role("tab", name="Live").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    kinds = dashboard.card("Errors").locator("input[name='error-kind']")
    expect(kinds.first).to_be_visible()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "error-kind":
            break
    page.keyboard.press("ArrowDown")
    expect(dashboard.card("Errors").locator("input[value='insufficient_quota']")).to_be_checked()
    outline = page.evaluate("getComputedStyle(document.activeElement.closest('.choice')).outlineStyle")
    assert outline == "solid", "the focus can be seen"
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    dashboard.reported("get insufficient_quota")
    assert server.ask().status == 429
    page.get_by_role("button", name="Remove inject insufficient_quota global").focus()
    page.keyboard.press("Enter")
    dashboard.reported("removed from the overlay")
    assert server.ask().status == 200


def test_views_work_on_a_phone(browser: Browser, server: DashboardServer) -> None:
    look = {"viewport": {"width": 400, "height": 800}, "has_touch": True, "is_mobile": True}
    with browser.new_context(**look) as context:  # type: ignore[arg-type]
        page = context.new_page()
        dashboard = Dashboard(page, server).open("control")
        dashboard.card("Climate").locator("input[value='rate-limited']").tap()
        dashboard.reported("rate-limited")
        assert [server.ask().status for _ in range(5)] == [200, 200, 200, 200, 429]
        page.get_by_role("button", name="Changed at run time").tap()
        expect(page.get_by_role("button", name="Unset the settings of all endpoints")).to_be_in_viewport()
        page.get_by_role("tab", name="Requests").tap()
        page.locator(".rows .row").first.tap()
        expect(page.locator(".detail .headline")).to_be_in_viewport()
        expect(page.get_by_label("Filter the journal")).not_to_be_visible()
        page.get_by_role("button", name="Close the request").tap()
        expect(page.get_by_label("Filter the journal")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_closed_request_returns_to_list_on_a_narrow_page(browser: Browser, server: DashboardServer) -> None:
    server.ask("hello")
    with browser.new_context(viewport={"width": 400, "height": 800}) as context:
        page = context.new_page()
        Dashboard(page, server).open("requests", anew=True)
        rows = page.get_by_role("listbox")
        expect(rows.get_by_role("option")).to_have_count(1)
        rows.press("ArrowDown")
        expect(page.locator(".detail .headline")).to_be_in_viewport()
        expect(rows).not_to_be_visible()
        page.keyboard.press("Escape")
        expect(rows).to_be_focused()


def test_dashboard_is_served_on_the_admin_port(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, "--admin-port", "0") as server, browser.new_context() as context:
        line = server.process.line(lambda line: "/dashboard" in line or "control API" in line)
        url = "http" + line.partition("http")[2].split("/api")[0].split("/dashboard")[0].split()[0]
        page = context.new_page()
        page.goto(f"{url}/dashboard")
        expect(page.locator(".state")).to_have_text("live")
        expect(page.locator(".about")).to_contain_text("7 rules")
        page.get_by_role("tab", name="Control").click()
        dashboard = Dashboard(page, server)
        dashboard.card("Climate").locator("input[value='rate-limited']").check()
        dashboard.reported("rate-limited")
        assert [server.ask().status for _ in range(5)] == [200, 200, 200, 200, 429]
        assert server.send("GET", "/dashboard").status == 404, "only there"


def test_page_of_admin_port_replays_to_provider_port(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, "--admin-port", "0") as server, browser.new_context() as context:
        line = server.process.line(lambda line: "control API: " in line)
        server.ask()
        server.send("POST", "/api/reset", "{}")
        page = context.new_page()
        page.goto(f"{line.partition('control API: ')[2].partition('/api')[0]}/dashboard#/requests")
        rows = page.locator(".rows .row")
        for text, status in (("gpt-4o", "200"), ("/api/reset", "404")):  # there the path is no control call
            rows.filter(has_text=text).click()
            page.get_by_role("button", name="Replay", exact=True).click()
            Dashboard(page, server).reported("was sent again")
            expect(page.locator(".detail .headline")).to_contain_text(status)


def test_replay_without_cors_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with (
        served(tmp_path, "--admin-port", "0", "--no-cors") as server,
        browser.new_context() as context,
    ):
        line = server.process.line(lambda line: "control API: " in line)
        page = context.new_page()
        page.goto(f"{line.partition('control API: ')[2].partition('/api')[0]}/dashboard#/requests")
        server.ask()
        page.locator(".rows .row").click()
        page.get_by_role("button", name="Replay", exact=True).click()
        Dashboard(page, server).reported(f"did not get through to {server.process.url}")


def test_page_of_admin_port_names_the_provider_port(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, "--admin-port", "0") as server, browser.new_context() as context:
        line = server.process.line(lambda line: "control API: " in line)
        page = context.new_page()
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"{line.partition('control API: ')[2].partition('/api')[0]}/dashboard#/requests")
        expect(page.locator("pre.try")).to_contain_text(f"curl {server.process.url}/v1/chat/completions")
        server.ask()
        page.locator(".rows .row").click()
        for button in ("Copy as curl", "Copy as Python"):
            page.get_by_role("button", name=button).click()
            expect(page.get_by_role("button", name="Copied")).to_be_visible()
            assert f"{server.process.url}/v1" in page.evaluate("navigator.clipboard.readText()")
            expect(page.get_by_role("button", name="Copied")).not_to_be_visible()
