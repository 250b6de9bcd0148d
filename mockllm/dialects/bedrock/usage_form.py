"""The members that the usage of a Converse response always has, by its model."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class UsageForm(NamedTuple):
    """Whether usage always has counts of cache reads, of cache writes, and the object for the service's own tools."""

    caches: bool = False
    cache_writes: bool = False
    tools: bool = True

    @property
    def of_stream(self) -> UsageForm:
        """The form in a stream, which counts only caches in use (recordings of May to August 2026)."""
        return self._replace(caches=False, cache_writes=False)


_WITHOUT_CACHES: Final = re.compile(
    r"claude-(v2|instant|3-(sonnet|opus|haiku)|3-5-sonnet-20240620)|^(?!.*claude)"
)
"""The models without prompt caching by AWS's list of those with it, and all but Claude, which count caches in use."""
_WITHOUT_TOOLS: Final = re.compile(r"claude-(v2|instant|3-)|titan-text")
"""Models whose recordings, all of 2025, have no such object. Whether it came later for them was not verified."""


_WITHOUT_WRITES: Final = re.compile("claude-sonnet-5")
"""The models that count what their caches read, and do not count that nothing was written (July 2026)."""


def usage_form(model: str) -> UsageForm:
    """Return the form of a model's usage; `model` is an id, or an ARN that contains it."""
    caches = not _WITHOUT_CACHES.search(model)
    return UsageForm(caches, caches and not _WITHOUT_WRITES.search(model), not _WITHOUT_TOOLS.search(model))
