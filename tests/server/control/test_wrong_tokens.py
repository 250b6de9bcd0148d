"""Wrong admin tokens: a client that sends many has to wait, and the count of addresses is bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.server.control import access
from mockllm.server.control.access import FREE_ATTEMPTS, MAX_DELAY, Access, WrongTokens
from mockllm.server.control.problem import Problem
from tests.server.control.live_server import EXAMPLE, steered

AWAY = "192.0.2.7"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def status(rules: Access, token: str, client: str = AWAY) -> int:
    """The status of a call with this token; 200 if it is allowed."""
    try:
        rules.check("GET", {"host": client, "authorization": f"Bearer {token}"}, client)
    except Problem as problem:
        return problem.status
    return 200


def test_wrong_tokens_delay_grows_up_to_a_bound() -> None:
    clock = Clock()
    rules = Access("t0ken", wrong=WrongTokens(clock))
    assert [status(rules, "no") for _ in range(FREE_ATTEMPTS + 2)] == [401] * (FREE_ATTEMPTS + 1) + [429]
    assert status(rules, "t0ken") == 429, "the right one is not read either"
    waits = []
    for _ in range(8):
        before = clock.now
        while status(rules, "no") == 429:
            clock.now += 1
        waits.append(clock.now - before)
    assert waits == [2, 4, 8, 16, 32, MAX_DELAY, MAX_DELAY, MAX_DELAY]


def test_right_token_forgets_the_wrong_ones() -> None:
    rules = Access("t0ken", wrong=WrongTokens(Clock()))
    for _ in range(3):
        assert [status(rules, "no") for _ in range(FREE_ATTEMPTS)] == [401] * FREE_ATTEMPTS
        assert status(rules, "t0ken") == 200


def test_wrong_tokens_are_counted_by_address() -> None:
    rules = Access("t0ken", wrong=WrongTokens(Clock()))
    for _ in range(FREE_ATTEMPTS + 2):
        status(rules, "no", "2001:db8::1")
    assert status(rules, "no", "2001:db8::2") == 429, "one network of IPv6 is one machine"
    assert status(rules, "no", "2001:db8:1::1") == status(rules, "no", "somewhere") == 401
    assert status(rules, "t0ken", "192.0.2.8") == 200


def test_wrong_tokens_of_many_addresses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MAX_ADDRESSES", 3)
    wrong = WrongTokens(Clock())
    rules = Access("t0ken", wrong=wrong)
    for number in range(10):
        status(rules, "no", f"192.0.2.{number}")
    assert len(wrong) == 3


def test_wrong_tokens_over_http_get_retry_after(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": EXAMPLE}, access=Access("t0ken")) as server:
        headers = {"Authorization": "Bearer no"}
        for _ in range(FREE_ATTEMPTS):
            assert server.call("GET", "/api/rules", headers=headers).status == 401
        assert server.call("GET", "/dashboard?token=no").status == 401
        refused = server.call("GET", "/api/rules", headers=headers)
        assert refused.status == 429
        assert refused.headers["retry-after"] in ("1", "2")
        assert server.call("GET", "/dashboard?token=t0ken").status == 429
        assert server.call("GET", "/api/rules").status == 200, "this machine needs no token"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://evil.example/api/rules", 403),
        ("http://evil.example:80/metrics", 403),
        ("http://evil.example/dashboard", 403),
        ("http://bob@evil.example/api/rules?", 403),
        ("http://localhost@evil.example/api/rules", 403),
        ("http://localhost/api/rules", 200),
        ("HTTP://127.0.0.1:80/api/rules", 200),
    ],
)
def test_host_of_an_absolute_target_is_checked(target: str, status: int, tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": EXAMPLE}) as server:
        assert server.call("GET", target, headers={"Host": "localhost"}).status == status


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_page_of_another_origin_sends_no_token(tmp_path: Path, site: str) -> None:
    image = {"Host": "evil.example", "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    form = {"Origin": "http://evil.example"}
    with steered(tmp_path, {"a.yaml": EXAMPLE}, access=Access("t0ken")) as server:
        for token in ["no"] * (FREE_ATTEMPTS + 2) + ["t0ken"]:
            read = server.call("GET", f"/dashboard?token={token}", headers=image)
            sent = server.call("POST", "/dashboard", f"token={token}", form)
            assert (read.status, sent.status) == (403, 403)
            assert "set-cookie" not in {*read.headers, *sent.headers}
        assert server.call("GET", "/dashboard?token=t0ken").status == 303
        assert server.call("GET", "/api/rules", headers={"Authorization": "Bearer t0ken"}).status == 200


def test_login_through_proxy_with_another_host_is_accepted(tmp_path: Path) -> None:
    form = {"Origin": "https://dash.example", "Sec-Fetch-Site": "same-origin"}
    with steered(tmp_path, {"a.yaml": EXAMPLE}, access=Access("t0ken")) as server:
        assert server.call("POST", "/dashboard", "token=t0ken", form).status == 303
