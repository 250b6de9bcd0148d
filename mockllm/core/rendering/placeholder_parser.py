"""Finds the placeholders in a plan that was rendered with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, cast

from mockllm.core.randomness import IdPattern
from mockllm.core.rendering.argument_forms import (
    NO_VALUES,
    ArgumentsForm,
    ChunkCount,
    TextChunks,
    ValueSelector,
)
from mockllm.core.rendering.placeholders import (
    MARKED_TOOL_CALL,
    MARKER_PREFIX,
    Computation,
    Placeholders,
    Prerendered,
    number_sum,
)
from mockllm.core.rendering.plan import Plan

# the number of a computation whose value is a number (`n`) or a text (`t`), or of a form of a call's arguments (`c`)
_IN_JSON: Final = re.compile(
    f'"{MARKER_PREFIX}n(\\d+);"|{MARKER_PREFIX}t(\\d+);|{MARKER_PREFIX}c(\\d+);'.encode()
)
_IN_HEADER: Final = re.compile(f"{MARKER_PREFIX}t(\\d+);")


class PlaceholderParser:
    """Finds the placeholders in a plan that was rendered with them, and numbers the values of those that it finds."""

    def __init__(self, plan: Plan, placeholders: Placeholders) -> None:
        self._plan = plan
        self._computations = placeholders.computations
        self._comparisons = tuple(dict.fromkeys(placeholders.encoder_conditions))
        self._used: dict[int, None] = {}
        self._forms: list[ArgumentsForm] = []
        self._fixed: list[tuple[str, str]] = []
        self._per_response: list[tuple[str, int]] = []
        for name, value in plan.head.headers:
            marker = _IN_HEADER.fullmatch(value)
            if marker is not None:
                self._per_response.append((name, self._use(marker[1])))
            elif MARKER_PREFIX in value:
                raise TypeError(f"the header {name} holds more than one placeholder")
            else:
                self._fixed.append((name, value))

    def _use(self, number: str | bytes) -> int:
        self._used[int(number)] = None
        return int(number)

    def _number_of_form(self, form: ArgumentsForm) -> int:
        self._forms.append(form)
        return len(self._forms) - 1

    def split(self, data: bytes) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
        """Return the bytes, every second part empty for a value, and the numbers of the computations of these values.
        The numbers of a call's forms are negative."""
        parts: list[bytes] = []
        numbers: list[int] = []
        end = 0
        data = MARKED_TOOL_CALL.replace(data, self._number_of_form)
        for marker in _IN_JSON.finditer(data):
            parts += (data[end : marker.start()], b"")
            call = marker[3]
            numbers.append(self._use(marker[1] or marker[2]) if call is None else -1 - int(call))
            end = marker.end()
        return (*parts, data[end:]), tuple(numbers)

    def finish(self, size: int) -> tuple[Prerendered, Callable[[Sequence[int]], ValueSelector]]:
        """Return all but the steps of a response, which have `size` bytes, and a function from computation numbers to
        a selector. Call `finish` after `split` has seen all steps."""
        between = {  # the bytes between two chunks of a generated tool call's arguments
            form: self.split(b"".join(form.between)) for form in self._forms if type(form) is TextChunks
        }
        ids = [number for number in self._used if _is_plain_id(self._computations[number])]
        computed = [number for number in self._used if not _is_plain_id(self._computations[number])]
        of_forms = range(-1, -1 - len(self._forms), -1)
        places = {number: place for place, number in enumerate([*ids, *computed, *of_forms])}

        def selector_for(numbers: Sequence[int]) -> ValueSelector:
            return value_selector([places[number] for number in numbers])

        forms = [*self._forms]
        for number, form in enumerate(forms):
            if type(form) is TextChunks:
                parts, numbers = between[form]
                forms[number] = TextChunks(parts, selector_for(numbers))
        if between:
            forms.append(ChunkCount())
        computations = [self._computations[number] for number in computed]
        sums = [each for each in map(number_sum, computations) if each is not None]
        without_steps = Prerendered(
            status=self._plan.head.status,
            fixed=tuple(self._fixed),
            header_value_indexes=tuple((name, places[number]) for name, number in self._per_response),
            id_patterns=tuple(cast(IdPattern, self._computations[number].source) for number in ids),
            computations=tuple(computations),
            sums=tuple(sums) if len(sums) == len(computations) else None,
            argument_forms=forms,
            encoder_conditions=self._comparisons,
            framing=self._plan.framing,
            size=1000 + size,
            uses_input_tokens=any(
                computation.uses_input_tokens
                for computation in (*computations, *(c.computation for c in self._comparisons))
            ),
        )
        return without_steps, selector_for


def _is_plain_id(computation: Computation) -> bool:
    return isinstance(computation.source, IdPattern) and not computation.operations


def value_selector(order: Sequence[int]) -> ValueSelector:
    """Return a function that selects the items at these places. A worker's journal pickles it."""
    if not order:
        return NO_VALUES
    if len(order) == 1:  # `itemgetter` with one place returns the item
        return itemgetter(slice(order[0], order[0] + 1))
    return itemgetter(*order)
