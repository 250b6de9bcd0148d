"""The common part of Mistral's calls on stored objects: their responses, and their pages.

The ids of these objects are UUIDs. The state stores them with a prefix for each kind, which no client sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import whole_number
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import stored_object_note
from mockllm.dialects.vendors.errors import VendorCall, head

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


def listed(objects: list[dict[str, Json]], query: Mapping[str, str]) -> dict[str, Json]:
    """Return the requested page of the objects, with their total. Pages count from 0."""
    size = whole_number(query.get("page_size"), DEFAULT_PAGE_SIZE)
    start = whole_number(query.get("page"), 0) * size
    return {"data": objects[start : start + size], "object": "list", "total": len(objects)}


def wanted(shown: Mapping[str, Json], request: Request, *names: str) -> bool:
    """Return whether an object has, in each of these members, one of the values that the query repeats."""
    pairs = parse_qsl(request.query_string)
    for name in names:
        values = [value for key, value in pairs if key == name]
        if values and shown[name] not in values:
            return False
    return True
