"""The documents of file search stores: GET and DELETE …/documents/{document}, the list, and the operations that
create them.

Sources: `Documents` of google-genai 3.6, the API's reference, and public measurements of 2026: an operation has the
id of its document, and is done with the first read. The operation of an import then has names without their
collections. A document is active at once. An imported one is stored with the name of its file as `previous`.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.file_search.retrieval import DOCUMENTS, STORES, documents_of, stored_object
from mockllm.dialects.gemini.file_search.stores import (
    ID,
    check_page,
    is_forced,
    list_page,
    missing_object,
    not_empty,
    store_name,
)
from mockllm.dialects.gemini.generate_request import GeminiRequest
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan
from mockllm.dialects.stored_objects import Deletion, ObjectCall, ObjectRequest

TYPE: Final = "type.googleapis.com/google.ai.generativelanguage.v1main."
UPLOADS: Final = "/upload/operations/"
IMPORTS: Final = "/operations/"


def document_name(request: Request, variable: str) -> str:
    """Return the name of the document in the path; empty where no document has such a name."""
    store, id = store_name(request), request.path_variables.get(variable, "")
    return f"{store}{DOCUMENTS}{id}" if store and ID.fullmatch(id) else ""


def uploaded(name: str, document: dict[str, Json]) -> dict[str, Json]:
    """Return the result of an upload."""
    return {
        "@type": f"{TYPE}UploadToFileSearchStoreResponse",
        "parent": name.partition(DOCUMENTS)[0],
        "documentName": name,
        "mimeType": document.get("mimeType", ""),
        "sizeBytes": document.get("sizeBytes", "0"),
    }


class FileSearchDocumentRequest(ObjectRequest, GeminiRequest):
    api = "file_search_documents"

    @cached_property
    def object_id(self) -> str:
        return document_name(self, "document")


class FileSearchDocumentCall(ObjectCall, GeminiStoredCall):
    """GET …/documents/{document}, and the base of the calls on one document."""

    api: str = "file_search_documents"
    request_class: type[Request] = FileSearchDocumentRequest

    def missing(self, request: ObjectRequest) -> Failure:
        return missing_object()

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan(stored_object(stored))


class DeleteFileSearchDocument(Deletion, FileSearchDocumentCall):
    """DELETE …/documents/{document}: it has chunks, so only with `force`."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan({}) if is_forced(request) else not_empty("Document")


class ListFileSearchDocuments(GeminiStoredCall):
    """GET …/documents: the oldest first."""

    api: str = "file_search_documents"
    request_class: type[Request] = FileSearchDocumentRequest

    check = staticmethod(check_page)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        store = store_name(request)
        if request.object_lookup.stored(store) is None:
            return missing_object()
        documents = documents_of(request.object_lookup, store)
        return list_page("documents", documents, stored_object, request)


class FileSearchOperationRequest(ObjectRequest, GeminiRequest):
    api = "operations"

    @cached_property
    def object_id(self) -> str:
        return document_name(self, "operation")


class FileSearchOperation(ObjectCall, GeminiStoredCall):
    """GET …/upload/operations/{operation} and …/operations/{operation}, which are done."""

    api: str = "operations"
    request_class: type[Request] = FileSearchOperationRequest

    def missing(self, request: ObjectRequest) -> Failure:
        return missing_object()

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        store, _, id = stored.id.partition(DOCUMENTS)
        kind = UPLOADS if stored.previous is None else IMPORTS
        if not request.path.endswith(f"{store}{kind}{id}"):
            return missing_object()
        if kind == UPLOADS:
            result = uploaded(stored.id, stored_object(stored))
            return json_plan({"name": f"{store}{UPLOADS}{id}", "done": True, "response": result})
        imported = {
            "@type": f"{TYPE}ImportFileResponse",
            "parent": store.removeprefix(STORES),
            "documentName": id,
        }
        return json_plan({"name": f"{store}{IMPORTS}{id}", "done": True, "response": imported})
