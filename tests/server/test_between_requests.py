"""What comes between two requests of a connection: empty lines, and the end of a body in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mockllm.server.aiohttp_internals import HttpProtocol
from mockllm.server.app import App
from tests.server.fake_engine import FakeEngine, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(FakeEngine({"/ok": whole()})))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def raw(server: ThreadedServer) -> Iterator[Raw]:
    with Raw(server.port) as client:
        yield client


@pytest.mark.parametrize("following", [b"", request(path="/ok"), request("POST", "/ok", b"next")])
def test_connection_ends_after_chunks_of_a_declined_upgrade(raw: Raw, following: bytes) -> None:
    headers = {"Transfer_Encoding": "chunked", "Connection": "Upgrade", "Upgrade": "foo"}
    raw.send(request("POST", "/ok", b"3\r\nabc\r\n0\r\n\r\n", **headers) + following)
    got = raw.answer()
    assert (got.status, got.headers["connection"]) == (200, "close")
    raw.to_the_end()
    assert raw.rest == b""


def test_many_empty_lines_before_a_request_are_read_once(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[bytes] = []
    parse = HttpProtocol.feed_parser

    def noted(self: HttpProtocol, part: bytes) -> Any:
        parts.append(part)
        return parse(self, part)

    monkeypatch.setattr(HttpProtocol, "feed_parser", noted)
    for lines in (b"\r\n" * 100_000, b"\n" * 1_000, b"\r"):
        assert raw.send(lines + request("POST", "/ok", b"a")).answer().status == 200
    assert [part for part in parts if part and not part.strip()] == []
    assert len(parts) < 10
