"""The journal: what comes appears, is filtered, and explains itself."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Route, expect

from tests.dashboard.dashboard_page import Dashboard


def test_requests_appear_and_are_filtered(dashboard: Dashboard) -> None:
    page, server = dashboard.open("requests", anew=True).page, dashboard.server
    server.ask("hello", stream=True)
    server.ask("nobody answers this", model="gpt-4o-mini")
    server.ask(endpoint="anthropic-messages", user="words")
    rows = page.locator(".rows .row")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("/v1/messages")
    expect(rows.first).to_contain_text("words")
    search = page.get_by_label("Filter the journal")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    search.fill("mini 404")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("no rule matched")
    search.fill("")
    for kind, count in (("missed", 1), ("errors", 1), ("streams", 1), ("faults", 0), ("all", 3)):
        page.get_by_label("Kind", exact=True).select_option(kind)
        expect(rows).to_have_count(count)
    page.get_by_label("Endpoint", exact=True).select_option("anthropic-messages")
    expect(rows).to_have_count(1)
    search.fill("no such thing")
    page.get_by_role("button", name="Clear the filter").click()
    expect(rows).to_have_count(3)


def test_session_is_shown_after_the_path_it_prefixes(dashboard: Dashboard) -> None:
    page, server = dashboard.open("requests", anew=True).page, dashboard.server
    server.send("GET", "/s/mine/v1/models")
    path = page.locator(".rows .row .c-path")
    expect(path).to_have_text("GET /v1/models mine")
    expect(path).to_have_attribute("title", "/s/mine/v1/models")


def test_request_chosen_by_keyboard_shows_rule_and_why(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    server.ask("paced", stream=True, headers={"x-mockllm-session": "mine"})
    server.ask("hello")
    dashboard.open("requests", anew=True)
    expect(page.locator(".rows .row")).to_have_count(2)
    page.get_by_role("listbox").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    detail = page.locator(".detail")
    expect(detail).to_contain_text("Rule a.yaml:paced")
    expect(detail.locator(".facts")).to_contain_text("mine")
    expect(page.locator(".rows .row[aria-selected=true]")).to_contain_text("paced")
    expect(detail.get_by_label("Body of the request", exact=True)).to_contain_text('"content": "paced"')
    detail.get_by_text("Rules tried").click()
    expect(detail.locator(".tried .hit")).to_contain_text("paced")
    expect(detail.locator(".tried")).to_contain_text("scenarios/a.yaml:2")
    assert "sk-1" not in page.content(), "secrets stay out of the page"
    page.keyboard.press("Escape")
    expect(page.get_by_text("Select a request")).to_be_visible()


def test_response_of_several_writes_is_listed_by_chunks(dashboard: Dashboard) -> None:
    """A late server joins its writes. So the page gets the chunks from here."""

    def with_two_chunks(route: Route) -> None:
        found = route.fetch()
        detail = found.json()
        detail["response"]["chunks"] = [
            {"at": 0.0, "text": "data: One\n\n", "base64": None},
            {"at": 0.25, "text": None, "base64": "/w=="},
        ]
        route.fulfill(response=found, json=detail)

    page, server = dashboard.page, dashboard.server
    server.ask("paced", stream=True)
    page.route(re.compile(r"/api/requests/\d+$"), with_two_chunks)
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    chunks = page.get_by_role("list", name="Chunks of the response").locator("li")
    expect(chunks).to_have_text(["0\u00a0msdata: One", "250\u00a0msbase64: /w=="])


def test_unmatched_request_shows_near_misses_and_a_rule(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    assert server.ask("never asked before").status == 404
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    detail = page.locator(".detail")
    expect(detail.locator(".near")).to_contain_text('user expected "never asked"')
    expect(detail.get_by_label("the rule made from this request", exact=True)).to_contain_text(
        "user: never asked before"
    )
    expect(detail.get_by_role("button", name="Copy the rule made from this request")).to_be_visible()
    detail.get_by_label("Reply", exact=True).fill('Said: "yes".\nAnd more')
    detail.get_by_role("button", name="Add to the overlay").click()
    dashboard.reported("is active")
    got = server.ask("never asked before")
    assert got.status == 200
    (choice,) = json.loads(got.body)["choices"]
    assert choice["message"]["content"] == 'Said: "yes".\nAnd more'


def test_faults_and_end_reason_are_shown(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    server.call("POST", "/api/rules", {"modifiers": [{"faults": [{"close": {"after": {"chunks": 1}}}]}]})
    server.ask("hello", stream=True)
    dashboard.open("requests", anew=True)
    row = page.locator(".rows .row")
    expect(row).to_contain_text("close")
    row.click()
    expect(page.locator(".facts")).to_contain_text("Faultsclose")


def test_log_pauses_while_it_is_read(dashboard: Dashboard) -> None:
    page, server = dashboard.page, dashboard.server
    server.ask("hello")
    dashboard.open("requests", anew=True)
    rows = page.locator(".rows .row")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    server.ask("words")
    expect(page.get_by_role("button", name="Resume (1 new)")).to_be_visible()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Resume (1 new)").click()
    expect(rows).to_have_count(2)
    rows.last.hover()
    server.ask("hello again")
    expect(page.get_by_role("tab", name="Requests")).to_be_visible()
    expect(rows).to_have_count(2)
    page.get_by_role("tab", name="Requests").hover()
    expect(rows).to_have_count(3)


def test_journal_that_is_cleared_elsewhere_is_empty(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask("hello")
    page = dashboard.open("requests", anew=True).page
    expect(page.locator(".rows .row")).to_have_count(1)
    server.call("DELETE", "/api/requests")
    expect(page.locator(".rows .row")).to_have_count(0)
    server.ask("words")
    expect(page.locator(".rows .row")).to_have_count(1)


def test_client_text_is_shown_as_text(dashboard: Dashboard) -> None:
    """Markup in a request is no markup of the page."""
    page, server = dashboard.page, dashboard.server
    evil = '<img src="/x" onerror="document.title=1"><script>document.title=2</script>'
    server.ask(evil, model=evil)
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    expect(page.get_by_label("Body of the request", exact=True)).to_contain_text("<script>")
    assert page.locator("main img").count() == 0
    assert page.title() == "mockllm"
