"""What a rule puts on the wire of any call, as the JSON of its events, without sockets."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from mockllm.core.json.codec import JSONDecodeError, loads
from mockllm.core.rendering.event_parser import events, sent_bytes
from mockllm.core.request.request import Tool
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS
from tests.language.virtual_server import NOW, VirtualServer

CALLS: Final = {call.name: call.dialect for call in GENERATING_CALLS}
PROTOCOLS: Final = (
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "anthropic-messages",
    "gemini-generate",
    "bedrock-converse",
    "bedrock-invoke",
    "ollama-native_chat",
    "cohere-chat",
)
"""One call of each protocol. The tests of a new one are in its folder: those here name fields of these protocols."""
TOOLS: Final = tuple(
    Tool(name, {"type": "object", "properties": {"city": {"type": "string"}}}) for name in ("look", "hear")
)


class WireEvents(NamedTuple):
    """The events of a response: their names, their JSON (None where it is none), the body, and the notes."""

    names: list[str | None]
    json: list[Any]
    body: bytes
    notes: str
    status: int
    headers: dict[str, str]

    def column(self, path: str) -> list[Any]:
        """The values at a path such as `choices.0.delta`, of the events that have it."""
        return [value for event in self.json for value in _at(event, path.split("."))]


def _at(event: Any, path: list[str]) -> list[Any]:
    if not path:
        return [event]
    name, *rest = path
    if isinstance(event, list) and name.isdecimal() and int(name) < len(event):
        return _at(event[int(name)], rest)
    return _at(event[name], rest) if isinstance(event, dict) and name in event else []


def wire_events(
    call: str,
    rule: dict[str, Any],
    *,
    stream: bool = True,
    model: str | None = None,
    path: str | None = None,
    body: dict[str, Any] | None = None,
) -> WireEvents:
    """The events of a response that the rule makes. `path` and `body` replace those of the call."""
    wanted = NeutralRequest(model=model, tools=TOOLS if "completions" not in call else ())
    wire = CALLS[call].build_request(replace(wanted, stream=stream))
    target, _, query = (path or wire.path).partition("?")
    engine = VirtualServer(json.dumps({"mockllm": 1, "rules": [rule]})).engine
    head = ("POST", target, query, {name.lower(): value for name, value in wire.headers.items()})
    planned = engine.respond(engine.read(*head, json.dumps(body or wire.body).encode(), "127.0.0.1", NOW))
    plan = planned.plan
    found = list(events(plan))
    return WireEvents(
        [name for _, name in found],
        [_json(data) for data, _ in found],
        sent_bytes(plan),
        "; ".join(planned.notes),
        plan.head.status,
        {name.lower(): value for name, value in plan.head.headers},
    )


def _json(data: bytes) -> Any:
    try:
        return loads(data)
    except JSONDecodeError:
        return None
