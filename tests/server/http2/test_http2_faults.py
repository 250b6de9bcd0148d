"""What each fault of HTTP and of the connection does on HTTP/2: docs/http2.md has the same as a table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from h2.errors import ErrorCodes
from h2.exceptions import InvalidBodyLengthError

from mockllm.core.faults import Fault
from mockllm.core.faults.connection import (
    Bandwidth,
    Close,
    NoResponse,
    Reset,
    Silence,
    SlowClose,
    SlowHeaders,
)
from mockllm.core.faults.http import BadHeaders, BrokenChunking, ContentLength, Truncate
from mockllm.core.faults.stream_flow import Stall
from mockllm.core.rendering.plan import Plan
from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, say, streamed, whole
from tests.server.http2.h2_client import H2Client
from tests.server.threaded_server import ThreadedServer, written_down
from tests.waiting import PATIENCE

MIDDLE = {"after": {"chunks": 1}}
HALF = {"after": {"bytes": 5}}
FAULTS: dict[str, Fault] = {
    "close": Close.model_validate(MIDDLE),
    "reset": Reset.model_validate(MIDDLE),
    "silence": Silence.model_validate(MIDDLE),
    "stall": Stall.model_validate({"after": {"chunks": 1}, "for": "50ms"}),
    "slow_close": SlowClose.model_validate({"for": "50ms"}),
    "bandwidth": Bandwidth.model_validate({"bytes_per_second": 10_000}),
    "slow_headers": SlowHeaders.model_validate({"for": "50ms"}),
    "no_response_close": NoResponse.model_validate({"then": "close"}),
    "no_response_reset": NoResponse.model_validate({"then": "reset"}),
    "no_response_silence": NoResponse.model_validate({"then": "silence"}),
    "too_long": ContentLength.model_validate({"form": "too_long"}),
    "too_short": ContentLength.model_validate({"form": "too_short", "by": 3}),
    "missing": ContentLength.model_validate({"form": "missing"}),
    "malformed": BadHeaders.model_validate({"form": "malformed"}),
    "duplicate": BadHeaders.model_validate({"form": "duplicate"}),
    "no_size": BrokenChunking.model_validate({"form": "no_size", **HALF}),
    "chunk_too_short": BrokenChunking.model_validate({"form": "too_short", **HALF}),
    "truncate": Truncate.model_validate(HALF),
}
STREAM = streamed(say("one", 1), say("two", 2))
STREAMED = {"close", "reset", "silence", "stall"}
ONE = "data: one\n\n"
ALL = "data: one\n\ndata: two\n\n"


def plan_of(name: str) -> Plan:
    return FAULTS[name].apply_to_plan(STREAM if name in STREAMED else whole("0123456789"))


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    plans = {"/ok": whole(), **{f"/{name}": plan_of(name) for name in FAULTS}}
    served = ThreadedServer(App(FakeEngine(plans), limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    yield served
    served.stop()


RESET = ErrorCodes.INTERNAL_ERROR


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("close", ONE, RESET),
        ("stall", ALL, None),
        ("slow_close", "0123456789", None),
        ("bandwidth", "0123456789", None),
        ("slow_headers", "0123456789", None),
        ("no_response_close", "", RESET),
        ("too_long", "0123456789", RESET),
        ("missing", "0123456789", None),
        ("malformed", "0123456789", None),
        ("duplicate", "0123456789", None),
        ("no_size", "01234", RESET),
        ("chunk_too_short", "0123456", RESET),
        ("truncate", "01234", None),
    ],
)
def test_fault_ends_its_stream_alone(server: ThreadedServer, name: str, body: str, code: int | None) -> None:
    with H2Client(server.port) as client:
        got = client.response(client.ask(f"/{name}"))
        assert (got.text, got.reset) == (body, code)
        assert client.response(client.ask("/ok")).text == "hello"


def test_cut_stream_is_reset_after_the_client_has_its_data() -> None:
    app = App(FakeEngine({"/close": plan_of("close")}), limits=ServerLimits(grace=0.2, linger=PATIENCE))
    server = ThreadedServer(app)
    server.start()
    with H2Client(server.port) as client:
        cut = client.ask("/close")
        client.acknowledges = False
        client.until(lambda: client.responses[cut].text == ONE)
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.response(cut)
        client.sock.settimeout(PATIENCE)
        client.flush()
        assert client.response(cut).reset == RESET
    server.stop()


def test_cut_stream_of_silent_client_is_reset_after_linger(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        cut = client.ask("/close")
        client.acknowledges = False
        assert client.response(cut).reset == RESET


@pytest.mark.parametrize(("name", "body"), [("reset", ONE), ("no_response_reset", "")])
def test_reset_ends_the_connection_without_goaway(server: ThreadedServer, name: str, body: str) -> None:
    with H2Client(server.port) as client:
        silent = client.ask("/silence")
        client.until(lambda: bool(client.responses[silent].body))
        cut = client.ask(f"/{name}")
        client.to_the_end()
        assert (client.responses[cut].text, client.responses[cut].over) == (body, False)
        assert (client.responses[silent].over, client.goaway) == (False, None)


@pytest.mark.parametrize(("name", "body"), [("silence", ONE), ("no_response_silence", "")])
def test_silent_stream_stays_open(server: ThreadedServer, name: str, body: str) -> None:
    with H2Client(server.port) as client:
        silent = client.ask(f"/{name}")
        client.until(lambda: client.responses[silent].text == body)
        assert client.response(client.ask("/ok")).text == "hello"
        assert not client.responses[silent].over


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("too_long", [("content-length", "20")]),
        ("missing", []),
        ("malformed", [("this line is no header", ""), ("content-length", "10")]),
        ("duplicate", [("content-type", "text/plain"), ("content-length", "10")]),
    ],
)
def test_wrong_head_is_sent(server: ThreadedServer, name: str, fields: list[tuple[str, str]]) -> None:
    with H2Client(server.port) as client:
        client.ask(f"/{name}")
        client.until(lambda: client.responses[1].status == 200)
        found = client.responses[1].fields
        assert set(fields) <= set(found)
        lengths = [value for field, value in found if field == "content-length"]
        assert lengths == [value for field, value in fields if field == "content-length"]


def test_body_longer_than_its_length_is_sent(server: ThreadedServer) -> None:
    with (
        H2Client(server.port) as client,
        pytest.raises(InvalidBodyLengthError, match="Expected 7 bytes, received 10"),
    ):
        client.response(client.ask("/too_short"))


@pytest.mark.parametrize(("name", "reason"), [("close", "close"), ("reset", "reset"), ("no_size", "close")])
def test_journal_names_the_cut(server: ThreadedServer, name: str, reason: str) -> None:
    with H2Client(server.port) as client:
        client.ask(f"/{name}?journal")
        client.until(lambda: client.closed or client.responses[1].over)
        assert written_down(server, f"/{name}?journal").end_reason == reason
