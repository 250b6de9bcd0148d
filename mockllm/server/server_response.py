"""What a request is given: an answer and how it is sent; and the few answers that are the server's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from aiohttp.http_parser import RawRequestMessage

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.engine.session_id import PREFIX, without
from mockllm.server import builtin_pages, cors
from mockllm.server.http1 import ResponseFraming
from mockllm.server.journal.draft import short
from mockllm.server.player import Player
from mockllm.server.protocols import EngineProtocol
from mockllm.server.request_heads import RESERVED, RequestHead
from mockllm.server.socket_sink import SocketSink


class ServerResponse(NamedTuple):
    """An answer and how it is sent: with cross-origin headers or not, and whether the connection ends."""

    answer: PlannedResponse
    request: Request | None = None
    allow_cors: bool = False
    close: bool = False
    unlogged: bool = False
    """Neither written down nor shown: probes ask for `/health` every few seconds."""


class ActiveResponse(NamedTuple):
    """An answer that takes its time and has begun to be given. `at` and `since` are when its request came: in
    seconds since the epoch, and on the deadlines' clock."""

    play: Player
    sink: SocketSink
    message: RawRequestMessage
    response: ServerResponse
    framing: ResponseFraming
    at: float
    since: float
    keep_alive: bool

    @property
    def kind(self) -> type[Request]:
        request = self.response.request
        return Request if request is None else type(request)


class DeferredResponse(Exception):
    """A call of the control API: what comes of it takes time, and stands outside of the way of a request."""

    answer = None

    def __init__(self, plan: Callable[[], Awaitable[Plan]]) -> None:
        self.plan = plan

    async def given(self) -> ServerResponse:
        return ServerResponse(PlannedResponse(await self.plan(), None), unlogged=True)


Prepared: TypeAlias = "ActiveResponse | tuple[ServerResponse | DeferredResponse, float]"
"""What was found out about a request before aiohttp's handler came to it, and when it came."""


def own_answer(
    head: RequestHead, engine: EngineProtocol, uptime: float, open_to_pages: bool
) -> ServerResponse | None:
    """What is answered without asking the engine; None where it is the engine's. `uptime` in seconds."""
    method, path, headers, inside = head.message.method, head.path, head.headers, ""
    if path.startswith(PREFIX):
        _, behind = without(path)
        inside, path = path.removesuffix(behind), behind
    if path.split("/", 2)[1] in RESERVED:
        if path != "/health":
            return plain(404, f"Nothing is served at {short(path)}.\n")
        if method not in ("GET", "HEAD"):
            return ServerResponse(PlannedResponse(builtin_pages.only_get(method, path), None))
        return ServerResponse(
            PlannedResponse(builtin_pages.health(engine.info(), uptime), None), unlogged=True
        )
    if path == "/" and method in ("GET", "HEAD"):
        base = f"http://{short(headers.get('host', 'localhost') + inside)}"
        return ServerResponse(PlannedResponse(builtin_pages.home(engine.info(), base), None))
    if open_to_pages and method == "OPTIONS" and cors.is_preflight(headers):
        return ServerResponse(PlannedResponse(cors.preflight(headers), None), allow_cors=True)
    return None


def plain(status: int, text: str) -> ServerResponse:
    return ServerResponse(PlannedResponse(builtin_pages.plain(status, text), None), close=status == 400)


def failed() -> PlannedResponse:
    return PlannedResponse(builtin_pages.plain(500, "mockllm itself has failed; its log says where.\n"), None)
