"""The local models of a session: those of the rules, well-known ones, and what its calls added and deleted.

A call that pulls, creates, copies or deletes a model stores its name in the session. Calls that generate accept any
name still; `models: strict` restricts them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mockllm.core.json.codec import dumps, loads
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import CLIENT_NAMED, StorageUpdate, StoredObject

WELL_KNOWN: Final = ("llama3.2", "qwen3", "gemma3", "nomic-embed-text")
PREFIX: Final = f"{CLIENT_NAMED}ollama-model:"
"""The prefix of the id under which a name is stored."""
_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"
_NAME: Final = re.compile(rf"(?:[A-Za-z0-9_][A-Za-z0-9_.:-]{{0,349}}/)?(?:{_PART}/)?{_PART}(?::{_PART})?")
"""Host, namespace, model and tag (`isValidPart` of Ollama's `types/model/name.go`)."""


def is_valid_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def tagged(name: str) -> str:
    """Return the name with its tag, which is `latest` where a client names none."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def local_models(rule_models: Sequence[str], request: Request) -> Sequence[str]:
    """Return the names with their tags."""
    names = dict.fromkeys(map(tagged, (*rule_models, *WELL_KNOWN)))
    for stored in request.object_lookup.all_stored(PREFIX):
        name = stored.id.removeprefix(PREFIX)
        if loads(stored.response_body):
            names[name] = None
        else:
            names.pop(name, None)
    return tuple(names)


def is_deleted(request: Request, name: str) -> bool:
    """Return whether a call of the session deleted the model."""
    stored = request.object_lookup.stored(PREFIX + tagged(name))
    return stored is not None and not loads(stored.response_body)


def local_update(name: str, *, present: bool) -> StorageUpdate:
    """Return the update of the store after which the model is local, or is not. A call that generates accepts a name
    that is not stored."""
    id = PREFIX + tagged(name)
    return StorageUpdate((id,), StoredObject(id, None, b"", dumps(present)), is_optional=present)
