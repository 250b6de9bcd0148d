"""Numbers in JSON that JavaScript does not write as they were: it has one type of number."""

from typing import Final

from mockllm.core.json.codec import Json

LARGEST: Final = 2**53
"""JavaScript has all integers up to this one."""


def has_exact_numbers(value: Json) -> bool:
    """Return whether JSON has a number that JavaScript writes differently: 1.0, or an integer above 2^53."""
    if isinstance(value, dict | list):
        return any(map(has_exact_numbers, value.values() if isinstance(value, dict) else value))
    return (isinstance(value, float) and value.is_integer()) or (
        isinstance(value, int) and abs(value) > LARGEST
    )
