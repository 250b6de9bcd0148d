"""The values that a conversation offers to the fields of a schema, in order of nearness to a field's name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.schema_values.conversation import ConversationTexts
from mockllm.core.schema_values.field_kinds import (
    FROM,
    NUMBER_WORDS,
    TO,
    VAGUE,
    WHOLE_PLACES,
    EntityKind,
    kinds_of,
)
from mockllm.core.schema_values.realistic import MAX_CACHED_FIELDS, FieldContext, number
from mockllm.core.schema_values.text_entities import FoundValue, TextEntities, lower_case
from mockllm.core.text_cache import text_cache
from mockllm.core.word_stems import SYNONYMS, name_stems

_MAX_COMPARISONS: Final = 3_000
"""The most distances that are measured for one value."""
_NEAR: Final = 60
"""The most half characters between a value and a word of the field's name."""
_ADJACENT: Final = 16
"""A number so many half characters from another field's name is that field's."""
_MAX_PHRASE: Final = 200
_MAX_RESULT: Final = 500
_MAX_ENUM: Final = 64
_MAX_ITEMS: Final = 16
_TRUTHS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_START: Final = attrgetter("start")
_PREPOSITIONS: Final = ("in", "at", "near", "for", "to", "from", "of", "around")


Places: TypeAlias = Sequence[tuple[int, int]]
"""Where words begin and end in a text."""


class FieldNames(Struct, frozen=True):
    """The names of all fields of a schema, and the stems of their words."""

    names: frozenset[str]
    stems: frozenset[str]

    @classmethod
    def of(cls, names: frozenset[str]) -> FieldNames:
        return cls(names, frozenset(word for name in names for word in name_stems(name) if len(word) > 1))


