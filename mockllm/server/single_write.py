"""The bytes of a response that needs one write, and no player."""

from __future__ import annotations

from typing import Final

from mockllm.core.rendering.framing import framed_at_once
from mockllm.core.rendering.plan import DEFAULT_DELIVERY, CutStep, Framing, Plan, RawStep, WaitStep
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.server.http1 import LAST_HTTP_CHUNK, SerializedHead

MAX_WRITE_BYTES: Final = 256 * 1024
"""After so many bytes, the rest of a long response follows in later iterations of the loop. Other streams that are
due come first. A player's write may have nearly twice as many bytes. Bytes outside of HTTP chunks do not count."""
MAX_WRITE_STEPS: Final = 512
"""The same for the steps of a response."""

_WAITS_AND_CUTS: Final = frozenset({WaitStep, CutStep})


def has_wait_or_cut(content: Plan | PrerenderedResponse) -> bool:
    """Return whether a response has a delay, a wait or a cut."""
    return content.delay > 0 or not _WAITS_AND_CUTS.isdisjoint(map(type, content.steps))


def single_write(plan: Plan, head: SerializedHead) -> bytes | None:
    """Return all bytes of a response that needs one write, and has neither a delay nor a cut. Return None for any
    other, and for a body with waits. The journal also passes the plan of a provider's 101, which has no steps."""
    if plan.delay > 0 or len(plan.steps) > MAX_WRITE_STEPS or plan.delivery is not DEFAULT_DELIVERY:
        return None
    if head.bodiless:
        return None if any(type(step) is CutStep for step in plan.steps) else head.data
    if len(plan.steps) == 1 and type(step := plan.steps[0]) is RawStep and plan.framing is Framing.PLAIN:
        return head.data + step.data if len(step.data) <= MAX_WRITE_BYTES else None
    body = framed_at_once(plan)
    if body is None:
        return None
    size = sum(map(len, body))
    if size > MAX_WRITE_BYTES:
        return None
    parts = [head.data, *body]
    if head.http_chunked:
        parts.insert(1, b"%x\r\n" % size if size else b"")
        parts.append(b"\r\n" + LAST_HTTP_CHUNK if size else LAST_HTTP_CHUNK)
    return b"".join(parts)
