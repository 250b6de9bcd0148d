"""Documents of file search stores are made of uploaded bytes (:uploadToFileSearchStore) or of a file (:importFile).

Sources: `FileSearchStores.upload_to_file_search_store` and `import_file` of google-genai 3.6, the API's reference,
and results of 2026 in public repositories. The operation of an upload has its result at once, without `done`; that of
an import has its name only.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, read_object, text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.batch_requests import are_long
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.cached_contents import format_time
from mockllm.dialects.gemini.camel_case import camel_case_fields
from mockllm.dialects.gemini.file_object import find_file, missing_file, object_of_file
from mockllm.dialects.gemini.file_search.documents import IMPORTS, UPLOADS, uploaded
from mockllm.dialects.gemini.file_search.retrieval import DOCUMENTS
from mockllm.dialects.gemini.file_search.stores import (
    ID,
    MAX_TITLE,
    check_readable,
    check_title,
    derived_id,
    missing_object,
    store_name,
)
from mockllm.dialects.gemini.files import with_output
from mockllm.dialects.gemini.generate_check import first_problem
from mockllm.dialects.gemini.generate_request import GeminiRequest, list_of
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan
from mockllm.dialects.gemini.uploads import GeminiUpload, GeminiUploadRequest
from mockllm.dialects.gemini.validators import (
    INTEGER,
    NUMBER,
    PACKAGE,
    STRING,
    GeminiRequestProblem,
    MessageShape,
    Repeated,
    check_shape,
)

MAX_METADATA: Final = 20
"""The number of entries of a document's metadata at most."""
_ENTRY: Final = MessageShape(
    "CustomMetadata",
    {
        "key": STRING,
        "stringValue": STRING,
        "numericValue": NUMBER,
        "stringListValue": MessageShape("StringList", {"values": Repeated(STRING)}),
    },
)
_WHITE_SPACE: Final = MessageShape(
    "WhiteSpaceConfig", {"maxTokensPerChunk": INTEGER, "maxOverlapTokens": INTEGER}
)
SHAPE: Final = MessageShape(
    "ImportFileRequest",
    {
        "fileName": STRING,
        "displayName": STRING,
        "mimeType": STRING,
        "customMetadata": Repeated(_ENTRY),
        "chunkingConfig": MessageShape("ChunkingConfig", {"whiteSpaceConfig": _WHITE_SPACE}),
    },
)


def check_description(message: dict[str, Json]) -> Failure | None:
    """Return the first error of a document's description."""

    def check_body() -> None:
        check_shape("", message, SHAPE)
        check_title(message.get("displayName"), "Document.display_name")
        check_title(message.get("mimeType"), "Document.mime_type")
        entries = list_of(message.get("customMetadata"))
        if None in entries:
            at = f"custom_metadata[{entries.index(None)}]"
            raise GeminiRequestProblem(f"Invalid value at '{at}' ({PACKAGE}{_ENTRY.name}), null", at)
        for number, entry in enumerate(entries[:MAX_METADATA]):
            values = list_of(object_of(object_of(entry).get("stringListValue")).get("values"))
            if None in values:
                at = f"custom_metadata[{number}].string_list_value.values[{values.index(None)}]"
                raise GeminiRequestProblem(f"Invalid value at '{at}' ({STRING.name}), null", at)
        if len(entries) > MAX_METADATA:
            problem = f"must have at most {MAX_METADATA} entries, but has {len(entries)}."
            raise GeminiRequestProblem(f"* Document.custom_metadata: {problem}\n")

    return first_problem(check_body)


def document(
    request: Request, name: str, described: dict[str, Json], media_type: str, content: bytes
) -> StoredObject:
    """Return a document with its content. Members without a value are left out."""
    created = format_time(request.now)
    shown: dict[str, Json] = {
        "name": name,
        "displayName": described.get("displayName"),
        "customMetadata": list_of(described.get("customMetadata")),
        "createTime": created,
        "updateTime": created,
        "state": "STATE_ACTIVE",
        "sizeBytes": str(len(content)),
        "mimeType": media_type,
    }
    return StoredObject(name, None, content, dumps({key: value for key, value in shown.items() if value}))


