"""Base classes of OpenAI's calls, pages of stored objects, which a client requests with `after`, `limit` and
`order`, and the padding of streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import whole_number
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity, UncheckedCall
from mockllm.dialects.openai.errors import error_plan
from mockllm.dialects.openai.validators import check_readable
from mockllm.dialects.stored_objects import ObjectCall, ObjectRequest

DEFAULT_PAGE_SIZE: Final = 20
"""The number of items on a page where the client sends no `limit`."""


def page(
    items: list[dict[str, Json]],
    query: Mapping[str, str],
    order: Literal["asc", "desc"],
    shown: Callable[[dict[str, Json]], dict[str, Json]] | None = None,
    *,
    both_ways: bool = False,
) -> dict[str, Json]:
    """Return a page of the items, which are ordered from the oldest to the newest. `shown` returns the object of an
    item of the page, with the same id. `both_ways`: whether `before` requests the page that ends before an item.

    `order` is the default. The function ignores an unknown order, an invalid limit and an `after` that
    matches no item.
    """
    requested = query.get("order")
    ordered = items[::-1] if (requested if requested in ("asc", "desc") else order) == "desc" else items
    after = next(
        (position for position, item in enumerate(ordered, 1) if item["id"] == query.get("after")), 0
    )
    rest = ordered[after:]
    limit = whole_number(query.get("limit"), DEFAULT_PAGE_SIZE) or DEFAULT_PAGE_SIZE
    before = next((position for position, item in enumerate(rest) if item["id"] == query.get("before")), None)
    if both_ways and before is not None:
        rest = rest[:before]
        data = rest[max(0, before - limit) :]
    else:
        data = rest[:limit]
    return {
        "object": "list",
        "data": data if shown is None else list(map(shown, data)),
        "first_id": data[0]["id"] if data else None,
        "has_more": len(rest) > len(data),
        "last_id": data[-1]["id"] if data else None,
    }


def stored_object_note(object_name: str, api: str) -> str:
    """Return the note on an id of no stored object; `object_name` is the object."""
    return (
        f"the id of a {object_name} exists after a call of the same session that creates it; a rule with "
        f"`match: {{api: {api}}}` may respond to any id"
    )


class OpenAiCall:
    """The base of OpenAI's calls: their name, their check of an unreadable body, and their errors."""

    name = "openai"
    api: str
    generates: bool = False
    request_class: type[Request]

    check_readable = staticmethod(check_readable)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(failure, request, identity)


class UncheckedOpenAiCall(UncheckedCall, OpenAiCall):
    """The base of OpenAI's calls that pass every check."""


class OpenAiObjectCall(ObjectCall, UncheckedOpenAiCall):
    """The base of the calls on one stored object."""

    object_name: str
    """The object in the note for the author of a scenario."""
    missing_message: str
    """The error's message for an id without an object, with the id in place of `{}`."""
    missing_fields: Mapping[str, Json] = {}

    def missing(self, request: ObjectRequest) -> Failure:
        message = self.missing_message.format(request.path_variables.get(request.path_variable))
        note = stored_object_note(self.object_name, self.api)
        return Failure("not_found", message=message, fields=self.missing_fields, note=note)


PADDING_CHARACTERS: Final = b"kT3vQx9ZbLw5RfNsJ8gYdHc2PmUaE6oWi1KrXt7VqBnz4CyDGuSjlMhApeF0IO" * 2


def padding(number: int, text_length: int) -> bytes:
    """Return the member with the padding of an event."""
    return b',"obfuscation":"%b"' % padding_text(number, text_length)


def padding_text(number: int, text_length: int) -> bytes:
    """Return what pads the event `number`, which has `text_length` characters of text: padded lengths do not reveal
    the length of a text.

    The real padding is random. This padding fills the text up to a multiple of 16 characters, as in the newest
    recordings, and rotates with the number of the event.
    """
    start = number % 62
    return PADDING_CHARACTERS[start : start + 16 - text_length % 16]
