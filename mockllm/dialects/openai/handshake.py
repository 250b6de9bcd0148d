"""The handshake of a WebSocket."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import USUAL, Plan, ResponseHead
from mockllm.core.rendering.socket_session import SocketSession
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import LookupCall
from mockllm.dialects.openai.headers import OPENAI, head


class HandshakeRequest(Request):
    dialect = "openai"
    api = "handshake"


class Handshake(LookupCall):
    """The handshake of a WebSocket. A rule that names its path or api may refuse it with `http` or `error`."""

    api = "handshake"
    request = HandshakeRequest

    def __init__(self, session: Callable[[Request, ResponseIdentity], SocketSession]) -> None:
        """`session` makes the session of the socket."""
        self._session = session

    def own_response(
        self, request: Request, models: Sequence[str], identity: ResponseIdentity
    ) -> Plan | Failure:
        opened = ResponseHead(101, (), head(200, OPENAI, identity).headers)
        session = self._session
        return Plan(opened, (), delivery=replace(USUAL, socket=lambda: session(request, identity)))
