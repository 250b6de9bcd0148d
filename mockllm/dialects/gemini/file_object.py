"""Gemini's files: the object of a file, and how a request finds one.

A file is stored under its name: its content is the stored request body, its object the stored response body. Sources:
google-genai's `Files` and `types.File`, and the API's reference: 48 hours, the hash in base64 of its hexadecimal
digits.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.request.request import Request
from mockllm.core.request.server_address import server_url
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.gemini.cached_contents import format_time

PREFIX: Final = "files/"
LIFE: Final = 48 * 3600
"""Seconds after which a file is deleted."""
DEFAULT_TYPE: Final = "application/octet-stream"


def file_object(
    request: Request, name: str, display_name: str, media_type: str, content: bytes
) -> dict[str, Json]:
    created = format_time(request.now)
    shown: dict[str, Json] = {
        "name": name,
        "displayName": display_name,
        "mimeType": media_type,
        "sizeBytes": str(len(content)),
        "createTime": created,
        "updateTime": created,
        "expirationTime": format_time(request.now + LIFE),
        "sha256Hash": b64encode(sha256(content).hexdigest().encode()).decode(),
        "uri": server_url(request, f"/v1beta/{name}"),
        "state": "ACTIVE",
        "source": "UPLOADED",
    }
    return {key: value for key, value in shown.items() if value != ""}


def find_file(request: Request, name: str) -> StoredObject | None:
    """Return the stored file of this name, without the content of a batch's responses."""
    return request.object_lookup.stored(name) if name.startswith(PREFIX) else None


def object_of_file(stored: StoredObject) -> dict[str, Json]:
    shown: dict[str, Json] = loads(stored.response_body)
    return shown


def missing_file(name: str) -> Failure:
    """Return the failure of a name without a file, in the API's own words."""
    id = name.removeprefix(PREFIX)
    message = f"You do not have permission to access the File {id} or it may not exist."
    note = "a file exists after an upload of the same session"
    return Failure("permission", message=message, note=note)
