"""Every page by axe, for WCAG 2.2 AA; its weight; and a journal of 10,000 requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Response, expect

from tests.dashboard.dashboard_page import Dashboard, DashboardServer
from tests.dashboard.test_many_events import FEED, event

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "rules": {"label-content-name-mismatch": {"enabled": True}},  # WCAG 2.5.3: axe calls it experimental
}
BUILT = Path(__file__).parents[2] / "mockllm" / "dashboard"
MAX_SCRIPT = 200_000
PAGES = [
    "live", "requests", "requests/LAST", "requests/LAST?with=FIRST", "control", "rules", "rules/rule/a.yaml%3Ahello",
    "rules/new?from=FIRST", "rules/files", "rules/file/a.yaml", "clients", "hunt", "mcp",
]  # fmt: skip


@pytest.fixture
def busy(dashboard: Dashboard) -> Dashboard:
    """A server with requests of all kinds."""
    server = dashboard.server
    server.call(
        "POST",
        "/api/rules",
        {
            "modifiers": [
                {
                    "name": "cut",
                    "match": {"user": {"contains": "paced"}},
                    "faults": [{"close": {"after": {"chunks": 1}}}],
                }
            ]
        },
    )
    server.call(
        "POST",
        "/api/rules",
        {
            "modifiers": [
                {
                    "name": "l",
                    "match": {"user": "retry"},
                    "error": {"type": "rate_limit", "retry_after": "60s"},
                }
            ]
        },
    )
    for user in ("hello", "retry", "retry", "call", "never asked before"):
        server.ask(user, headers={"x-mockllm-session": "one"})
    server.ask("paced", stream=True)
    return dashboard


def violations(dashboard: Dashboard) -> list[str]:
    found: list[Any] = Axe().run(dashboard.page, options=RULES).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]} {node['failureSummary'][-200:]}"
        for each in found
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES)
@pytest.mark.covering("scheme")
def test_page_has_no_barrier(busy: Dashboard, address: str, scheme: Literal["light", "dark"]) -> None:
    page, last = busy.page, busy.server.last()["id"]
    page.emulate_media(color_scheme=scheme)
    address = address.replace("LAST", str(last)).replace("FIRST", str(last - 5))
    page.goto("about:blank")
    page.goto(f"{busy.server.url}/dashboard#/{address}")
    expect(page.locator(".state")).to_have_text("live")
    expect(page.get_by_text("Loading", exact=False)).to_have_count(0)
    found = violations(busy)
    page.emulate_media(color_scheme="light")
    assert found == []


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("view", ["live", "requests", "clients", "hunt", "mcp"])
@pytest.mark.covering("view")
def test_view_without_requests_has_no_barrier(
    browser: Browser, server: DashboardServer, view: str, width: int
) -> None:
    with browser.new_context(viewport={"width": width, "height": 900}) as context:
        dashboard = Dashboard(context.new_page(), server).open(view, anew=True)
        expect(dashboard.page.get_by_text("Loading", exact=False)).to_have_count(0)
        assert violations(dashboard) == []


@pytest.mark.parametrize("width", [400, 2560])
@pytest.mark.full
def test_page_has_no_barrier_at_any_width(busy: Dashboard, width: int) -> None:
    page, usual = busy.page, busy.page.viewport_size
    assert usual is not None
    page.set_viewport_size({"width": width, "height": 900})
    found = []
    for address in (
        "live",
        "requests",
        f"requests/{busy.server.last()['id']}",
        "control",
        "rules",
        "clients",
        "hunt",
        "mcp",
    ):
        page.goto("about:blank")
        page.goto(f"{busy.server.url}/dashboard#/{address}")
        expect(page.locator(".state")).to_have_text("live")
        expect(page.get_by_text("Loading", exact=False)).to_have_count(0)
        found += violations(busy)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size(usual)
    assert found == []


def test_page_loads_little_javascript(dashboard: Dashboard) -> None:
    loaded: dict[str, int] = {}
    page = dashboard.page

    def arrived(got: Response) -> None:
        if got.url.endswith(".js"):
            loaded[got.url.rpartition("/")[2]] = len(got.body())

    page.on("response", arrived)
    dashboard.open("live", anew=True)
    for view in ("Requests", "Control", "Rules", "Clients", "Hunt", "MCP"):
        page.get_by_role("tab", name=view).click()
    page.remove_listener("response", arrived)
    assert list(loaded) == ["app.js"]
    assert loaded["app.js"] == (BUILT / "app.js").stat().st_size < MAX_SCRIPT


@pytest.fixture
def full(browser: Browser, server: DashboardServer) -> Iterator[Dashboard]:
    with browser.new_context(viewport={"width": 1600, "height": 1000}) as context:
        page = context.new_page()
        page.add_init_script(f"({FEED})()")
        yield Dashboard(page, server)


@pytest.mark.full
def test_list_of_10000_requests_draws_only_what_is_seen(full: Dashboard) -> None:
    """The rows in the page while the list scrolls from its start to its end. With -s it prints the milliseconds of a
    frame at rest and while it scrolls, and of one filter."""
    page = full.open("requests").page
    for start in range(0, 10_000, 1000):
        frame = json.dumps(
            {"type": "events", "events": [event(start + n) for n in range(1000)], "dropped": 0}
        )
        page.evaluate("(data) => window.feed.onmessage({data})", frame)
    expect(page.locator(".foot")).to_contain_text("10,000 requests shown")
    measured = page.evaluate(
        """() => new Promise((done) => {
            const list = document.querySelector(".rows"), end = list.scrollHeight - list.clientHeight;
            const idle = [], gaps = [], middle = (all) => all.sort((one, other) => one - other)[50];
            let step = 0, most = 0, before = performance.now();
            const frame = (now) => {
                (step < 100 ? idle : gaps).push(now - before);
                before = now;
                if (++step > 100) list.scrollTop = (end * (step - 100)) / 100;
                most = Math.max(most, document.querySelectorAll(".row").length);
                if (step < 200) requestAnimationFrame(frame);
                else requestAnimationFrame(() => done({idle: middle(idle), typical: middle(gaps), rows: most}));
            };
            requestAnimationFrame(frame);
        })"""
    )
    assert measured["rows"] < 120
    expect(page.locator(".rows .row").last).to_contain_text("n=0")
    took = page.evaluate(
        """() => new Promise((done) => {
            const field = document.querySelector("[aria-label='Filter the journal']"), began = performance.now();
            field.value = "404";
            field.dispatchEvent(new Event("input", {bubbles: true}));
            requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
        })"""
    )
    print(
        f"frame at rest {measured['idle']:.1f} ms, scrolling {measured['typical']:.1f} ms, filter {took:.0f} ms"
    )
    expect(page.locator(".foot")).to_contain_text("220 requests shown")
