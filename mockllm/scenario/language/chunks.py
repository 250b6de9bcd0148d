"""One entry of a chunk script: a chunk of text, or a wait, raw bytes, a comment or an error between two chunks."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Discriminator, Tag

from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Drawable, Duration, Templated
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.error import Error


class WaitChunk(Spec):
    """A wait between two chunks; replaces the regular gap."""

    wait: Drawable[Duration]
    """The duration, with its unit."""


class RawChunk(Spec):
    """Raw bytes between two chunks, sent as written; streams only."""

    raw: str
    """The bytes, as UTF-8."""


class CommentChunk(Spec):
    """A comment line of the event stream; streams only."""

    comment: str
    """The text of the comment."""


class ErrorChunk(Spec):
    """Breaks the response off here, with this error in the stream."""

    error: Error
    """The error by its name, or with status, message and fields."""


_CHUNKS: dict[str, type[Spec]] = {
    "wait": WaitChunk,
    "raw": RawChunk,
    "comment": CommentChunk,
    "error": ErrorChunk,
}


def _chunk_form(value: Any) -> str:
    if isinstance(value, dict):
        return next((key for key in _CHUNKS if key in value), "wait")
    return next((key for key, model in _CHUNKS.items() if isinstance(value, model)), "text")


def _chunk(value: Any) -> Any:
    if isinstance(value, dict) and not _CHUNKS.keys() & value.keys():
        raise quantity_error("a chunk is a text, or one of {wait: …}, {raw: …}, {comment: …}, {error: …}")
    return value


Chunk: TypeAlias = Annotated[
    Annotated[Templated[str], Tag("text")]
    | Annotated[WaitChunk, Tag("wait")]
    | Annotated[RawChunk, Tag("raw")]
    | Annotated[CommentChunk, Tag("comment")]
    | Annotated[ErrorChunk, Tag("error")],
    Discriminator(_chunk_form),
    BeforeValidator(_chunk),
]
