"""The object that a response has created, as the server stores it."""

from __future__ import annotations

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import read_object
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StorageUpdate, StoredResponse


def created_object(plan: Plan, prefix: str) -> dict[str, Json] | None:
    """Return the object of a response that succeeded; None where it is none with such an id."""
    sent = getattr(plan.steps[0], "payload", b"") if plan.head.status == 200 and plan.steps else b""
    created = read_object(sent)
    id = created.get("id")
    return created if type(id) is str and id.startswith(prefix) else None


def uploaded_file(plan: Plan, request: Request, prefix: str) -> StorageUpdate | None:
    """Return the file of a form that a response has created, with its content."""
    created = created_object(plan, prefix)
    if created is None:
        return None
    file = next((file for file in request.form_files if file.field == "file"), None)
    content = request.raw if file is None else file.content
    return StorageUpdate((created["id"],), StoredResponse(created["id"], None, content, dumps(created)))
