"""A server as a user starts it, its dashboard in a browser, and what the next request gets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.process import Process, serving

FILES: Mapping[str, str] = {
    "a.yaml": """
rules:
  - name: hello
    match: {user: {contains: hello}}
    reply: {chunks: [One, " two", " three"]}
  - name: words
    match: {user: {contains: words}}
    reply: "one two three four five six"
  - name: paced
    match: {user: {contains: paced}}
    reply: {chunks: [One, " two", " three"]}
    pace: {itl: 20ms}
  - name: call
    match: {user: {contains: call}}
    reply: {tool_calls: [{name: look, arguments: {city: Paris}}]}
  - name: slow
    match: {user: {contains: slow}}
    reply: {chunks: [One, {wait: 30s}, " two"]}
  - name: never
    match: {user: {equals: never asked}}
    reply: Never.
""",
    "b.yaml": "rules:\n  - name: draft\n    match: {user: draft}\n    reply: Soon.\n",
}


@dataclass
class Got:
    """A response. `broke`: how the connection ended before its end; `took` in seconds; `chunks` are texts."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    took: float = 0.0
    broke: str = ""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def chunks(self) -> list[str]:
        events = [json.loads(line[6:]) for line in self.text.splitlines() if line.startswith("data: {")]
        deltas = [choice["delta"] for each in events for choice in each["choices"]]
        return [delta["content"] for delta in deltas if delta.get("content")]


class DashboardServer:
    """The server. `ask` is a client's request, `call` one of the control API."""

    def __init__(self, process: Process, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.url = process.url.replace("localhost", "127.0.0.1")
        self.port = process.port

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience: float = 20,
    ) -> Got:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=patience)
        got, began = Got(), time.monotonic()
        sent = body if isinstance(body, str | bytes | None) else json.dumps(body)
        try:
            connection.request(method, path, sent, dict(headers or {}))
            answer = connection.getresponse()
            got.status = answer.status
            got.headers = {name.lower(): value for name, value in answer.getheaders()}
            got.body = answer.read()
        except (OSError, HTTPException) as error:
            got.broke = type(error).__name__
        finally:
            connection.close()
        got.took = time.monotonic() - began
        return got

    def ask(self, user: str = "hello", *, endpoint: str = "openai-chat", **more: Any) -> Got:
        """The next request of a client."""
        headers = {"authorization": "Bearer sk-1", "x-api-key": "sk-1", **more.pop("headers", {})}
        patience = more.pop("patience", 20)
        messages = [{"role": "user", "content": user}]
        if endpoint == "anthropic-messages":
            body = {"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": messages, **more}
            return self.send("POST", "/v1/messages", body, {**headers, "anthropic-version": "2023-06-01"})
        body = {"model": "gpt-4o", "messages": messages, **more}
        return self.send("POST", "/v1/chat/completions", body, headers, patience=patience)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        got = self.send(method, path, body)
        assert got.status == 200, got.text
        return json.loads(got.body)

    @property
    def overlay(self) -> str:
        return self.send("GET", "/api/overlay.yaml").text

    def last(self) -> Any:
        """The newest request, as the journal has it."""
        (found,) = self.call("GET", "/api/requests?limit=1")["requests"]
        return found


@contextmanager
def served(folder: Path, *more: str) -> Iterator[DashboardServer]:
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    for name, text in FILES.items():
        (scenarios / name).write_text(text.lstrip())
    with serving("--seed", "3", *more, cwd=folder) as process:
        yield DashboardServer(process, scenarios)


class Dashboard:
    """The page, in the words of a person who uses it."""

    def __init__(self, page: Page, server: DashboardServer) -> None:
        self.page = page
        self.server = server

    def open(self, view: str = "live", *, anew: bool = False) -> Dashboard:
        """Shows a view; `anew`: of a page that knows of nothing that was before."""
        page = self.page
        if anew or not page.url.startswith(self.server.url):
            page.goto("about:blank")
            page.goto(f"{self.server.url}/dashboard#/{view}")
        else:
            page.evaluate("location.hash = '#/clients'")
            expect(page.locator("#view-clients")).to_be_visible()
            page.evaluate(f"location.hash = '#/{view}'")
            expect(page.locator("#tab-control .mark")).to_have_count(0)  # it knows of the reset
        expect(page.locator(".state")).to_have_text("live")
        expect(page.locator(f"#view-{view}")).to_be_visible()
        if view == "control":
            expect(page.get_by_role("heading", name="Pace")).to_be_visible()
        return self

    def card(self, title: str) -> Locator:
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator("section.card").filter(has=heading)

    def reported(self, text: str) -> None:
        """What the page shows of a change, once it has been made."""
        expect(self.page.locator(".notice")).to_contain_text(text)
        # it may hide itself meanwhile
        self.page.get_by_role("button", name="Dismiss").evaluate_all(
            "all => all.forEach(each => each.click())"
        )
        expect(self.page.locator(".notice")).to_have_count(0)

    def scope(self, endpoint: str) -> None:
        self.page.get_by_label("Endpoint", exact=True).select_option(endpoint)

    def shown(self, title: str) -> str:
        """The YAML that a control shows."""
        return self.card(title).locator(".yaml pre").inner_text()
