"""Expected numbers of requests, and the message for a wrong number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import dumps
from mockllm.core.matching.matchers import Matcher, rank_key
from mockllm.engine.near_misses import mismatch_line
from mockllm.server.access_log import MAX_PRINTED_LINE, printable_line
from mockllm.testing.arguments import check_arguments
from mockllm.testing.received_request import Received, mask_secrets

__tracebackhide__ = True  # a traceback shows the lines of the test only

MAX_SHOWN: Final = 5
"""Maximum number of other requests in the message, the nearest first."""


class CountBounds(Struct, frozen=True):
    """A range from `least` to `most`, both included. None has no upper bound."""

    least: int
    most: int | None

    @classmethod
    def of(cls, times: int | None, at_least: int | None, at_most: int | None) -> CountBounds:
        """Create the bounds. Raise TypeError for `times` with another bound, ValueError for other objects than
        numbers from 0, and for bounds that no number meets."""
        named = {"times": times, "at_least": at_least, "at_most": at_most}
        check_arguments(**{name: count for name, count in named.items() if count is not None})
        if times is not None:
            if at_least is not None or at_most is not None:
                raise TypeError("times is an exact number; leave out at_least and at_most")
            return cls(times, times)
        if at_least is None and at_most is None:
            return cls(1, None)
        if at_most is not None and at_most < (at_least or 0):
            raise ValueError("at_most is less than at_least")
        return cls(at_least or 0, at_most)

    def contains(self, count: int) -> bool:
        return self.least <= count and (self.most is None or count <= self.most)

    def __str__(self) -> str:
        if self.least == self.most:
            return f"exactly {self.least}"
        if self.most is None:
            return f"at least {self.least}"
        return f"at most {self.most}" if not self.least else f"{self.least} to {self.most}"


def miscounted(
    bounds: CountBounds,
    match: Mapping[str, object] | None,
    matcher: Matcher,
    matching: Sequence[Received],
    received: Sequence[Received],
    lost: int,
) -> str:
    """Return the message: the expectation, the matching requests, and the test_results of the nearest others. `lost`
    is the number of older requests that were dropped."""
    word = "request" if bounds.most == 1 or (bounds.most is None and bounds.least == 1) else "requests"
    expected = f"{bounds} {word}" + (f" with {_match_text(match)}" if match else "")
    lines = [f"expected {expected}, found {len(matching)} of {len(received)} that came"]
    lines += [f"  {each}" for each in matching[-MAX_SHOWN:]]
    others = [each for each in received if each not in matching] if len(matching) < bounds.least else []
    differing = [(matcher.test_results(each.request), each) for each in others]
    for test_results, each in sorted(differing, key=lambda pair: rank_key(pair[0]))[:MAX_SHOWN]:
        differs = "; ".join(mismatch_line(part) for part in test_results if not part.matched)
        lines.append(f"  {each}\n    {printable_line(mask_secrets(each, differs), MAX_PRINTED_LINE)}")
    if lost:
        lines.append(f"  the {lost} requests before these were dropped and are not counted")
    return "\n".join(lines)


def _match_text(match: Mapping[str, object]) -> str:
    try:
        return dumps(dict(match)).decode()
    except TypeError:
        return str(match)
