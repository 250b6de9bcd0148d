"""Mistral's calls on files: POST and GET /v1/files, GET and DELETE /v1/files/{id}, …/content, …/url.

From the types of the `mistralai` package (3.7: `CreateFileResponse`, `GetFileResponse`, `DeleteFileResponse`,
`GetSignedURLResponse`, `ListFilesResponse`); there is no recording. Inferred are the messages, the purpose of an
upload that names none, and that `expiry` counts hours, as that of an address does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import whole_number
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.server_address import server_url
from mockllm.core.request.stored_batches import state_of
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.batch_requests import OutputFilesRequest, output_size
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mistral.batch_lines import output_content, output_ids
from mockllm.dialects.mistral.stored_calls import FILES, MistralStoredCall, listed, wanted, wanted_values
from mockllm.dialects.openai.calls import OpenAiObjectCall
from mockllm.dialects.openai.files.file_calls import UploadFile
from mockllm.dialects.openai.validators import check_fields, one_of, refuse
from mockllm.dialects.stored_objects import Deletion, completed, created_object
from mockllm.dialects.vendors.errors import head
from mockllm.dialects.vendors.vendor import VendorIdFormat

PURPOSES: Final = ("fine-tune", "batch", "ocr", "agentic_safety", "audio")
"""SDK: `FilePurpose`, and `audio`, which Mistral's guide to transcriptions uploads."""
SAMPLES: Final = {"batch": "batch_request", "fine-tune": "instruct"}
"""The samples of an upload by purpose (SDK: `SampleType`); of any other purpose, its input."""
MAX_LIFE: Final = 168
"""The most hours for which an address is valid (SDK: `FilesAPIRoutesGetSignedURLRequest.expiry`)."""
VISIBILITIES: Final = ("workspace", "user")


class MistralFileRequest(OutputFilesRequest):
    dialect = "openai"
    api = "stored_files"
    path_variable = "file"
    id_prefix = FILES

    @cached_property
    def object_id(self) -> str:
        return FILES + self.path_variables.get("file", "")

    def has_output(self, batch: StoredObject, id: str) -> bool:
        return id in _output_files(batch, self.monotonic)

    def with_output(self, file: StoredObject, batch: StoredObject) -> StoredObject | None:
        return with_output(file, batch, self.monotonic)


def with_output(file: StoredObject, batch: StoredObject, monotonic: float) -> StoredObject | None:
    """Return an output file of a batch job with its content. It is a file when the job has ended, and has lines."""
    content = output_content(batch, file.id, monotonic)
    if content is None:
        return None
    shown = {**loads(file.response_body), "bytes": len(content), "num_lines": content.count(b"\n")}
    return file._replace(request_body=content, response_body=dumps(shown))


def _output_files(batch: StoredObject | None, monotonic: float) -> frozenset[str]:
    """Return the stored ids of the files that a batch job has; none for one that is evicted."""
    ids = {} if batch is None else output_ids(batch, state_of(batch, monotonic))
    return frozenset(FILES + id for id in ids.values() if id is not None)


def file_object(
    id: str, name: str, content: bytes, second: int, sample: str, **more: Json
) -> dict[str, Json]:
    lines = content.count(b"\n") + (content[-1:] not in (b"", b"\n"))
    return {
        "id": id,
        "object": "file",
        "bytes": len(content),
        "created_at": second,
        "filename": name,
        "purpose": "batch",
        "sample_type": sample,
        "source": "mistral",
        "num_lines": lines if name.endswith(".jsonl") else 0,
        "mimetype": "application/jsonl",
        "signature": None,
        "expires_at": None,
        "visibility": "workspace",
        **more,
    }


def stored_file(shown: dict[str, Json], content: bytes, batch: str | None = None) -> StoredObject:
    """Return a file as the state has it. `batch` is the stored id of the batch job from which its content follows."""
    return StoredObject(FILES + shown["id"], batch, content, dumps(shown))


