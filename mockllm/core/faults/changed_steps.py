"""Which steps of a plan a fault has changed, so that a person sees it on the time axis of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mockllm.core.rendering.plan import Step


def faults_by_step(
    before: Sequence[Step], after: Sequence[Step], places: Mapping[int, str], name: str
) -> dict[int, str]:
    """Return the faults by the indexes of the steps `after` a fault. These are new, moved and repeated steps, and the
    step beside a removed one. `places` are those of earlier faults in `before`."""
    first = {id(step): index for index, step in reversed([*enumerate(before)])}
    found: dict[int, str] = {}
    expected = 0
    for index, step in enumerate(after):
        in_turn = expected < len(before) and before[expected] is step
        old = expected if in_turn else first.get(id(step))
        if old is None:
            found[index] = name
            continue
        removed = (
            old > expected and found.get(index - 1) != name
        )  # a new or moved step shows the gap before this one
        if removed or old < expected:
            found[index] = name
        elif old in places:
            found[index] = places[old]
        expected = old + 1
    if after and expected < len(before):
        found.setdefault(len(after) - 1, name)
    return found
