"""The common part of Mistral's calls on stored objects: their responses, and their pages.

The ids of these objects are UUIDs. The state stores them with a prefix for each kind, which no client sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import text_of, whole_number
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.form_fields import urlencoded_fields
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import stored_object_note
from mockllm.dialects.vendors.errors import VendorCall, head

T = TypeVar("T")
FILES: Final = "mistral_file_"
JOBS: Final = "mistral_job_"
DEFAULT_PAGE_SIZE: Final = 100
"""SDK: `FilesAPIRoutesListFilesRequest.page_size`."""


class MistralStoredCall(VendorCall):
    """The base of the calls on files and batch jobs."""

    def json_plan(self, body: Json, identity: ResponseIdentity) -> Plan:
        sent = head(self.vendor, identity, "application/json; charset=utf-8")
        return Plan(sent, (EventStep(dumps(body), 0, "body"),))


def missing_file(id: str) -> Failure:
    """Return the failure of an id without a file in the body of another call."""
    return Failure(
        "not_found", message=f"No such file: {id}", note=stored_object_note("file", "stored_files")
    )


def listed(
    found: Sequence[T], query: Mapping[str, str], shown: Callable[[T], dict[str, Json]]
) -> dict[str, Json]:
    """Return the requested page, with the total. Pages count from 0. `shown` returns an object of the page."""
    size = whole_number(query.get("page_size"), DEFAULT_PAGE_SIZE)
    start = whole_number(query.get("page"), 0) * size
    return {"data": list(map(shown, found[start : start + size])), "object": "list", "total": len(found)}


def wanted_values(request: Request, *names: str) -> dict[str, set[str]]:
    """Return the values that the query has for these members, without the members for which it has none. A query
    with more parameters than a form has no values."""
    values: dict[str, set[str]] = {}
    for name, value in urlencoded_fields(request.query_string.encode("utf-8", "replace")):
        if name in names and value:
            values.setdefault(name, set()).add(value)
    return values


def wanted(shown: Mapping[str, Json], values: Mapping[str, set[str]]) -> bool:
    """Return whether an object has, in each of these members, one of the values."""
    return all(text_of(shown[name]) in allowed for name, allowed in values.items())
