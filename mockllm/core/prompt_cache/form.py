"""The prompt of a request in blocks, as a provider's prompt cache reads it: tools, system text, turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.request.read_turns import ReadTurns, TurnReader
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import EMPTY_LOOKUP

KEY_FIELD: Final = "prompt_cache_key"
"""The field by which a client separates caches."""


class PromptBlock(NamedTuple):
    """One block of a prompt. `content` is compared byte by byte, so it has no breakpoints. `lifetime` is set where
    the client sets a breakpoint at the block's end: the seconds for which the prefix is cached."""

    name: str
    content: bytes
    tokens: int
    lifetime: float | None = None


def no_breakpoint(fields: Mapping[str, Json]) -> float | None:
    return None


def turn_items(request: Request) -> Sequence[Json]:
    """Return the turns of a body that has all of them."""
    divided = request.divided_body
    if divided is not None:
        return divided.items
    items = request.fields.get(request.turns_field or "")
    return items if type(items) is list else ()


def tokens_of_parts(item: Json, read_turn: TurnReader) -> int:
    """Return the tokens of the parts of one turn, without its framing."""
    turns = ReadTurns(counted=True)
    read_turn(turns, item, EMPTY_LOOKUP)
    return turns.tokens


def no_options(fields: Mapping[str, Json]) -> bytes:
    return b""


class PromptForm(Struct, frozen=True):
    """Where the requests of one call have the blocks of their prompt. All functions read JSON of any form."""

    blocks_before_turns: Callable[[Mapping[str, Json]], Iterable[PromptBlock]]
    """Returns the blocks before the turns, from the fields of the body."""
    turn: Callable[[Json, int], Iterable[PromptBlock]]
    """Returns the blocks of one turn, from its item and the item's number."""
    items: Callable[[Request], Sequence[Json]] = turn_items
    """Returns the turns."""
    lifetime_of_final_breakpoint: Callable[[Mapping[str, Json]], float | None] = no_breakpoint
    """Returns the lifetime of the breakpoint at the end of the prompt, where the request has one."""
    options: Callable[[Mapping[str, Json]], bytes] = no_options
    """Returns the fields that a cached turn depends on beside the blocks before it."""
    breakpoint_bytes: bytes = b""
    """The bytes without which no body of this call has a breakpoint."""
