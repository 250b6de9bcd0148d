"""A page of another origin, in a real browser, neither changes nor reads anything; the dashboard itself may."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.dashboard_page import DashboardServer

RULE = "match: {user: planted}\\nreply: Planted."
ATTACKS = {
    "a post that needs no leave": "fetch(own + '/api/rules', {method: 'POST', mode: 'no-cors', body: RULE})",
    "a post with its cookies": "fetch(own + '/api/rules', {method: 'POST', mode: 'no-cors', body: RULE, "
    "credentials: 'include', headers: {'content-type': 'text/plain'}})",
    "a call that asks for leave": "fetch(own + '/api/config/global', {method: 'PATCH', "
    "headers: {'content-type': 'application/json'}, body: '{\"delay\": \"1ms\"}'})",
    "a deletion": "fetch(own + '/api/rules', {method: 'DELETE'})",
    "a reset": "fetch(own + '/api/reset', {method: 'POST', mode: 'no-cors'})",
    "a beacon": "navigator.sendBeacon(own + '/api/rules', RULE)",
    "a reload by an image": "new Promise((done) => { const image = new Image(); image.onerror = done; "
    "image.onload = done; image.src = own + '/api/reset'; })",
}
READS = {
    "the journal": "fetch(own + '/api/requests').then((answer) => answer.text())",
    "the settings": "fetch(own + '/api/config').then((answer) => answer.text())",
    "the numbers": "fetch(own + '/metrics').then((answer) => answer.text())",
    "the page": "fetch(own + '/dashboard').then((answer) => answer.text())",
    "the feed": "new Promise((done, fail) => { const socket = new WebSocket(own.replace('http', 'ws') + '/ws'); "
    "socket.onmessage = (said) => done(said.data); socket.onclose = () => fail(new Error('closed')); })",
}


class _Page(BaseHTTPRequestHandler):
    """Anybody's page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def other() -> Iterator[int]:
    """The port of another server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def stranger(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def tried(page: Page, own: str, script: str) -> str:
    """What comes of it, in the page; an error is none of its business to read."""
    return str(
        page.evaluate(
            f"""async ([own, RULE]) => {{
                try {{ return 'got ' + await ({script}); }} catch (error) {{ return 'failed'; }}
            }}""",
            [own, RULE.replace("\\n", "\n")],
        )
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "elsewhere.test"])
def test_page_of_another_origin_changes_nothing(
    stranger: Page, server: DashboardServer, other: int, host: str
) -> None:
    server.call("PUT", "/api/rules/mine", {"match": {"user": "me"}, "reply": "Mine."})
    before = server.overlay
    stranger.goto(f"http://{host}:{other}/")
    for attack, script in ATTACKS.items():
        tried(stranger, server.url, script)
        assert server.overlay == before, attack
    assert server.call("GET", "/api/config")["global"] == {}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "elsewhere.test"])
def test_page_of_another_origin_reads_nothing(
    stranger: Page, server: DashboardServer, other: int, host: str
) -> None:
    server.ask("a secret question")
    stranger.goto(f"http://{host}:{other}/")
    assert {what: tried(stranger, server.url, script) for what, script in READS.items()} == dict.fromkeys(
        READS, "failed"
    )


@pytest.mark.parametrize(
    "encoding", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
)
def test_form_of_another_origin_changes_nothing(
    stranger: Page, server: DashboardServer, other: int, encoding: str
) -> None:
    server.call("PUT", "/api/rules/mine", {"match": {"user": "me"}, "reply": "Mine."})
    before = server.overlay
    for path in ("/api/reset", "/api/config/reset", "/api/rules", "/api/reload"):
        stranger.goto(f"http://elsewhere.test:{other}/")
        with stranger.expect_navigation():
            stranger.evaluate(
                """([action, encoding]) => {
                    const form = document.createElement('form');
                    Object.assign(form, {method: 'post', action, enctype: encoding});
                    form.innerHTML = '<input name="match: {user: planted}\\nreply: &quot;" value="&quot;">';
                    document.body.append(form);
                    form.submit();
                }""",
                [server.url + path, encoding],
            )
        assert "403" in stranger.locator("body").inner_text(), "the refusal is what it gets to see"
    assert server.overlay == before


def test_page_of_another_origin_cannot_frame_it(stranger: Page, server: DashboardServer, other: int) -> None:
    stranger.goto(f"http://elsewhere.test:{other}/")
    stranger.evaluate(
        """(own) => new Promise((done) => {
            const frame = document.createElement('iframe');
            frame.onload = done;
            frame.src = own + '/dashboard';
            document.body.append(frame);
        })""",
        server.url,
    )
    assert stranger.frames[1].locator(".tabs").count() == 0


def test_rebound_host_name_is_refused(stranger: Page, server: DashboardServer) -> None:
    """DNS rebinding: the browser takes it for the same origin, the server does not."""
    server.ask("a secret question")
    stranger.goto(f"http://rebound.test:{server.port}/dashboard")
    expect(stranger.locator("body")).to_contain_text("not a name of this machine")
    own = f"http://rebound.test:{server.port}"
    for what, script in READS.items():
        assert "secret" not in tried(stranger, own, script), what
    for attack, script in ATTACKS.items():
        tried(stranger, own, script)
        assert server.overlay == "mockllm: 1\n", attack


def test_own_page_is_accepted(stranger: Page, server: DashboardServer) -> None:
    """The same scripts, so that it is the origin that is refused and not a mistake in them."""
    stranger.goto(f"{server.url}/dashboard")
    for what, script in READS.items():
        assert tried(stranger, server.url, script).startswith("got "), what
    tried(stranger, server.url, ATTACKS["a post that needs no leave"])
    assert "Planted." in server.overlay
    tried(stranger, server.url, ATTACKS["a call that asks for leave"])
    assert server.call("GET", "/api/config")["global"] == {"delay": "1ms"}
    tried(stranger, server.url, ATTACKS["a deletion"])
    assert "Planted." not in server.overlay
