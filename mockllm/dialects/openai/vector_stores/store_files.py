"""The calls on the files of a vector store: POST and GET …/files, GET, POST and DELETE …/files/{id}, GET …/content.

Sources: the SDK's `Files` resource of vector stores, `openai.types.vector_stores.VectorStoreFile`, and the error of
an unknown id in public reports. The page of the content is that of OpenAI's reference. Inferred: a file that is added
again begins again, and a file has no content before it is completed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Headers, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import page
from mockllm.dialects.openai.files.file_calls import PREFIX as FILE_PREFIX
from mockllm.dialects.openai.headers import PLAIN_HEADERS, body_plan
from mockllm.dialects.openai.validators import Check, missing_parameter, string
from mockllm.dialects.openai.vector_stores.added_files import (
    FileAdditionRequest,
    added_file,
    addition_failure,
    new_file,
    with_processing,
)
from mockllm.dialects.openai.vector_stores.checks import check_attributes, check_list_query, chunking
from mockllm.dialects.openai.vector_stores.objects import (
    FILE_ID,
    IN_PROGRESS,
    TEXTS,
    activity,
    file_object,
    file_status,
    id_of,
    valid_attributes,
    with_members,
)
from mockllm.dialects.openai.vector_stores.store_request import (
    StoreCallWithBody,
    StorePartCall,
    VectorStoreFileRequest,
    VectorStoreRequest,
    missing_store,
)
from mockllm.dialects.stored_objects import Deletion, created_object

POLL: Final[Headers] = (("openai-poll-after-ms", "100"),)
"""The wait before the next read of what is in progress: the SDK's helpers follow it."""
FIELDS: Final[Mapping[str, Check]] = {
    "file_id": string,
    "attributes": check_attributes,
    "chunking_strategy": chunking,
}


class AddedFileRequest(FileAdditionRequest):
    api = "vector_store_files"
    file_fields = ("file_id",)


class AddVectorStoreFile(StoreCallWithBody, StorePartCall):
    """POST /v1/vector_stores/{id}/files."""

    api = "vector_store_files"
    request_class = AddedFileRequest
    checks = FIELDS
    required = ("file_id",)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, AddedFileRequest)
        if request.store is None:
            return missing_store(request)
        failure = addition_failure(request, len(request.contents.files))
        if failure is not None:
            return failure
        source = request.sources[0] if request.sources else None
        if source is None:
            return missing_parameter("file_id")
        own = new_file(request, request.store_id, request.entries[0], source).shown
        shown = {**own, "status": IN_PROGRESS, "last_error": None}
        return with_processing(body_plan(shown, identity, (*PLAIN_HEADERS, *POLL)))

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, AddedFileRequest)
        sent, store = created_object(plan, FILE_PREFIX), request.store_id
        source = request.sources[0] if request.sources else None
        if sent is None or not FILE_ID.fullmatch(sent["id"]) or source is None:
            return None
        if not store or request.object_lookup.stored(store) is None:
            return None
        entry = request.entries[0]._replace(id=sent["id"])
        objects = added_file(request, new_file(request, store, entry, source), sent, plan)
        return StorageUpdate(others=(*objects, activity(store, int(request.now))))


class GetVectorStoreFile(StorePartCall):
    """GET /v1/vector_stores/{id}/files/{file}, and the base of the calls on one file."""

    api = "stored_vector_store_files"
    request_class: type[Request] = VectorStoreFileRequest
    object_name = "file of a vector store"
    part_message = "No file found with id '{part}' in vector store '{store}'."

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        status = status_of(stored, request)
        pairs = (*PLAIN_HEADERS, *POLL) if status == IN_PROGRESS else PLAIN_HEADERS
        return body_plan(file_object(stored, status), identity, pairs)


def status_of(file: StoredObject, request: Request) -> str:
    """Return the state of a file as this request finds it."""
    batch = None if file.previous is None else request.object_lookup.stored(file.previous)
    return file_status(file, batch, request.monotonic)


class UpdateVectorStoreFile(StoreCallWithBody, GetVectorStoreFile):
    """POST /v1/vector_stores/{id}/files/{file}: replaces the attributes."""

    checks: Mapping[str, Check] = {"attributes": check_attributes}

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return super().respond(self.changed(stored, request), request, identity)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject:
        return with_members(stored, {"attributes": valid_attributes(request.fields.get("attributes"))})


class DeleteVectorStoreFile(Deletion, GetVectorStoreFile):
    """DELETE /v1/vector_stores/{id}/files/{file}. The uploaded file stays."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        shown = {"id": id_of(stored), "object": "vector_store.file.deleted", "deleted": True}
        return body_plan(shown, identity)

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        return StorageUpdate(forgotten=(stored.id, TEXTS + stored.id))


class VectorStoreFileContent(GetVectorStoreFile):
    """GET /v1/vector_stores/{id}/files/{file}/content: the text of the file."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        text = request.object_lookup.stored(TEXTS + stored.id)
        data: list[Json] = []
        if text is not None and status_of(stored, request) == "completed":
            data = [{"type": "text", "text": text.request_body.decode(errors="replace")}]
        shown = {
            "object": "vector_store.file_content.page",
            "data": data,
            "has_more": False,
            "next_page": None,
        }
        return body_plan(shown, identity)


class ListVectorStoreFiles(StorePartCall):
    """GET /v1/vector_stores/{id}/files: the newest first, in pages; with `filter` those in one state."""

    api = "stored_vector_store_files"
    request_class: type[Request] = VectorStoreFileRequest

    check = staticmethod(check_list_query)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreFileRequest)
        if request.store is None:
            return missing_store(request)
        return files_page(list(request.contents.files.values()), request, identity)


def files_page(
    files: Sequence[StoredObject], request: VectorStoreRequest, identity: ResponseIdentity
) -> Plan:
    """Return a page of these files."""
    monotonic, wanted, contents = request.monotonic, request.query.get("filter"), request.contents
    items: list[dict[str, Json]] = [
        {"id": id_of(file), "file": file}
        for file in files
        if wanted is None or contents.status(file, monotonic) == wanted
    ]

    def shown(item: dict[str, Json]) -> dict[str, Json]:
        return file_object(item["file"], contents.status(item["file"], monotonic))

    return body_plan(page(items, request.query, "desc", shown, both_ways=True), identity)
