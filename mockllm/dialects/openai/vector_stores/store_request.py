"""Requests for vector stores, and the base of the calls on one store or on what it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiObjectCall, stored_object_note
from mockllm.dialects.openai.validators import Check, check_fields, check_readable, check_required
from mockllm.dialects.openai.vector_stores.objects import (
    BATCH_ID,
    BATCH_KEYS,
    CONTENTS,
    FILE_ID,
    PREFIX,
    STORE_ID,
    StoreContents,
    batch_key,
    contents_of,
    file_key,
)
from mockllm.dialects.stored_objects import ObjectRequest

MANY: Final = 1_000
"""To group so many files by their stores takes longer than 5 ms."""


class VectorStoreRequest(ObjectRequest):
    dialect = "openai"
    api = "stored_vector_stores"
    path_variable = "vector_store"

    @cached_property
    def store_id(self) -> str:
        """The store of the path; empty where no store has such an id."""
        id = self.path_variables.get("vector_store", "")
        return id if STORE_ID.fullmatch(id) else ""

    @cached_property
    def object_id(self) -> str:
        return self.store_id

    @cached_property
    def store(self) -> StoredObject | None:
        """The store that the path names."""
        return self.object_lookup.stored(self.store_id) if self.store_id else None

    @cached_property
    def contents(self) -> StoreContents:
        """What the store of the path has."""
        return contents_of(self.object_lookup, self.store_id)

    @cached_property
    def listed(self) -> Sequence[StoredObject]:
        """The stores, the oldest first."""
        return self.object_lookup.all_stored(PREFIX)

    @cached_property
    def listed_contents(self) -> Sequence[StoredObject]:
        """The files and last uses of all stores, the oldest first."""
        return self.object_lookup.all_stored(CONTENTS)

    @cached_property
    def listed_batches(self) -> Sequence[StoredObject]:
        """The batches of all stores, the oldest first."""
        return self.object_lookup.all_stored(BATCH_KEYS)

    @property
    def planning_takes_long(self) -> bool:
        """Whether a thread responds: to the list of stores. The event loop looks up what it needs."""
        if self.method != "GET" or "vector_store" in self.path_variables:
            return False
        return len(self.listed) + len(self.listed_contents) + len(self.listed_batches) > MANY


class VectorStoreFileRequest(VectorStoreRequest):
    api = "stored_vector_store_files"
    path_variable = "file"

    @cached_property
    def object_id(self) -> str:
        """The key of the file that the path names; empty where no file has such an id."""
        id = self.path_variables.get("file", "")
        return file_key(self.store_id, id) if self.store_id and FILE_ID.fullmatch(id) else ""


class VectorStoreBatchRequest(VectorStoreRequest):
    api = "stored_vector_store_file_batches"
    path_variable = "batch"

    @cached_property
    def object_id(self) -> str:
        """The key of the batch that the path names; empty where no batch has such an id."""
        id = self.path_variables.get("batch", "")
        return batch_key(self.store_id, id) if self.store_id and BATCH_ID.fullmatch(id) else ""


class VectorStoreCall(OpenAiObjectCall):
    """The base of the calls on one store."""

    api = "stored_vector_stores"
    request_class: type[Request] = VectorStoreRequest
    object_name = "vector store"
    missing_message = "No vector store found with id '{}'."


class StorePartCall(VectorStoreCall):
    """The base of the calls on a file or a batch of a store."""

    part_message = "{part} {store}"
    """The message for an id of no such part."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreRequest)
        return missing_store(request) if request.store is None else super().own_response(request, identity)

    def missing(self, request: ObjectRequest) -> Failure:
        names = request.path_variables
        message = self.part_message.format(
            part=names.get(request.path_variable), store=names.get("vector_store")
        )
        return Failure("not_found", message=message, note=stored_object_note(self.object_name, self.api))


def missing_store(request: VectorStoreRequest) -> Failure:
    """Return the failure of an id of no store."""
    message = VectorStoreCall.missing_message.format(request.path_variables.get("vector_store"))
    return Failure("not_found", message=message, note=stored_object_note("vector store", VectorStoreCall.api))


class StoreCallWithBody:
    """The base of the calls with a body, before the base of those on one object."""

    checks: Mapping[str, Check]
    required: tuple[str, ...] = ()

    check_readable = staticmethod(check_readable)

    def check(self, request: Request) -> Failure | None:
        return (
            self.check_readable(request)
            or check_fields(request.fields, self.checks)
            or check_required(request.fields, *self.required)
        )
