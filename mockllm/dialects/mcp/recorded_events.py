"""The events of a recorded stream with their ids, each at its time.

A recorded event with an id stays raw bytes in a plan, and may be in several steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.plan import EventStep, Plan, RawStep, Step, WaitStep

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
