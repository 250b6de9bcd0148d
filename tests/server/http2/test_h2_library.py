"""What the server uses of `h2` beyond its documented interface: a test fails where a release has changed it."""

from __future__ import annotations

import pytest
from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
)
from h2.settings import SettingCodes

from mockllm.server.http2.h2_library import (
    CONNECTION_WINDOW,
    ENCODER_TABLE,
    MAX_STREAMS,
    REFUSED_STREAMS,
    STREAM_WINDOW,
    bound_encoder,
    open_h2,
)
from mockllm.server.server_limits import ServerLimits

GET = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]


@pytest.fixture
def pair() -> tuple[H2Connection, H2Connection]:
    """A server, and a client that knows its settings."""
    server, client = open_h2(ServerLimits()), H2Connection(H2Configuration())
    client.initiate_connection()
    client.receive_data(server.data_to_send())
    server.receive_data(client.data_to_send())
    return server, client


def test_state_machine_has_the_transitions_that_change() -> None:
    for way in (ConnectionInputs.RECV_GOAWAY, ConnectionInputs.SEND_GOAWAY):
        known = H2ConnectionStateMachine._transitions[ConnectionState.SERVER_OPEN, way]
        assert known == (None, ConnectionState.CLOSED)


def test_client_learns_the_bounds(pair: tuple[H2Connection, H2Connection]) -> None:
    server, client = pair
    assert client.remote_settings.max_concurrent_streams == MAX_STREAMS
    assert server.local_settings.max_concurrent_streams == REFUSED_STREAMS
    client.send_headers(1, GET)
    assert client.outbound_flow_control_window == CONNECTION_WINDOW
    assert client.remote_settings.initial_window_size == STREAM_WINDOW


@pytest.mark.parametrize("who", ["server", "client"])
def test_stream_goes_on_behind_goaway(pair: tuple[H2Connection, H2Connection], who: str) -> None:
    server, client = pair
    client.send_headers(1, GET, end_stream=True)
    server.receive_data(client.data_to_send())
    if who == "server":
        server.close_connection()
    else:
        client.close_connection()
        events = server.receive_data(client.data_to_send())
        assert [type(event) for event in events] == [ConnectionTerminated]
    server.send_headers(1, [(b":status", b"200")])
    server.send_data(1, b"hello", end_stream=True)
    assert b"hello" in server.data_to_send()


def test_goaway_names_the_last_stream(pair: tuple[H2Connection, H2Connection]) -> None:
    server, client = pair
    client.send_headers(1, GET, end_stream=True)
    server.receive_data(client.data_to_send())
    server.close_connection()
    event = client.receive_data(server.data_to_send())[-1]
    assert isinstance(event, ConnectionTerminated)
    assert (event.last_stream_id, event.error_code) == (1, ErrorCodes.NO_ERROR)


def test_invalid_field_is_sent(pair: tuple[H2Connection, H2Connection]) -> None:
    server, client = pair
    client.config.validate_inbound_headers = False
    client.send_headers(1, GET, end_stream=True)
    server.receive_data(client.data_to_send())
    server.send_headers(1, [(b":status", b"200"), (b"no header", b"")], end_stream=True)
    events = client.receive_data(server.data_to_send())
    assert any(isinstance(event, StreamEnded) for event in events)


def test_fields_of_a_request_are_not_checked(pair: tuple[H2Connection, H2Connection]) -> None:
    """`h2` looks at each character in Python; `request_lines` makes the checks."""
    server, client = pair
    client.config.validate_outbound_headers = False
    client.send_headers(1, [*GET, (b"x", b"a\r\nb"), (b":path", b"")])
    (event,) = server.receive_data(client.data_to_send())
    assert isinstance(event, RequestReceived)
    assert event.headers[4:] == [(b"x", b"a\r\nb"), (b":path", b"")]


def test_length_of_a_request_is_not_checked(pair: tuple[H2Connection, H2Connection]) -> None:
    """`h2` would end the connection, and all of its streams."""
    server, client = pair
    client.send_headers(1, [*GET, ("content-length", "9")])
    client.send_data(1, b"text", end_stream=True)
    events = server.receive_data(client.data_to_send())
    assert [type(event) for event in events] == [RequestReceived, DataReceived, StreamEnded]


def test_encoder_has_a_bounded_table(pair: tuple[H2Connection, H2Connection]) -> None:
    server, client = pair
    client.update_settings({SettingCodes.HEADER_TABLE_SIZE: 2**31})
    (event,) = server.receive_data(client.data_to_send())
    assert isinstance(event, RemoteSettingsChanged)
    bound_encoder(server)
    assert server.encoder.header_table_size == ENCODER_TABLE
