"""The state of a connection in the library `h2`, and all that this server does with it beyond its documented use.

`h2` checks the order and the content of frames, compresses header fields and counts windows. Its tests name what is
used here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from h2.config import H2Configuration
from h2.connection import (
    AllowedStreamIDs,
    ConnectionInputs,
    ConnectionState,
    H2Connection,
    H2ConnectionStateMachine,
)
from h2.settings import SettingCodes, Settings
from h2.stream import H2Stream

from mockllm.server.server_limits import KIB, MIB, ServerLimits

MAX_STREAMS: Final = 128
"""The most streams of a connection that are open at a time: as many as nginx and AWS's load balancers announce."""
REFUSED_STREAMS: Final = 10 * MAX_STREAMS
"""A client that opens more streams than this has not read the settings: its connection ends. Between the two bounds
each stream is refused by itself, since a client may open streams before it knows the bound."""
STREAM_WINDOW: Final = 256 * KIB
CONNECTION_WINDOW: Final = MIB
"""Bytes of bodies that a client may send before the server has read them."""
MIN_HEADER_LIST: Final = 64 * KIB
ENCODER_TABLE: Final = 4096
"""Bytes of compressed header fields that are stored, whatever the client allows: it is the client's number."""
MAX_SETTINGS: Final = 64
"""The most settings of a client: `h2` stores each for as long as the connection, known or not."""
_PROTOCOL_WINDOW: Final = 65_535
"""The window of a connection before its first update (RFC 9113, section 6.9.2)."""


TRANSITIONS: Final = {
    **H2ConnectionStateMachine._transitions,
    (ConnectionState.SERVER_OPEN, ConnectionInputs.RECV_GOAWAY): (None, ConnectionState.SERVER_OPEN),
    (ConnectionState.SERVER_OPEN, ConnectionInputs.SEND_GOAWAY): (None, ConnectionState.SERVER_OPEN),
}
"""Streams continue after GOAWAY, be it from the client or the server: it only ends the opening of streams (RFC 9113,
section 6.8). `h2` itself would send nothing more."""


class ServerStream(H2Stream):
    """A stream whose body may have any length. `h2` ends the connection, with all of its streams, where the body has
    another length than its head says. That is an error of the stream alone (RFC 9113, section 8.1.1), which
    `request_lines` and `Http2Stream` find."""

    def _initialize_content_length(self, headers: Iterable[object]) -> None: ...


class ServerConnection(H2Connection):
    """A connection whose streams are `ServerStream`s."""

    def _begin_new_stream(self, stream_id: int, allowed_ids: AllowedStreamIDs) -> H2Stream:
        stream = super()._begin_new_stream(stream_id, allowed_ids)
        stream.__class__ = ServerStream
        return stream


def open_h2(limits: ServerLimits) -> H2Connection:
    """Return the state of a new connection; its settings wait to be sent."""
    result = ServerConnection(
        H2Configuration(
            client_side=False,
            header_encoding=None,
            validate_inbound_headers=False,  # `request_lines` does it
            validate_outbound_headers=False,  # a fault may send what is invalid
            normalize_outbound_headers=False,
        )
    )
    result.state_machine._transitions = TRANSITIONS
    header_list = max(MIN_HEADER_LIST, limits.target + 2 * limits.header)
    result.decoder.max_header_list_size = header_list
    result.local_settings = _settings(MAX_STREAMS, header_list)
    result.initiate_connection()
    result.increment_flow_control_window(CONNECTION_WINDOW - _PROTOCOL_WINDOW)
    result.local_settings = _settings(REFUSED_STREAMS, header_list)
    return result


def _settings(streams: int, header_list: int) -> Settings:
    return Settings(
        client=False,
        initial_values={
            SettingCodes.MAX_CONCURRENT_STREAMS: streams,
            SettingCodes.MAX_HEADER_LIST_SIZE: header_list,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        },
    )


def bound_encoder(h2: H2Connection) -> None:
    """Bound what the encoder stores: a client's settings have just changed it."""
    h2.encoder.header_table_size = min(h2.encoder.header_table_size, ENCODER_TABLE)
