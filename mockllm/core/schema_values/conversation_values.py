"""The values that a conversation offers to the fields of a schema, in order of nearness to a field's name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.schema_values.conversation import ConversationTexts
from mockllm.core.schema_values.field_kinds import FROM, TO, VAGUE, WHOLE_PLACES, EntityKind, kinds_of
from mockllm.core.schema_values.field_search import EnumChoice, FieldSearch, choices_of
from mockllm.core.schema_values.text_entities import FoundValue, Places, TextEntities
from mockllm.core.word_stems import name_stems

_MAX_COMPARISONS: Final = 3_000
"""The most distances that are measured for one value."""
_NEAR: Final = 60
"""The most half characters between a value and a word of the field's name."""
_ADJACENT: Final = 16
"""A number so many half characters from another field's name is that field's."""
_MAX_RESULT: Final = 500
_MAX_ITEMS: Final = 16
_TRUTHS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_START: Final = attrgetter("start")
_PREPOSITIONS: Final = ("in", "at", "near", "for", "to", "from", "of", "around")


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
        self._texts, self._question, self._results = (
            conversation.texts,
            conversation.question,
            conversation.results,
        )
        self._fields, self._stems = fields.names, fields.stems
        self._used: set[tuple[int, int]] = set()
        self._pairs: dict[str, str] = {}
        self._comparisons = 0

    def offer(self, field: FieldSearch, drawn: Json) -> Json | Missing:
        """Return a value for a field; MISSING where none fits. `drawn`: the value that the field has otherwise."""
        if field.is_const or self._comparisons > _MAX_COMPARISONS:
            return MISSING
        if field.choices is not None:
            return next(iter(self._mentioned(field, field.choices)), MISSING)
        if isinstance(drawn, str):
            return self._text(field)
        if isinstance(drawn, bool):
            return _TRUTHS.get(self._paired(field.key).lower(), MISSING)
        if isinstance(drawn, int | float):
            return self._number(field)
        if isinstance(drawn, list) and drawn and not isinstance(drawn[0], dict | list):
            return self._items(field, drawn[0])
        return MISSING

    # --- numbers ---------------------------------------------------------------------------------------

    def _number(self, field: FieldSearch) -> Json | Missing:
        paired = self._paired(field.key)
        if paired and (named := _as_number(paired)) is not None:
            return named
        for entities in self._texts:
            places = entities.places_of(
                field.beside
            )  # most texts have none of the words, and need no numbers
            if places and (found := self._nearest_place(entities, entities.numbers, places)):
                return self._use(entities, found)
        if field.is_result:
            for entities in self._results:
                if entities.numbers:
                    return entities.numbers[0].value
        return self._unnamed_number(field) if field.required else MISSING

    def _unnamed_number(self, field: FieldSearch) -> Json | Missing:
        """Return the first number of the last text that is neither used nor beside another field's name."""
        entities, usual = self._question, field.usual
        if not entities.numbers:
            return MISSING
        named = self._named_places
        others = [place for word in named if word not in field.stems for place in named[word]]
        for found in entities.numbers:
            if not self._is_free(entities, found) or (
                usual is not None and not _is_usual(found.value, usual)
            ):
                continue
            if self._gap(entities, found, others) > _ADJACENT:
                return self._use(entities, found)
        return MISSING

    @cached_property
    def _named_places(self) -> Mapping[str, Places]:
        """The places of the words of all fields' names in the last text."""
        text = self._question.folded
        return {word: self._question.places(word) for word in self._stems if word in text}

    # --- texts -----------------------------------------------------------------------------------------

    def _text(self, field: FieldSearch) -> Json | Missing:
        kinds, formatted = field.kinds, "format" in field.facets
        paired = self._paired(field.key)
        if paired and not formatted and "question" not in kinds:
            return paired
        for kind in kinds:
            value = self._of_kind(kind, field)
            if value is not None:
                return value
        if formatted or not field.required:
            return MISSING
        quoted = self._quoted(field)
        if quoted is None and not VAGUE.isdisjoint(field.stems):
            return self._question.phrase or MISSING
        return MISSING if quoted is None else quoted

    def _of_kind(self, kind: EntityKind, field: FieldSearch) -> str | None:
        if kind == "question":
            return self._quoted(field) or self._question.phrase
        if kind == "result":
            return next((entities.text[:_MAX_RESULT].strip() for entities in self._results), None)
        if kind == "names":
            return self._name(field)
        if kind == "places":
            return self._place(field)
        for entities in self._texts:
            every: Sequence[FoundValue] = getattr(entities, kind)
            values = [each for each in every if self._is_free(entities, each)] if every else ()
            if values:
                nearest = self._nearest(entities, values, field.words) or values[0]
                return str(self._use(entities, nearest))
        return None

    def _quoted(self, field: FieldSearch) -> str | None:
        """Return the quoted text that is nearest to the field's name, else the first one."""
        entities = self._question
        if not entities.quoted:
            return None
        values = [
            each
            for each in entities.quoted
            if self._is_free(entities, each) and each.value not in self._fields
        ]
        found = self._nearest(entities, values, field.words) or next(iter(values), None)
        return None if found is None else str(self._use(entities, found))

    def _name(self, field: FieldSearch) -> str | None:
        stems = field.stems
        for entities in self._texts:
            values = [each for each in entities.quoted if each.value not in self._fields]
            found = self._nearest(entities, values, [*field.words, "named", "called"])
            if found is None:
                names = [each for each in entities.names if self._is_free(entities, each)]
                names = [
                    each for each in names if _word_before(entities.text, each) not in ("in", "at", "near")
                ]
                found = self._nearest(entities, names, field.words) or next(iter(names), None)
            if found is not None:
                if not {"first", "given", "last", "family", "surname", "firstname", "lastname"}.isdisjoint(
                    stems
                ):
                    words = str(found.value).split()
                    return words[0] if {"first", "given", "firstname"}.intersection(stems) else words[-1]
                return str(self._use(entities, found))
        return None

    def _place(self, field: FieldSearch) -> str | None:
        stems = field.stems
        wanted = (
            ("from",) if FROM.intersection(stems) else ("to",) if TO.intersection(stems) else _PREPOSITIONS
        )
        for entities in self._texts:
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

    def _mentioned(self, field: FieldSearch, choices: Sequence[EnumChoice], most: int = 1) -> list[str]:
        """Return the items of an enum that a text has: those of no other field, and the nearest to the field's name,
        first."""
        paired = self._paired(field.key).lower()
        for entities in self._texts:
            found: list[tuple[bool, int, FoundValue]] = []
            named: Places | None = None
            for choice in choices:
                if choice.lower == paired:
                    return [choice.value]
                start = _position(entities, choice)
                if start >= 0:
                    place = FoundValue(choice.value, start, start + len(choice.value))
                    if named is None:
                        named = entities.places_of(field.stems)
                    gap = self._gap(entities, place, named)
                    found.append((not self._is_free(entities, place), min(gap, _NEAR), place))
            if found:
                found.sort(key=lambda each: (*each[:2], each[2].start))
                return [str(self._use(entities, place)) for *_, place in found[:most]]
        return []

    def _items(self, field: FieldSearch, first: Json) -> Json | Missing:
        """Return a list of all values of the kind that its items have."""
        items, required = field.facets.get("items"), field.required
        most = min(field.facets.get("maxItems", _MAX_ITEMS), _MAX_ITEMS)
        if isinstance(items, Mapping) and "enum" in items:
            return self._mentioned(field, choices_of(items["enum"]), most) or MISSING
        entities = self._question
        kinds = kinds_of(field.context, items.get("format") if isinstance(items, Mapping) else None)
        values: Sequence[FoundValue] = ()
        if isinstance(first, int | float) and not isinstance(first, bool):
            values = entities.numbers if required else ()
        elif isinstance(first, str):
            kind = next((kind for kind in kinds if kind not in ("places", "question", "result")), None)
            values = entities.quoted if kind is None and required else getattr(entities, kind) if kind else ()
        free = [each for each in values if self._is_free(entities, each) and each.value not in self._fields]
        return [self._use(entities, each) for each in free[:most]] or MISSING

    # --- nearness --------------------------------------------------------------------------------------

    def _paired(self, key: str) -> str:
        """Return the value after the field's name, as after a key; empty where there is none."""
        known = self._pairs.get(key)
        if known is not None:
            return known
        value = None
        for entities in self._texts:
            joined = entities.joined
            if joined is not None and key not in joined:  # most texts
                continue
            value = entities.paired(key)
            if value is not None:
                break
        self._pairs[key] = found = value or ""
        return found

    def _nearest(
        self, entities: TextEntities, values: Sequence[FoundValue], words: Sequence[str]
    ) -> FoundValue | None:
        """Return the unused value that is nearest to one of the words; None where none is near."""
        return self._nearest_place(entities, values, entities.places_of(words)) if values else None

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


def _position(entities: TextEntities, choice: EnumChoice) -> int:
    """Return where a text has an item of an enum as a word; -1 where it does not. One letter must be as written."""
    length = len(choice.value)
    for spelling in choice.spellings:
        start = entities.folded.find(spelling) if length > 1 else entities.text.find(choice.value)
        if start >= 0 and _is_word(entities.text, start, start + length):
            return start
    for word in choice.synonyms:
        for place in entities.places(word):
            return place[0]
    return -1


def _is_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before.isalnum() or after.isalnum())
