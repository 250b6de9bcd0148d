"""The documentation site as a reader sees it: search, copied examples, barriers by WCAG, phones, no other host."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mockllm import __version__
from mockllm.cli.docs import HOST, SiteHandler
from tests.cli.in_process import command
from tests.dashboard.test_accessibility import RULES

pytestmark = pytest.mark.full

ROOT = Path(__file__).parents[2]
PAGES = ["index", "language", "why"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The built site, served as `mockllm docs` does."""
    pytest.importorskip("zensical")
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "scripts/build_docs.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = tmp_path_factory.mktemp("site")
    script.generate(folder)
    handler = partial(SiteHandler, directory=str(folder / "site"))
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/{__version__}"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(
        viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    ) as context:
        yield context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_site_page_has_no_barrier(
    page: Page, address: str, name: str, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}/{name}.html")
    expect(page.locator(".md-version")).to_contain_text(__version__)
    found: list[Any] = Axe().run(page, options=RULES).response["violations"]
    assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found] == []


def test_site_search_finds_a_page_by_typed_words(page: Page, address: str) -> None:
    page.goto(f"{address}/index.html")
    page.get_by_role("button", name="Search").first.click()
    page.get_by_role("combobox", name="Search").fill("leaky bucket")
    page.locator("a[href*='rate-limits.html?h=']:visible").first.click()
    expect(page).to_have_url(re.compile(r"/rate-limits\.html"))


def test_site_example_is_copied_as_a_command(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/index.html")
    page.get_by_role("button", name="Copy as a file for your folder").first.click()
    expect(page.get_by_role("button", name="Copied: paste it into a shell")).to_be_visible()
    copied: str = page.evaluate("navigator.clipboard.readText()")
    first, second, *_ = copied.splitlines()
    assert (first, second) == ("mkdir -p scenarios", "cat > scenarios/hello.yaml <<'END-OF-EXAMPLE'")
    example = copied.partition("END-OF-EXAMPLE'\n")[2].partition("END-OF-EXAMPLE\n")[0]
    (tmp_path / "hello.yaml").write_text(example, encoding="utf-8")
    assert command("check", "hello.yaml", cwd=tmp_path).returncode == 0


def test_site_loads_without_other_hosts_and_errors(page: Page, address: str) -> None:
    outside: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: outside.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    for name in ("index", "architecture"):
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
    host = address.rpartition("/")[0]
    assert [url for url in outside if not url.startswith((host, "data:", "blob:"))] == []
    assert errors == []


@pytest.mark.parametrize("name", PAGES)
def test_site_page_fits_a_phone(page: Page, address: str, name: str) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"{address}/{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
