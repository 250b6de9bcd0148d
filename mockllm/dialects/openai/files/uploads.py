"""Uploads in parts: POST /v1/uploads, POST /v1/uploads/{id}/parts, …/complete, …/cancel.

The upload and its parts are stored under their ids; completion joins the parts and stores the file. Sources: the
SDK's `Uploads` and `Parts` resources, `openai.types.Upload`, `openai.types.uploads.UploadPart`, and the bounds of
OpenAI's reference. No recording was at hand: all messages of errors are inferred.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import count_of, object_of, read_object, text_of
from mockllm.core.randomness import BASE62, HEX
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall, OpenAiObjectCall
from mockllm.dialects.openai.files.file_calls import (
    BATCH_LIFE,
    ID_LENGTH,
    PURPOSES,
    file_object,
    wrong_purpose,
)
from mockllm.dialects.openai.files.file_calls import PREFIX as FILE_PREFIX
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.validators import (
    array,
    check_fields,
    check_readable,
    check_required,
    integer,
    object_,
    refuse,
    string,
)
from mockllm.dialects.stored_objects import ObjectRequest, completed, created_object, creation

PREFIX: Final = "upload_"
PART_PREFIX: Final = "part_"
LIFE: Final = 3600
"""Seconds after which an upload expires."""
MAX_BYTES: Final = 8 * 1024**3
MAX_PART: Final = 64 * 1024**2
MAX_PARTS: Final = 10_000
"""The most parts of one file: a bound of this server."""
FIELDS: Final = {
    "bytes": integer(0, MAX_BYTES),
    "filename": string,
    "mime_type": string,
    "purpose": string,
    "expires_after": object_,
}
COMPLETION_FIELDS: Final = {"part_ids": array(string, "strings", 0, MAX_PARTS), "md5": string}


class CreateUploadRequest(Request):
    dialect = "openai"
    api = "uploads"


class StoredUploadRequest(ObjectRequest):
    dialect = "openai"
    api = "stored_uploads"
    path_variable = "upload"
    id_prefix = PREFIX

    @cached_property
    def upload(self) -> dict[str, Json] | None:
        """The upload's object as this request finds it."""
        if self.stored is None:
            return None
        shown = object_of(loads(self.stored.response_body))
        if shown["status"] == "pending" and self.now >= shown["expires_at"]:
            return {**shown, "status": "expired"}
        return shown

    @cached_property
    def parts(self) -> list[StoredObject | None]:
        """The parts that the body names, in its order, each once; None for an id of no part of this upload."""
        named = self.fields.get("part_ids")
        ids = [id for id in named if type(id) is str][:MAX_PARTS] if type(named) is list else []
        return [self._part(id) for id in dict.fromkeys(ids)]

    def _part(self, id: str) -> StoredObject | None:
        stored = self.object_lookup.stored(id) if id.startswith(PART_PREFIX) else None
        if stored is None or loads(stored.response_body)["upload_id"] != self.path_variables.get("upload"):
            return None
        return stored

    @cached_property
    def content(self) -> bytes:
        """The file that the parts make."""
        return b"".join(part.request_body for part in self.parts if part is not None)


class UploadPartRequest(StoredUploadRequest):
    api = "upload_parts"
    has_uploaded_file = True

    @cached_property
    def data(self) -> bytes | None:
        """The bytes of the part; None where the form has no `data`."""
        file = next((file for file in self.form_files if file.field == "data"), None)
        if file is not None:
            return file.content
        text = self.form.get("data")
        return None if text is None else text.encode("utf-8", "replace")


class CreateUpload(OpenAiCall):
    """POST /v1/uploads: the name, the size and the purpose of a file that comes in parts."""

    api = "uploads"
    request_class = CreateUploadRequest

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request) or check_fields(request.fields, FIELDS)
        error = error or check_required(request.fields, "bytes", "filename", "mime_type", "purpose")
        if error is not None:
            return error
        purpose, most = request.fields["purpose"], request.object_lookup.most_bytes
        if request.fields["bytes"] > most:
            return Failure("request_too_large", 413, f"mockllm: this server stores at most {most} bytes.")
        return None if purpose in PURPOSES else wrong_purpose(purpose)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        id = identity.ids.make(PREFIX, 32, alphabet=HEX)
        return body_plan(_upload_object(request.fields, id, identity.epoch_second), identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        second = int(request.now)
        return creation(plan, PREFIX, request.raw, lambda id: _upload_object(request.fields, id, second))


def _upload_object(fields: Mapping[str, Json], id: str, second: int) -> dict[str, Json]:
    return {
        "id": id,
        "object": "upload",
        "bytes": count_of(fields.get("bytes")) or 0,
        "created_at": second,
        "filename": text_of(fields.get("filename")) or "upload",
        "purpose": text_of(fields.get("purpose")) or "user_data",
        "status": "pending",
        "expires_at": second + LIFE,
        "file": None,
    }


class UploadCall(OpenAiObjectCall):
    """The base of the calls on one upload, which must be pending."""

    api = "stored_uploads"
    request_class: type[StoredUploadRequest] = StoredUploadRequest
    object_name = "file upload"
    missing_message = "No such Upload object: {}"
    missing_fields: Mapping[str, Json] = {"param": "id", "code": None}

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, StoredUploadRequest)
        assert request.upload is not None
        if request.upload["status"] != "pending":
            return refuse(f"Upload {stored.id} is {request.upload['status']}, and cannot be changed.")
        return body_plan(self.shown(request, request.upload, identity), identity)

    def shown(
        self, request: StoredUploadRequest, upload: dict[str, Json], identity: ResponseIdentity
    ) -> dict[str, Json]:
        """Return the object of the response for an upload that is pending."""
        raise NotImplementedError  # pragma: no cover - abstract

    def ended(self, request: StoredUploadRequest, id: str, status: str) -> dict[str, Json]:
        """Return the members of an upload that has ended, as the server knows them."""
        known = request.upload or _upload_object({}, id, int(request.now))
        return {**known, "id": id, "status": status}


