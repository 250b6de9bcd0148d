"""Events out of framed bytes: the way back from `core.framing`, as a client reads it.

Sources: WHATWG HTML section 9.2 (server-sent events): an event ends with an empty line, and one that is cut
off before it is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from mockllm.core.framing import frame
from mockllm.core.plan import Data, Framing, Plan, Raw

Event: TypeAlias = tuple[str | None, bytes]
"""The event's name, where it has one, and its payload."""

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


def _plain(data: bytes) -> Iterator[Event]:
    yield None, data


def _sse(data: bytes) -> Iterator[Event]:
    name: str | None = None
    said: list[bytes] = []
    for line in _LINE_END.split(data)[:-1]:  # what follows the last line end is no line yet
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode("utf-8", "replace")
        elif field == b"data":
            said.append(value)
        elif not line:
            if said:
                yield name, b"\n".join(said)
            name, said = None, []


def _ndjson(data: bytes) -> Iterator[Event]:
    return ((None, line) for line in data.split(b"\n")[:-1] if line)


_READERS: Final[dict[Framing, Callable[[bytes], Iterator[Event]]]] = {
    Framing.PLAIN: _plain,
    Framing.SSE: _sse,
    Framing.SSE_CRLF: _sse,
    Framing.NDJSON: _ndjson,
}


def sent(plan: Plan) -> bytes:
    """All bytes of the body, whenever they leave."""
    return b"".join(frame(step, plan.framing) for step in plan.steps if isinstance(step, (Data, Raw)))


def events(plan: Plan) -> Iterator[Event]:
    """What a client makes of the body: each event of a stream; of a whole answer the body."""
    return _READERS[plan.framing](sent(plan))
