"""The common part of Mistral's calls on stored objects: their responses, and their pages.

The ids of files and jobs are UUIDs. The state stores all objects with a prefix, which no client sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, read_object, text_of, whole_number
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.form_fields import urlencoded_fields
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import stored_object_note
from mockllm.dialects.stored_objects import ObjectRequest
from mockllm.dialects.vendors.errors import VendorCall, head

T = TypeVar("T")
OWN: Final = "mistral_"
"""The prefix of agents and conversations: OpenAI's conversations have ids of the same form."""
FILES: Final = "mistral_file_"
JOBS: Final = "mistral_job_"
DEFAULT_PAGE_SIZE: Final = 100
"""SDK: `FilesAPIRoutesListFilesRequest.page_size`."""


class MistralStoredCall(VendorCall):
    """The base of the calls on stored objects."""

    def json_plan(self, body: Json, identity: ResponseIdentity) -> Plan:
        sent = head(self.vendor, identity, "application/json; charset=utf-8")
        return Plan(sent, (EventStep(dumps(body), 0, "body"),))

    def empty_plan(self, identity: ResponseIdentity) -> Plan:
        """Return a 204, which deletions without a body send."""
        return Plan(head(self.vendor, identity, "", 204).without("content-type"), ())


def deletion(plan: Plan, request: Request) -> StorageUpdate | None:
    """Return what the state forgets after a deletion without a body."""
    assert isinstance(request, ObjectRequest)
    ended = request.stored is not None and plan.head.status in (200, 204)
    return StorageUpdate(forgotten=(request.object_id,)) if ended else None


def missing_file(id: str) -> Failure:
    """Return the failure of an id without a file in the body of another call."""
    return Failure(
        "not_found", message=f"No such file: {id}", note=stored_object_note("file", "stored_files")
    )


def paged(found: Sequence[T], query: Mapping[str, str], size: int = DEFAULT_PAGE_SIZE) -> Sequence[T]:
    """Return the objects of the requested page. Pages count from 0."""
    size = whole_number(query.get("page_size"), size)
    start = whole_number(query.get("page"), 0) * size
    return found[start : start + size]


def has_metadata(shown: Mapping[str, Json], query: Mapping[str, str]) -> bool:
    """Return whether an object has the metadata that the query requests as JSON."""
    requested = read_object(query.get("metadata", "").encode("utf-8", "replace"))
    own = object_of(shown.get("metadata"))
    return all(name in own and own[name] == value for name, value in requested.items())


def listed(
    found: Sequence[T], query: Mapping[str, str], shown: Callable[[T], dict[str, Json]]
) -> dict[str, Json]:
    """Return the requested page, with the total. `shown` returns an object of the page."""
    return {"data": list(map(shown, paged(found, query))), "object": "list", "total": len(found)}


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
