"""500 events a second: the page stays usable, and holds no more than it can show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.dashboard_page import Dashboard, DashboardServer

pytestmark = pytest.mark.full

BATCHES = 20
BATCH_SIZE = 100
"""Events in a message: the server sends at most four messages a second."""
COUNT_ROWS = """
new MutationObserver((changes) => {
  window.added += changes.reduce((sum, change) => sum + change.addedNodes.length, 0);
}).observe(document.querySelector('.rows > div'), {childList: true})
"""
FEED = """
(() => {
  window.WebSocket = class extends EventTarget {
    static OPEN = 1;
    readyState = 1;
    constructor() {
      super();
      window.feed = this;
      setTimeout(() => this.onmessage({data: JSON.stringify({type: 'hello', version: '0', interval: 1})}), 0);
    }
    close() {}
  };
})
"""


def event(number: int) -> dict[str, Any]:
    missed, broken = number % 50 == 0, number % 20 == 0
    return {
        "id": 1_000_000 + number, "at": 1_790_000_000 + number / 500, "method": "POST",
        "path": f"/v1/chat/completions?n={number}", "client": "127.0.0.1", "session": None, "key": "abc",
        "endpoint": "openai-chat", "provider": "openai", "model": "gpt-4o",
        "rule": None if missed else "a.yaml:hello", "modifiers": [],
        "faults": ["reset"] if broken else [], "error": None, "notes": [],
        "status": 404 if missed else 200, "streamed": True, "took": 0.01, "left": "finished", "missed": missed,
        "seed": "1", "near_misses": [],
    }  # fmt: skip


@pytest.fixture
def busy(browser: Browser, server: DashboardServer) -> Any:
    """A page whose feed is in the hands of the test."""
    with browser.new_context(viewport={"width": 1600, "height": 1000}) as context:
        page = context.new_page()
        page.add_init_script(f"({FEED})()")
        yield Dashboard(page, server)


def fed(page: Page, start: int, count: int) -> None:
    """So many events in one frame, as the server would send them."""
    frame = json.dumps({"type": "events", "events": [event(start + n) for n in range(count)], "dropped": 0})
    page.evaluate("(data) => window.feed.onmessage({data})", frame)


def test_batches_of_events_draw_only_visible_rows(busy: Dashboard) -> None:
    """Counted in rows that the page adds, since a machine's load says nothing about the page."""
    page = busy.open("requests").page
    fed(page, 0, 1000)
    expect(page.locator(".rows .row").first).to_contain_text("n=999")
    page.evaluate(COUNT_ROWS)
    for batch in range(BATCHES):
        start = 1000 + batch * BATCH_SIZE
        page.evaluate("window.added = 0")
        fed(page, start, BATCH_SIZE)
        expect(page.locator(".rows .row").first).to_contain_text(f"n={start + BATCH_SIZE - 1}")
        assert page.evaluate("window.added") <= page.locator(".rows .row").count()
    search = page.get_by_label("Filter the journal")
    search.fill("404")
    expect(page.locator(".rows .row").first).to_contain_text("no rule matched")


def test_events_of_one_turn_are_drawn_once(busy: Dashboard) -> None:
    page = busy.open("requests").page
    fed(page, 0, 10)
    expect(page.locator(".rows .row")).to_have_count(10)
    changes = page.evaluate(
        """(frames) => new Promise((done) => {
            let turns = 0;
            const watch = new MutationObserver(() => turns++);
            watch.observe(document.querySelector('.rows'), {childList: true, subtree: true});
            for (const data of frames) window.feed.onmessage({data});
            requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done(turns))));
        })""",
        [
            json.dumps(
                {"type": "events", "events": [event(10 + batch * 20 + n) for n in range(20)], "dropped": 0}
            )
            for batch in range(50)
        ],
    )
    assert changes <= 3, "fifty batches in one turn are one or two drawings"
    expect(page.locator(".rows .row").first).to_contain_text("n=1009")


def test_log_is_bounded_and_draws_visible_rows(busy: Dashboard) -> None:
    page = busy.open("requests").page
    for start in range(0, 12000, 500):
        fed(page, start, 500)
    expect(page.locator(".foot")).to_contain_text("10,000 requests shown")
    assert page.locator(".rows .row").count() < 80
    page.locator(".rows").evaluate("(each) => each.scrollTo(0, each.scrollHeight)")
    expect(page.locator(".rows .row").last).to_contain_text("n=2000")
    assert page.locator(".rows .row").count() < 80
    top = page.locator(".rows").evaluate("(each) => each.scrollTop")
    fed(page, 12000, 100)
    expect(page.locator(".foot")).to_contain_text("10,000 requests shown")
    assert page.locator(".rows").evaluate("(each) => each.scrollTop") <= top + 1


def test_dropped_events_are_counted(busy: Dashboard) -> None:
    page = busy.open("requests").page
    frame = json.dumps({"type": "events", "events": [event(1)], "dropped": 400})
    page.evaluate("(data) => window.feed.onmessage({data})", frame)
    expect(page.locator(".foot")).to_contain_text("400 were left out of the live log")


def test_charts_use_the_servers_clock(busy: Dashboard) -> None:
    """A browser on another machine may be an hour behind."""
    page = busy.open("live").page
    at = page.evaluate("Math.floor(Date.now() / 1000)") + 3600
    empty: dict[str, Any] = {"since": at, "requests": 7, "errors": 0, "missed": 0, "open": 3, "per_second": 7}
    second = {"at": at - 1, "requests": 7, "errors": 0, "missed": 0, "mean": 0.1, "bytes": 2048}
    frame = {
        "type": "metrics",
        "at": at + 0.1,
        "metrics": {**empty, "endpoints": []},
        "second": second,
        "seconds": [],
    }
    page.evaluate("(data) => window.feed.onmessage({data})", json.dumps(frame))
    rate = page.locator(".tile").filter(has_text="Requests a second")
    expect(rate.locator(".tile-value")).to_have_text("7")
