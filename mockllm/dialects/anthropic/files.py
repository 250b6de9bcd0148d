"""The calls on files: POST and GET /v1/files, GET and DELETE /v1/files/{id}, GET /v1/files/{id}/content.

A file is stored under its id: its content is the stored request body, its object the stored response body. A file
that a client uploads cannot be downloaded (SDK: `FileNotDownloadableError`). Sources: the SDK's `Files` resource and
types; no recording was at hand, so messages are inferred. The beta header is not required: the newest SDK has the
calls without it.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.anthropic.messages_request import AnthropicRequest
from mockllm.dialects.anthropic.stored_objects import (
    PAGE,
    StoredObjectCall,
    check_page_size,
    json_plan,
    object_page,
    timestamp,
)
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.stored_objects import Deletion, ObjectCall, ObjectRequest, uploaded_file

PREFIX: Final = "file_"
MAX_NAME: Final = 255
"""Characters of a file's name."""
LIFE: Final = (3_600, 7_776_000)
"""Seconds after which a file may expire, at least and at most (SDK: `FileUploadParams.expires_in_seconds`)."""


class AnthropicUploadRequest(AnthropicRequest):
    api = "files"
    has_uploaded_file = True


class AnthropicFileRequest(ObjectRequest, AnthropicRequest):
    api = "stored_files"
    path_variable = "file"
    id_prefix = PREFIX


class AnthropicUpload(StoredObjectCall):
    """POST /v1/files: a form with `file`."""

    api = "files"
    request_class: type[Request] = AnthropicUploadRequest

    def check_readable(self, request: Request) -> Failure | None:
        if any(file.field == "file" for file in request.form_files):
            return None
        return Failure("bad_request", message="file: Field required")

    def check(self, request: Request) -> Failure | None:
        error = self.check_readable(request)
        life = request.form.get("expires_in_seconds")
        if error is None and life is not None and not _is_life(life):
            low, high = LIFE
            message = f"expires_in_seconds: Input should be a valid integer between {low} and {high}"
            return Failure("bad_request", message=message)
        return error

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        file = next((file for file in request.form_files if file.field == "file"), None)
        name = "" if file is None else file.name.replace("\\", "/").rpartition("/")[2][:MAX_NAME]
        media_type = "" if file is None else file.media_type
        life = request.form.get("expires_in_seconds", "")
        shown: dict[str, Json] = {
            "type": "file",
            "id": identity.ids.make(f"{PREFIX}01", 22),
            "size_bytes": len(request.raw if file is None else file.content),
            "created_at": timestamp(identity.now),
            "filename": name or "unnamed",
            "mime_type": media_type or "application/octet-stream",
            "downloadable": False,
        }
        if _is_life(life):
            shown["expires_at"] = timestamp(identity.now + int(life))
        return json_plan(shown, identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        return uploaded_file(plan, request, PREFIX)


def _is_life(text: str) -> bool:
    return text.isdecimal() and len(text) < 9 and LIFE[0] <= int(text) <= LIFE[1]


class AnthropicFile(ObjectCall, StoredObjectCall):
    """GET /v1/files/{id}, and the base of the calls on one file."""

    api = "stored_files"
    request_class: type[Request] = AnthropicFileRequest

    def missing(self, request: ObjectRequest) -> Failure:
        note = "the id of a file exists after an upload of the same session"
        return Failure(
            "not_found", message=f"File not found: {request.path_variables.get('file')}", note=note
        )

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan(loads(stored.response_body), identity)


class AnthropicFileContent(AnthropicFile):
    """GET /v1/files/{id}/content."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        fields: Json = {"details": {"error_code": "file_not_downloadable"}}
        return Failure("bad_request", message=f"File '{stored.id}' is not downloadable.", fields=fields)


class AnthropicDeleteFile(Deletion, AnthropicFile):
    """DELETE /v1/files/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan({"id": stored.id, "type": "file_deleted"}, identity)


class AnthropicFileList(AnthropicFile):
    """GET /v1/files: the newest first, in pages. Older SDKs continue with `after_id`, the newest with `page`."""

    def check(self, request: Request) -> Failure | None:
        return check_page_size(request.query)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        shown = [loads(stored.response_body) for stored in request.object_lookup.all_stored(PREFIX)]
        page = object_page(shown[::-1], request.query)
        cursor = f"{PAGE}{page['last_id']}" if page["has_more"] else None
        return json_plan({**page, "next_page": cursor}, identity)
