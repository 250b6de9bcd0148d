"""No web page of another origin may use the control API, and its own may."""

from __future__ import annotations

import pytest

from tests.server.control.live_server import Got, Steered


def called_with(server: Steered, method: str, **headers: str) -> Got:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.call(method, "/api/metrics/reset" if method == "POST" else "/api/metrics", None, named)


REFUSED = {
    "a name that was made to resolve to this machine": ("GET", {"Host": "evil.example"}),
    "another origin's form": ("POST", {"Origin": "http://evil.example"}),
    "a sandboxed page": ("POST", {"Origin": "null"}),
    "another port of this machine": ("POST", {"Origin": "http://127.0.0.1:1"}),
    "what a browser calls cross-site": ("POST", {"Sec_Fetch_Site": "cross-site"}),
}


@pytest.mark.parametrize(("method", "headers"), REFUSED.values(), ids=REFUSED)
def test_page_of_another_origin_is_refused(server: Steered, method: str, headers: dict[str, str]) -> None:
    got = called_with(server, method, **headers)
    assert (got.status, got.headers["content-type"]) == (403, "application/problem+json")
    assert "access-control-allow-origin" not in got.headers


def test_preflight_of_another_origin_is_refused(server: Steered) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    got = server.call("OPTIONS", "/api/rules", None, headers)
    assert got.status in (403, 405)
    assert "access-control-allow-origin" not in got.headers


def test_own_page_is_accepted(server: Steered) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert called_with(server, "POST", Origin=own, Sec_Fetch_Site="same-origin").status == 200
    assert called_with(server, "GET", Host=f"localhost:{server.port}").status == 200
