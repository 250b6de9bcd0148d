"""Requests of the journal are sent again, to this server and another one."""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.dashboard.dashboard_page import Dashboard, served

KEY = {"authorization": "Bearer sk-1"}


def test_request_is_replayed_and_edited(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask("hello", headers={"x-mockllm-session": "mine"})
    first = server.last()["id"]
    page = dashboard.open("requests", anew=True).page
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    dashboard.reported(f"Request {first} was sent again as request {first + 1}")
    again = server.call("GET", f"/api/requests/{first + 1}")
    assert (again["rule"], again["session"], again["status"]) == ("a.yaml:hello", "mine", 200)
    expect(page.get_by_role("complementary", name=f"Request {first + 1}")).to_be_visible()
    page.get_by_role("button", name="Edit and replay").click()
    body = page.get_by_label("Body to send")
    body.fill(body.input_value().replace('"hello"', '"words"'))
    page.get_by_role("button", name="Send").click()
    dashboard.reported("was sent again")
    assert server.last()["rule"] == "a.yaml:words"


def test_get_request_is_replayed_and_copied(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    server.send("GET", "/v1/models", headers=KEY)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    assert ("-X" in command, "--data" in command) == (False, False)
    page.get_by_role("button", name="Replay", exact=True).click()
    dashboard.reported("was sent again")
    assert [each["status"] for each in server.call("GET", "/api/requests")["requests"]] == [200, 200]


def test_compressed_request_is_replayed_without_coding(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
    sent = gzip.compress(json.dumps(body).encode())
    server.send("POST", "/v1/chat/completions", sent, {**KEY, "content-encoding": "gzip"})
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    dashboard.reported("was sent again")
    assert server.last()["rule"] == "a.yaml:hello"


def test_numbers_of_a_request_are_replayed_exactly(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    numbers = '"seed":9007199254740993,"temperature":1.0'
    body = f'{{"model":"gpt-4o",{numbers},"messages":[{{"role":"user","content":"hello"}}]}}'
    server.send("POST", "/v1/chat/completions", body, KEY)
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    dashboard.reported("was sent again")
    assert server.call("GET", f"/api/requests/{server.last()['id']}")["request"]["text"] == body
    page.get_by_role("button", name="Edit and replay").click()
    assert page.get_by_label("Body to send").input_value() == body


def test_replay_opens_the_own_request(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    server.ask("hello")
    first = server.last()["id"]
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()

    def others_follow(route: Route) -> None:
        route.fulfill(response=route.fetch())
        server.ask("words")  # another client

    page.route("**/v1/chat/completions", others_follow)
    page.get_by_role("button", name="Replay", exact=True).click()
    dashboard.reported(f"Request {first} was sent again as request {first + 1}")
    assert server.last()["id"] == first + 2


def test_message_of_a_websocket_is_not_repeated(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    dashboard.open("requests", anew=True)
    page.evaluate(
        """address => new Promise((done) => {
            const socket = new WebSocket(address);
            const sent = {type: "response.create", model: "gpt-4o", input: "hello"};
            socket.onopen = () => socket.send(JSON.stringify(sent));
            socket.onmessage = (message) => { if (message.data.includes("response.completed")) socket.close(); };
            socket.onclose = done;
        })""",
        f"ws://127.0.0.1:{server.port}/v1/responses",
    )
    page.locator(".rows .row").filter(has_text="WS response.create").click()
    expect(page.locator(".detail .actions").first).to_contain_text("part of a WebSocket")
    for name in ("Replay", "Edit and replay", "Copy as curl", "Copy as Python"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()


def test_request_is_sent_to_another_server(dashboard: Dashboard, tmp_path: Path) -> None:
    dashboard.server.ask("hello")
    with served(tmp_path) as other:
        page = dashboard.open("requests", anew=True).page
        page.locator(".rows .row").click()
        page.get_by_role("button", name="Edit and replay").click()
        body = page.get_by_label("Body to send")
        body.fill(body.input_value().replace('"hello"', '"words"'))
        page.get_by_label("Server", exact=True).fill(other.url)
        page.get_by_label("API key").fill("sk-2")
        page.get_by_role("button", name="Send").click()
        response = page.get_by_role("region", name="Response of the other server")
        expect(response.get_by_role("status")).to_contain_text(f"200 from {other.url}/v1/chat/completions")
        expect(response.locator(".d-removed").filter(has_text="One two three")).to_have_count(1)
        expect(response.locator(".d-added").filter(has_text="four five six")).to_have_count(1)
        assert other.last()["rule"] == "a.yaml:words"
    page.get_by_role("button", name="Send").click()
    dashboard.reported("does not respond")


@pytest.mark.parametrize(
    "path", ["/v1/../api/reset", "/v1/%2e%2E/api/reset", "/v1\\..\\api\\reset", "/v1/./chat", "/x/.."]
)
def test_path_that_a_browser_resolves_is_not_replayed(dashboard: Dashboard, path: str) -> None:
    """The request of a client would become a call of the control API that the page makes."""
    server, page = dashboard.server, dashboard.page
    raw_request(server.port, path)
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    dashboard.reported("would resolve this path")
    assert server.last()["path"] == path, "it was not reset"


def test_path_like_another_host_is_replayed_here(dashboard: Dashboard) -> None:
    server, page, path = dashboard.server, dashboard.page, "//elsewhere.test/v1/chat?a=/../b"
    server.call("POST", "/api/rules", {"match": {"path": {"regex": "elsewhere"}}, "http": {"body": "x"}})
    raw_request(server.port, path)
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    dashboard.reported("was sent again")
    listed = server.call("GET", "/api/requests")["requests"]
    assert [each["path"] for each in listed] == [path, path]


def raw_request(port: int, target: str) -> None:
    """Sends a target that no client would send, and waits for the response."""
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head.encode())
        while connection.recv(65_536):
            pass


def test_bytes_that_are_no_request_are_not_replayed(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    raw_request(server.port, "http://elsewhere.test/v1/chat/completions")
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    for name in ("Replay", "Edit and replay"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
