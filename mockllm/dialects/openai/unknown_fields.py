"""Refuses the unknown fields of a body, and unknown vector stores, as OpenAI's service does (`validation: exact`).

Legacy completions, embeddings, moderations and chats with models before GPT-5.6 name all of them in one message.
Responses, images and chats with later models name the first one, with a code and with fields of similar names. They
also refuse unknown members of some objects. Sources: a recording (`unknown_parameter`), public reports of 2023 to
2026 with the error's object, and measurements of August 2026 (local-OAuth-CLI-API-adapter, a public repository of
kangminlee-maker). The form for moderations is inferred from that for embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.request.request import Request
from mockllm.dialects.openai.model_restrictions import restrictions_of
from mockllm.dialects.openai.responses.fields import moved_messages
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.openai.validators import alternatives, refuse

_FIRST_ONLY: Final = frozenset({"responses", "images", "image_edits", "image_variations"})
_ALL_AT_ONCE: Final = frozenset({"chat", "completions", "embeddings", "moderations"})
_REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "chat": ("model", "messages"),
    "responses": ("model", "input"),
}
"""The fields whose absence the service refuses first."""
_KNOWN: Final = {"responses": frozenset({"client_metadata", "presence_penalty", "frequency_penalty"})}
"""Fields that the SDK lacks and the service knows. It refuses the penalties in other words."""
_UNKNOWN_TO_RECENT: Final = ("audio", "modalities", "web_search_options")
"""Documented fields of chats that recent models do not know."""
_CACHE_OPTIONS: Final = frozenset({"mode", "ttl"})
_MEMBERS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "chat": {
        "prompt_cache_options": _CACHE_OPTIONS,
        "stream_options": frozenset({"include_usage", "include_obfuscation"}),
    },
    "responses": {
        "text": frozenset({"format", "verbosity"}),
        "stream_options": frozenset({"include_obfuscation"}),
        "reasoning": frozenset({"context", "effort", "mode", "summary"}),
        "prompt_cache_options": _CACHE_OPTIONS | {"comparison_response_id", "prewarm"},
    },
}
"""The members of objects in a request, as the types of the SDK name them, without `generate_summary`."""
_MESSAGE: Final = frozenset({"type", "role", "content", "id", "status"})
"""The members of a message."""
_REPLY: Final = _MESSAGE | {"phase", "internal_chat_message_metadata_passthrough", "metadata"}
"""The members of the model's message, with those that it has in responses to Codex."""
_MAX_DISTANCE: Final = 2
"""The maximum number of edits from an unknown name to a similar one."""


def refuse_inexact(request: Request) -> Failure | None:
    """Return the failure of a body with unknown fields or vector stores; None for others."""
    api, fields = request.api or "", request.fields
    if request.provider != request.dialect or any(name not in fields for name in _REQUIRED.get(api, ())):
        return None
    names = [name for name in request.undocumented_fields if name not in _KNOWN.get(api, ())]
    recent = api == "chat" and type(request.model) is str and restrictions_of(request.model).recent
    if api not in _FIRST_ONLY and not recent:
        return _refuse_all(names) if api in _ALL_AT_ONCE and names else None
    if recent:
        names += [name for name in _UNKNOWN_TO_RECENT if name in fields]
    if api == "responses" and "messages" in names:
        return moved_messages()
    if names:
        documented = request.documented_fields if api in _MEMBERS else None
        return _refuse_first(names[0], (documented or frozenset()) - fields.keys())
    member = next(_unknown_members(api, fields), None)
    if member is not None:
        return _refuse_first(member)
    search = request.file_search if isinstance(request, ResponsesRequest) else None
    return None if search is None else search.failure()


def _refuse_all(names: list[str]) -> Failure:
    arguments = "argument" if len(names) == 1 else "arguments"
    return refuse(f"Unrecognized request {arguments} supplied: {', '.join(sorted(names))}")


def _refuse_first(name: str, others: Iterable[str] = ()) -> Failure:
    similar = _similar(name, others)
    hint = f" Did you mean {alternatives(similar)}?" if similar else ""
    return refuse(f"Unknown parameter: '{name}'.{hint}", name, "unknown_parameter")


def _unknown_members(api: str, fields: dict[str, Json]) -> Iterator[str]:
    """Yield the paths of unknown members of objects."""
    for place, item in enumerate(objects(fields.get("input")) if api == "responses" else ()):
        if item.get("type", "message") == "message":
            known = _REPLY if item.get("role") == "assistant" else _MESSAGE
            yield from (f"input[{place}].{name}" for name in item if name not in known)
    for field, known in _MEMBERS.get(api, {}).items():
        yield from (f"{field}.{name}" for name in object_of(fields.get(field)) if name not in known)


def _similar(name: str, others: Iterable[str]) -> list[str]:
    """Return those of the names `others` that few edits lead to, the nearest first."""
    near = [other for other in others if abs(len(other) - len(name)) <= _MAX_DISTANCE]
    distances = sorted((_distance(name, other), other) for other in near)
    return [other for distance, other in distances if distance <= _MAX_DISTANCE]


def _distance(first: str, second: str) -> int:
    """Return the number of letters to insert, remove or replace."""
    row = list(range(len(second) + 1))
    for count, letter in enumerate(first, 1):
        diagonal, row[0] = row[0], count
        for place, other in enumerate(second, 1):
            changed = diagonal + (letter != other)
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, changed)
    return row[-1]
