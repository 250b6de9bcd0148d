"""The calls on files: GET /v1beta/files, GET and DELETE …/{id}, GET …/{id}:download.

The API's reference says that only generated files can be downloaded; this server sends any.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.batch_requests import OutputFilesRequest
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.batch_output import has_output, output_content
from mockllm.dialects.gemini.file_object import PREFIX, missing_file, object_of_file
from mockllm.dialects.gemini.generate_request import GeminiRequest
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan, page
from mockllm.dialects.stored_objects import Deletion, ObjectCall, ObjectRequest

DOWNLOAD: Final = ":download"


class GeminiFileRequest(OutputFilesRequest, GeminiRequest):
    api = "stored_files"
    path_variable = "file"
    id_prefix = PREFIX

    @cached_property
    def object_id(self) -> str:
        return PREFIX + self.path_variables.get("file", "").removesuffix(DOWNLOAD)

    def has_output(self, batch: StoredObject, id: str) -> bool:
        return has_output(batch, self.monotonic)

    def with_output(self, file: StoredObject, batch: StoredObject) -> StoredObject | None:
        return with_output(file, batch, self.monotonic)


def with_output(file: StoredObject, batch: StoredObject, monotonic: float) -> StoredObject | None:
    """Return a file of a batch's responses with its content. It is a file when the batch has ended."""
    content = output_content(batch, monotonic)
    return None if content is None else file._replace(request_body=content)


class GeminiFile(ObjectCall, GeminiStoredCall):
    """GET /v1beta/files/{id} and …:download, and the base of the calls on one file."""

    api: str = "stored_files"
    request_class: type[Request] = GeminiFileRequest

    def missing(self, request: ObjectRequest) -> Failure:
        return missing_file(request.object_id)

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan:
        shown = object_of_file(stored)
        if not request.path.endswith(DOWNLOAD):
            return json_plan({**shown, "sizeBytes": str(len(stored.request_body))})
        head = ResponseHead(200, (("content-type", str(shown.get("mimeType"))),))
        return Plan(head, (EventStep(stored.request_body, 0, "body"),))


class GeminiDeleteFile(Deletion, GeminiFile):
    """DELETE /v1beta/files/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan:
        return json_plan({})


class GeminiFileList(GeminiStoredCall):
    """GET /v1beta/files: the uploaded files, the newest first."""

    api: str = "stored_files"
    request_class: type[Request] = GeminiFileRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, GeminiFileRequest)
        files = [stored for stored in request.listed if stored.previous is None]
        return json_plan(page("files", files[::-1], request, object_of_file))
