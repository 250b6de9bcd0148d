"""Schemas that came before: normalized once, with what follows from their parts."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar, cast

from msgspec import Struct, field

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json, loads
from mockllm.core.json.schema import Validator, validator
from mockllm.core.schema_values.document import Schema, normalize, patterns
from mockllm.core.schema_values.patterns import add_compile_cost
from mockllm.core.schema_values.sizes import written_schema
from mockllm.core.text_cache import text_cache

T = TypeVar("T")

MAX_SCHEMAS: Final = 256
"""The most schemas that are cached."""
MAX_SCHEMA_BYTES: Final = 16_384
"""The most bytes of a schema that is cached: with its parts it takes about ten times as many."""
MAX_PARTS: Final = 500
"""Parts of a schema of which something is cached."""


class PartKey(Generic[T]):
    """The key of a result of type T that follows from a part of a schema."""


class NormalSchema(Struct, eq=False):
    """A normalized schema. `sources`: its patterns. `parts` caches what follows from a part, by the part's identity,
    the key of the result and the context on which it depends. The entry holds the part, so that no other part gets
    that identity."""

    root: Schema
    sources: tuple[str, ...] = ()
    parts: dict[tuple[int, object, Hashable], tuple[Schema, object]] = field(default_factory=dict)
    checked: Validator | None = None

    @property
    def check(self) -> Validator:
        """The validator. Raises ValueError where the schema is invalid."""
        if self.checked is None:
            self.checked = validator(self.root)
        return self.checked

    def known(self, part: Schema, key: PartKey[T], context: Hashable = None) -> T | None:
        """Return what was cached of a part; None where nothing was."""
        entry = self.parts.get((id(part), key, context))
        return cast(T, entry[1]) if entry is not None and entry[0] is part else None

    def put(self, part: Schema, key: PartKey[T], value: T, context: Hashable = None) -> None:
        """Cache what follows from a part, as long as the cache has capacity."""
        if len(self.parts) < MAX_PARTS:
            self.parts[id(part), key, context] = (part, value)


def normal_schema(schema: Json, budget: Budget) -> NormalSchema:
    """Return a schema normalized, after counting what compiling its patterns costs. Raise BudgetExceeded, and
    RecursionError where the schema is nested too deep."""
    key = written_schema(schema, budget)
    normal = _normalized(schema) if key is None else _cached(key)
    if normal.sources:
        add_compile_cost(normal.sources, budget)
    return normal


@text_cache(MAX_SCHEMAS, MAX_SCHEMA_BYTES)
def _cached(key: bytes) -> NormalSchema:
    return _normalized(loads(key))


def _normalized(schema: Json) -> NormalSchema:
    root = normalize(schema)
    return NormalSchema(root, tuple(patterns(root)))
