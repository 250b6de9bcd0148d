"""The handshake of a WebSocket."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import DEFAULT_DELIVERY, SWITCHING_PROTOCOLS, Plan, ResponseHead
from mockllm.core.rendering.websocket_session import WebSocketSession
from mockllm.core.request.request import Request
from mockllm.core.user_speech import UserSpeech
from mockllm.dialects.dialect import ResponseIdentity, VoiceDialect
from mockllm.dialects.openai.calls import UncheckedOpenAiCall
from mockllm.dialects.openai.headers import OPENAI, head


class HandshakeRequest(Request):
    dialect = "openai"
    api = "handshake"


class Handshake(UncheckedOpenAiCall):
    """The handshake of a WebSocket. A rule that names its path or api may refuse it with `http` or `error`."""

    api = "handshake"
    request_class = HandshakeRequest

    def __init__(self, session: Callable[[Request, ResponseIdentity], WebSocketSession]) -> None:
        """`session` makes the session of the WebSocket."""
        self._session = session

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        session = self._session
        return _opened(identity, lambda: session(request, identity))


class VoiceHandshake(UncheckedOpenAiCall, VoiceDialect):
    """The handshake of a WebSocket with audio. A rule may also say when the user speaks."""

    api = "handshake"
    request_class = HandshakeRequest

    def __init__(
        self, session: Callable[[Request, ResponseIdentity, Sequence[UserSpeech] | None], WebSocketSession]
    ) -> None:
        """`session` makes the session of the WebSocket."""
        self._session = session

    def open_voice_session(
        self, speeches: Sequence[UserSpeech] | None, request: Request, identity: ResponseIdentity
    ) -> Plan:
        """Return the response of a session whose user speaks so. None: the received audio decides."""
        session = self._session
        return _opened(identity, lambda: session(request, identity, speeches))


def _opened(identity: ResponseIdentity, session: Callable[[], WebSocketSession]) -> Plan:
    opened = ResponseHead(SWITCHING_PROTOCOLS, (), head(200, OPENAI, identity).headers)
    return Plan(opened, (), delivery=replace(DEFAULT_DELIVERY, websocket_factory=session))
