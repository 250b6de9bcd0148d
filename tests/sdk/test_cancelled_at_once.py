"""A response that its client cancels with the packet that requests it: it begins, ends, and frees the socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from tests.live import Live
from tests.live import live as serve
from tests.waiting import PATIENCE

SCENARIO = """
rules:
  - {name: slow, match: {user: slow}, reply: one two three four, pace: {itl: 30s}}
  - {name: quick, match: {user: quick}, reply: Done.}
"""
RequestOf = Callable[[str], dict[str, object]]
CANCEL = {"type": "response.cancel"}


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("cancelled") / "cancelled.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


def responses_request(user: str) -> dict[str, object]:
    return {"type": "response.create", "model": "m", "input": user}


def realtime_request(user: str) -> dict[str, object]:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": user}]}
    options = {"input": [item], "conversation": "none", "output_modalities": ["text"]}
    return {"type": "response.create", "response": options}


def send(socket: Any, *messages: Mapping[str, object]) -> None:
    """Send messages in one packet."""
    frames = (Frame(Opcode.TEXT, json.dumps(message).encode()) for message in messages)
    socket.socket.sendall(b"".join(frame.serialize(mask=True) for frame in frames))


def status_of_next(socket: Any) -> str:
    """The status of the response that ends next."""
    while True:
        event = json.loads(socket.recv(PATIENCE))
        if event["type"] in ("response.completed", "response.incomplete", "response.done"):
            return str(event["response"]["status"])


@pytest.mark.parametrize(
    ("path", "request_of"),
    [("/v1/responses", responses_request), ("/v1/realtime?model=m", realtime_request)],
    ids=["responses", "realtime"],
)
def test_response_cancelled_at_once_ends(sockets: Live, path: str, request_of: RequestOf) -> None:
    address = f"{sockets.url.replace('http', 'ws', 1)}{path}"
    with connect(address, additional_headers={"authorization": "Bearer k"}) as socket:
        send(socket, request_of("slow"), CANCEL)
        assert status_of_next(socket) == "cancelled"
        send(socket, request_of("quick"))
        assert status_of_next(socket) == "completed"
