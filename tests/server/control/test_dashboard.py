"""The dashboard's files and the door to them, on a live server and as plans."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.server.control import access, dashboard
from mockllm.server.control.access import Access
from mockllm.server.http_server import Address
from tests.server.control.feed_client import following
from tests.server.control.live_server import Steered, steered

AWAY = "192.0.2.7"
TOKEN = Access("t0ken")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dashboard that was built, with its sources beside it."""
    built = tmp_path / "dashboard"
    (built / "src").mkdir(parents=True)
    (built / "src" / "main.js").write_text("source")
    (built / "index.html").write_text("<!doctype html><script src=/dashboard/app.js></script>")
    (built / "app.js").write_text("export {}")
    (built / "app-1A2B3C4D.js").write_text("export {}")
    (built / "app.css").write_text("body {}")
    (built / "icon.svg").write_text("<svg/>")
    (built / ".sources").write_text("a hash")
    (built / "README").write_text("no kind of file")
    (tmp_path / "secret.js").write_text("outside")
    monkeypatch.setattr(dashboard, "FOLDER", built)
    return built


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    rules = tmp_path / "rules"
    rules.mkdir()
    with steered(rules, {"a.yaml": "rules: [{reply: x}]"}) as built:
        yield built


def requested(
    path: str,
    *,
    query: str = "",
    method: str = "GET",
    access: Access = TOKEN,
    client: str = "127.0.0.1",
    body: bytes = b"",
    **headers: str,
) -> tuple[int, dict[str, str], str]:
    """Status, headers and text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    built: Plan = dashboard.respond(access, method, path, query, {"host": "localhost", **named}, body, client)
    text = b"".join(step.payload for step in built.steps if isinstance(step, EventStep)).decode()
    return built.head.status, {name.lower(): value for name, value in built.head.headers}, text


FILES = {
    "/dashboard": ("text/html; charset=utf-8", "<!doctype"),
    "/dashboard/": ("text/html; charset=utf-8", "<!doctype"),
    "/dashboard/app.js": ("text/javascript; charset=utf-8", "export"),
    "/dashboard/app.css": ("text/css; charset=utf-8", "body"),
    "/dashboard/icon.svg": ("image/svg+xml", "<svg/>"),
}


@pytest.mark.parametrize(("path", "content_type", "begins"), [(p, *w) for p, w in FILES.items()], ids=FILES)
def test_file_is_served(server: Steered, path: str, content_type: str, begins: str) -> None:
    got = server.call("GET", path)
    assert (got.status, got.headers["content-type"]) == (200, content_type)
    assert got.text.startswith(begins)
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["cache-control"] == "no-cache"
    assert server.call("HEAD", path).raw == b""


def test_policy_forbids_other_hosts_and_inline_code(server: Steered) -> None:
    policy = server.call("GET", "/dashboard").headers["content-security-policy"]
    rules = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in policy
    assert "http" not in policy


def test_hashed_file_is_cached_as_immutable() -> None:
    assert "immutable" in requested("/dashboard/app-1A2B3C4D.js")[1]["cache-control"]


def test_page_with_own_port_may_connect_to_providers() -> None:
    call = ("GET", "/dashboard", "", {"host": "[::1]:9"}, b"", "127.0.0.1", Address("127.0.0.1", 8080))
    policy = dict(dashboard.respond(Access(), *call).head.headers)["Content-Security-Policy"]
    assert policy == dashboard.POLICY.replace("connect-src 'self'", "connect-src 'self' http://[::1]:8080")


NOT_FILES = [
    "/dashboard/nope.js",
    "/dashboard/src/main.js",
    "/dashboard/../secret.js",
    "/dashboard/..%2fsecret.js",
    "/dashboard/%2e%2e/secret.js",
    "/dashboard/..\\secret.js",
    "/dashboard//etc/passwd",
    "/dashboard/.sources",
    "/dashboard/README",
    "/dashboard/a\0.js",
    "/dashboard/" + "x" * 5000 + ".js",
]


@pytest.mark.parametrize("path", NOT_FILES)
def test_other_paths_return_404(path: str) -> None:
    status, headers, text = requested(path)
    assert status == 404
    assert headers["content-security-policy"] == dashboard.POLICY
    assert not re.search("outside|source\\b|a hash|root:", text)


def test_path_outside_folder_returns_404(server: Steered) -> None:
    assert server.call("GET", "/dashboards").status == 404
    assert "mockllm" not in server.call("GET", "/dashboards").text


def test_unbuilt_dashboard_explains_the_build(folder: Path) -> None:
    (folder / "index.html").unlink()
    status, _, text = requested("/dashboard")
    assert status == 503
    assert "build_dashboard.py" in text
    (folder / "unbuilt.txt").write_text("there is no <Node>\n")
    assert "there is no &lt;Node&gt;" in requested("/dashboard")[2]


def test_remote_client_without_token_gets_a_form() -> None:
    status, headers, text = requested("/dashboard", client=AWAY)
    assert status == 401
    assert 'name="token"' in text
    assert "<style" not in text
    assert "<script" not in text
    assert headers["cache-control"] == "no-store"
    assert requested("/dashboard/app.js", client=AWAY)[0] == 401


def test_remote_client_is_refused_without_admin_token() -> None:
    status, _, text = requested("/dashboard", access=Access(), client=AWAY)
    assert status == 403
    assert "--admin-token" in text
    assert "<form" not in text
    assert (
        requested("/dashboard", query="token=x", access=Access(), client=AWAY)[1]["location"] == "/dashboard"
    )


@pytest.mark.parametrize("way", ["a link", "the form"])
def test_correct_token_returns_a_cookie(way: str) -> None:
    if way == "a link":
        status, headers, _ = requested("/dashboard", query="token=t0ken", client=AWAY)
    else:
        status, headers, _ = requested("/dashboard", method="POST", body=b"token=t0ken", client=AWAY)
    assert (status, headers["location"]) == (303, "/dashboard")
    cookie, *attributes = headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} == set(attributes)
    assert requested("/dashboard", client=AWAY, cookie=cookie)[0] == 200
    TOKEN.check("POST", {"host": "ci", "cookie": cookie, "origin": "http://ci"}, AWAY)


@pytest.mark.parametrize("query", ["token=", "token=wrong", "token=t0ke%00n", "token=\u00e9"])
def test_wrong_token_returns_no_cookie(query: str) -> None:
    status, headers, text = requested("/dashboard", query=query, client=AWAY)
    assert status == 401
    assert "set-cookie" not in headers
    assert "<form" in text
    assert requested("/dashboard", method="POST", body=b"", client=AWAY)[0] == 401


def test_only_the_form_accepts_post() -> None:
    assert requested("/dashboard", method="DELETE")[0] == 405
    assert requested("/dashboard/app.js", method="POST")[0] == 405


def test_foreign_host_name_is_refused(server: Steered) -> None:
    assert server.call("GET", "/dashboard", headers={"Host": "evil.example"}).status == 403


# --- from another machine, live ------------------------------------------------------------------------


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steered]:
    """A server with an admin token, for which every client is on another machine."""
    monkeypatch.setattr(access, "is_loopback", lambda client: False)
    rules = tmp_path / "far"
    rules.mkdir()
    with steered(rules, {"a.yaml": "rules: [{reply: x}]"}, access=TOKEN) as built:
        yield built


def test_cookie_admits_all_calls_of_the_page(far: Steered) -> None:
    assert far.call("GET", "/api/metrics").status == 401
    own = f"http://127.0.0.1:{far.port}"
    opened = far.call("POST", "/dashboard", "token=t0ken", {"Origin": own})
    cookie = opened.headers["set-cookie"].partition(";")[0]
    mine = {"Cookie": f"theme=dark; {cookie}"}
    assert far.call("GET", "/dashboard", headers=mine).status == 200
    assert far.call("GET", "/dashboard/app.js", headers=mine).status == 200
    assert far.call("GET", "/api/metrics", headers=mine).status == 200
    assert far.call("GET", "/metrics", headers=mine).status == 200
    added = far.call("POST", "/api/rules", {"reply": "mine"}, {**mine, "Origin": own})
    assert added.status == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        assert far.call("POST", "/api/reset", None, {**mine, "Origin": origin}).status == 403
    assert far.call("POST", "/api/reset", None, {**mine, "Sec-Fetch-Site": "cross-site"}).status == 403

    async def followed() -> None:
        async with following(far.port, {**mine, "Origin": own}) as follower:
            await follower.next("hello")
        for headers in ({}, {**mine, "Origin": "http://evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with following(far.port, headers):
                    pass

    asyncio.run(followed())


def test_cookie_of_another_token_is_refused(far: Steered) -> None:
    name, value = Access("before").cookie
    assert far.call("GET", "/api/metrics", headers={"Cookie": f"{name}={value}"}).status == 401
    own = TOKEN.cookie[0]
    assert far.call("GET", "/api/metrics", headers={"Cookie": f"{own}={value}"}).status == 401
