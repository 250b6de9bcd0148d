"""The handler that shows the MCP servers of the scenarios, and how clients use them."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import islice
from typing import Final

from pydantic import BaseModel

from mockllm.core.json.codec import JSONDecodeError, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.mcp_server import McpServer
from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.context import ControlContext
from mockllm.server.control.journal_queries import TimeSlices, decode_again, in_thread_if_large
from mockllm.server.control.models.mcp_servers import (
    McpServerCall,
    McpServerList,
    McpServerShown,
    ToolShown,
)
from mockllm.server.journal.entry import JournalEntry

MAX_COUNTED: Final = 2000
"""Messages of the journal that are counted, the newest first."""
MAX_SHOWN: Final = 100
"""Messages in the list."""
MAX_STATES: Final = 200
"""Named states in the list."""
MAX_EVENTS: Final = 1000
"""Events of a stream that are searched for a failure."""
NAMED: Final = ("tool", "prompt", "resource")


async def show_mcp_servers(context: ControlContext, call: ApiCall) -> BaseModel:
    """The MCP servers of the scenarios: tools, resources and prompts, and the use of each by the journal."""
    await context.collect()
    uses: dict[str, ServerUse] = {name: ServerUse(name) for name in context.engine.catalog.mcp_servers}
    calls: list[McpServerCall] = []
    slices = TimeSlices()
    entries = (
        entry
        for entry in reversed(context.journal)
        if entry.request_class and entry.request_class.is_for_mcp_server
    )
    counted = 0
    for entry in islice(entries, MAX_COUNTED):
        await slices.pause()
        message = await in_thread_if_large(entry, partial(_call, entry, context))
        uses.setdefault(message.server, ServerUse(message.server)).count(message, entry)
        calls += [message] if len(calls) < MAX_SHOWN else ()
        counted += 1
    servers = context.engine.catalog.mcp_servers
    shown = [use.shown(servers.get(name)) for name, use in uses.items()]
    return McpServerList(servers=shown, calls=calls, states=await _states(context), counted=counted)


class ServerUse:
    """The messages to one server, counted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.methods: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.clients: set[str] = set()
        self.sessions = 0

    def count(self, call: McpServerCall, entry: JournalEntry) -> None:
        self.methods[call.method] += 1
        self.faults.update(call.faults)
        if call.method == "tools/call" and call.name is not None:
            self.calls[call.name] += 1
            self.failed[call.name] += call.failed
        if call.rule is not None:
            self.rules[call.rule] += 1
        agent = next((value for name, value in entry.headers if name.lower() == "user-agent"), "")
        self.clients.add(entry.redactor.text(agent))
        self.sessions += call.method == "initialize" and call.status == 200

    def shown(self, server: McpServer | None) -> McpServerShown:
        listed = {} if server is None else {tool.name: tool for tool in server.tools}
        tools = [
            ToolShown(
                name=name,
                description=listed[name].description if name in listed else None,
                listed=name in listed,
                calls=self.calls[name],
                failed=self.failed[name],
            )
            for name in dict.fromkeys((*listed, *sorted(self.calls)))
        ]
        described = server or McpServer(self.name)
        return McpServerShown(
            name=self.name,
            path=f"/mcp/{self.name}",
            title=described.title,
            version=described.version,
            tools=tools,
            resources=[resource.uri for resource in described.resources],
            prompts=[prompt.name for prompt in described.prompts],
            tasks=described.tasks,
            described=server is not None,
            methods=dict(self.methods),
            faults=dict(self.faults),
            rules=dict(self.rules),
            clients=sorted(self.clients),
            sessions=self.sessions,
        )


def _call(entry: JournalEntry, context: ControlContext) -> McpServerCall:
    words = decode_again(entry, context.engine).mcp
    name = next((words[word] for word in NAMED if word in words), None)
    masked = entry.redactor.text
    return McpServerCall(
        id=entry.number,
        at=entry.now,
        server=masked(str(words.get("server", ""))),
        method=masked(str(words.get("method", entry.method))),
        name=None if name is None else masked(str(name)),
        status=entry.status,
        failed=_has_failed(entry),
        faults=list(entry.response.faults),
        rule=entry.responder_id,
        session=entry.session and entry.redactor.session(entry.session),
        took=entry.duration_with_hold,
    )


def _has_failed(entry: JournalEntry) -> bool:
    """Return whether a message got an error. A 405 of GET or DELETE says that a server has no stream or session."""
    if entry.method != "POST" and entry.status == 405:
        return False
    return entry.status >= 400 or _says_failure(entry.response.plan)


def _says_failure(plan: Plan) -> bool:
    """Return whether a response is an error, or the result of a tool that failed."""
    for data, _ in islice(events(plan), MAX_EVENTS):
        try:
            message = loads(data)
        except JSONDecodeError:
            continue
        result = message.get("result") if type(message) is dict else None
        if type(message) is dict and (
            "error" in message or (type(result) is dict and result.get("isError") is True)
        ):
            return True
    return False


async def _states(context: ControlContext) -> dict[str, dict[str, str]]:
    """Return the named states by session, as texts; the name is empty for requests without a session."""
    found: dict[str, dict[str, str]] = {}
    state = context.engine.state
    for session, name, value in islice(await context.named_states(), MAX_STATES):
        text = value if isinstance(value, str) else dumps(value).decode()
        found.setdefault(session and state.redacted_id(session), {})[name] = text
    return found


ROUTES: Final = (ApiRoute("GET", "/api/mcp", show_mcp_servers, McpServerList),)
