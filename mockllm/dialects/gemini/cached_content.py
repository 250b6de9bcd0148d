"""A stored cached content: how a request finds it, what its contents add to a message, and the errors that name it.

Sources: requests to the live API of September 2026 that a public repository recorded (403 for an unknown name, the
fields that cannot be beside a cached content), and reports of both APIs' messages in public repositories.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import text_of
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject

COLLECTION: Final = "cachedContents"
MERGED: Final = ("systemInstruction", "tools", "toolConfig")
"""The fields that a cached content adds to a message, beside its contents."""
_CONFLICT: Final = (
    "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
    "tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request."
)
_VERTEX_CONFLICT: Final = (
    "Tool config, tools and system instruction should not be set in the request when using cached content."
)


def cached_name(fields: Mapping[str, Json]) -> str | None:
    """Return the name of the cached content that a body refers to."""
    return text_of(fields.get("cachedContent") or fields.get("cached_content"))


def find_cached(lookup: ObjectLookup, name: str) -> StoredObject | None:
    """Return the cached content of this name, which may have expired."""
    return lookup.stored(name) if f"{COLLECTION}/" in name else None


def cached_object(stored: StoredObject) -> dict[str, Json]:
    """Return the cached content in the form for the client."""
    shown: dict[str, Json] = loads(stored.response_body)
    return shown


def has_expired(stored: StoredObject, now: float) -> bool:
    return datetime.fromisoformat(cached_object(stored)["expireTime"]).timestamp() <= now


def cached_tokens(stored: StoredObject) -> int:
    count = cached_object(stored).get("usageMetadata")
    total = count.get("totalTokenCount") if type(count) is dict else None
    return total if type(total) is int else 0


def with_cached(message: dict[str, Json], stored: StoredObject) -> dict[str, Json]:
    """Return a message with what the cached content has: its contents come first."""
    cached: dict[str, Json] = loads(stored.request_body)
    contents = [*_list_of(cached.get("contents")), *_list_of(message.get("contents"))]
    merged: dict[str, Json] = {name: cached[name] for name in MERGED if name in cached}
    return {**message, **merged, "contents": contents}


def cached_problem(
    fields: Mapping[str, Json], stored: StoredObject | None, model: str | None, *, vertex: bool
) -> str | None:
    """Return the message about a body that names a cached content of the session; None where it is right."""
    if any(fields.get(key) for key in (*MERGED, "system_instruction", "tool_config")):
        return _VERTEX_CONFLICT if vertex else _CONFLICT
    cached_for = "" if stored is None else str(cached_object(stored).get("model"))
    if stored is not None and model is not None and cached_for.rpartition("/")[2] != model:
        return (
            f"Model used by GenerateContent request (models/{model}) and CachedContent ({cached_for}) has to be "
            "the same."
        )
    return None


def missing_cache(name: str, *, vertex: bool, expired: bool = False) -> Failure:
    """Return the failure of a name without a cached content, or with an expired one."""
    note = (
        "a cached content exists after a call of the same session that creates it, until it expires; a rule with "
        "`match: {api: cached_contents}` may respond to any name"
    )
    id = name.rpartition("/")[2]
    if not vertex:
        return Failure("permission", message="CachedContent not found (or permission denied)", note=note)
    if expired:
        return Failure("bad_request", message=f"Cache content {id} is expired.", note=note)
    return Failure("not_found", message=f"Not found: cached content metadata for {id}.", note=note)


def _list_of(value: Json) -> list[Json]:
    return [] if value is None else value if type(value) is list else [value]
