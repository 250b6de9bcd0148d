"""The built-in pages: preflights, and the addresses on `/`."""

from __future__ import annotations

from typing import cast

import pytest

from mockllm.core.rendering.plan import EventStep
from mockllm.server.app import App
from mockllm.server.builtin_pages import is_preflight, preflight, respond_builtin
from mockllm.server.exchange import Exchange
from mockllm.server.request_heads import RequestHead
from mockllm.server.socket_sink import SocketSink
from tests.server.fake_engine import FakeEngine
from tests.server.raw_client import request
from tests.server.test_request_heads import parsed

REQUESTED = {"origin": "https://page", "access-control-request-method": "POST"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (REQUESTED, True),
        ({"origin": "https://page"}, False),
        ({"access-control-request-method": "POST"}, False),
    ],
    ids=["a preflight", "no method", "no origin"],
)
def test_is_preflight_by_headers(headers: dict[str, str], expected: bool) -> None:
    assert is_preflight(headers) == expected


@pytest.mark.parametrize(
    ("requested", "allowed"),
    [
        ("authorization, x-a", "authorization, x-a"),
        ("", "*, Authorization"),
        ("a\r\nSet-Cookie: b", "*, Authorization"),
        ("ä", "*, Authorization"),
    ],
    ids=["names", "none", "a second line", "no names"],
)
def test_preflight_allows_requested_headers(requested: str, allowed: str) -> None:
    plan = preflight({**REQUESTED, "access-control-request-headers": requested})
    assert plan.head.status == 204
    assert dict(plan.head.headers)["Access-Control-Allow-Headers"] == allowed


@pytest.mark.parametrize(
    ("over_tls", "forwarded", "base"),
    [
        (False, {}, "http://test/v1"),
        (True, {}, "https://test/v1"),
        (False, {"x-forwarded-proto": "https"}, "https://test/v1"),
    ],
    ids=["plain", "TLS", "TLS at a proxy"],
)
def test_base_urls_have_scheme_of_connection(over_tls: bool, forwarded: dict[str, str], base: str) -> None:
    head = RequestHead(parsed(request("GET", "/", b"", "1.1", **forwarded)), True, over_tls)
    exchange = Exchange(head=head, sink=cast(SocketSink, None))
    assert respond_builtin(App(FakeEngine()), exchange)
    step = exchange.response.plan.steps[0]
    assert isinstance(step, EventStep)
    assert f"OpenAI: {base}\n".encode() in step.payload
