"""Walks the shape of a pydantic model along the location of an error.

The location of an error mixes keys and indices of the file with names of union members that were tried. Only
the model's schema separates them. The schema also has the allowed keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Protocol, TypeAlias, cast

from msgspec import Struct
from pydantic import BaseModel
from pydantic_core import core_schema

from mockllm.core.json.codec import Json
from mockllm.scenario.language.base import late_model

_UNIONS: Final = ("union", "tagged-union")
_INNER: Final = ("schema", "strict_schema", "python_schema")
PydanticSchema: TypeAlias = Mapping[str, object]
"""A schema of pydantic. Its `type` is the kind of schema, and pydantic has a class with the keys of each kind."""
_ANY: Final[PydanticSchema] = {"type": "any"}


class AdaptedType(Protocol):
    """A `TypeAdapter` of any type."""

    @property
    def core_schema(self) -> PydanticSchema: ...


Model: TypeAlias = type[BaseModel] | AdaptedType


class ModelShape(Struct, frozen=True):
    """One place of a model; `schema` is None if nothing is known about it."""

    schema: PydanticSchema | None
    definitions: Mapping[str, PydanticSchema]

    @property
    def is_union(self) -> bool:
        """Whether the next step of a location names a union member, not a key."""
        return self.schema is not None and self.schema["type"] in _UNIONS

    def step(self, step: str | int) -> ModelShape:
        """Return the shape below one step of a location: a union's member, a key's or an item's value."""
        if self.schema is None:
            return self
        for tag, member in self._members() if self.is_union else self._children():
            if tag is None or tag == step or (self.is_union and _labels(str(tag), str(step))):
                return self._at(member)
        return ModelShape(None, self.definitions)

    def allowed_keys(self) -> list[str]:
        """Return the keys that a mapping may have here, in the order of the model; of a union, the keys of
        all members."""
        if self.schema is None:
            return []
        if self.is_union:
            return [key for _, member in self._members() for key in self._at(member).allowed_keys()]
        if self.schema["type"] not in ("model-fields", "typed-dict"):
            return []
        return [str(key) for key, _ in self._children()]

    def allowed_values(self) -> list[Json]:
        """Return the values of a literal or enumeration."""
        if self.schema is None or self.schema["type"] != "literal":
            return []
        return list(cast(core_schema.LiteralSchema, self.schema)["expected"])

    def _members(self) -> Iterator[tuple[str, PydanticSchema]]:
        assert self.schema is not None
        if self.schema["type"] == "tagged-union":
            for tag, member in cast(core_schema.TaggedUnionSchema, self.schema)["choices"].items():
                yield str(tag), member
            return
        for choice in cast(core_schema.UnionSchema, self.schema)["choices"]:
            member, label = choice if isinstance(choice, tuple) else (choice, None)
            yield label or self._name(member), member

    def _name(self, member: PydanticSchema) -> str:
        """Return the name that a location uses for a union member without a tag."""
        while True:
            if member["type"] == "definition-ref":
                member = self.definitions[cast(core_schema.DefinitionReferenceSchema, member)["schema_ref"]]
            elif member["type"] == "model":
                return cast(core_schema.ModelSchema, member)["cls"].__name__
            elif member["type"] in ("default", "nullable"):
                member = cast(core_schema.WithDefaultSchema | core_schema.NullableSchema, member)["schema"]
            else:
                return str(member["type"])

    def _children(self) -> Iterator[tuple[str | int | None, PydanticSchema]]:
        """Yield the steps and schemas below this place; None as the step means any step."""
        assert self.schema is not None
        kind = self.schema["type"]
        if kind in ("model-fields", "typed-dict"):
            parent = cast(core_schema.ModelFieldsSchema | core_schema.TypedDictSchema, self.schema)
            for name, field in parent["fields"].items():
                alias = field.get("validation_alias")
                yield alias if isinstance(alias, str) else name, field["schema"]
        elif kind == "tuple":
            yield from enumerate(cast(core_schema.TupleSchema, self.schema)["items_schema"])
        elif kind == "dict":
            mapping = cast(core_schema.DictSchema, self.schema)
            yield "[key]", mapping.get("keys_schema", _ANY)
            yield None, mapping.get("values_schema", _ANY)
        elif kind in ("list", "set", "frozenset"):
            items = cast(
                core_schema.ListSchema | core_schema.SetSchema | core_schema.FrozenSetSchema, self.schema
            )
            yield None, items.get("items_schema", _ANY)

    def _at(self, schema: PydanticSchema) -> ModelShape:
        """Return the shape of a schema without its wrappers."""
        definitions = self.definitions
        while True:
            kind = schema["type"]
            if kind == "definitions":
                outer = cast(core_schema.DefinitionsSchema, schema)
                definitions = {**definitions, **{each["ref"]: each for each in outer["definitions"]}}
                schema = outer["schema"]
            elif kind == "definition-ref":
                schema = definitions[cast(core_schema.DefinitionReferenceSchema, schema)["schema_ref"]]
            elif kind == "chain":
                schema = cast(core_schema.ChainSchema, schema)["steps"][0]
            elif inner := next((schema[key] for key in _INNER if key in schema), None):
                schema = cast(PydanticSchema, inner)
            elif late := late_model(schema):
                late.model.model_rebuild()
                schema = late.model.__pydantic_core_schema__
            elif kind == "any" or str(kind).startswith("function-plain"):
                return ModelShape(None, definitions)
            else:
                return ModelShape(schema, definitions)


def _labels(kind: str, label: str) -> bool:
    """Return whether pydantic uses this label for a member of this kind: `list[str]`, `constrained-str`."""
    return label.startswith(f"{kind}[") or label == f"constrained-{kind}"


def shape_of(model: Model) -> ModelShape:
    """Return the shape of a whole model."""
    schema = model.__pydantic_core_schema__ if isinstance(model, type) else model.core_schema
    return ModelShape(None, {})._at(schema)
