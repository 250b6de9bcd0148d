"""Compresses responses with gzip, event by event, and decompresses recordings for clients that want no compression.

Faults and recordings both use this module. Sources: RFC 9110, sections 8.4.1 and 12.5.3.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.rendering.framing import closing, written
from mockllm.core.rendering.plan import CutStep, Plan, RawStep, Step, UnchunkedStep

ENCODING: Final = "content-encoding"
UNPACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
"""The codings that this module decompresses."""
_AUTOMATIC: Final = zlib.MAX_WBITS | 32
_RAW_DEFLATE: Final = -zlib.MAX_WBITS


def wants(headers: Mapping[str, str], coding: str = "gzip") -> bool:
    """Return whether a client's `accept-encoding` accepts this coding."""
    text = headers.get("accept-encoding")
    if not text:
        return False
    star = False
    for entry in text.lower().split(","):
        name, _, rest = entry.partition(";")
        name, refused = name.strip(), _refused(rest)
        if name in (coding, f"x-{coding}"):
            return not refused
        star = star or (name == "*" and not refused)
    return star


def _refused(parameters: str) -> bool:
    weight = parameters.strip().removeprefix("q").strip().removeprefix("=").strip()
    return bool(weight) and not weight.strip("0.")


def packed_steps(plan: Plan) -> Iterator[Step]:
    """Return the steps with compressed bytes, each of which can be decompressed on arrival. The last step closes the
    compressed data, unless the plan is cut."""
    packer = zlib.compressobj(wbits=31)
    for step, data in written(plan):
        if data:
            yield RawStep(packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH), step.chunk_index)
        else:
            yield step
    cuts = [step for step in plan.steps if type(step) is CutStep]
    if not cuts or cuts[0].how == "end":
        yield RawStep(packer.compress(closing(plan)) + packer.flush(), 0)
    yield from cuts


def packed(plan: Plan) -> Plan:
    """Return the plan with a compressed body; the plan itself if it has no body, a coding or a length."""
    names = {name.lower() for name, _ in plan.head.headers}
    if {ENCODING, "content-length"} & names or any(type(step) is UnchunkedStep for step in plan.steps):
        return plan
    if not any(data for _, data in written(plan)):
        return plan
    head = plan.head.with_unique_headers(((ENCODING, "gzip"), ("vary", "accept-encoding")))
    return replace(plan, head=head, steps=tuple(packed_steps(plan)))


def unpacked(coding: str, frames: Iterable[bytes]) -> Sequence[bytes] | None:
    """Return the decompressed bytes of each frame; None where decompression fails."""
    if coding.strip().lower() not in UNPACKED:
        return None
    engine, plain = None, []
    for frame in frames:
        if engine is None and frame:
            raw = coding == "deflate" and frame[0] & 15 != 8
            engine = zlib.decompressobj(_RAW_DEFLATE if raw else _AUTOMATIC)
        try:
            plain.append(b"" if engine is None else engine.decompress(frame))
        except zlib.error:
            return None
    return plain
