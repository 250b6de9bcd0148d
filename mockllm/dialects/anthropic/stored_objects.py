"""The base of Anthropic's calls on stored objects, and the pages of their lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import whole_number
from mockllm.core.rendering.plan import EventStep, Headers, Plan
from mockllm.dialects.anthropic.errors import error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, head_without_limits
from mockllm.dialects.dialect import ResponseIdentity, UncheckedCall

PAGE: Final = "page_"
"""The prefix of a cursor of a list."""
DEFAULT_PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 1_000


class StoredObjectCall(UncheckedCall):
    """The base of the calls: their name and their errors. They pass every check unless they override it."""

    name: str = "anthropic"

    error = staticmethod(error_plan)


def json_plan(body: Json, identity: ResponseIdentity) -> Plan:
    return bytes_plan(dumps(body), identity, (JSON_TYPE,))


def bytes_plan(body: bytes, identity: ResponseIdentity, headers: Headers) -> Plan:
    return Plan(head_without_limits(headers, identity), (EventStep(body, 0, "body"),))


def page_size(text: str) -> int | None:
    """Return the number that a text is; None where it is none."""
    try:
        return int(text)
    except ValueError:
        return None


def check_page_size(query: Mapping[str, str]) -> Failure | None:
    """Return the refusal of the number of objects that a page of a list is to have."""
    limit = query.get("limit")
    if limit is None:
        return None
    size = page_size(limit)
    if size is None:
        constraint = "Input should be a valid integer, unable to parse string as an integer"
    elif size < 1:
        constraint = "Input should be greater than or equal to 1"
    elif size > MAX_PAGE_SIZE:
        constraint = f"Input should be less than or equal to {MAX_PAGE_SIZE}"
    else:
        return None
    return Failure("bad_request", message=f"limit: {constraint}")


def object_page(newest: Sequence[dict[str, Json]], query: Mapping[str, str]) -> dict[str, Json]:
    """Return a page of the objects, the newest first. Clients continue with `after_id`, or with `page` and the cursor
    of the page before; they go back with `before_id`."""
    ids = [item["id"] for item in newest]
    after = query.get("after_id") or query.get("page", "").removeprefix(PAGE)
    before = query.get("before_id")
    size = max(1, min(whole_number(query.get("limit"), DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE))
    if before in ids:
        rest = newest[: ids.index(before)]
        page = rest[-size:]
    else:
        rest = newest[ids.index(after) + 1 :] if after in ids else newest
        page = rest[:size]
    more = len(rest) > len(page)
    first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return {"data": list(page), "has_more": more, "first_id": first, "last_id": last}


def timestamp(seconds: float) -> str:
    """Format seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
