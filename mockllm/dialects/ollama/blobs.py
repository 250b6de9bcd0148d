"""POST and HEAD /api/blobs/{digest}: the upload of a file from which a model is created, and whether it exists. Its
digest is stored, its content is not.

Source: `CreateBlobHandler` and `HeadBlobHandler` of Ollama's `server/routes.go`.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import CLIENT_NAMED, StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.ollama.errors import OllamaCall
from mockllm.dialects.ollama.request import OllamaRequest

BLOB: Final = f"{CLIENT_NAMED}ollama-blob:"
"""The prefix of the id under which a digest is stored."""
_DIGEST: Final = re.compile(r"sha256[:-][0-9a-fA-F]{64}")


def empty_plan(status: int = 200) -> Plan:
    """Return a response without a body, which has no content type."""
    return Plan(ResponseHead(status, ()), (EventStep(b"", 0, "body"),))


class BlobRequest(OllamaRequest):
    api = "blobs"
    has_uploaded_file = True

    @property
    def digest(self) -> str:
        return self.path_variables.get("digest", "")


class BlobCall(OllamaCall):
    """The base of both calls, whose path has the digest."""

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, BlobRequest)
        if _DIGEST.fullmatch(request.digest) is None:
            return Failure("bad_request", message="invalid digest format")
        return None

    def check_readable(self, request: Request) -> Failure | None:
        return None

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, BlobRequest)
        return self.respond(request, request.object_lookup.stored(BLOB + request.digest) is not None)

    def respond(self, request: BlobRequest, stored: bool) -> Plan | Failure:
        """Return the response. `stored`: whether the blob exists."""
        raise NotImplementedError  # pragma: no cover - abstract


class CreateBlob(BlobCall):
    """POST: 201, or 200 where the blob exists."""

    api = "blobs"
    request_class = BlobRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, BlobRequest)
        error = super().check(request)
        if error is not None:
            return error
        found = f"sha256:{sha256(request.raw).hexdigest()}"
        if found == request.digest:
            return None
        message = f'digest mismatch, expected "{request.digest}", got "{found}"'
        return Failure("bad_request", message=message)

    def respond(self, request: BlobRequest, stored: bool) -> Plan | Failure:
        return empty_plan(200 if stored else 201)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, BlobRequest)
        if plan.head.status not in (200, 201):
            return None
        id = BLOB + request.digest
        return StorageUpdate((id,), StoredObject(id, None, b"", b"{}"))


class FindBlobRequest(BlobRequest):
    api = "stored_blobs"
    has_uploaded_file = False


class FindBlob(BlobCall):
    """HEAD: 200 where the blob exists. A client sends it before an upload."""

    api = "stored_blobs"
    request_class = FindBlobRequest

    def respond(self, request: BlobRequest, stored: bool) -> Plan | Failure:
        return empty_plan() if stored else Failure("not_found", message=f'blob "{request.digest}" not found')
