"""Recorded responses for another request: its id and its progress token replace the recorded ones.

All other bytes stay as they were recorded. A recorded event with an id stays raw bytes in a plan, and may be in
several steps; `recorded_events` yields it as an event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, Step, WaitStep
from mockllm.dialects.mcp.request import RpcRequest

_DATA: Final = re.compile(rb"^(data: ?)(\{[^\r\n]*)", re.MULTILINE)
MAX_PLACES: Final = 100
"""The most members called `id` that are tried before the message is written anew."""


def with_request_id(plan: Plan, request: RpcRequest) -> Plan:
    """Return the recorded response as the response to this request."""

    def change(data: bytes) -> bytes:
        return _with_request_id(data, request)

    if plan.framing is Framing.PLAIN:
        waits: list[Step] = [step for step in plan.steps if type(step) is WaitStep]
        body = sent_bytes(plan)
        return replace(plan, steps=(*waits, RawStep(change(body), 0))) if body else plan
    return replace(plan, steps=tuple(_changed(step, change) for step in plan.steps))


def _changed(step: Step, change: Callable[[bytes], bytes]) -> Step:
    if type(step) is EventStep:
        return replace(step, payload=change(step.payload))
    if type(step) is RawStep:
        return replace(step, data=_DATA.sub(lambda line: line[1] + change(line[2]), step.data))
    return step


def _with_request_id(data: bytes, request: RpcRequest) -> bytes:
    try:
        message = object_of(loads(data))
    except JSONDecodeError:
        return data
    params = object_of(message.get("params"))
    if "progressToken" in params:
        if request.progress_token is None:
            return data
        return dumps({**message, "params": {**params, "progressToken": request.progress_token}})
    if "id" not in message or "method" in message or message["id"] is None:
        return data
    return _with_id(data, message, request.rpc_id)


def _with_id(data: bytes, message: dict[str, Json], id: Json) -> bytes:
    """Return the message with another id, its other bytes unchanged where that is possible."""
    wanted = {**message, "id": id}
    old = re.compile(rb'"id"\s*:\s*' + re.escape(dumps(message["id"])))
    for place in list(old.finditer(data))[:MAX_PLACES]:
        changed = data[: place.start()] + b'"id":' + dumps(id) + data[place.end() :]
        if loads(changed) == wanted:
            return changed
    return dumps(wanted)


_LINE: Final = re.compile(rb"(id|event|data): ?([^\r\n]*)")
_EVENT_END: Final = re.compile(rb"\r?\n\r?\n")


def recorded_events(plan: Plan) -> Iterator[Step]:
    """Yield the waits and the complete events of a stream. A stream without raw bytes stays as it is."""
    if not any(type(step) is RawStep for step in plan.steps):
        yield from plan.steps
        return
    rest = b""
    for item in framed(plan):
        if type(item) is WaitStep:
            yield item
        elif type(item) is bytes:
            *blocks, rest = _EVENT_END.split(rest + item)
            yield from filter(None, map(_event, blocks))


def _event(block: bytes) -> EventStep | None:
    """Return the event of its lines; None for a comment."""
    fields: dict[bytes, bytes] = {}
    for name, value in _LINE.findall(block):
        fields[name] = fields[name] + b"\n" + value if name in fields and name == b"data" else value
    if b"data" not in fields:
        return None
    name, id = (
        fields[key].decode("utf-8", "replace") if key in fields else None for key in (b"event", b"id")
    )
    return EventStep(fields[b"data"], 0, "open", name, id)
