"""What a search for a field's value needs of the field: computed once for a field of a schema that comes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.schema_values.field_kinds import NUMBER_WORDS, EntityKind, kinds_of
from mockllm.core.schema_values.realistic import MAX_CACHED_FIELDS, FieldContext, number
from mockllm.core.schema_values.text_entities import lower_case
from mockllm.core.text_cache import text_cache
from mockllm.core.word_stems import SYNONYMS, name_stems

_MAX_ENUM: Final = 64


class EnumChoice(Struct, frozen=True):
    """A text of an enum. `spellings`: how a text may write it, in lower case."""

    value: str
    lower: str
    spellings: Sequence[str]
    synonyms: Sequence[str]


class FieldSearch:
    """The search for one field's value. `facets`: the keywords that say what the value is. `required`: whether the
    field takes a value that the conversation does not name."""

    def __init__(self, context: FieldContext, facets: Mapping[str, Json], *, required: bool) -> None:
        self.context = context
        self.facets = facets
        self.required = required
        self.format = facets.get("format")
        self.is_const = "const" in facets

    @cached_property
    def key(self) -> str:
        """The field's name in lower case without separators."""
        return _pair_key(self.context.name)

    @cached_property
    def stems(self) -> Sequence[str]:
        """The stems of the words of the name."""
        return name_stems(self.context.name)

    @cached_property
    def words(self) -> Sequence[str]:
        """The stems that are no single letters: values are beside these."""
        return [word for word in self.stems if len(word) > 1]

    @cached_property
    def beside(self) -> Sequence[str]:
        """The words that are beside a number of the field: those of its name, and its units."""
        words = (*self.stems, *(word for each in self.stems for word in NUMBER_WORDS.get(each, ())))
        return [word for word in words if len(word) > 1]

    @cached_property
    def usual(self) -> tuple[float, float, int] | None:
        """The range in which a number of the field usually is."""
        return number(self.context)

    @cached_property
    def kinds(self) -> Sequence[EntityKind]:
        """The kinds of texts that the field takes, the likeliest first."""
        return kinds_of(self.context, self.format)

    @cached_property
    def is_result(self) -> bool:
        """Whether the field is most likely for the result of a tool."""
        return kinds_of(self.context, None)[:1] == ("result",)

    @cached_property
    def choices(self) -> Sequence[EnumChoice] | None:
        """The texts of the field's enum; None where it has none."""
        return choices_of(self.facets["enum"]) if "enum" in self.facets else None


def choices_of(enum: Sequence[Json]) -> list[EnumChoice]:
    """Return the first texts of an enum."""
    return [_choice(each) for each in enum[:_MAX_ENUM] if isinstance(each, str) and each]


@text_cache(MAX_CACHED_FIELDS)  # tools repeat their enums
def _choice(value: str) -> EnumChoice:
    plain = lower_case(value)
    spaced = plain.replace("_", " ").replace("-", " ")
    spellings = (plain,) if plain == spaced else (plain, spaced)
    return EnumChoice(value, value.lower(), spellings, SYNONYMS.get("".join(name_stems(value)), ()))


@text_cache(MAX_CACHED_FIELDS)  # tools repeat their fields
def _pair_key(name: str) -> str:
    return "".join(character for character in name.lower() if character not in "_- ")
