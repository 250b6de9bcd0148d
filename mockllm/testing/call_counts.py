"""How many requests there should have been, and what is said where there were others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from mockllm.core.json.codec import dumps
from mockllm.core.matching.matchers import Matcher
from mockllm.engine.near_misses import mismatch_line
from mockllm.testing.received_request import Received

SHOWN: Final = 5
"""So many of the other requests are told, the nearest first."""


class CountBounds(Struct, frozen=True):
    """From `least` to `most`, both included; None has no end."""

    least: int
    most: int | None

    @classmethod
    def of(cls, times: int | None, at_least: int | None, at_most: int | None) -> CountBounds:
        """TypeError where they contradict each other."""
        if times is not None:
            if at_least is not None or at_most is not None:
                raise TypeError("times says exactly how many; leave out at_least and at_most")
            return cls(times, times)
        if at_least is None and at_most is None:
            return cls(1, None)
        return cls(at_least or 0, at_most)

    def holds(self, count: int) -> bool:
        return self.least <= count and (self.most is None or count <= self.most)

    def __str__(self) -> str:
        if self.least == self.most:
            return f"exactly {self.least}"
        if self.most is None:
            return f"at least {self.least}"
        return f"at most {self.most}" if not self.least else f"{self.least} to {self.most}"


def miscounted(
    bounds: CountBounds,
    match: Mapping[str, Any] | None,
    matcher: Matcher,
    found: Sequence[Received],
    came: Sequence[Received],
    lost: int,
) -> str:
    """What was expected, what came, and what kept the nearest others from counting. `lost`: how many are too
    long ago to be known."""
    word = "request" if bounds.most == 1 or (bounds.most is None and bounds.least == 1) else "requests"
    wanted = f"{bounds} {word}" + (f" with {_said(match)}" if match else "")
    lines = [f"expected {wanted}, found {len(found)} of {len(came)} that came"]
    lines += [f"  {each}" for each in found[-SHOWN:]]
    others = [each for each in came if each not in found] if len(found) < bounds.least else []
    for each in sorted(others, key=lambda other: matcher.distance(other.request))[:SHOWN]:
        differs = "; ".join(
            mismatch_line(part) for part in matcher.differences(each.request) if not part.matched
        )
        lines.append(f"  {each}\n    {differs}")
    if lost:
        lines.append(f"  the {lost} requests before these are not kept any more, and not counted")
    return "\n".join(lines)


def _said(match: Mapping[str, Any]) -> str:
    try:
        return dumps(dict(match)).decode()
    except TypeError:
        return str(match)
