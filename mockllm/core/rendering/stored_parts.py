"""The parts of a sent response that the state stores: read from its plan, or filled as a cached response is.

To read them from the plan of a cached response costs four times as much: its steps are filled, and JSON is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from secrets import randbelow
from typing import Final, NamedTuple

from msgspec import Struct

from mockllm.core.rendering.placeholder_parser import value_selector
from mockllm.core.rendering.placeholders import PlaceholderStep
from mockllm.core.rendering.plan import Plan

_SAMPLE_PREFIX: Final = str(10**30 + randbelow(9 * 10**30))
"""Digits, since a sample replaces a text or a number. Random for each start: no response has them."""
_SAMPLE: Final = re.compile(_SAMPLE_PREFIX + r"(\d{6})")
_SAMPLE_IN_BYTES: Final = re.compile(_SAMPLE.pattern.encode())


class StoredParts(NamedTuple):
    """What a dialect stores of a response: its JSON, the names that find it, and its tools by the ids of the tool
    calls."""

    payload: bytes
    names: tuple[str, ...]
    tool_calls: Mapping[str, str]


class PrerenderedStoredParts(Struct, frozen=True, eq=False):
    """A StoredParts with placeholders. A text that is the value of a placeholder is the number of the value."""

    payload: PlaceholderStep
    names: Sequence[str | int]
    tool_calls: Sequence[tuple[str | int, str | int]]

    def fill(self, values: Sequence[bytes]) -> StoredParts:
        """Return the parts of the response with these values (see `Prerendered.compute_placeholder_values`)."""
        names = [name if isinstance(name, str) else values[name].decode() for name in self.names]
        calls = {_filled(id, values): _filled(tool, values) for id, tool in self.tool_calls}
        return StoredParts(self.payload.filled_bytes(values), tuple(names), calls)

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return sum(map(len, self.payload.parts)) + 100 * (len(self.payload.parts) + len(self.names))


def _filled(text: str | int, values: Sequence[bytes]) -> str:
    return text if isinstance(text, str) else values[text].decode()


def prerender_stored_parts(
    plan_with: Callable[[Sequence[bytes]], Plan],
    read: Callable[[Plan], StoredParts | None],
    values: Sequence[bytes],
) -> PrerenderedStoredParts | None:
    """Return the form of what `read` returns for the plans of a cached response.

    `plan_with` returns the plan with the values of one response, and `values` are such values. Return None where
    nothing is read, or where filling the form does not reproduce what is read.
    """
    samples = [f"{_SAMPLE_PREFIX}{number:06}".encode() for number in range(len(values))]
    found = read(plan_with(samples))
    if found is None:
        return None
    numbers: dict[str, str | int] = {sample.decode(): number for number, sample in enumerate(samples)}
    texts = [*found.names, *chain.from_iterable(found.tool_calls.items())]
    if any(_SAMPLE.search(text) and text not in numbers for text in texts):
        return None
    split = _SAMPLE_IN_BYTES.split(found.payload)
    parts = [b"" if place % 2 else part for place, part in enumerate(split)]
    form = PrerenderedStoredParts(
        PlaceholderStep(parts, value_selector([int(number) for number in split[1::2]]), 0),
        [numbers.get(name, name) for name in found.names],
        [(numbers.get(id, id), numbers.get(tool, tool)) for id, tool in found.tool_calls.items()],
    )
    return form if form.fill(values) == read(plan_with(values)) else None