class FileSearchUploadRequest(GeminiUploadRequest):
    api = "file_search_uploads"
    described_types = (str, int, float, bool, list, dict)

    def described(self, sent: dict[str, Json]) -> dict[str, Json]:
        """Return the body, which is the description itself; nothing where it is the content of the document."""
        return object_of(camel_case_fields(sent)) if self.parts or "start" in self.commands else {}


class FileSearchUpload(GeminiUpload):
    """POST /upload/v1beta/fileSearchStores/{store}:uploadToFileSearchStore."""

    api: str = "file_search_uploads"
    request_class: type[Request] = FileSearchUploadRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, FileSearchUploadRequest)
        begins = request.commands == {"start"} and not request.parts
        failure = check_readable(request) if begins else None
        failure = failure or (check_description(request.sent) if request.unfinished is None else None)
        return failure or check_description(request.description) or super().check(request)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if request.object_lookup.stored(store_name(request)) is None:
            return missing_object()
        return super().own_response(request, identity)

    def finished(self, request: GeminiUploadRequest, identity: ResponseIdentity) -> dict[str, Json]:
        id, store = (
            derived_id(request.description.get("displayName"), identity.ids, "document"),
            store_name(request),
        )
        described: dict[str, Json] = {"mimeType": request.media_type, "sizeBytes": str(len(request.content))}
        return {"name": f"{store}{UPLOADS}{id}", "response": uploaded(f"{store}{DOCUMENTS}{id}", described)}

    def stored(self, sent: dict[str, Json], request: GeminiUploadRequest) -> StoredObject | None:
        name = object_of(sent.get("response")).get("documentName")
        before = f"{store_name(request)}{DOCUMENTS}"
        if type(name) is not str or not name.startswith(before) or not ID.fullmatch(name, len(before)):
            return None
        return document(request, name, request.description, request.media_type, request.content)


class FileImportRequest(GeminiRequest):
    api = "file_search_uploads"

    @cached_property
    def named(self) -> StoredObject | None:
        """The file that the body names, without the responses of a batch."""
        return find_file(self, text_of(self.message.get("fileName")) or "")

    @cached_property
    def source_batch(self) -> StoredObject | None:
        """The batch whose responses are the file."""
        named = self.named
        previous = None if named is None else named.previous
        return None if previous is None else self.object_lookup.stored(previous)

    @cached_property
    def file(self) -> StoredObject | None:
        """The file that the body names, with its content."""
        named, batch = self.named, self.source_batch
        if named is None or named.previous is None:
            return named
        return None if batch is None else with_output(named, batch, self.monotonic)

    @property
    def planning_takes_long(self) -> bool:
        return are_long((self.source_batch,))


class FileImport(GeminiStoredCall):
    """POST /v1beta/fileSearchStores/{store}:importFile."""

    api: str = "file_search_uploads"
    request_class: type[Request] = FileImportRequest

    check_readable = staticmethod(check_readable)

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, FileImportRequest)
        failure = check_readable(request) or check_description(request.message)
        if failure is None and not request.message.get("fileName"):
            return Failure("bad_request", message="* ImportFileRequest.file_name: must be specified.\n")
        return failure

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, FileImportRequest)
        store = store_name(request)
        if request.object_lookup.stored(store) is None:
            return missing_object()
        if request.file is None:
            return missing_file(text_of(request.message.get("fileName")) or "")
        id = derived_id(object_of_file(request.file).get("displayName"), identity.ids, "document")
        return json_plan({"name": f"{store}{IMPORTS}{id}"})

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, FileImportRequest)
        sent = read_object(getattr(plan.steps[0], "payload", b"")) if plan.steps else {}
        store, _, id = (text_of(sent.get("name")) or "").partition(IMPORTS)
        known = ID.fullmatch(id) is not None and store == store_name(request)
        if plan.head.status != 200 or not known or request.file is None:
            return None
        shown = object_of_file(request.file)
        title = (text_of(shown.get("displayName")) or "")[:MAX_TITLE]
        described = {**request.message, "displayName": title}
        media_type = (text_of(shown.get("mimeType")) or "")[:MAX_TITLE]
        name = f"{store}{DOCUMENTS}{id}"
        created = document(request, name, described, media_type, request.file.request_body)
        return StorageUpdate((name,), created._replace(previous=request.file.id))