class MistralUploadFile(MistralStoredCall, UploadFile):
    """POST /v1/files: a form with `file`."""

    def check(self, request: Request) -> Failure | None:
        checks = {"purpose": one_of(*PURPOSES), "visibility": one_of(*VISIBILITIES), "expiry": _hours}
        return self.check_readable(request) or check_fields(request.form, checks)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        id = VendorIdFormat().make(identity.ids, "file")
        return self.json_plan(_uploaded(request, id, identity.epoch_second), identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        shown = created_object(plan, "")
        if shown is None:
            return None
        file = next((file for file in request.form_files if file.field == "file"), None)
        shown = completed(shown, _uploaded(request, shown["id"], int(request.now)))
        stored = stored_file(shown, request.raw if file is None else file.content)
        return StorageUpdate((stored.id,), stored)


def _uploaded(request: Request, id: str, second: int) -> dict[str, Json]:
    """Return the object of the file that a form uploads."""
    file = next((file for file in request.form_files if file.field == "file"), None)
    form, purpose = request.form, request.form.get("purpose", "fine-tune")
    hours = whole_number(form.get("expiry"), 0)
    return file_object(
        id,
        "upload" if file is None else file.name,
        request.raw if file is None else file.content,
        second,
        SAMPLES.get(purpose, f"{purpose}_input"),
        purpose=purpose,
        source="upload",
        mimetype=(file and file.media_type) or None,
        expires_at=second + hours * 3600 if hours else None,
        visibility=form.get("visibility", "workspace"),
    )


def _hours(value: Json, path: str) -> Failure | None:
    if whole_number(value, 0) > 0:
        return None
    return refuse(f"Invalid '{path}': expected a number of hours above 0.", path)


class MistralFile(MistralStoredCall, OpenAiObjectCall):
    """GET /v1/files/{id}, and the base of the calls on one file."""

    api = "stored_files"
    request_class = MistralFileRequest
    object_name = "file"
    missing_message = "No such file: {}"

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.json_plan({**loads(stored.response_body), "deleted": False}, identity)


class MistralFileContent(MistralFile):
    """GET /v1/files/{id}/content."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        sent = head(self.vendor, identity, "application/octet-stream")
        return Plan(sent, (EventStep(stored.request_body, 0, "body"),))


class MistralFileUrl(MistralFile):
    """GET /v1/files/{id}/url: the address of the content on this server, which needs no signature."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        hours = request.query.get("expiry", "24")
        if not 1 <= whole_number(hours, 0) <= MAX_LIFE:
            return refuse(f"Invalid 'expiry': expected 1 to {MAX_LIFE} hours.", "expiry")
        path = self.vendor.path(f"/files/{stored.id.removeprefix(FILES)}/content")
        return self.json_plan({"url": server_url(request, path)}, identity)


class MistralDeleteFile(Deletion, MistralFile):
    """DELETE /v1/files/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        shown = {"id": stored.id.removeprefix(FILES), "object": "file", "deleted": True}
        return self.json_plan(shown, identity)


ListedFile: TypeAlias = tuple[str, dict[str, Json], StoredObject | None]
"""A file by its stored id, and the batch job from which its content follows."""


def _listed_files(request: MistralFileRequest) -> Iterator[ListedFile]:
    """Yield the files, the newest first."""
    outputs = {id: _output_files(batch, request.monotonic) for id, batch in request.batches.items()}
    for stored in reversed(request.listed):
        if stored.previous is None:
            yield stored.id, loads(stored.response_body), None
        elif stored.id in outputs[stored.previous]:
            yield stored.id, loads(stored.response_body), request.batches[stored.previous]


class MistralFiles(MistralFile):
    """GET /v1/files: the newest first, in pages."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, MistralFileRequest)
        search = request.query.get("search", "")
        values = wanted_values(request, "purpose", "sample_type", "source")
        chosen = []
        for id, file, batch in _listed_files(request):
            if search in file["filename"] and wanted(file, values):
                chosen.append((id, file, batch))

        def shown(found: ListedFile) -> dict[str, Json]:
            id, file, batch = found
            if batch is None:
                return file
            size = output_size(batch, id, lambda: output_content(batch, id, request.monotonic))
            return {**file, "bytes": size.bytes, "num_lines": size.lines}

        page = listed(chosen, request.query, shown)
        if request.query.get("include_total") == "false":
            page["total"] = None
        return self.json_plan(page, identity)
