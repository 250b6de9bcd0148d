"""The live view: what the server counts, as it counts it."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from pathlib import Path

from playwright.sync_api import Browser, Locator, expect

from tests.dashboard.dashboard_page import Dashboard, DashboardServer, served
from tests.process import serving


def tile(dashboard: Dashboard, name: str) -> Locator:
    return dashboard.page.locator(".tile").filter(has=dashboard.page.get_by_text(name, exact=True))


def test_metrics_grow_with_requests(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open(anew=True)
    expect(tile(dashboard, "Requests a second")).to_contain_text("0 in total")
    expect(tile(dashboard, "First token, p95")).to_contain_text("no stream yet")
    server.ask("paced", stream=True)
    server.ask("nobody answers this")
    expect(tile(dashboard, "Requests a second")).to_contain_text("2 in total")
    expect(tile(dashboard, "Requests a second")).not_to_contain_text("peak 0")
    expect(tile(dashboard, "Throughput")).not_to_contain_text("peak 0 B/s")
    expect(tile(dashboard, "Errors")).to_contain_text("50 %")
    expect(tile(dashboard, "Unmatched").locator(".tile-value")).to_have_text("1")
    expect(tile(dashboard, "First token, p95").locator(".tile-value")).not_to_have_text("–")
    expect(tile(dashboard, "Response time, p95").locator(".tile-value")).not_to_have_text("–")
    tile(dashboard, "Unmatched").click()
    expect(dashboard.page.get_by_role("heading", name="Unmatched requests")).to_be_visible()


def test_open_connections_are_shown_by_endpoint(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open(anew=True)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "slow"}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"authorization": "Bearer x"})
    answer = connection.getresponse()
    answer.readline()
    row = dashboard.page.get_by_role("row").filter(has_text="openai-chat")
    expect(row.get_by_role("cell").first).to_have_text("1")
    expect(tile(dashboard, "Responses in flight").locator(".tile-value")).to_have_text("1")
    answer.close()
    connection.close()
    expect(row.get_by_role("cell").first).to_have_text("0")
    expect(tile(dashboard, "Responses in flight").locator(".tile-value")).to_have_text("0")
    expect(tile(dashboard, "Responses in flight")).to_contain_text("peak 1")


def test_histogram_shows_the_selected_measure(dashboard: Dashboard) -> None:
    server = dashboard.server
    for _ in range(3):
        server.ask("paced", stream=True)
    server.ask(endpoint="anthropic-messages")
    card = dashboard.open(anew=True).card("Response times")
    chart = card.get_by_role("img")
    for which in ("latency", "ttft", "inter_chunk"):
        card.get_by_label("Measure").select_option(which)
        expect(chart).to_have_attribute("aria-label", re.compile("p50 .* p95 .* p99"))
    card.get_by_label("Endpoint").select_option("anthropic-messages")
    expect(card.get_by_text("No stream yet.")).to_be_visible()
    card.get_by_label("Measure").select_option("latency")
    expect(chart).to_be_visible()


def test_percentiles_are_shown_above_the_bars(dashboard: Dashboard) -> None:
    for _ in range(3):
        dashboard.server.ask("words")
    page = dashboard.open(anew=True).page
    usual = page.viewport_size
    assert usual is not None
    page.set_viewport_size({"width": 400, "height": 800})
    chart = dashboard.card("Response times").get_by_role("img")
    expect(chart).to_have_attribute("aria-label", re.compile("p50 .* p95 .* p99"))
    drawn = """chart => {
        const canvas = chart.querySelector("canvas"), high = 50 * devicePixelRatio;
        const bar = document.createElement("canvas").getContext("2d");
        bar.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--chart-1");
        bar.fillRect(0, 0, 1, 1);
        const [red, green, blue] = bar.getImageData(0, 0, 1, 1).data, found = {bars: 0, labels: 0};
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, high);
        for (let at = 0; at < data.length; at += 4) {
            if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) found.bars++;
            else if (data[at + 3]) found.labels++;
        }
        return found;
    }"""
    found = chart.evaluate(drawn)
    page.set_viewport_size(usual)
    assert found["labels"] > 0
    assert found["bars"] == 0


def test_charts_show_the_last_minutes(dashboard: Dashboard) -> None:
    page = dashboard.open(anew=True).page
    for title in ("Requests a second", "Throughput", "Responses in flight"):
        canvas = dashboard.card(title).locator("canvas")
        expect(canvas).to_be_visible()
        drawn = canvas.evaluate(
            "each => each.getContext('2d').getImageData(0, 0, each.width, each.height).data.some(Boolean)"
        )
        assert drawn, title
    dashboard.card("Requests a second").get_by_label("Span").select_option("600")
    page.get_by_role("button", name="Use dark colours").click()
    expect(dashboard.card("Throughput").locator("canvas")).to_have_count(1)
    page.get_by_role("button", name="Use light colours").click()


def test_live_view_works_without_the_feed(browser: Browser, server: DashboardServer) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.route_web_socket("**/ws", lambda socket: socket.close())
        page.goto(f"{server.url}/dashboard")
        expect(page.locator(".state")).to_have_text("polling once a second")
        server.ask()
        expect(tile(Dashboard(page, server), "Requests a second")).to_contain_text("1 in total")
        page.get_by_role("tab", name="Requests").click()
        expect(page.locator(".rows .row")).to_have_count(1)


def test_feed_reconnects_when_the_server_returns(browser: Browser, tmp_path: Path) -> None:
    with browser.new_context() as context, served(tmp_path) as first:
        page = context.new_page()
        page.goto(f"{first.url}/dashboard")
        expect(page.locator(".state")).to_have_text("live")
        first.ask()
        first.process.close()
        expect(page.locator(".state")).to_have_text("the server does not respond")
        with serving("--port", str(first.port), cwd=tmp_path) as process:
            second = DashboardServer(process, first.folder)
            second.ask("words")
            expect(page.locator(".state")).to_have_text("live")
            expect(tile(Dashboard(page, second), "Requests a second")).to_contain_text("1 in total")
            page.get_by_role("tab", name="Requests").click()
            expect(page.locator(".rows .row")).to_have_count(1)
            expect(page.locator(".rows .row")).to_contain_text("words")


def test_log_of_a_restarted_server_replaces_the_one_before(browser: Browser, tmp_path: Path) -> None:
    """The page does not notice that the server was away, since its requests wait here until the new one runs."""
    with browser.new_context() as context, served(tmp_path) as first:
        page = context.new_page()
        page.goto(f"{first.url}/dashboard#/requests")
        expect(page.locator(".state")).to_have_text("live")
        first.ask("hello")
        expect(page.locator(".rows .row")).to_contain_text("hello")
        page.route("**/api/**", lambda route: route.continue_())
        first.process.close()
        with serving("--port", str(first.port), cwd=tmp_path) as process:
            DashboardServer(process, first.folder).ask("words")
            expect(page.locator(".rows .row")).to_contain_text("words")
            expect(page.locator(".rows .row")).to_have_count(1)
