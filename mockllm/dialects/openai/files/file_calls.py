"""The calls on files: POST and GET /v1/files, GET and DELETE /v1/files/{id}, GET /v1/files/{id}/content.

A file is stored under its id: its content is the stored request body, its object the stored response body. Sources:
the SDK's `Files` resource, `openai.types.FileObject`, and errors that public reports quote; no recording was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import BASE62
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.batch_requests import OutputFilesRequest, output_size
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.batches.output_files import output_content, output_ids
from mockllm.dialects.openai.calls import OpenAiCall, OpenAiObjectCall, page, stored_object_note
from mockllm.dialects.openai.headers import OPENAI, body_plan, head
from mockllm.dialects.openai.validators import refuse
from mockllm.dialects.openai.vector_stores.objects import keys_of_file
from mockllm.dialects.stored_objects import Deletion, ObjectRequest, uploaded_file

PREFIX: Final = "file-"
ID_LENGTH: Final = 22
DEFAULT_PAGE_SIZE: Final = 10_000
PURPOSES: Final = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
UNREADABLE: Final = ("assistants", "user_data")
"""The purposes whose files cannot be downloaded."""
BATCH_LIFE: Final = 30 * 24 * 3600
"""Seconds after which a file for a batch expires (SDK: `FileCreateParams.expires_after`)."""


class UploadRequest(Request):
    dialect = "openai"
    api = "files"
    has_uploaded_file = True


class FileRequest(OutputFilesRequest):
    dialect = "openai"
    api = "stored_files"
    path_variable = "file"
    id_prefix = PREFIX

    def has_output(self, batch: StoredObject, id: str) -> bool:
        return id in output_ids(batch, self.monotonic)

    def with_output(self, file: StoredObject, batch: StoredObject) -> StoredObject | None:
        """The output of a batch is a file when the batch has ended, and has lines."""
        content = output_content(batch, file.id, self.monotonic)
        if content is None:
            return None
        shown = {**loads(file.response_body), "bytes": len(content)}
        return file._replace(request_body=content, response_body=dumps(shown))


def file_object(
    id: str, name: str, purpose: str, size: int, second: int, expires: int | None
) -> dict[str, Json]:
    return {
        "object": "file",
        "id": id,
        "purpose": purpose,
        "filename": name,
        "bytes": size,
        "created_at": second,
        "expires_at": expires,
        "status": "processed",
        "status_details": None,
    }


def wrong_purpose(purpose: str) -> Failure:
    allowed = ", ".join(f"'{word}'" for word in PURPOSES)
    return refuse(f"'{purpose}' is not one of [{allowed}] - 'purpose'", "purpose")


def missing_file(id: str | None, api: str) -> Failure:
    note = stored_object_note("file", api)
    fields = {"param": "id", "code": None}
    return Failure("not_found", message=f"No such File object: {id}", fields=fields, note=note)


class UploadFile(OpenAiCall):
    """POST /v1/files: a form with `file` and `purpose`."""

    api = "files"
    request_class = UploadRequest

    def check_readable(self, request: Request) -> Failure | None:
        if any(file.field == "file" for file in request.form_files):
            return None
        return refuse("'file' is a required property")

    def check(self, request: Request) -> Failure | None:
        error = self.check_readable(request)
        if error is not None:
            return error
        if "purpose" not in request.form:
            return refuse("'purpose' is a required property")
        purpose, name = request.form["purpose"], request.form["file"]
        if purpose not in PURPOSES:
            return wrong_purpose(purpose)
        if purpose == "batch" and not name.endswith(".jsonl"):
            return refuse("Invalid file format for Batch API. Must be .jsonl")
        return None

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        id = identity.ids.make(PREFIX, ID_LENGTH, alphabet=BASE62)
        return body_plan(_uploaded(request, id, identity.epoch_second), identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        return uploaded_file(plan, request, PREFIX, lambda id: _uploaded(request, id, int(request.now)))


def _uploaded(request: Request, id: str, second: int) -> dict[str, Json]:
    """Return the object of the file that a form uploads."""
    file = next((file for file in request.form_files if file.field == "file"), None)
    name, content = ("upload", request.raw) if file is None else (file.name, file.content)
    purpose = request.form.get("purpose", "user_data")
    expires = _expires(request.form, purpose, second)
    return file_object(id, name, purpose, len(content), second, expires)


def _expires(form: Mapping[str, str], purpose: str, second: int) -> int | None:
    seconds = form.get("expires_after[seconds]", "")
    if seconds.isdecimal() and len(seconds) < 12:
        return second + int(seconds)
    return second + BATCH_LIFE if purpose == "batch" else None


class GetFile(OpenAiObjectCall):
    """GET /v1/files/{id}, and the base of the calls on one file."""

    api = "stored_files"
    request_class = FileRequest

    def missing(self, request: ObjectRequest) -> Failure:
        return missing_file(request.path_variables.get("file"), self.api)

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan(loads(stored.response_body), identity)


class GetFileContent(GetFile):
    """GET /v1/files/{id}/content."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        shown = loads(stored.response_body)
        if shown["purpose"] in UNREADABLE:
            return refuse(f"Not allowed to download files of purpose: {shown['purpose']}")
        name = quote(shown["filename"], safe=" ")
        pairs = (
            ("content-type", "application/octet-stream"),
            ("content-disposition", f'attachment; filename="{name}"'),
        )
        step = EventStep(stored.request_body, 0, "body")
        return Plan(head(200, pairs + OPENAI, identity), (step,))


class DeleteFile(Deletion, GetFile):
    """DELETE /v1/files/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan({"object": "file", "deleted": True, "id": stored.id}, identity)

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        """Delete the file from all vector stores, too, as the SDK documents it."""
        in_stores = keys_of_file(request.object_lookup, stored.id)
        return StorageUpdate(forgotten=(stored.id, *in_stores))


class ListFiles(GetFile):
    """GET /v1/files: all files, or those of a purpose; the newest first."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, FileRequest)
        monotonic, purpose = request.monotonic, request.query.get("purpose")
        outputs = {id: output_ids(batch, monotonic) for id, batch in request.batches.items()}
        existing = [
            file for file in request.listed if file.previous is None or file.id in outputs[file.previous]
        ]
        batches = {file.id: request.batches[file.previous] for file in existing if file.previous is not None}
        files = [loads(file.response_body) for file in existing]
        wanted = [file for file in files if purpose is None or file["purpose"] == purpose]

        def shown(file: dict[str, Json]) -> dict[str, Json]:
            id = file["id"]
            batch = batches.get(id)
            if batch is None:
                return file
            return {
                **file,
                "bytes": output_size(batch, id, lambda: output_content(batch, id, monotonic)).bytes,
            }

        query = {"limit": str(DEFAULT_PAGE_SIZE), **request.query}
        return body_plan(page(wanted, query, "desc", shown), identity)
