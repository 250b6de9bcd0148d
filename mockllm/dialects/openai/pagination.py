"""The lists of what is stored, in pages: what a client asks with `after`, `limit` and `order`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from mockllm.core.json.codec import Json

PAGE: Final = 20
"""How many items a page holds where the client names no limit."""


def page(
    items: list[dict[str, Json]], query: Mapping[str, str], order: Literal["asc", "desc"]
) -> dict[str, Json]:
    """A page of the items, which come the oldest first; `order` is that of a client who names none. An order or
    a limit that is none, and an `after` that nobody has, count as unsaid."""
    wanted = query.get("order")
    shown = items[::-1] if (wanted if wanted in ("asc", "desc") else order) == "desc" else items
    after = next((place for place, item in enumerate(shown, 1) if item["id"] == query.get("after")), 0)
    rest = shown[after:]
    held = rest[: number(query.get("limit"), PAGE)]
    return {
        "object": "list",
        "data": held,
        "first_id": held[0]["id"] if held else None,
        "has_more": len(rest) > len(held),
        "last_id": held[-1]["id"] if held else None,
    }


def number(text: str | None, default: int) -> int:
    """A number in a query; the default of any other text."""
    return int(text) if text is not None and text.isdecimal() else default
