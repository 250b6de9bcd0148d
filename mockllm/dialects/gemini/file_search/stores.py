"""POST and GET /v1beta/fileSearchStores, GET and DELETE …/{store}.

Sources: `FileSearchStores` of google-genai 3.6, the API's reference (ids, page sizes), a recorded creation of July
2026, and the refusal of a deletion in public reports. The error of an unknown name is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import read_object, text_of, whole_number
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini import generate_check
from mockllm.dialects.gemini.cached_contents import format_time
from mockllm.dialects.gemini.file_search.retrieval import DOCUMENTS, STORES, documents_of, stored_object
from mockllm.dialects.gemini.generate_check import first_problem
from mockllm.dialects.gemini.generate_request import GeminiRequest
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan, page
from mockllm.dialects.gemini.uploads import LETTERS
from mockllm.dialects.gemini.validators import STRING, GeminiRequestProblem, MessageShape, check_shape
from mockllm.dialects.stored_objects import Deletion, ObjectCall, ObjectRequest

EMBEDDING_MODEL: Final = "models/gemini-embedding-001"
PAGE_SIZE: Final = 10
MAX_PAGE_SIZE: Final = 20
MAX_TITLE: Final = 512
"""The characters of a display name at most, and of the name of a model."""
ID: Final = re.compile("[a-z0-9-]{1,40}")
"""The form of the id of a store, of a document or of an operation."""
MAX_STEM: Final = 27
"""The characters of an id before the suffix of 12 characters: an id has at most 40."""
SHAPE: Final = MessageShape("FileSearchStore", {"displayName": STRING, "embeddingModel": STRING})


def derived_id(title: Json, ids: Ids, place: str) -> str:
    """Return an id that is derived from a display name, with a random suffix; a random one without a name."""
    shown = title[:MAX_TITLE].lower() if type(title) is str else ""
    words = re.sub(r"[^a-z0-9\s]", "", shown).split()
    stem = "-".join(words)[:MAX_STEM].strip("-")
    suffix = ids.make("", 12, place, alphabet=LETTERS)
    return f"{stem}-{suffix}" if stem else suffix


def check_readable(request: Request) -> Failure | None:
    """Return the error of a body that is no object. Without a body, all fields are absent."""
    return generate_check.check_readable(request) if request.raw else None


def check_title(title: Json, path: str) -> None:
    """Raise the problem of a name that is too long."""
    if type(title) is str and len(title) > MAX_TITLE:
        raise GeminiRequestProblem(
            f"* {path}: must be at most {MAX_TITLE} characters, but has {len(title)}.\n"
        )


def check_page(request: Request) -> Failure | None:
    """Return the refusal of a page size above the maximum."""
    size = whole_number(request.query.get("pageSize"), 0)
    if size > MAX_PAGE_SIZE:
        return Failure("bad_request", message=f"page_size must be at most {MAX_PAGE_SIZE}, but is {size}.")
    return None


def list_page(
    key: str, items: Sequence[StoredObject], show: Callable[[StoredObject], Json], request: Request
) -> Plan:
    """Return a page of stores or documents, each as it is shown."""
    return json_plan(page(key, items, request, show, PAGE_SIZE, MAX_PAGE_SIZE))


def is_forced(request: Request) -> bool:
    """Return whether a deletion includes what the object contains."""
    return request.query.get("force", "").lower() in ("true", "1")


def not_empty(kind: str) -> Failure:
    message = f"Cannot delete non-empty {kind}"
    return Failure("bad_request", message=message, fields={"status": "FAILED_PRECONDITION"})


def missing_object() -> Failure:
    note = "stores and documents exist after a call of the same session that creates them"
    return Failure("not_found", message="Requested entity was not found.", note=note)


def store_name(request: Request) -> str:
    """Return the name of the store in the path; empty where no store has such a name."""
    id = request.path_variables.get("store", "").partition(":")[0]
    return STORES + id if ID.fullmatch(id) else ""


class FileSearchStoreRequest(ObjectRequest, GeminiRequest):
    api = "file_search_stores"

    @cached_property
    def object_id(self) -> str:
        return store_name(self)


class FileSearchStoreCall(ObjectCall, GeminiStoredCall):
    """GET /v1beta/fileSearchStores/{store}, and the base of the calls on one store."""

    api: str = "file_search_stores"
    request_class: type[Request] = FileSearchStoreRequest

    def missing(self, request: ObjectRequest) -> Failure:
        return missing_object()

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan(_counted(stored, documents_of(request.object_lookup, stored.id)))


class CreateFileSearchStore(GeminiStoredCall):
    """POST /v1beta/fileSearchStores."""

    api: str = "file_search_stores"
    request_class: type[Request] = FileSearchStoreRequest

    check_readable = staticmethod(check_readable)

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, FileSearchStoreRequest)

        def check_body() -> None:
            check_shape("file_search_store", request.message, SHAPE)
            check_title(request.message.get("displayName"), "FileSearchStore.display_name")
            check_title(request.message.get("embeddingModel"), "FileSearchStore.embedding_model")

        return check_readable(request) or first_problem(check_body)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, FileSearchStoreRequest)
        title, created = text_of(request.message.get("displayName")), format_time(request.now)
        named = {} if not title else {"displayName": title}
        return json_plan(
            {
                "name": STORES + derived_id(title, identity.ids, "store"),
                **named,
                "createTime": created,
                "updateTime": created,
                "embeddingModel": text_of(request.message.get("embeddingModel")) or EMBEDDING_MODEL,
            }
        )

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        last = plan.steps[-1] if plan.steps else None
        if plan.head.status != 200 or not isinstance(last, EventStep):
            return None
        shown = read_object(last.payload)
        name = shown.get("name")
        if type(name) is not str or not name.startswith(STORES) or not ID.fullmatch(name, len(STORES)):
            return None  # a rule's own body
        return StorageUpdate((name,), StoredObject(name, None, b"", dumps(shown)))


class ListFileSearchStores(GeminiStoredCall):
    """GET /v1beta/fileSearchStores: the oldest first."""

    api: str = "file_search_stores"
    request_class: type[Request] = FileSearchStoreRequest

    check = staticmethod(check_page)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        documents: dict[str, list[StoredObject]] = {}
        stores = []
        for stored in request.object_lookup.all_stored(STORES):
            store, _, id = stored.id.partition(DOCUMENTS)
            if id:
                documents.setdefault(store, []).append(stored)
            else:
                stores.append(stored)
        return list_page(
            "fileSearchStores", stores, lambda store: _counted(store, documents.get(store.id, ())), request
        )


class DeleteFileSearchStore(Deletion, FileSearchStoreCall):
    """DELETE /v1beta/fileSearchStores/{store}: with `force` also one that has documents."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if documents_of(request.object_lookup, stored.id) and not is_forced(request):
            return not_empty("FileSearchStore")
        return json_plan({})

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        documents = documents_of(request.object_lookup, stored.id)
        return StorageUpdate(forgotten=(stored.id, *(document.id for document in documents)))


def _counted(stored: StoredObject, documents: Sequence[StoredObject]) -> dict[str, Json]:
    """Return a store with the number and the size of its documents; protobuf leaves out those that are 0."""
    counts = {
        "activeDocumentsCount": len(documents),
        "sizeBytes": sum(len(document.request_body) for document in documents),
    }
    return {**stored_object(stored), **{name: str(count) for name, count in counts.items() if count}}
