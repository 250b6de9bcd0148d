"""Fitting a generated value to a conversation: drawn values are replaced where the conversation offers one.

Fields are drawn first, as without a conversation, so that those for which nothing fits have the same values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.json.codec import MISSING, Json, Missing, dumps
from mockllm.core.json.schema import Validator, format_validator
from mockllm.core.json.typed_values import list_of, object_of
from mockllm.core.schema_values.conversation import ConversationTexts
from mockllm.core.schema_values.conversation_values import ConversationValues, FieldNames
from mockllm.core.schema_values.document import Document, Schema, Unsatisfiable
from mockllm.core.schema_values.field_search import FieldSearch
from mockllm.core.schema_values.normal_schema import NormalSchema, PartKey
from mockllm.core.schema_values.patterns import budgeted_validator
from mockllm.core.schema_values.realistic import FieldContext

_MAX_FIELDS: Final = 64
"""The most fields of one value for which the conversation is searched."""
_MAX_NAMES: Final = 500
"""The most names of fields that are read from a schema."""
_MAX_PARTS: Final = 12
"""The most parts of a field's schema that are read."""
_MAX_REFERENCE: Final = 200
_MAX_CHECKED: Final = 2_000
"""The most bytes of a field's schema that is validated alone; a longer one is validated with the whole."""
_BUDGET: Final = 2_000
"""The limit on the work for one value, apart from the limit on its generation."""
_ANY_TEXT: Final = frozenset({"type", "title", "description", "default"})
"""The keywords of a text that may be any text."""
_FACETS: Final = ("const", "enum", "format", "items", "maxItems")
_NAMES_OF_PART: Final = PartKey[FieldNames]()
_FACETS_OF_PART: Final = PartKey[dict[str, Json]]()
_VALIDATOR_OF_PART: Final = PartKey[tuple[Validator | None]]()


class DescribedField(Struct, eq=False):
    """A field of an object. `required`: whether it takes a value that the conversation does not name. `search` and
    `check` are what a first search found out of the field, where that costs nothing again."""

    name: str
    schema: Schema
    context: FieldContext
    required: bool
    search: FieldSearch | None = None
    check: tuple[Validator | None] | None = None


def fields_of(schema: Mapping[str, Json], owner: FieldContext) -> list[DescribedField]:
    """Return the described fields of an object."""
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", properties)
    return [
        DescribedField(name, part, FieldContext(name, "", owner.name), name in required)
        for name, part in properties.items()
    ]


class ValueFitter:
    """Replaces the drawn values of one generated value. `taken`: the names of the fields that have a value from the
    conversation, in order."""

    def __init__(self, conversation: ConversationTexts, normal: NormalSchema) -> None:
        names = normal.known(normal.root, _NAMES_OF_PART)
        if names is None:
            names = FieldNames.of(field_names(normal.root))
            normal.put(normal.root, _NAMES_OF_PART, names)
        self._values = ConversationValues(conversation, names)
        self._normal = normal
        self._left = _MAX_FIELDS
        self.taken: dict[str, None] = {}

    @cached_property
    def _budget(self) -> Budget:
        return Budget(_BUDGET)

    @cached_property
    def _document(self) -> Document:
        return Document(self._normal.root, self._budget)

    def fit_members(
        self, fields: Iterable[DescribedField], drawn: dict[str, Json]
    ) -> tuple[dict[str, Json], list[str]]:
        """Return an object with the values that fit its fields, and the names of those fields."""
        fitted: dict[str, Json] = {}
        for field in fields:
            value = drawn.get(field.name)
            if value is None or type(value) is dict or type(field.schema) is not dict:
                continue
            fitting = self.fit(field, value)
            if fitting is not MISSING:
                fitted[field.name] = fitting
        return ({**drawn, **fitted} if fitted else drawn), list(fitted)

    def take(self, names: Iterable[str]) -> None:
        """Note the names of fields that have a value from the conversation."""
        for name in names:
            self.taken[name] = None

    def fit(self, field: DescribedField, drawn: Json) -> Json | Missing:
        """Return the value that fits a field; MISSING where none does, and where it takes too much work."""
        if self._left <= 0:
            return MISSING
        self._left -= 1
        try:
            value = self._values.offer(field.search or self._search(field), drawn)
            if value is MISSING:
                return MISSING
            check = (field.check or self._check(field))[0]
            return value if check is None or check.matches_within(self._budget, value) else MISSING
        except BudgetExceeded:
            return MISSING

    def _search(self, field: DescribedField) -> FieldSearch:
        """Return the search for a field's value, by the keywords that say what it is, also of its alternatives and
        references."""
        facets = self._normal.known(field.schema, _FACETS_OF_PART)
        is_known = facets is not None
        if facets is None:
            before = self._budget.characters
            facets = self._read_facets(field.schema)
            if self._budget.characters == before:  # no reference, which costs each time
                self._normal.put(field.schema, _FACETS_OF_PART, facets)
                is_known = True
        search = FieldSearch(field.context, facets, required=field.required)
        if is_known:
            field.search = search
        return search

    def _read_facets(self, schema: Schema) -> dict[str, Json]:
        facets: dict[str, Json] = {}
        pending = [schema]
        for _ in range(_MAX_PARTS):
            if not pending:
                break
            part = pending.pop(0)
            if not isinstance(part, dict):
                continue
            facets = {key: part[key] for key in _FACETS if key in part} | facets
            pending += [
                each for key in ("anyOf", "oneOf", "allOf") for each in part.get(key, ())[:_MAX_PARTS]
            ]
            reference = part.get("$ref", "")
            if reference.startswith("#/") and len(reference) <= _MAX_REFERENCE:
                with suppress(Unsatisfiable):
                    pending.append(self._document.at(reference))
        return facets

    def _check(self, field: DescribedField) -> tuple[Validator | None]:
        """Return the validator of a field's values, as far as its schema says something without the others. None
        where it allows any text, for then nothing but texts is offered."""
        schema = field.schema
        if type(schema) is dict and schema.get("type") == "string" and schema.keys() <= _ANY_TEXT:
            field.check = (None,)
            return field.check
        known = self._normal.known(field.schema, _VALIDATOR_OF_PART)
        if known is None:
            known = (self._validator(field.schema),)
            self._normal.put(field.schema, _VALIDATOR_OF_PART, known)
        field.check = known
        return known

    def _validator(self, schema: Schema) -> Validator | None:
        text = dumps(schema)
        if not is_checked(text):
            return None
        self._budget.add_characters(len(text))
        check = budgeted_validator(schema, self._budget)
        return format_validator(schema) if b'"format"' in text else check


def is_checked(schema: bytes) -> bool:
    """Return whether a value of the conversation is validated against a field's schema."""
    return len(schema) <= _MAX_CHECKED and b'"$ref"' not in schema and b'"$dynamicRef"' not in schema


def field_names(root: Schema) -> frozenset[str]:
    """Return the names of the fields of a schema, up to a maximum."""
    names: set[str] = set()
    pending: list[Json] = [root]
    while pending and len(names) < _MAX_NAMES:
        part = pending.pop()
        if not isinstance(part, dict):
            continue
        properties = part.get("properties")
        if isinstance(properties, dict):
            names.update(list(properties)[: _MAX_NAMES - len(names)])
            pending += list(properties.values())[:_MAX_NAMES]
        for key in ("items", "additionalProperties"):
            pending.append(part.get(key))
        for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            pending += list_of(part.get(key))[:_MAX_PARTS]
        for key in ("$defs", "definitions"):
            pending += list(object_of(part.get(key)).values())[:_MAX_NAMES]
    return frozenset(names)
