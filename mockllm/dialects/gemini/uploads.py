"""Uploads of Gemini: POST /upload/v1beta/files with the protocols resumable, multipart and raw.

A resumable upload begins with a call that gets an address, and sends its bytes to it in one request or several. The
bytes so far are stored under the id of the upload. Sources: google-genai's `BaseApiClient._upload_fd` and the
reference of Google's upload protocol; no recording was at hand.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of, read_object
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.form_fields import multipart_parts
from mockllm.core.request.request import Request
from mockllm.core.request.server_address import server_url
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.file_object import DEFAULT_TYPE, PREFIX, file_object
from mockllm.dialects.gemini.generate_request import GeminiRequest
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan

UPLOAD: Final = "upload/"
"""The prefix of the id of an unfinished upload."""
MAX_BYTES: Final = 64 * 1024 * 1024
"""Total size of a resumable upload."""
LETTERS: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))
NAME: Final = re.compile(r"files/[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
"""A name that a client chooses."""


class GeminiUploadRequest(GeminiRequest):
    api = "files"
    has_uploaded_file = True
    described_types: ClassVar[tuple[type, ...]] = (str,)
    """The types of the members of a description."""

    @cached_property
    def commands(self) -> frozenset[str]:
        """The actions of the request: start, upload, finalize, query, cancel; empty where it does all at once."""
        text = self.headers.get("x-goog-upload-command", "")
        return frozenset(word.strip().lower() for word in text.split(",") if word.strip())

    @cached_property
    def upload_id(self) -> str:
        """The id of the resumable upload that the query names; empty without one."""
        id = self.query.get("upload_id", "")
        return f"{UPLOAD}{id}" if id else ""

    @cached_property
    def unfinished(self) -> StoredObject | None:
        """The resumable upload that the query names."""
        return self.object_lookup.stored(self.upload_id) if self.upload_id else None

    @cached_property
    def parts(self) -> list[bytes]:
        """The contents of the parts of a multipart upload."""
        return [part.content for part in multipart_parts(self.headers.get("content-type", ""), self.raw)]

    @cached_property
    def description(self) -> dict[str, Json]:
        """The file's object as the client sent it."""
        if self.unfinished is not None:
            return object_of(loads(self.unfinished.response_body))
        described = self.sent
        declared = {
            "mimeType": self.headers.get("x-goog-upload-header-content-type"),
            "displayName": self.headers.get("x-goog-upload-file-name"),
        }
        snake = {"mimeType": described.get("mime_type"), "displayName": described.get("display_name")}
        known = {**declared, **{name: value for name, value in snake.items() if value}, **described}
        return {name: value for name, value in known.items() if value and type(value) in self.described_types}

    @cached_property
    def sent(self) -> dict[str, Json]:
        """The description in the body of this request."""
        return self.described(read_object(self.parts[0] if self.parts else self.raw))

    def described(self, sent: dict[str, Json]) -> dict[str, Json]:
        """Return the description of the file in a body."""
        return object_of(sent.get("file"))

    @cached_property
    def content(self) -> bytes:
        """The bytes of the file so far, this request's included."""
        if self.unfinished is not None:
            return self.unfinished.request_body + self.raw
        return self.parts[1] if len(self.parts) > 1 else self.raw

    @cached_property
    def media_type(self) -> str:
        described = self.description.get("mimeType")
        if type(described) is str:
            return described
        types = [part.media_type for part in multipart_parts(self.headers.get("content-type", ""), self.raw)]
        sent = types[1] if len(types) > 1 else "" if types else self.headers.get("content-type", "")
        return sent or DEFAULT_TYPE


class GeminiUpload(GeminiStoredCall):
    """POST /upload/v1beta/files."""

    api: str = "files"
    request_class: type[Request] = GeminiUploadRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, GeminiUploadRequest)
        if request.upload_id and request.unfinished is None:
            return Failure("not_found", message="Upload has already been terminated or does not exist.")
        offset = request.headers.get("x-goog-upload-offset")
        if request.unfinished is not None and "upload" in request.commands and offset is not None:
            received = len(request.unfinished.request_body)
            if offset != str(received):
                message = f"Invalid upload offset {offset[:20]}: {received} bytes were received."
                return Failure("bad_request", message=message)
        name = request.description.get("name")
        if type(name) is str and NAME.fullmatch(name) is None:
            message = "* File.name: name must be of the form 'files/...', with lowercase letters and digits\n"
            return Failure("bad_request", message=message)
        if len(request.content) > MAX_BYTES:
            return Failure("request_too_large", 413, f"An upload may have {MAX_BYTES} bytes.")
        return None

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, GeminiUploadRequest)
        if "start" in request.commands and not request.commands & {"upload", "finalize"}:
            return _begun(request, identity)
        if request.commands and not request.commands & {"finalize"}:
            received = len(request.unfinished.request_body) if request.unfinished is not None else 0
            if "upload" in request.commands:
                received = len(request.content)
            status = "cancelled" if "cancel" in request.commands else "active"
            return _empty(status, (("x-goog-upload-size-received", str(received)),))
        return json_plan(self.finished(request, identity), (("x-goog-upload-status", "final"),))

    def finished(self, request: GeminiUploadRequest, identity: ResponseIdentity) -> dict[str, Json]:
        """Return the body of the response to the last bytes."""
        described = request.description
        name = described.get("name") or PREFIX + identity.ids.make("", 12, "file", alphabet=LETTERS)
        title = described.get("displayName", "")
        return {"file": file_object(request, name, title, request.media_type, request.content)}

    def stored(self, sent: dict[str, Json], request: GeminiUploadRequest) -> StoredObject | None:
        """Return what the state stores for the body of that response; None where it is a rule's own."""
        shown = object_of(sent.get("file"))
        name = shown.get("name")
        if type(name) is not str or not name.startswith(PREFIX):
            return None
        return StoredObject(name, None, request.content, dumps(shown))

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, GeminiUploadRequest)
        if plan.head.status != 200:
            return None
        headers = {name.lower(): value for name, value in plan.head.headers}
        status, url = headers.get("x-goog-upload-status"), headers.get("x-goog-upload-url", "")
        if status == "final":
            file = self.stored(
                read_object(getattr(plan.steps[0], "payload", b"")) if plan.steps else {}, request
            )
            forgotten = (request.upload_id,) if request.upload_id else ()
            return None if file is None else StorageUpdate((file.id,), file, forgotten=forgotten)
        if status == "cancelled":
            return StorageUpdate(forgotten=(request.upload_id,))
        if status != "active":
            return None
        id = request.upload_id or UPLOAD + url.rpartition("upload_id=")[2]
        content = request.content if request.unfinished is not None and "upload" in request.commands else None
        if content is None:
            content = b"" if request.unfinished is None else request.unfinished.request_body
        return StorageUpdate((id,), StoredObject(id, None, content, dumps(request.description)))


def _begun(request: GeminiUploadRequest, identity: ResponseIdentity) -> Plan:
    """Return the response with the address for the bytes."""
    id = identity.ids.make("", 40, "upload")
    url = server_url(request, f"{request.path}?upload_protocol=resumable&upload_id={id}")
    headers = (
        ("x-goog-upload-url", url),
        ("x-goog-upload-control-url", url),
        ("x-goog-upload-chunk-granularity", "262144"),
    )
    return _empty("active", headers)


def _empty(status: str, headers: tuple[tuple[str, str], ...]) -> Plan:
    fixed = (("content-type", "text/plain; charset=utf-8"), ("x-goog-upload-status", status), *headers)
    return Plan(ResponseHead(200, fixed), (EventStep(b"", 0, "body"),))