class ConversationValues:
    """Offers values to the fields of one generated value. No value is offered to two fields, unless its text names
    both. A quoted name of one of the `fields` is not a value."""

    def __init__(self, conversation: ConversationTexts, fields: FieldNames) -> None:
        self._conversation = conversation
        self._fields, self._stems = fields.names, fields.stems
        self._used: set[tuple[int, int]] = set()
        self._comparisons = 0

    def offer(
        self, context: FieldContext, facets: Mapping[str, Json], drawn: Json, *, required: bool
    ) -> Json | Missing:
        """Return a value for a field; MISSING where none fits. `facets`: the keywords that say what the value is;
        `drawn`: the value that the field has otherwise."""
        if "const" in facets or self._comparisons > _MAX_COMPARISONS:
            return MISSING
        if "enum" in facets:
            return next(iter(self._mentioned(context, facets["enum"])), MISSING)
        if isinstance(drawn, bool):
            return _TRUTHS.get(self._paired(context).lower(), MISSING)
        if isinstance(drawn, int | float):
            return self._number(context, required=required)
        if isinstance(drawn, str):
            return self._text(context, facets, required=required)
        if isinstance(drawn, list) and drawn and not isinstance(drawn[0], dict | list):
            return self._items(context, facets, drawn[0], required=required)
        return MISSING

    # --- numbers ---------------------------------------------------------------------------------------

    def _number(self, context: FieldContext, *, required: bool) -> Json | Missing:
        paired = self._paired(context)
        if paired and (named := _as_number(paired)) is not None:
            return named
        beside = _words_beside_number(context.name)
        for entities in self._conversation.texts:
            places = _places(entities, beside)  # most texts have none of the words, and need no numbers
            if places and (found := self._nearest_place(entities, entities.numbers, places)):
                return self._use(entities, found)
        if kinds_of(context, None)[:1] == ("result",):
            for entities in self._conversation.results:
                if entities.numbers:
                    return entities.numbers[0].value
        return self._unnamed_number(context, name_stems(context.name)) if required else MISSING

    def _unnamed_number(self, context: FieldContext, stems: Sequence[str]) -> Json | Missing:
        """Return the first number of the last text that is neither used nor beside another field's name."""
        entities, usual = self._conversation.question, number(context)
        if not entities.numbers:
            return MISSING
        others = _places(entities, self._stems.difference(stems))
        for found in entities.numbers:
            if not self._is_free(entities, found) or (
                usual is not None and not _is_usual(found.value, usual)
            ):
                continue
            if self._gap(entities, found, others) > _ADJACENT:
                return self._use(entities, found)
        return MISSING

    # --- texts -----------------------------------------------------------------------------------------

    def _text(self, context: FieldContext, facets: Mapping[str, Json], *, required: bool) -> Json | Missing:
        kinds = kinds_of(context, facets.get("format"))
        paired = self._paired(context)
        if paired and "format" not in facets and "question" not in kinds:
            return paired
        for kind in kinds:
            value = self._of_kind(kind, context)
            if value is not None:
                return value
        if not required or "format" in facets:
            return MISSING
        quoted = self._quoted(context)
        if quoted is None and VAGUE.intersection(name_stems(context.name)):
            return self._question() or MISSING
        return MISSING if quoted is None else quoted

    def _of_kind(self, kind: EntityKind, context: FieldContext) -> str | None:
        if kind == "question":
            return self._quoted(context) or self._question()
        if kind == "result":
            return next(
                (entities.text[:_MAX_RESULT].strip() for entities in self._conversation.results), None
            )
        if kind == "names":
            return self._name(context)
        if kind == "places":
            return self._place(context)
        for entities in self._conversation.texts:
            values = [each for each in getattr(entities, kind) if self._is_free(entities, each)]
            nearest = self._nearest(entities, values, name_stems(context.name)) or next(iter(values), None)
            if nearest is not None:
                return str(self._use(entities, nearest))
        return None

    def _question(self) -> str | None:
        """Return the last text of the person, if it has several words."""
        text = " ".join(self._conversation.question.text.split())
        if " " not in text:
            return None
        return text if len(text) <= _MAX_PHRASE else text[:_MAX_PHRASE].rpartition(" ")[0]

    def _quoted(self, context: FieldContext) -> str | None:
        """Return the quoted text that is nearest to the field's name, else the first one."""
        entities = self._conversation.question
        values = [
            each
            for each in entities.quoted
            if self._is_free(entities, each) and each.value not in self._fields
        ]
        found = self._nearest(entities, values, name_stems(context.name)) or next(iter(values), None)
        return None if found is None else str(self._use(entities, found))

    def _name(self, context: FieldContext) -> str | None:
        stems = name_stems(context.name)
        for entities in self._conversation.texts:
            values = [each for each in entities.quoted if each.value not in self._fields]
            found = self._nearest(entities, values, [*stems, "named", "called"])
            if found is None:
                names = [each for each in entities.names if self._is_free(entities, each)]
                names = [
                    each for each in names if _word_before(entities.text, each) not in ("in", "at", "near")
                ]
                found = self._nearest(entities, names, stems) or next(iter(names), None)
            if found is not None:
                if not {"first", "given", "last", "family", "surname", "firstname", "lastname"}.isdisjoint(
                    stems
                ):
                    words = str(found.value).split()
                    return words[0] if {"first", "given", "firstname"}.intersection(stems) else words[-1]
                return str(self._use(entities, found))
        return None

    def _place(self, context: FieldContext) -> str | None:
        stems = name_stems(context.name)
        wanted = (
            ("from",) if FROM.intersection(stems) else ("to",) if TO.intersection(stems) else _PREPOSITIONS
        )
        for entities in self._conversation.texts:
            free = [
                each for each in (*entities.names, *entities.lower_places) if self._is_free(entities, each)
            ]
            found = next((each for each in free if _word_before(entities.text, each) in wanted), None)
            found = found or (next(iter(entities.names), None) if wanted is _PREPOSITIONS else None)
            if found is None:
                continue
            city, comma, region = str(found.value).partition(", ")
            if not comma or WHOLE_PLACES.intersection(stems):
                return str(self._use(entities, found))
            return region if {"country", "nation", "state", "region"}.intersection(stems) else city
        return None

    # --- choices and lists -----------------------------------------------------------------------------

    def _mentioned(self, context: FieldContext, choices: Sequence[Json], most: int = 1) -> list[Json]:
        """Return the items of an enum that a text has: those of no other field, and the nearest to the field's name,
        first."""
        paired = self._paired(context).lower()
        for entities in self._conversation.texts:
            found: list[tuple[bool, int, FoundValue]] = []
            named: Places | None = None
            for choice in choices[:_MAX_ENUM]:
                if not isinstance(choice, str) or not choice:
                    continue
                if choice.lower() == paired:
                    return [choice]
                start = _position(entities, choice)
                if start >= 0:
                    place = FoundValue(choice, start, start + len(choice))
                    if named is None:
                        named = _places(entities, name_stems(context.name), 1)
                    gap = self._gap(entities, place, named)
                    found.append((not self._is_free(entities, place), min(gap, _NEAR), place))
            if found:
                found.sort(key=lambda each: (*each[:2], each[2].start))
                return [self._use(entities, place) for *_, place in found[:most]]
        return []

    def _items(
        self, context: FieldContext, facets: Mapping[str, Json], first: Json, *, required: bool
    ) -> Json | Missing:
        """Return a list of all values of the kind that its items have."""
        items = facets.get("items")
        most = min(facets.get("maxItems", _MAX_ITEMS), _MAX_ITEMS)
        if isinstance(items, Mapping) and "enum" in items:
            return self._mentioned(context, items["enum"], most) or MISSING
        entities = self._conversation.question
        kinds = kinds_of(context, items.get("format") if isinstance(items, Mapping) else None)
        values: Sequence[FoundValue] = ()
        if isinstance(first, int | float) and not isinstance(first, bool):
            values = entities.numbers if required else ()
        elif isinstance(first, str):
            kind = next((kind for kind in kinds if kind not in ("places", "question", "result")), None)
            values = entities.quoted if kind is None and required else getattr(entities, kind) if kind else ()
        free = [each for each in values if self._is_free(entities, each) and each.value not in self._fields]
        return [self._use(entities, each) for each in free[:most]] or MISSING

    # --- nearness --------------------------------------------------------------------------------------

    def _paired(self, context: FieldContext) -> str:
        """Return the value after the field's name, as after a key; empty where there is none."""
        key = _pair_key(context.name)
        for entities in self._conversation.texts:
            joined = entities.joined
            if joined is not None and key not in joined:  # most texts
                continue
            value = entities.paired(key)
            if value is not None:
                return value
        return ""

    def _nearest(
        self, entities: TextEntities, values: Sequence[FoundValue], words: Sequence[str]
    ) -> FoundValue | None:
        """Return the unused value that is nearest to one of the words; None where none is near."""
        return self._nearest_place(entities, values, _places(entities, words)) if values else None

    def _nearest_place(
        self, entities: TextEntities, values: Sequence[FoundValue], places: Places
    ) -> FoundValue | None:
        """Return the unused value that is nearest to one of the places, and the first of equally near ones. `values`
        are in the order of the text."""
        self._comparisons += len(values) * len(places)
        best, least = None, (_NEAR + 1, 0)
        for place in places:
            middle = bisect_left(values, place[1], key=_START)  # the nearest before, and the nearest after
            for side in (reversed(values[:middle]), values[middle:]):
                for found in side:
                    gap = _distance(entities.text, found, *place)
                    if gap is not None and self._is_free(entities, found):
                        if (gap, found.start) < least:
                            best, least = found, (gap, found.start)
                        break
        return best

    def _gap(self, entities: TextEntities, found: FoundValue, places: Places) -> int:
        """Return the half characters between a value and the nearest place of a word."""
        self._comparisons += len(places)
        gaps = [_distance(entities.text, found, *place) for place in places]
        return min((gap for gap in gaps if gap is not None), default=2 * _NEAR)

    def _is_free(self, entities: TextEntities, found: FoundValue) -> bool:
        return (id(entities), found.start) not in self._used

    def _use(self, entities: TextEntities, found: FoundValue) -> Json:
        self._used.add((id(entities), found.start))
        return found.value


