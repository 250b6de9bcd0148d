"""The parameters of a request for its response: the format, the number of choices, where it stops."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal, NamedTuple

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.value_or_digest import value_or_digest


class Format(Struct, frozen=True):
    """The requested format of the response: free text, any JSON, or JSON of a schema (with its name if it has
    one). `bare`: a text is sent without its quotes."""

    kind: Literal["text", "json", "schema"] = "text"
    name: str | None = None
    schema: Json = None
    bare: bool = False


class OutputBounds(NamedTuple):
    """The parameters of a request that shape a response: the number of choices, stop sequences, the maximum and the
    minimum of tokens. `endless`: the model goes on until the maximum, whatever it says."""

    n: int = 1
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    min_tokens: int = 0
    endless: bool = False

    @property
    def key(self) -> Hashable:
        """The part of a cache key with these bounds."""
        return value_or_digest(self) if self.stop else self
