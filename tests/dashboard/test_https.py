"""The dashboard over HTTPS: a browser reads it over HTTP/2, and the live feed over a connection with HTTP/1.1."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.dashboard.dashboard_page import served

VERSIONS = "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"


def test_dashboard_works_over_http2(browser: Browser, tmp_path: Path) -> None:
    options = ("--tls-self-signed", "--tls-port", "0", "--tls-dir", str(tmp_path / "tls"))
    with served(tmp_path, *options) as server, browser.new_context(ignore_https_errors=True) as context:
        address = re.search(r"https://\S+", "\n".join(server.process.out))
        assert address is not None
        page = context.new_page()
        page.goto(f"{address[0]}/dashboard#/live")
        expect(page.locator(".state")).to_have_text("live")
        server.ask("over HTTPS")
        expect(page.locator("#view-live")).to_contain_text("openai-chat")
        found = page.evaluate(f"[...new Set({VERSIONS}.map((entry) => entry.nextHopProtocol))]")
        assert found == ["h2"]
