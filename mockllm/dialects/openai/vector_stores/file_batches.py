"""The calls on batches of files: POST …/file_batches, GET …/file_batches/{id}, POST …/cancel, GET …/files.

Sources: the SDK's `FileBatches` resource and `openai.types.vector_stores.VectorStoreFileBatch`. Inferred: the error
of an unknown id, and that a cancellation returns a batch that has ended unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import PLAIN_HEADERS, body_plan
from mockllm.dialects.openai.validators import (
    Check,
    array,
    check_fields,
    check_readable,
    check_required,
    members,
    refuse,
    string,
)
from mockllm.dialects.openai.vector_stores.added_files import (
    MAX_FILES,
    FileAdditionRequest,
    added_objects,
    addition_failure,
    processing_time,
    with_processing,
)
from mockllm.dialects.openai.vector_stores.checks import check_list_query
from mockllm.dialects.openai.vector_stores.objects import (
    BATCH_ID,
    BATCH_PREFIX,
    IN_PROGRESS,
    batch_key,
    batch_object,
    contents_of,
    new_batch_object,
    new_timeline,
)
from mockllm.dialects.openai.vector_stores.store_files import FIELDS as FILE_FIELDS
from mockllm.dialects.openai.vector_stores.store_files import POLL, files_page
from mockllm.dialects.openai.vector_stores.store_request import (
    StoreCallWithBody,
    StorePartCall,
    VectorStoreBatchRequest,
    missing_store,
)
from mockllm.dialects.stored_objects import created_object

FIELDS: Final[Mapping[str, Check]] = {
    "file_ids": array(string, "strings", 1, MAX_FILES),
    "files": array(members(("file_id",), FILE_FIELDS), "objects", 1, MAX_FILES),
    "attributes": FILE_FIELDS["attributes"],
    "chunking_strategy": FILE_FIELDS["chunking_strategy"],
}


class FileBatchCreation(FileAdditionRequest):
    api = "vector_store_file_batches"
    file_fields = ("file_ids", "files")


class CreateFileBatch(StoreCallWithBody, StorePartCall):
    """POST /v1/vector_stores/{id}/file_batches."""

    api = "vector_store_file_batches"
    request_class = FileBatchCreation

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request) or check_fields(request.fields, FIELDS)
        if error is not None or request.fields.get("files") is None:
            return error or check_required(request.fields, "file_ids")
        if request.fields.get("file_ids") is None:
            return None
        return refuse("'file_ids' and 'files' are mutually exclusive.", "files")

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, FileBatchCreation)
        if request.store is None:
            return missing_store(request)
        failure = addition_failure(request, len(request.contents.files))
        if failure is not None:
            return failure
        request.new_files(request.store_id)
        id = identity.ids.make(BATCH_PREFIX, 32, alphabet=HEX)
        shown = new_batch_object(id, request.store_id, identity.epoch_second, len(request.entries))
        return with_processing(body_plan(shown, identity, (*PLAIN_HEADERS, *POLL)))

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, FileBatchCreation)
        sent, store = created_object(plan, BATCH_PREFIX), request.store_id
        lookup = request.object_lookup  # meanwhile a thread may have made the files
        if sent is None or not BATCH_ID.fullmatch(sent["id"]) or not store or lookup.stored(store) is None:
            return None
        key, present = batch_key(store, sent["id"]), len(contents_of(lookup, store).files)
        shown = new_batch_object(sent["id"], store, int(request.now), len(request.entries))
        began = request.monotonic + plan.delay
        timeline = new_timeline(began, processing_time(plan), "completed")
        batch = StoredObject(key, None, b"", dumps(shown), timeline=timeline)
        return StorageUpdate((key,), batch, others=tuple(added_objects(request, store, plan, key, present)))


class GetFileBatch(StorePartCall):
    """GET /v1/vector_stores/{id}/file_batches/{batch}, and the base of the calls on one batch."""

    api = "stored_vector_store_file_batches"
    request_class: type[Request] = VectorStoreBatchRequest
    object_name = "batch of files"
    part_message = "No vector store file batch found with id '{part}'."

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreBatchRequest)
        shown = batch_object(stored, request.contents, request.monotonic)
        pairs = (*PLAIN_HEADERS, *POLL) if shown["status"] == IN_PROGRESS else PLAIN_HEADERS
        return body_plan(shown, identity, pairs)


class CancelFileBatch(GetFileBatch):
    """POST /v1/vector_stores/{id}/file_batches/{batch}/cancel: cancels the files that are in progress."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreBatchRequest)
        changed = self.changed(stored, request)
        shown = batch_object(changed, request.contents.with_batch(changed), request.monotonic)
        return body_plan(shown, identity)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject:
        assert isinstance(request, VectorStoreBatchRequest)
        shown = batch_object(stored, request.contents, request.monotonic)
        if shown["status"] != IN_PROGRESS or stored.timeline is None:
            return stored
        return stored._replace(timeline=stored.timeline._replace(cancelled=request.monotonic))


class ListBatchFiles(GetFileBatch):
    """GET /v1/vector_stores/{id}/file_batches/{batch}/files: the newest first, in pages."""

    check = staticmethod(check_list_query)

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreBatchRequest)
        return files_page(request.contents.files_of(stored.id), request, identity)
