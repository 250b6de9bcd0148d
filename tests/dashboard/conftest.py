"""One browser and one server for all tests of the dashboard that run in a process; each test begins anew.

They end with this folder's tests: as long as Playwright is there, no other test of the process could run a loop.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from tests.dashboard.dashboard_page import Dashboard, DashboardServer, served
from tests.tools import absent
from tests.waiting import PATIENCE

PAGE = Path(__file__).parents[2] / "mockllm" / "dashboard" / "index.html"


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as built:
        yield built


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, else Playwright's own."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and Path(playwright.chromium.executable_path).exists():
        path = playwright.chromium.executable_path
    if path is None:
        absent("no Chromium: apt-get install chromium, or playwright install chromium")
    if not PAGE.exists():
        absent("the dashboard is not built: python scripts/build_dashboard.py")
    hosts = "--host-resolver-rules=MAP rebound.test 127.0.0.1, MAP elsewhere.test 127.0.0.1"
    expect.set_options(timeout=PATIENCE * 1000)  # of every test, also of one that makes its own page
    built = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", hosts])
    slow_down(built)
    yield built
    built.close()


def slow_down(browser: Browser) -> None:
    """Where MOCKLLM_SLOW_PAGE names a seed, each page of the browser receives late what it requests."""
    seed = os.environ.get("MOCKLLM_SLOW_PAGE")
    if seed is None:
        return
    text = (Path(__file__).parent / "slow_page.js").read_text()
    script = text.replace("SEED", str(int(seed))).replace("MOST", "900")
    opened = browser.new_context

    def slowed(**options: Any) -> BrowserContext:
        context = opened(**options)
        context.add_init_script(script)
        return context

    browser.new_context = slowed  # type: ignore[method-assign]


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardServer]:
    with served(tmp_path_factory.mktemp("dashboard")) as built:
        yield built


@pytest.fixture
def server(running: DashboardServer) -> DashboardServer:
    """Nothing is left of the test before."""
    running.call("POST", "/api/reset", {})
    return running


@pytest.fixture(scope="package")
def shared_page(browser: Browser, running: DashboardServer) -> Iterator[Page]:
    """A page that is not opened anew for each test: that takes longer than most of them."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(PATIENCE * 1000)
    built = context.new_page()
    yield built
    context.close()


@pytest.fixture
def dashboard(shared_page: Page, server: DashboardServer) -> Iterator[Dashboard]:
    """The page; at the end it must have had nothing to complain of."""
    built = Dashboard(shared_page, server)
    with complaints(shared_page, server.url) as found:
        yield built
    shared_page.unroute_all(behavior="ignoreErrors")  # the page is that of the next test, too
    if shared_page.url.startswith(server.url):
        shared_page.evaluate(
            "localStorage.removeItem('mockllm-theme')"
        )  # the colours that the test has chosen
    assert found == []


@contextmanager
def complaints(page: Page, own: str) -> Iterator[list[str]]:
    """What a page must not do: errors, requests to elsewhere, breaches of its policy. That the control API refuses
    something is none."""
    found: list[str] = []

    def error(error: Error) -> None:
        found.append(f"error: {error}")

    def reported(message: ConsoleMessage) -> None:
        if message.type == "error" and "/api/" not in message.location["url"]:
            found.append(f"console: {message.text}")

    def requested(request: Request) -> None:
        if not request.url.startswith((own, "data:", "blob:")):
            found.append(f"outside: {request.url}")

    received: list[tuple[Any, Any]] = [("pageerror", error), ("console", reported), ("request", requested)]
    for event, hear in received:
        page.on(event, hear)
    try:
        yield found
    finally:
        for event, hear in received:
            page.remove_listener(event, hear)
