"""What clients with official SDKs report besides the errors of their SDK, and what they check of calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

READ_TIMEOUT: Final = 30.0
"""Seconds: long enough for a busy machine. In virtual time no test waits for them."""
QUESTION: Final = "Book a flight and a hotel."
PARAMETERS: Final[dict[str, Any]] = {
    "book_flight": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "day": {"type": "string"}},
        "required": ["city", "day"],
    },
    "book_hotel": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "nights": {"type": "integer"}},
        "required": ["city", "nights"],
    },
}
"""The tools of the clients, with the schemas of their arguments."""


class Incomplete(Exception):
    """The response is an SDK's success, and no complete reply: the client reports it."""


def checked(name: str, arguments: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """Return the arguments of a call. Raise Incomplete for a call that violates its schema."""
    try:
        values = json.loads(arguments) if isinstance(arguments, str) else dict(arguments or {})
    except ValueError:
        raise Incomplete(f"the arguments of {name} are no JSON") from None
    if name not in PARAMETERS:
        raise Incomplete(f"there is no tool {name}")
    missing = [key for key in PARAMETERS[name]["required"] if key not in values]
    if missing:
        raise Incomplete(f"{name} has no argument {missing[0]}")
    return values
