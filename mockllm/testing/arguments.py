"""Checks of the arguments of a test's server: a wrong value is refused by name, and never has another effect."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from mockllm.core.time_scale import MIN_TIME_SCALE
from mockllm.server.server_limits import ServerLimits

__tracebackhide__ = True  # a traceback shows the lines of the test only

ArgumentTest: TypeAlias = Callable[[object], bool]


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_whole_in(least: int, most: float) -> ArgumentTest:
    return lambda value: isinstance(value, int) and _is_whole(value) and least <= value <= most


def _is_number_in(least: float, most: float) -> ArgumentTest:
    """Return a check of numbers; NaN is none, too."""
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    )


def _is_limits(value: object) -> bool:
    return value is None or isinstance(value, ServerLimits)


_MAX_FACTOR: Final = 1 / MIN_TIME_SCALE
_COUNT: Final = (_is_whole_in(0, math.inf), "a whole number from 0")
CHECKS: Final[Mapping[str, tuple[ArgumentTest, str]]] = {
    "strict": (_is_flag, "True or False"),
    "all_used": (_is_flag, "True or False"),
    "port": (_is_whole_in(0, 65535), "a whole number from 0 to 65535"),
    "max_delay": (_is_number_in(0, 1e18), "a number of seconds from 0 to 1e18"),
    "seed": (_is_whole, "a whole number"),
    "miss_status": (_is_whole_in(400, 599), "a status from 400 to 599"),
    "time_scale": (
        _is_number_in(MIN_TIME_SCALE, _MAX_FACTOR),
        f"a factor from {MIN_TIME_SCALE:g} to {_MAX_FACTOR:g}",
    ),
    "limits": (_is_limits, "a ServerLimits or None"),
    "times": _COUNT,
    "at_least": _COUNT,
    "at_most": _COUNT,
}
"""The check of each argument, and what it accepts in words."""


def check_arguments(**arguments: object) -> None:
    """Raise ValueError for the first wrong value: a text for a seed would be another seed without a word."""
    for name, value in arguments.items():
        is_right, wanted = CHECKS[name]
        if not is_right(value):
            raise ValueError(f"{name} is {wanted}, and not {value!r}")
