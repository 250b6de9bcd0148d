"""The checks of the fields of vector stores: attributes, chunking strategies, expiry, and the query of a list.

Sources: the types of `openai.types.vector_stores` and the bounds in their docstrings. The messages are those of other
calls' checks; that of the overlap is inferred.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.request.request import Request
from mockllm.core.text_search import SearchedText
from mockllm.dialects.openai.metadata import check_properties
from mockllm.dialects.openai.validators import (
    Check,
    by_type,
    integer,
    members,
    object_,
    one_of,
    refuse,
    text_of_length,
    wrong_type,
)
from mockllm.dialects.openai.vector_stores.objects import MAX_DAYS, STATUSES

MAX_PAGE: Final = 100
DEFAULT_SIZE: Final = 800
MIN_SIZE: Final = 100
MAX_SIZE: Final = 4096
"""The tokens of a chunk: by default, at least and at most. Chunks overlap by half of it at most."""
CHARACTERS: Final = 4
"""The characters of a token in passages."""
_string: Final = text_of_length(512)


def _attribute(value: Json, path: str) -> Failure | None:
    if type(value) is str:
        return _string(value, path)
    if type(value) in (bool, int, float):
        return None
    return wrong_type(value, path, "one of a string, a number or a boolean")


def check_attributes(value: Json, path: str) -> Failure | None:
    return check_properties(value, path, "an object", _attribute)


expiry: Final = members(
    ("anchor", "days"), {"anchor": one_of("last_active_at"), "days": integer(1, MAX_DAYS)}
)
_static: Final = members(
    ("max_chunk_size_tokens", "chunk_overlap_tokens"),
    {
        "max_chunk_size_tokens": integer(MIN_SIZE, MAX_SIZE),
        "chunk_overlap_tokens": integer(0, MAX_SIZE // 2),
    },
)


def _static_strategy(value: Json, path: str) -> Failure | None:
    error = _static(value, path)
    if error is None and value["chunk_overlap_tokens"] * 2 > value["max_chunk_size_tokens"]:
        name = f"{path}.chunk_overlap_tokens"
        message = f"Invalid '{name}': the overlap must not exceed half of 'max_chunk_size_tokens'."
        return refuse(message, name, "invalid_value")
    return error


chunking: Final = by_type({"auto": object_, "static": members(("static",), {"static": _static_strategy})})


def chunking_strategy(value: Json) -> dict[str, Json]:
    """Return the strategy as a file shows it: the default in place of `auto`, and of members that are invalid."""
    static = object_of(object_of(value).get("static"))
    size, overlap = static.get("max_chunk_size_tokens"), static.get("chunk_overlap_tokens")
    if type(size) is not int or not MIN_SIZE <= size <= MAX_SIZE:
        size = DEFAULT_SIZE
    if type(overlap) is not int or not 0 <= overlap <= size // 2:
        overlap = size // 2
    return {"type": "static", "static": {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}}


def document(text: str, strategy: Json) -> SearchedText:
    """Return a text as a search reads it, divided by a chunking strategy."""
    static = chunking_strategy(strategy)["static"]
    size, overlap = static["max_chunk_size_tokens"], static["chunk_overlap_tokens"]
    return SearchedText(text, size * CHARACTERS, overlap * CHARACTERS)


_QUERY: Final[dict[str, Check]] = {"order": one_of("asc", "desc"), "filter": one_of(*STATUSES)}
_limit: Final = integer(1, MAX_PAGE)


def check_list_query(request: Request) -> Failure | None:
    """Return the failure of the query of a list. A `limit` that is no number is ignored."""
    limit = request.query.get("limit", "1")
    error = _limit(int(limit), "limit") if limit.isdecimal() and len(limit) < 10 else None
    for name, check in _QUERY.items():
        if error is None and name in request.query:
            error = check(request.query[name], name)
    return error
