"""What a person trips over on a busy day: lost history, placeholders that go live, controls that are out of sight."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from mockllm.core.failure import NAMED
from tests.dashboard.dashboard_page import Dashboard, DashboardServer, served
from tests.dashboard.test_many_events import FEED, event
from tests.waiting import until

pytestmark = pytest.mark.full

COVERED = """selector => {
    const outer = document.querySelector(selector);
    const box = outer.getBoundingClientRect();
    const seen = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return box.top >= 0 && box.bottom <= innerHeight && !!seen && outer.contains(seen);
}"""


@pytest.fixture
def narrow(dashboard: Dashboard) -> Iterator[Dashboard]:
    usual = dashboard.page.viewport_size
    assert usual is not None
    dashboard.page.set_viewport_size({"width": 400, "height": 800})
    yield dashboard
    dashboard.page.set_viewport_size(usual)


@pytest.fixture
def slow_history(browser: Browser, server: DashboardServer) -> Iterator[Page]:
    """A page whose feed is in the hands of the test, and whose history comes after the events of the feed."""
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        page = context.new_page()
        page.add_init_script(f"({FEED})()")
        page.goto("about:blank")
        yield page


def answer(route: Route, listed: list[dict[str, Any]]) -> None:
    """Respond to a call of the journal that has these requests, the oldest first."""
    query = {
        name: int(number) for name, number in re.findall(r"(before|after|limit)=(\d+)", route.request.url)
    }
    total, after = len(listed), query.get("after", 0)
    among = [each for each in listed if after < each["id"] < query.get("before", 10**9)]
    shown = (among if "after" in query else among[::-1])[: query.get("limit", 50)]
    counts = {"total": listed[-1]["id"], "kept": total, "bytes": 0, "most": 10_000, "most_bytes": 0}
    route.fulfill(json={"requests": shown, **counts})


def test_history_is_shown_if_events_come_first(slow_history: Page, server: DashboardServer) -> None:
    """1,013 requests; the thirteen newest come by the feed while the page still loads the others."""
    page = slow_history
    listed = [{**event(number), "id": number} for number in range(1, 1014)]
    newest = json.dumps({"type": "events", "events": listed[1000:], "dropped": 0})

    def history(route: Route) -> None:
        query = route.request.url
        if "after=" not in query and "before=" not in query:  # the events overtake this response
            page.evaluate("(data) => window.feed.onmessage({data})", newest)
        answer(route, listed)

    page.route(re.compile(r"/api/requests\?"), history)
    page.goto(f"{server.url}/dashboard#/requests")
    expect(page.locator(".foot")).to_contain_text("1,013 requests shown")


def test_search_in_bodies_finds_each_request(slow_history: Page, server: DashboardServer) -> None:
    """2,400 of 4,800 requests have the text in their bodies: more than two pages of the control API."""
    page = slow_history
    listed: list[dict[str, Any]] = [{**event(number), "id": number} for number in range(1, 4801)]

    def journal(route: Route) -> None:
        answer(route, listed[::2] if "text=zebra" in route.request.url else listed)

    page.route(re.compile(r"/api/requests\?"), journal)
    page.goto(f"{server.url}/dashboard#/requests?text=zebra")
    expect(page.locator(".foot")).to_contain_text("2,400 requests shown")
    expect(page.locator(".foot")).not_to_contain_text("searching")


def test_slow_search_in_bodies_says_that_it_searches(slow_history: Page, server: DashboardServer) -> None:
    page, held = slow_history, list[Route]()
    page.route(re.compile(r"/api/requests\?.*text="), lambda route: held.append(route))
    page.goto(f"{server.url}/dashboard#/requests?text=zebra")
    expect(page.locator(".foot")).to_contain_text("0 requests shown; searching the bodies")
    expect(page.locator(".rows")).not_to_contain_text("No request matches")
    found = [{**event(1), "id": 1}]
    page.route(re.compile(r"/api/requests\?.*text="), lambda route: answer(route, found))
    for route in held:
        answer(route, found)
    expect(page.locator(".foot")).to_contain_text("1 request shown")
    expect(page.locator(".foot")).not_to_contain_text("searching")


@pytest.mark.parametrize("view", ["clients", "mcp"])
def test_selected_tab_stays_in_sight(narrow: Dashboard, view: str) -> None:
    """The badges of other tabs come later than the page, and widen them."""
    narrow.server.ask("nobody answers this")
    narrow.server.call("PATCH", "/api/config/global", {"pace": {"ttft": "1ms"}})
    page = narrow.open(view, anew=True).page
    expect(page.get_by_role("tab", name="Control, changed at run time")).to_be_attached()
    expect(page.get_by_role("tab", selected=True)).to_be_in_viewport(ratio=0.99)


def test_rule_with_a_placeholder_cannot_go_live(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    server.ask("nobody answers this")
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    add = page.locator(".detail").get_by_role("button", name="Add to the overlay")
    expect(add).to_be_disabled()
    page.get_by_label("Reply", exact=True).fill("The answer.")
    add.click()
    dashboard.reported("is active")
    answer = json.loads(server.ask("nobody answers this").body)
    assert answer["choices"][0]["message"]["content"] == "The answer."


def test_scope_stays_visible_beside_each_control(dashboard: Dashboard) -> None:
    page = dashboard.open("control").page
    usual = page.viewport_size
    assert usual is not None
    for size in ({"width": 1400, "height": 600}, {"width": 400, "height": 800}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for name in ("Inject the error", "Inject the fault"):
            page.get_by_role("button", name=name).scroll_into_view_if_needed()
            page.get_by_role("button", name=name).focus()
            assert page.evaluate(COVERED, ".scope select"), (name, size)
    page.set_viewport_size(usual)


def test_pack_rule_shows_pack_file_and_line(browser: Browser, tmp_path: Path) -> None:
    deep = tmp_path / ("a-folder-with-a-long-name-" * 5) / "x"
    deep.mkdir(parents=True)
    with served(deep, "--pack", "default") as server, browser.new_context() as context:
        page = context.new_page()
        page.set_viewport_size({"width": 1000, "height": 800})
        page.goto(f"{server.url}/dashboard#/rules")
        page.get_by_label("Filter the rules").fill("credit-error")
        where = page.locator(".rows .row .r-where")
        expect(where).to_have_count(1)
        expect(where).to_have_text(re.compile(r"^pack error-models\smodels\.yaml:\d+$"))
        page.set_viewport_size({"width": 1400, "height": 800})
        page.locator(".rows .row").click()  # the list is narrower beside an open rule
        file = where.locator("span:last-child")
        expect(file).to_have_text(re.compile(r"^\smodels\.yaml:\d+$"))
        right = where.bounding_box(), file.bounding_box()
        assert right[0]
        assert right[1]
        assert right[1]["x"] + right[1]["width"] <= right[0]["x"] + right[0]["width"] + 1, (
            "file and line are whole"
        )
        assert where.evaluate("each => each.scrollWidth <= each.clientWidth"), "nothing of it is cut"
        assert "/scenarios/" in str(where.get_attribute("title"))


def test_requests_are_ordered_by_the_shown_start(slow_history: Page, server: DashboardServer) -> None:
    page = slow_history
    page.goto(f"{server.url}/dashboard#/requests")
    started = [{**event(number), "at": 1_790_000_000 + at} for number, at in ((1, 5), (2, 1), (3, 9))]
    for each in started:  # in the order of their ends
        data = json.dumps({"type": "events", "events": [each], "dropped": 0})
        page.evaluate("(data) => window.feed.onmessage({data})", data)
    expect(page.locator(".rows .row")).to_have_count(3)
    paths = page.locator(".rows .row .c-path").all_inner_texts()
    assert [path[-3:] for path in paths] == ["n=3", "n=1", "n=2"]


def test_badge_of_a_tab_says_what_it_counts(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    server.ask("nobody answers this")
    dashboard.open(anew=True)
    expect(page.get_by_role("tab", name="Rules")).to_have_text("Rules")
    expect(page.get_by_role("tab", name="Requests")).to_have_accessible_name("Requests, 1 unmatched")


def test_responses_in_flight_have_a_history(dashboard: Dashboard) -> None:
    """A page that is opened later shows what was in flight before."""
    server = dashboard.server
    server.call("POST", "/api/rules", {"match": {"user": "wait"}, "reply": "Done.", "delay": "2500ms"})
    assert server.ask("wait").status == 200
    until(lambda: any(second["open"] for second in server.call("GET", "/api/detailed-metrics")["seconds"]))
    dashboard.open(anew=True)
    chart = dashboard.card("Responses in flight").get_by_role("img")
    expect(chart).to_have_accessible_name(re.compile(r"Responses in flight over the last 2 minutes.* peak 1"))


def test_every_named_error_can_be_injected(dashboard: Dashboard) -> None:
    server = dashboard.server
    card = dashboard.open("control").card("Errors")
    kinds = card.locator("input[name='error-kind']")
    values = kinds.evaluate_all("all => all.map(each => each.value)")
    assert {*NAMED} <= {*values}
    for kind in ("insufficient_quota", "content_filter", "bad_gateway"):
        card.locator(f"input[value='{kind}']").check()
        card.get_by_label("Rate", exact=True).fill("100%")
        card.get_by_role("button", name="Inject the error").click()
        dashboard.reported("get")
        assert server.ask().status == NAMED[kind]
        dashboard.page.get_by_role("button", name=f"Remove inject {kind} global").click()
        dashboard.reported("removed")


def test_sessions_fit_into_a_narrow_page(narrow: Dashboard) -> None:
    narrow.server.ask("hello", headers={"x-mockllm-session": "a-test-with-quite-a-long-name"})
    narrow.open("clients", anew=True)
    end = narrow.page.get_by_role("button", name="End session a-test-with-quite-a-long-name")
    expect(end).to_be_in_viewport()
    region = narrow.page.get_by_role("region", name="Each session")
    assert region.evaluate("each => each.scrollWidth <= each.clientWidth"), "nothing is clipped"
    assert end.evaluate("each => each.getBoundingClientRect().right <= innerWidth")


def test_clipped_table_has_a_cue(narrow: Dashboard) -> None:
    narrow.server.ask("hello")
    narrow.open(anew=True)
    region = narrow.page.get_by_role("region", name="Metrics of each endpoint")
    expect(region).to_have_attribute("data-more", "right")
    region.evaluate("each => each.scrollTo(each.scrollWidth, 0)")
    expect(region).to_have_attribute("data-more", "left")


@pytest.mark.parametrize("width", [400, 1400])
def test_notice_covers_no_control(dashboard: Dashboard, width: int) -> None:
    page = dashboard.open("control").page
    usual = page.viewport_size
    assert usual is not None
    page.set_viewport_size({"width": width, "height": 700})
    page.get_by_role("button", name="Reset", exact=True).click()
    notice = page.locator(".notice")
    expect(notice).to_contain_text("Reset: overlay")
    covered: Any = notice.evaluate(
        """notice => {
            const box = notice.getBoundingClientRect(), found = [];
            for (let x = box.left + 2; x < box.right; x += 8)
                for (let y = box.top + 2; y < box.bottom; y += 8)
                    for (const each of document.elementsFromPoint(x, y))
                        if (each.matches("button, input, select, a, textarea, .card") && !notice.contains(each))
                            found.push(each.outerHTML.slice(0, 80));
            return found;
        }"""
    )
    page.set_viewport_size(usual)
    assert covered == []


def test_charts_are_named_by_what_they_show(dashboard: Dashboard) -> None:
    for _ in range(3):
        dashboard.server.ask("hello")
    dashboard.open(anew=True)
    charts = dashboard.page.locator(".chart [role=img]")
    expect(charts).to_have_count(4)
    for title, name in (
        ("Requests a second", r"requests a second over the last 2 minutes: .*requests now \d+, peak [1-9]"),
        ("Throughput", r"bytes a second over the last 2 minutes: .*now .+, peak [1-9]"),
        ("Response times", r"Histogram of 3 responses: p50 "),
    ):
        chart = dashboard.card(title).get_by_role("img")
        expect(chart).to_have_accessible_name(re.compile(name, re.IGNORECASE))


def test_list_shows_the_near_miss_of_an_unmatched_request(dashboard: Dashboard) -> None:
    dashboard.server.ask("never asked before")
    dashboard.open("requests", anew=True)
    row = dashboard.page.locator(".rows .row")
    expect(row).to_contain_text("no rule matched")
    expect(row.locator(".c-near")).to_contain_text('never: user expected "never asked"')