class AddUploadPart(UploadCall):
    """POST /v1/uploads/{id}/parts: a form with `data`."""

    api = "upload_parts"
    request_class = UploadPartRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, UploadPartRequest)
        if request.data is None:
            return refuse("'data' is a required property")
        if len(request.data) > MAX_PART:
            return Failure("request_too_large", 413, f"A part may have {MAX_PART} bytes.")
        return None

    def shown(
        self, request: StoredUploadRequest, upload: dict[str, Json], identity: ResponseIdentity
    ) -> dict[str, Json]:
        id = identity.ids.make(PART_PREFIX, 32, alphabet=HEX)
        return _part_object(id, upload["id"], identity.epoch_second)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, UploadPartRequest)
        upload, second = request.path_variables.get("upload", ""), int(request.now)
        return creation(plan, PART_PREFIX, request.data or b"", lambda id: _part_object(id, upload, second))


def _part_object(id: str, upload: str, second: int) -> dict[str, Json]:
    return {"id": id, "object": "upload.part", "created_at": second, "upload_id": upload}


class CompleteUpload(UploadCall):
    """POST /v1/uploads/{id}/complete: joins the parts that the body names into a file."""

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, StoredUploadRequest)
        error = (
            check_readable(request)
            or check_fields(request.fields, COMPLETION_FIELDS)
            or super().check(request)
            or check_required(request.fields, "part_ids")
        )
        if error is not None:
            return error
        if request.upload is None or request.upload["status"] != "pending":
            return None  # the response says so
        if len(request.parts) < len(request.fields["part_ids"]):
            return refuse("'part_ids' names a part twice.", "part_ids")
        if None in request.parts:
            id = request.fields["part_ids"][request.parts.index(None)]
            return refuse(f"Part {id} is no part of upload {request.path_variables['upload']}.", "part_ids")
        return _content_failure(request)

    def shown(
        self, request: StoredUploadRequest, upload: dict[str, Json], identity: ResponseIdentity
    ) -> dict[str, Json]:
        id = identity.ids.make(FILE_PREFIX, ID_LENGTH, alphabet=BASE62)
        return {
            **upload,
            "status": "completed",
            "file": _joined_file(request, upload, id, identity.epoch_second),
        }

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, StoredUploadRequest)
        shown = created_object(plan, PREFIX)
        if shown is None:
            return None
        upload = completed(shown, self.ended(request, shown["id"], "completed"))
        file = object_of(upload["file"])
        id = text_of(file.get("id"))
        if id is None or not id.startswith(FILE_PREFIX):
            return None
        file = completed(file, _joined_file(request, upload, id, int(request.now)))
        parts = tuple({part.id for part in request.parts if part is not None})
        stored_file = StoredObject(id, None, request.content, dumps(file))
        stored = StoredObject(shown["id"], None, b"", dumps(upload))
        return StorageUpdate((shown["id"],), stored, forgotten=parts, others=(stored_file,))


def _joined_file(
    request: StoredUploadRequest, upload: Mapping[str, Json], id: str, second: int
) -> dict[str, Json]:
    """Return the object of the file that the parts of an upload make."""
    purpose = upload["purpose"]
    expires = second + BATCH_LIFE if purpose == "batch" else None
    created = read_object(b"" if request.stored is None else request.stored.request_body)
    life = count_of(object_of(created.get("expires_after")).get("seconds"))
    if life is not None:
        expires = second + life
    return file_object(id, upload["filename"], purpose, len(request.content), second, expires)


class CancelUpload(UploadCall):
    """POST /v1/uploads/{id}/cancel."""

    def shown(
        self, request: StoredUploadRequest, upload: dict[str, Json], identity: ResponseIdentity
    ) -> dict[str, Json]:
        return {**upload, "status": "cancelled"}

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, StoredUploadRequest)
        return creation(plan, PREFIX, b"", lambda id: self.ended(request, id, "cancelled"))


def _content_failure(request: StoredUploadRequest) -> Failure | None:
    """Return why the parts are not the file that was announced."""
    assert request.upload is not None
    size, wanted = len(request.content), request.upload["bytes"]
    if size != wanted:
        return refuse(f"The parts have {size} bytes, but the upload was created with {wanted} bytes.")
    expected = request.fields.get("md5")
    if (
        expected is not None
        and hashlib.md5(request.content, usedforsecurity=False).hexdigest() != expected.lower()
    ):
        return refuse("The MD5 checksum does not match the content of the parts.", "md5")
    return None
