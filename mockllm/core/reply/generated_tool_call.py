"""The call of an offered tool with generated arguments: all that differs between two replies `from_schema`."""

from __future__ import annotations

from msgspec import Struct


class GeneratedToolCall(Struct, frozen=True, eq=False):
    """The call of an offered tool with generated arguments. The chunks join to `text`, the arguments."""

    tool: str
    text: str
    chunks: tuple[str, ...]
    output_tokens: int
    """The tokens of the name and the arguments."""
    in_chunks: bool
    """Whether the arguments are cut into chunks: those of a stream."""
    notes: tuple[str, ...] = ()
    cacheable: bool = True
    """Whether nothing else of the response depends on the arguments."""
