"""Checks of how a client uses MCP servers (Model Context Protocol): the handshake, the list of tools, failed tools.

Each check follows the messages to one server in their order. The rules are those of the specification, versions
2025-06-18 to 2026-07-28 (`basic/lifecycle`, `basic/transports`, `server/tools`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.display import brief
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.verdicts.client_history import ClientHistory, Evidence
from mockllm.core.verdicts.observed_request import ObservedRequest

MAX_MESSAGES: Final = 10_000
"""The most messages of one stream that are read."""
REPEATS: Final = 2
"""So many equal calls may follow a failed one before a client shows that it does not read the failure."""
OPENING: Final = frozenset({"initialize", "notifications/initialized", "ping", "server/discover"})
"""The methods that a client may send before it is initialized."""
WITH_HEADER: Final = "2025-06-18"
"""The first version whose clients name it in a header."""
WITHOUT_HANDSHAKE: Final = "2026"
"""Versions from this one on have no handshake."""
VERSION_HEADER: Final = "mcp-protocol-version"
STDIO_HEADER: Final = "x-mockllm-stdio"
LIST_CHANGED: Final = "notifications/tools/list_changed"


class ServerMessageExchange:
    """One message of a client, and the messages that it got."""

    def __init__(self, observed: ObservedRequest) -> None:
        self.observed = observed
        request = observed.request
        self.server = str(request.mcp.get("server"))
        self.method = str(request.mcp.get("method"))
        self.tool = request.mcp.get("tool")
        self.version = str(request.mcp.get("protocol"))
        self.names_version = VERSION_HEADER in request.headers or STDIO_HEADER in request.headers

    @cached_property
    def call(self) -> bytes:
        """The tool with its arguments and the client's responses: equal for equal calls."""
        mcp = self.observed.request.mcp
        return dumps([self.tool, mcp.get("arguments"), mcp.get("responses")])

    @cached_property
    def messages(self) -> list[dict[str, Json]]:
        """The JSON-RPC messages of the response."""
        found: list[dict[str, Json]] = []
        for _, (data, _) in zip(range(MAX_MESSAGES), events(self.observed.plan), strict=False):
            try:
                message = loads(data)
            except JSONDecodeError:
                continue
            if type(message) is dict:
                found.append(message)
        return found

    @property
    def result(self) -> dict[str, Json]:
        """The result; empty where there is none."""
        found = (each["result"] for each in self.messages if type(each.get("result")) is dict)
        return next(found, {})

    @property
    def tools(self) -> list[str]:
        """The names of the tools in the result."""
        listed = self.result.get("tools")
        entries: Iterable[Json] = listed if type(listed) is list else ()
        return [entry["name"] for entry in entries if type(entry) is dict and type(entry.get("name")) is str]

    @property
    def has_cursor(self) -> bool:
        """Whether the message requests a further page of a list."""
        body = self.observed.request.body
        params = body.get("params") if type(body) is dict else None
        return type(params) is dict and params.get("cursor") is not None

    @property
    def tool_failed(self) -> bool:
        """Whether the tool says that it failed, or its arguments were refused."""
        if self.result.get("isError") is True:
            return True
        codes = (each["error"].get("code") for each in self.messages if type(each.get("error")) is dict)
        return -32602 in codes

    @property
    def announces_change(self) -> bool:
        return any(each.get("method") == LIST_CHANGED for each in self.messages)


class KnownTools(Struct):
    """The data that a client has of a server's tools. `changed` announces a new list, `uses` are the calls since
    then."""

    listed_by: ObservedRequest | None = None
    names: set[str] = set()
    whole: bool = False
    changed: ObservedRequest | None = None
    uses: list[ObservedRequest] = []


def _by_server(history: ClientHistory) -> Iterator[list[ServerMessageExchange]]:
    """Yield the messages to each server, in order."""
    groups: dict[str, list[ServerMessageExchange]] = {}
    for observed in history.requests:
        if observed.is_for_mcp_server and observed.ended is not None:
            exchange = ServerMessageExchange(observed)
            groups.setdefault(exchange.server, []).append(exchange)
    yield from groups.values()


def unlisted_tool_called(history: ClientHistory) -> Iterator[Evidence]:
    for exchanges in _by_server(history):
        known = KnownTools()
        for each in exchanges:
            if each.method == "tools/list":
                _read_list(known, each)
            elif known.listed_by is not None and known.whole and each.tool not in (None, *known.names):
                called, listing = brief(str(each.tool)), known.listed_by
                message = f"#{each.observed.id} calls {called}, which #{listing.id} does not list"
                yield Evidence(message, (listing, each.observed))


def _read_list(known: KnownTools, each: ServerMessageExchange) -> None:
    """Add a page of a list; a list without a cursor begins anew."""
    if "tools" not in each.result:
        return
    known.names = {*(known.names if each.has_cursor else ()), *each.tools}
    known.listed_by = each.observed
    known.whole = "nextCursor" not in each.result


def tool_error_repeated(history: ClientHistory) -> Iterator[Evidence]:
    for exchanges in _by_server(history):
        run: list[ServerMessageExchange] = []
        for each in exchanges:
            if each.tool is None:
                continue
            if run and (not each.tool_failed or each.call != run[0].call):
                yield from _repeated(run)
                run = []
            if each.tool_failed:
                run.append(each)
        yield from _repeated(run)


def _repeated(run: list[ServerMessageExchange]) -> Iterator[Evidence]:
    if len(run) > REPEATS:
        first = run[0].observed
        message = f"{len(run) - 1} calls in a row repeat #{first.id} unchanged, although the tool failed"
        yield Evidence(message, tuple(each.observed for each in run))


def not_initialized(history: ClientHistory) -> Iterator[Evidence]:
    if history.lost:
        return  # the handshake may be among the requests that are not known any more
    for exchanges in _by_server(history):
        ready = False
        for each in exchanges:
            ready = ready or each.method == "notifications/initialized" or each.version >= WITHOUT_HANDSHAKE
            if not ready and each.method not in OPENING and each.method != "None":
                message = f"#{each.observed.id} sends {brief(each.method)} before notifications/initialized"
                yield Evidence(message, (each.observed,))
                break


def version_header_missing(history: ClientHistory) -> Iterator[Evidence]:
    for exchanges in _by_server(history):
        opening: ServerMessageExchange | None = None
        for each in exchanges:
            if each.method == "initialize":
                agreed = each.result.get("protocolVersion")
                opening = each if type(agreed) is str and agreed >= WITH_HEADER else None
            elif opening is not None and not each.names_version:
                message = (
                    f"#{each.observed.id} has no header MCP-Protocol-Version, after #{opening.observed.id}"
                )
                yield Evidence(message, (opening.observed, each.observed))
                break


def list_change_ignored(history: ClientHistory) -> Iterator[Evidence]:
    for exchanges in _by_server(history):
        known = KnownTools()
        for each in exchanges:
            if each.method == "tools/list":
                known = KnownTools()
            elif each.tool is not None and known.changed is not None:
                known.uses = [*known.uses, each.observed]
                if len(known.uses) == REPEATS:
                    ids = " and ".join(f"#{used.id}" for used in known.uses)
                    message = (
                        f"{ids} call tools after #{known.changed.id} announced a new list, without tools/list"
                    )
                    yield Evidence(message, (known.changed, *known.uses))
            if each.announces_change:
                known = KnownTools(changed=each.observed)
