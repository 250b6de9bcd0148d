"""The base of Gemini's calls on files and batches, and pages of lists (`pageSize` and `pageToken`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import whole_number
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import UncheckedCall
from mockllm.dialects.gemini.generate_check import GeminiDialect
from mockllm.dialects.gemini.wire_format import JSON, indented

T = TypeVar("T")


class GeminiStoredCall(UncheckedCall, GeminiDialect):
    """A call without a rule's reply that passes every check."""


def json_plan(body: Json, headers: Headers = ()) -> Plan:
    return Plan(ResponseHead(200, (*JSON, *headers)), (EventStep(indented(body) + b"\n", 0, "body"),))


PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000


def page(
    key: str,
    items: Sequence[T],
    request: Request,
    show: Callable[[T], Json],
    usual: int = PAGE_SIZE,
    most: int = MAX_PAGE_SIZE,
) -> dict[str, Json]:
    """Return a page of a list under its key, each item as `show` returns it; its token is the number of the next
    item. A page without items has no list, as protobuf writes an empty one."""
    start = whole_number(request.query.get("pageToken"), 0)
    size = min(whole_number(request.query.get("pageSize"), 0) or usual, most)
    shown = [show(item) for item in items[start : start + size]]
    body: dict[str, Json] = {key: shown} if shown else {}
    if start + size < len(items):
        body["nextPageToken"] = str(start + size)
    return body
