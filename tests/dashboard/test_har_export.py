"""The requests that the list shows are exported as HAR."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

from playwright.sync_api import Page, expect

from tests.dashboard.dashboard_page import Dashboard


def test_shown_requests_are_exported_as_har(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    server.ask("hello zebra")
    server.ask("words")
    dashboard.open("requests", anew=True)
    page.get_by_label("Filter the journal").fill("zebra")
    expect(page.locator(".rows .row")).to_have_count(1)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export as HAR").click()
    assert "search=zebra" in unquote(downloading.value.url)
    exported = json.loads(downloading.value.path().read_text())
    assert [entry["request"]["method"] for entry in exported["log"]["entries"]] == ["POST"]
    page.get_by_label("Filter the journal").fill("")
    server.ask("words", stream=True)
    page.get_by_label("Kind").select_option("streams")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export as HAR").click()
    assert len(json.loads(downloading.value.path().read_text())["log"]["entries"]) == 1


def exported(page: Page) -> list[str]:
    """The models of the requests in the export."""
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export as HAR").click()
    entries = json.loads(downloading.value.path().read_text())["log"]["entries"]
    return [json.loads(entry["request"]["postData"]["text"])["model"] for entry in entries]


def test_har_has_the_requests_that_the_list_shows(dashboard: Dashboard) -> None:
    server = dashboard.server
    for user, model in (("hello", "gpt-4o"), ("words", "gpt-4o-mini"), ("hello", "gpt-5-rules")):
        server.ask(user, model=model)
    page = dashboard.open("requests", anew=True).page
    rows = page.locator(".rows .row")
    of_search = {
        "mini": ["gpt-4o-mini"],
        "completions hello": ["gpt-4o", "gpt-5-rules"],
        "4o": ["gpt-4o", "gpt-4o-mini"],
    }
    for search, models in of_search.items():
        page.get_by_label("Filter the journal").fill(search)
        expect(page.locator(".foot")).to_contain_text(re.compile(rf"^{len(models)} requests? shown Export"))
        assert exported(page) == models, search
    page.get_by_label("Filter the journal").fill("")
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Pause").click()
    server.ask("hello", model="gpt-later")
    expect(page.get_by_role("button", name="Resume (1 new)")).to_be_visible()
    assert exported(page) == ["gpt-4o", "gpt-4o-mini", "gpt-5-rules"]
