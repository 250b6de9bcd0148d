"""The dashboard from another machine: the admin token opens it once, and a cookie then suffices."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.dashboard_page import Dashboard, served


def own_address() -> str:
    """An address of this machine that is not loopback: a client there counts as another machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # nothing is sent
            found = str(probe.getsockname()[0])
        except OSError:
            found = "127.0.0.1"
    if ipaddress.ip_address(found).is_loopback:
        pytest.skip("this machine has no address but loopback")
    return found


def test_login_form_opens_the_dashboard(browser: Browser, tmp_path: Path) -> None:
    address = own_address()
    opened = served(tmp_path, "--host", "0.0.0.0", "--admin-token", "op3n-sesame")
    with opened as server, browser.new_context() as context:
        page = context.new_page()
        server.url = f"http://{address}:{server.port}"
        page.goto(f"{server.url}/dashboard")
        expect(page.get_by_text("needs the admin token")).to_be_visible()
        page.get_by_label("Admin token").fill("wrong")
        page.get_by_role("button", name="Open the dashboard").click()
        expect(page.get_by_text("This is not the admin token")).to_be_visible()
        page.get_by_label("Admin token").fill("op3n-sesame")
        page.get_by_role("button", name="Open the dashboard").click()
        expect(page.locator(".state")).to_have_text("live")
        assert "op3n" not in page.url
        dashboard = Dashboard(page, server)
        page.get_by_role("tab", name="Control").click()
        dashboard.card("Errors").locator("input[value='permission']").check()
        dashboard.card("Errors").get_by_label("Rate", exact=True).fill("100%")
        dashboard.card("Errors").get_by_role("button", name="Inject the error").click()
        dashboard.reported("get permission")
        assert server.ask().status == 403
        context.clear_cookies()
        page.reload()
        expect(page.get_by_text("needs the admin token")).to_be_visible()


def test_lost_access_is_reported(browser: Browser, tmp_path: Path) -> None:
    address = own_address()
    with (
        served(tmp_path, "--host", "0.0.0.0", "--admin-token", "op3n-sesame") as server,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.route_web_socket("**/ws", lambda socket: socket.close())
        page.goto(f"http://{address}:{server.port}/dashboard?token=op3n-sesame")
        expect(page.locator(".state")).to_have_text("polling once a second")
        context.clear_cookies()
        expect(page.locator(".state")).to_contain_text("requires its admin token")
