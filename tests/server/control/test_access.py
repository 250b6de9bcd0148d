"""Who may use the control API."""

from __future__ import annotations

import pytest

from mockllm.server.control.access import Access, host_name, is_loopback
from mockllm.server.control.problem import Problem

OPEN = Access()
CLOSED = Access("t0ken", frozenset({"mock.internal"}))
AWAY = "192.0.2.7"

CASES: dict[str, tuple[Access, str, dict[str, str], int | None]] = {
    "this machine": (OPEN, "127.0.0.1", {"host": "localhost:1"}, None),
    "this machine by IPv6": (OPEN, "::1", {"host": "[::1]:8080"}, None),
    "this machine, IPv4 in IPv6": (OPEN, "::ffff:127.0.0.1", {"host": "127.0.0.1"}, None),
    "this machine without a host": (OPEN, "127.0.0.1", {}, 403),
    "this machine by a strange name": (OPEN, "127.0.0.1", {"host": "rebound.example"}, 403),
    "a name of its own": (CLOSED, "127.0.0.1", {"host": "MOCK.internal:80"}, None),
    "a name below localhost": (OPEN, "127.0.0.1", {"host": "app.localhost:80"}, None),
    "another machine": (OPEN, AWAY, {"host": AWAY}, 403),
    "another machine without the token": (CLOSED, AWAY, {"host": AWAY}, 401),
    "another machine with another token": (CLOSED, AWAY, {"x-mockllm-admin-token": "x"}, 401),
    "another machine with the token": (CLOSED, AWAY, {"authorization": "Bearer t0ken"}, None),
    "the token as a header of ours": (CLOSED, AWAY, {"x-mockllm-admin-token": "t0ken"}, None),
    "the header of ours beside a provider's key": (
        CLOSED,
        AWAY,
        {"authorization": "Bearer sk-1", "x-mockllm-admin-token": "t0ken"},
        None,
    ),
    "this machine with a wrong token": (CLOSED, "127.0.0.1", {"authorization": "bearer no"}, 401),
    "a token where none is set": (OPEN, AWAY, {"authorization": "Bearer x"}, 403),
    "behind a proxy on this machine": (
        OPEN,
        "127.0.0.1",
        {"host": "localhost", "x-forwarded-for": AWAY},
        403,
    ),
    "behind one that says it by the book": (
        CLOSED,
        "::1",
        {"host": "localhost", "forwarded": f"for={AWAY}"},
        401,
    ),
    "behind a proxy with the token": (
        CLOSED,
        "127.0.0.1",
        {"host": "x.example", "x-real-ip": AWAY, "authorization": "Bearer t0ken"},
        None,
    ),
    "a webhook of a server like this one": (
        OPEN,
        "127.0.0.1",
        {"host": "localhost", "x-mockllm-webhook": "1"},
        403,
    ),
    "what a server like this one forwards": (
        CLOSED,
        "127.0.0.1",
        {"host": "localhost", "x-mockllm-recorder": "0123"},
        401,
    ),
    "no address at all": (OPEN, "", {"host": "localhost"}, 403),
}

COOKIE = "; ".join(["other=1", "=".join(CLOSED.cookie)])
OWN = {"host": f"{AWAY}:80", "cookie": COOKIE}
COOKIES: dict[str, tuple[Access, str, dict[str, str], int | None]] = {
    "another machine with the cookie": (CLOSED, AWAY, OWN, None),
    "its own page": (CLOSED, AWAY, {**OWN, "origin": f"http://{AWAY}:80"}, None),
    "its own page under any name": (CLOSED, AWAY, {**OWN, "host": "ci", "origin": "https://ci"}, None),
    "a page of another origin": (CLOSED, AWAY, {**OWN, "origin": "http://evil.example"}, 403),
    "a page of another port": (CLOSED, AWAY, {**OWN, "origin": f"http://{AWAY}:81"}, 403),
    "a sandboxed page": (CLOSED, AWAY, {**OWN, "origin": "null"}, 403),
    "what a browser calls same-site": (CLOSED, AWAY, {**OWN, "sec-fetch-site": "same-site"}, 403),
    "the cookie of another token": (Access("other"), AWAY, OWN, 401),
    "a cookie of this name with another value": (
        CLOSED,
        AWAY,
        {**OWN, "cookie": f"{CLOSED.cookie[0]}=x"},
        401,
    ),
    "the cookie where no token is set": (OPEN, AWAY, OWN, 403),
    "the cookie beside a wrong token": (CLOSED, AWAY, {**OWN, "authorization": "Bearer x"}, 401),
}
CASES.update(COOKIES)


@pytest.mark.parametrize(("access", "client", "headers", "status"), CASES.values(), ids=CASES)
def test_access_is_checked_by_client_and_headers(
    access: Access, client: str, headers: dict[str, str], status: int | None
) -> None:
    if status is None:
        access.check("POST", headers, client)
        return
    with pytest.raises(Problem) as caught:
        access.check("POST", headers, client)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "host",
    [
        "[::1].evil.com", "[::1]evil", "[::1", "::1", "[localhost]", "[127.0.0.1]", "localhost:evil",
        "localhost:1:2", "localhost:123456", "localhost..", "evil.com/.localhost", "evil.com@localhost",
        "a b.localhost", "127.0.0.1:x",
        "localhost\n", "localhost:\u0661", "a$b.evil.com", "x,y.evil.com", "a+b.evil.com:9802", "",
    ],
)  # fmt: skip
def test_host_that_is_malformed_is_refused(host: str) -> None:
    assert host_name(host) == ""
    for access in (OPEN, Access(names=frozenset({""}))):
        with pytest.raises(Problem, match="not a name of this machine"):
            access.check("GET", {"host": host}, "127.0.0.1")


def test_host_names_and_loopback_addresses() -> None:
    assert host_name("localhost:") == host_name(" localhost ") == "localhost"
    assert host_name("[fe80::1%lo]") == "fe80::1%lo"
    assert host_name("[::ffff:127.0.0.1]:9") == "::ffff:127.0.0.1"
    assert host_name("my_host-1.example:80") == "my_host-1.example"
    assert host_name("[2001:db8::1]:80") == "2001:db8::1"
    assert host_name("Localhost.:80") == "localhost"
    assert is_loopback("127.9.9.9")
    assert is_loopback("::1%lo")
    assert not is_loopback("10.0.0.1")


def test_cookie_does_not_contain_the_token() -> None:
    name, value = CLOSED.cookie
    assert "t0ken" not in name + value
    assert Access("t0ken").cookie == (name, value)
    assert Access("other").cookie[0] != name
