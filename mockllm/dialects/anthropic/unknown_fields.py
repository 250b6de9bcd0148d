"""What only `validation: exact` refuses of a messages request: no version, and the first unknown field.

The fields of the body, of messages, of common content blocks and of custom tools are known. Blocks and tools of other
types, and what a field holds, are not walked. Fields: the `anthropic` SDK (`anthropic.types`); paths and wording:
errors that users quote (`tools.0.custom.defer_loading: Extra inputs are not permitted`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request

MESSAGE: Final = frozenset({"clear_at", "content", "output_config", "role"})
"""Those of each role, beta fields included."""
CUSTOM_TOOL: Final = frozenset({
    "allowed_callers", "cache_control", "defer_loading", "description", "eager_input_streaming", "input_examples",
    "input_schema", "name", "strict", "type",
})  # fmt: skip
BLOCKS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"cache_control", "citations", "text", "type"}),
    "image": frozenset({"cache_control", "source", "transformations", "type"}),
    "document": frozenset({"cache_control", "citations", "context", "source", "title", "type"}),
    "tool_use": frozenset({"cache_control", "caller", "id", "input", "name", "toolset_name", "type"}),
    "tool_result": frozenset({
        "cache_control", "content", "is_error", "tool_use_id", "toolset_name", "type"
    }),
    "thinking": frozenset({"signature", "thinking", "type"}),
    "redacted_thinking": frozenset({"data", "type"}),
}  # fmt: skip
"""The fields of content blocks by their type."""


VERSION_HEADER: Final = "anthropic-version"


def refuse_inexact(request: Request) -> Failure | None:
    """Return the failure of a request to Anthropic without a version, else that of its first unknown field."""
    if request.provider != request.dialect or request.documented_fields is None:
        return None
    if VERSION_HEADER not in request.headers:
        return Failure("bad_request", message=f"{VERSION_HEADER}: header is required")
    path = next(_unknown_paths(request), None)
    return None if path is None else Failure("bad_request", message=f"{path}: Extra inputs are not permitted")


def _unknown_paths(request: Request) -> Iterator[str]:
    fields = request.fields
    yield from request.undocumented_fields
    for number, message in _objects(fields.get("messages")):
        yield from _unknown(f"messages.{number}", message, MESSAGE)
        for place, block in _objects(message.get("content")):
            kind = block.get("type")
            if type(kind) is str and kind in BLOCKS:
                yield from _unknown(f"messages.{number}.content.{place}.{kind}", block, BLOCKS[kind])
    for number, tool in _objects(fields.get("tools")):
        if tool.get("type") in (None, "custom"):
            yield from _unknown(f"tools.{number}.custom", tool, CUSTOM_TOOL)


def _objects(value: Json) -> Iterator[tuple[int, dict[str, Json]]]:
    """Yield the objects of a list with their places; nothing for anything else."""
    for place, item in enumerate(value if type(value) is list else ()):
        if type(item) is dict:
            yield place, item


def _unknown(path: str, value: Mapping[str, object], known: frozenset[str]) -> Iterator[str]:
    if not value.keys() <= known:
        yield from (f"{path}.{name}" for name in value if name not in known)