@text_cache(MAX_CACHED_FIELDS)  # tools repeat their fields
def _words_beside_number(name: str) -> tuple[str, ...]:
    """Return the words that are beside a number of a field: those of its name, and its units."""
    stems = name_stems(name)
    return (*stems, *(word for each in stems for word in NUMBER_WORDS.get(each, ())))


@text_cache(MAX_CACHED_FIELDS)  # tools repeat their fields
def _pair_key(name: str) -> str:
    """Return the name of a field in lower case without separators."""
    return "".join(character for character in name.lower() if character not in "_- ")


def _places(entities: TextEntities, words: Iterable[str], shortest: int = 2) -> Places:
    """Return the places of all words in a text that have at least so many characters."""
    text = entities.folded  # most texts have none of the words
    return [
        place for word in words if len(word) >= shortest and word in text for place in entities.places(word)
    ]


def _distance(text: str, found: FoundValue, start: int, end: int) -> int | None:
    """Return the half characters between a value and a word; None where they overlap. A value before a plural, or
    after a singular, is half a character nearer."""
    if found.end <= start:
        return 2 * (start - found.end) + (text[end - 1] != "s")
    return 2 * (found.start - end) + (text[end - 1] == "s") if end <= found.start else None


def _word_before(text: str, found: FoundValue) -> str:
    return text[max(0, found.start - 12) : found.start].rstrip(" \"'`").rpartition(" ")[2].lower()


def _as_number(text: str) -> int | float | None:
    """Return the number that a text begins with, without a sign for money."""
    word = text.lstrip("$€£").split(" ", 1)[0].rstrip(".,%").replace(",", "")
    try:
        return float(word) if "." in word else int(word)
    except ValueError:
        return None


def _is_usual(value: Json, usual: tuple[float, float, int]) -> bool:
    """Return whether a number may be meant by a field with a usual range; small ranges are taken literally."""
    low, high, _ = usual
    narrow = high <= 1 or low > 500
    return low <= value <= high if narrow else min(low, 0) <= value <= 1_000 * high  # type: ignore[no-any-return]


def _position(entities: TextEntities, choice: str) -> int:
    """Return where a text has an item of an enum as a word; -1 where it does not. One letter must be as written."""
    spellings, synonyms = _spellings(choice)
    for spelling in spellings:
        start = entities.folded.find(spelling) if len(choice) > 1 else entities.text.find(choice)
        if start >= 0 and _is_word(entities.text, start, start + len(choice)):
            return start
    return next((place[0] for word in synonyms for place in entities.places(word)), -1) if synonyms else -1


@text_cache(MAX_CACHED_FIELDS)  # tools repeat their enums
def _spellings(choice: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return how a text may write an item of an enum, in lower case, and the item's synonyms."""
    plain = lower_case(choice)
    spaced = plain.replace("_", " ").replace("-", " ")
    synonyms = SYNONYMS.get("".join(name_stems(choice)), ())
    return (plain,) if plain == spaced else (plain, spaced), synonyms


def _is_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before.isalnum() or after.isalnum())
