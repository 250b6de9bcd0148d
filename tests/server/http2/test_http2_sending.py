"""Large responses go out in slices, so that other clients are served in between."""

from __future__ import annotations

import pytest
from h2.settings import SettingCodes

from mockllm.server.app import App
from mockllm.server.http2 import connection as connection_module
from mockllm.server.http2.connection import Http2Connection
from mockllm.server.http2.stream import MAX_FRAME, Http2Stream
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, whole
from tests.server.http2.h2_client import H2Client
from tests.server.threaded_server import ThreadedServer

SIZE = 20 * MAX_FRAME


def test_large_responses_are_sent_by_turns_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without time for a second frame, each iteration of the loop sends one."""
    slices: list[list[int]] = []
    send_pending, send_frame = Http2Connection._send_pending, Http2Stream.send_frame

    def noting_slice(connection: Http2Connection) -> None:
        slices.append([])
        send_pending(connection)

    def noting_frame(stream: Http2Stream) -> bool:
        if slices:
            slices[-1].append(stream.id)
        return send_frame(stream)

    monkeypatch.setattr(connection_module, "MAX_SENDING_SECONDS", -1.0)
    monkeypatch.setattr(Http2Connection, "_send_pending", noting_slice)
    server = ThreadedServer(App(FakeEngine({"/large": whole("x" * SIZE)}), limits=ServerLimits(grace=0.2)))
    server.start()
    with H2Client(server.port) as client:
        client.h2.increment_flow_control_window(2**30)
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        ids = [client.ask("/large") for _ in range(2)]
        client.until(lambda: all(client.responses[id].status for id in ids))
        monkeypatch.setattr(Http2Stream, "send_frame", noting_frame)
        slices.clear()
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
        client.flush()
        assert [len(client.response(id).body) for id in ids] == [SIZE] * 2
    server.stop()
    assert slices[:10] == [[id] for id in ids * 5]
