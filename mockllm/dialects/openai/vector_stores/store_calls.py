"""The calls on vector stores: POST and GET /v1/vector_stores, GET, POST and DELETE /v1/vector_stores/{id}.

Sources: the SDK's `VectorStores` resource, `openai.types.VectorStore`, and the error of an unknown id in public
reports. No recording was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall, page
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.metadata import check_metadata
from mockllm.dialects.openai.validators import Check, array, check_readable, string
from mockllm.dialects.openai.vector_stores.added_files import (
    MAX_FILES,
    FileAdditionRequest,
    added_objects,
    addition_failure,
    with_processing,
)
from mockllm.dialects.openai.vector_stores.checks import check_list_query, chunking, expiry
from mockllm.dialects.openai.vector_stores.objects import (
    IN_PROGRESS,
    PREFIX,
    STORE_ID,
    TEXTS,
    StoreContents,
    activity_key,
    by_store,
    new_store_object,
    store_object,
    with_members,
)
from mockllm.dialects.openai.vector_stores.store_request import (
    StoreCallWithBody,
    VectorStoreCall,
    VectorStoreRequest,
)
from mockllm.dialects.stored_objects import Deletion, completed, created_object

FIELDS: Final[Mapping[str, Check]] = {
    "name": string,
    "description": string,
    "file_ids": array(string, "strings", 0, MAX_FILES),
    "expires_after": expiry,
    "chunking_strategy": chunking,
    "metadata": check_metadata,
}


class VectorStoreCreation(FileAdditionRequest):
    api = "vector_stores"
    file_fields = ("file_ids",)


class CreateVectorStore(StoreCallWithBody, OpenAiCall):
    """POST /v1/vector_stores. The body may be absent."""

    api = "vector_stores"
    request_class = VectorStoreCreation
    checks = FIELDS

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request) if request.raw else None

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreCreation)
        failure = addition_failure(request)
        if failure is not None:
            return failure
        id = identity.ids.make(PREFIX, 32, alphabet=HEX)
        shown, count = new_store_object(request.fields, id, identity.epoch_second), len(request.entries)
        request.new_files(id)
        if count:
            counts = {**shown["file_counts"], IN_PROGRESS: count, "total": count}
            shown = {**shown, "status": IN_PROGRESS, "file_counts": counts}
        return with_processing(body_plan(shown, identity))

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, VectorStoreCreation)
        created = created_object(plan, PREFIX)
        if created is None or not STORE_ID.fullmatch(created["id"]):
            return None
        id = created["id"]
        shown = completed(created, new_store_object(request.fields, id, int(request.now)))
        files = added_objects(request, id, plan)
        return StorageUpdate((id,), StoredObject(id, None, b"", dumps(shown)), others=tuple(files))


class GetVectorStore(VectorStoreCall):
    """GET /v1/vector_stores/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreRequest)
        shown = store_object(stored, request.contents, request.now, request.monotonic)
        return body_plan(shown, identity)


class UpdateVectorStore(StoreCallWithBody, GetVectorStore):
    """POST /v1/vector_stores/{id}: changes the members that the body has."""

    checks: Mapping[str, Check] = {name: FIELDS[name] for name in ("name", "expires_after", "metadata")}

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return super().respond(self.changed(stored, request), request, identity)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject:
        fields, members = request.fields, dict[str, Json]()
        if text_of(fields.get("name")) is not None:
            members["name"] = fields["name"]
        if "expires_after" in fields:
            members["expires_after"] = object_of(fields["expires_after"]) or None
        if "metadata" in fields:
            members["metadata"] = object_of(fields["metadata"])
        return with_members(stored, members)


class DeleteVectorStore(Deletion, VectorStoreCall):
    """DELETE /v1/vector_stores/{id}. Its files stay as uploaded files."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan({"id": stored.id, "object": "vector_store.deleted", "deleted": True}, identity)

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        assert isinstance(request, VectorStoreRequest)
        contents = request.contents
        texts = (TEXTS + key for key in contents.files)
        return StorageUpdate(forgotten=(stored.id, *contents.keys, *texts, activity_key(stored.id)))


class ListVectorStores(VectorStoreCall):
    """GET /v1/vector_stores: the newest first, in pages."""

    check = staticmethod(check_list_query)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreRequest)
        files, batches = by_store(request.listed_contents), by_store(request.listed_batches)
        now, monotonic = request.now, request.monotonic

        def shown(item: dict[str, Json]) -> dict[str, Json]:
            id = item["id"]
            contents = StoreContents((*files.get(id, ()), *batches.get(id, ())))
            return store_object(item["store"], contents, now, monotonic)

        items: list[dict[str, Json]] = [{"id": store.id, "store": store} for store in request.listed]
        return body_plan(page(items, request.query, "desc", shown, both_ways=True), identity)
