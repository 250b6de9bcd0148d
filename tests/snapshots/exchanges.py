"""Exchanges with the engine inside the test process, with a fixed clock and without sockets.

Every internal name that the snapshots of responses need is used in this module only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.plan import CutStep, StepOutsideHttpChunks, WaitStep
from tests.language.virtual_server import ClientRequest, VirtualServer

FAULTY: Final = "backslashreplace"


class Engine:
    """An engine on these scenarios; its state stays from request to request."""

    def __init__(self, scenarios: str, seed: int) -> None:
        self._game = VirtualServer(scenarios, seed=seed)

    def exchange(self, request: ClientRequest) -> str:
        """The request and all that a client would receive, with the time of each part."""
        engine = self._game.engine
        headers = {name.lower(): value for name, value in request.headers.items()}
        read = engine.read(
            request.method,
            request.path,
            request.query,
            headers,
            request.body,
            request.client,
            request.now,
        )
        response = engine.respond(read)
        plan = response.plan
        lines = [
            f"{request.method} {request.path}{'?' if request.query else ''}{request.query}",
            *(f"{name}: {value}" for name, value in request.headers.items()),
            request.body.decode(),
            "",
            f"status {plan.head.status} after {plan.delay:.6f} s",
            *(f"{name}: {value}" for name, value in plan.head.headers),
            "",
            *_parts(plan),
            *_remarks("rule", [response.responder_id or "none"]),
            *_remarks("modifiers", response.modifiers),
            *_remarks("faults", response.faults),
            *_remarks("error", [response.error] if response.error else []),
            *_remarks("notes", response.notes),
        ]
        return "\n".join(lines) + "\n"


def _remarks(name: str, values: Sequence[str]) -> list[str]:
    return [f"({name}: {'; '.join(values)})"] if values else []


def _parts(plan: Any) -> Iterator[str]:
    """The body's parts in order; text follows `|`, and a part that shares its time with the last has none."""
    at, output = plan.delay, None
    for item in framed(plan):
        if isinstance(item, WaitStep):
            at += item.seconds
            continue
        if output != at:
            yield f"at {at:.6f} s"
            output = at
        if isinstance(item, bytes):
            yield from _shown("|", item)
        elif isinstance(item, StepOutsideHttpChunks):
            yield from _shown("unframed|", item.data)
        elif isinstance(item, CutStep):
            yield f"ended by {item.how}"
        else:
            raise TypeError(item)


def _shown(mark: str, data: bytes) -> Iterator[str]:
    text = data.decode("utf-8", FAULTY).replace("\\", "\\\\").replace("\r", "\\r")
    for line in text.split("\n"):
        yield f"{mark}{line}"
