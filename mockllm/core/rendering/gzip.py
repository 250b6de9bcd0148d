"""Compresses responses with gzip, event by event, and decompresses recordings for clients that want no compression.

Faults and recordings both use this module. Sources: RFC 9110, sections 8.4.1, 12.5.3 and 12.5.5.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.rendering.framing import closing_bytes, steps_with_bytes
from mockllm.core.rendering.plan import CutStep, Headers, Plan, RawStep, Step, StepOutsideHttpChunks

ENCODING: Final = "content-encoding"
ACCEPT_ENCODING: Final = "accept-encoding"
VARY: Final = "vary"
DECOMPRESSED: Final = frozenset({"gzip", "x-gzip", "deflate"})
"""The codings that this module decompresses."""
MAX_DECOMPRESSED: Final = 32 << 20
"""The maximum number of bytes of a decompressed recording."""
_AUTOMATIC: Final = zlib.MAX_WBITS | 32  # a gzip or a zlib header
_RAW_DEFLATE: Final = -zlib.MAX_WBITS
_ZLIB_METHOD: Final = 8
"""The low four bits of the first byte of a zlib header (RFC 1950, section 2.2)."""


def accepts_coding(headers: Mapping[str, str], coding: str = "gzip") -> bool:
    """Return whether a client's `accept-encoding` accepts this coding."""
    text = headers.get(ACCEPT_ENCODING)
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


def gzipped_steps(plan: Plan) -> Iterator[Step]:
    """Return the steps with compressed bytes, each of which can be decompressed on arrival. The last step closes the
    compressed data, unless the plan is cut."""
    compressor = zlib.compressobj(wbits=31)
    for step, data in steps_with_bytes(plan):
        if data:
            yield RawStep(compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH), step.chunk_number)
        else:
            yield step
    cuts = [step for step in plan.steps if type(step) is CutStep]
    if not cuts or cuts[0].how == "end":
        yield RawStep(compressor.compress(closing_bytes(plan)) + compressor.flush(), 0)
    yield from cuts


def gzipped(plan: Plan) -> Plan:
    """Return the plan with a compressed body; the plan itself if it has no body, a coding or a length."""
    names = {name.lower() for name, _ in plan.head.headers}
    if {ENCODING, "content-length"} & names or any(
        type(step) is StepOutsideHttpChunks for step in plan.steps
    ):
        return plan
    if not any(data for _, data in steps_with_bytes(plan)):
        return plan
    head = plan.head.with_per_response_headers(((ENCODING, "gzip"), (VARY, _vary(plan.head.headers))))
    return replace(plan, head=head, steps=tuple(gzipped_steps(plan)))


def _vary(headers: Headers) -> str:
    """Return the value of `vary` of a compressed response: the request headers by which it varies already, and
    `accept-encoding`. `*` means all of them."""
    values = [value for name, value in headers if name.lower() == VARY]
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    if not {"*", ACCEPT_ENCODING}.isdisjoint(name.lower() for name in names):
        return ", ".join(names)
    return ", ".join([*names, ACCEPT_ENCODING])


def decompressed_frames(
    coding: str, frames: Iterable[bytes], maximum: int = MAX_DECOMPRESSED
) -> Sequence[bytes] | None:
    """Return the decompressed bytes of each frame; None where decompression fails, or has more than `maximum`
    bytes."""
    try:
        return list(_decompressed(coding, frames, maximum))
    except zlib.error:
        return None


def exceeds_maximum(coding: str, frames: Iterable[bytes]) -> bool:
    """Return whether frames have too many bytes without their compression."""
    try:
        for _ in _decompressed(coding, frames, MAX_DECOMPRESSED):
            pass
    except zlib.error as error:
        return isinstance(error, _TooLong)
    return False


class _TooLong(zlib.error):
    """The decompressed bytes are more than the maximum."""


def _decompressed(coding: str, frames: Iterable[bytes], maximum: int) -> Iterator[bytes]:
    coding = coding.strip().lower()
    if coding not in DECOMPRESSED:
        raise zlib.error
    decompress = None
    for frame in frames:
        if decompress is None and frame:
            decompress = zlib.decompressobj(window_bits(coding, frame)).decompress
        plain = b"" if decompress is None else decompress(frame, maximum + 1)
        maximum -= len(plain)
        if maximum < 0:
            raise _TooLong
        yield plain


def window_bits(coding: str, data: bytes) -> int:
    """Return zlib's `wbits` for data of this coding, which may be empty.

    Many clients send `deflate` without the header of zlib that RFC 9110, section 8.4.1.2, demands.
    """
    return _RAW_DEFLATE if coding == "deflate" and data and data[0] & 15 != _ZLIB_METHOD else _AUTOMATIC
