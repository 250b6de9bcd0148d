"""What options and variables say in seconds, bytes or counts, as a person writes it: `5`, `500ms`, `64 MiB`.

Apart from the table of options: each kind is read alike wherever it stands.
"""

from __future__ import annotations

import math
import re
from typing import Final

_SIZE: Final = re.compile(r"(\d+)\s*(?:bytes|b|([kmg])(?:i?b)?)?", re.IGNORECASE | re.ASCII)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3}


def seconds(text: str) -> float:
    """Seconds, as a plain number or a duration with its unit; ValueError with what to write."""
    from mockllm.core.quantities.parse import parse_duration

    try:
        number = float(text)
    except ValueError:
        return parse_duration(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"expected a number of seconds, found {text!r}")
    return number


def size(text: str) -> int:
    """Bytes, as a plain number or with `KiB`, `MiB` or `GiB`, however short; ValueError with what to write."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected a number of bytes, such as 1000, 64KiB or 32MiB, found {text!r}")
    return int(found[1]) << 10 * _POWERS[(found[2] or "").lower()]


def count(text: str) -> int:
    """A whole number; ValueError with what was found."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, found {text!r}") from None
