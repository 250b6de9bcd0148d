"""What differs from one family of models to the next on this wire: one small table, by the answered model.

A row is here only where recordings of the same weeks differ by model. A retired family keeps the wire that it
spoke when it was last heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

DEFAULT_MODEL: Final = "claude-sonnet-5"
"""The model that answers where neither the rule nor the request names one."""


@dataclass(frozen=True, slots=True)
class Family:
    """How a family's answers look.

    `geo` is `usage.inference_geo` (None: no such key); `thinking_tokens` whether usage splits them out;
    `caller` whether a call says who called it; `stop_details`, `cache_creation` whether those keys are there;
    `repeats_input` whether a stream's last usage tells the input side again.
    """

    geo: str | None = "global"
    thinking_tokens: bool = True
    caller: bool = True
    stop_details: bool = True
    cache_creation: bool = True
    repeats_input: bool = True


_CURRENT: Final = Family()
_BEFORE_5: Final = Family(thinking_tokens=False)
_BEFORE_GEO: Final = Family(geo="not_available", thinking_tokens=False)
_RETIRED: Final = Family(None, False, False, False, False, False)

_ROWS: Final[tuple[tuple[str, Family], ...]] = (
    ("claude-3-5-haiku-*", Family("not_available", False, False, False)),
    ("claude-[23][.-]*", _RETIRED),
    ("claude-instant-*", _RETIRED),
    ("claude-*-4-[678]*", _BEFORE_5),
    ("claude-*-4-*", _BEFORE_GEO),
)


@lru_cache(maxsize=256)
def family_of(model: str) -> Family:
    """The first row that fits; every other name answers as the newest models do."""
    return next((family for glob, family in _ROWS if fnmatchcase(model, glob)), _CURRENT)
