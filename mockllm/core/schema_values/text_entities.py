"""Values in one text of a conversation: numbers, quoted texts, names, dates, addresses, pairs of a key and a value.

Every pattern is linear in the text, and the caller bounds the text, so that the entities of one text cost well under
a millisecond. A kind of value is searched only when a field needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.schema_values.entity_patterns import (
    AFTER_JSON_VALUE,
    AFTER_KEY,
    CODE,
    COMMON,
    DATE_AFTER_YEAR,
    DATE_BEFORE_YEAR,
    EMAIL,
    EXPRESSION,
    IPV4,
    IPV4_SIGN,
    KEY_SEPARATORS,
    LOWER_PLACE,
    MAX_BEFORE_YEAR,
    MOMENT,
    MOMENT_SIGN,
    MONTHS,
    NAME,
    NUMBER,
    NUMBER_WORD,
    NUMBER_WORDS,
    OPERATOR,
    OPERATORS,
    PAIR,
    PAIR_SIGNS,
    PATH,
    PATH_SIGN,
    PHONE,
    PHRASE_END,
    QUOTED,
    QUOTES,
    SUBJECT,
    TIME,
    TIME_SIGN,
    URL,
    UUID,
    UUID_SIGN,
    WORD,
    YEAR,
)
from mockllm.core.word_stems import stem

MAX_FOUND: Final = 32
"""The most values of one kind that are read from a text."""
_MAX_YEARS: Final = 64
"""The most years near which a date is searched."""
_MAX_PLACES: Final = 8
_MAX_PHRASE: Final = 200
_MAX_REMEMBERED: Final = 64
"""The most words whose places a text remembers, and the most keys: agents repeat their texts and their fields."""
_MAX_SEARCHED: Final = 64
"""Occurrences of a word, also within others, that are searched one by one for its places."""


Places: TypeAlias = Sequence[tuple[int, int]]
"""Where words begin and end in a text."""


class FoundValue(Struct, frozen=True):
    """A value and its place in the text, in characters."""

    value: Json
    start: int
    end: int


class TextEntities:
    """The values in one text, by their kind, in the order of the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._places: dict[str, Places] = {}
        self._paired: dict[str, str | None] = {}

    @cached_property
    def folded(self) -> str:
        """The text in lower case, with each character in its place."""
        return lower_case(self.text)

    @cached_property
    def phrase(self) -> str | None:
        """The words of the text up to a maximum, if there are several."""
        text = " ".join(self.text.split())
        if " " not in text:
            return None
        return text if len(text) <= _MAX_PHRASE else text[:_MAX_PHRASE].rpartition(" ")[0]

    def places_of(self, words: Iterable[str]) -> Places:
        """Return the places of all words with these stems, at most eight for each stem."""
        text, found = self.folded, None  # most texts have none of the words
        for word in words:
            if word in text:
                places = self.places(word)
                found = places if found is None else [*found, *places]
        return found or ()

    def places(self, word: str) -> Places:
        """Return the places of the words with this stem, at most eight."""
        places = self._places.get(word)
        if places is None:
            places = self._found_places(word)
            if len(self._places) < _MAX_REMEMBERED:
                self._places[word] = places
        return places

    def _found_places(self, word: str) -> Places:
        text = self.folded
        end = text.find(word)
        if end < 0:
            return ()
        found: list[tuple[int, int]] = []
        plural = len(word) > 2 and word[-1] != "s"
        for _ in range(_MAX_SEARCHED):
            start = text.find(word, end)
            if start < 0 or len(found) == _MAX_PLACES:
                return found
            end = start + len(word)
            if not text[start - 1 : start].isalpha():
                after = end + (plural and text[end : end + 1] == "s")
                if not text[after : after + 1].isalpha():
                    found.append((start, after))
        return self._words.get(word, ())

    @cached_property
    def _words(self) -> Mapping[str, list[tuple[int, int]]]:
        """The places of each word, by its stem."""
        places: dict[str, list[tuple[int, int]]] = {}
        for word in WORD.finditer(self.text):
            found = places.setdefault(stem(word[0]), [])
            if len(found) < _MAX_PLACES:
                found.append(word.span())
        return places

    def paired(self, key: str) -> str | None:
        """Return the value after a key, as `pairs` has it."""
        if key in self._paired:
            return self._paired[key]
        value = self.pairs.get(key) if self._may_pair(key) else None
        if len(self._paired) < _MAX_REMEMBERED:
            self._paired[key] = value
        return value

    def _may_pair(self, key: str) -> bool:
        """Return whether the text has the key before a sign or word that `pairs` reads."""
        joined = self.joined
        if joined is None or not key:
            return True
        end = 0
        for _ in range(MAX_FOUND):
            end = joined.find(key, end) + len(key)
            if end < len(key):
                return False
            if joined.startswith(AFTER_KEY, end):
                return True
        return True

    @cached_property
    def joined(self) -> str | None:
        """The text in lower case without the separators that a key may have; None where lower case depends on
        neighbours."""
        if "Σ" in self.text:
            return None
        lower = self.folded.encode(errors="surrogatepass")  # quicker than to replace three characters
        return lower.translate(None, b" _-").decode(errors="surrogatepass")

    @cached_property
    def numbers(self) -> list[FoundValue]:
        """Numbers outside of addresses, dates and identifiers; where there is none, those written as words."""
        numbers = list(self._matches(NUMBER))
        alone = all(self._is_json_value(each) for each in numbers)
        kinds = () if alone else ("urls", "emails", "uuids", "ips", "dates", "moments", "times")
        taken = sorted((each.start, each.end) for kind in kinds for each in getattr(self, kind))
        found, until, following = [], 0, 0
        for each in numbers:
            while following < len(taken) and taken[following][0] <= each.start():
                until = max(until, taken[following][1])
                following += 1
            if each.start() < until:
                continue
            plain = each[0].replace(",", "")
            found.append(FoundValue(float(plain) if "." in plain else int(plain), *each.span()))
        if found or not any(word in self.folded for word in NUMBER_WORDS):
            return found
        return [
            FoundValue(NUMBER_WORDS[each[0].lower()], *each.span()) for each in self._matches(NUMBER_WORD)
        ]

    @cached_property
    def quoted(self) -> list[FoundValue]:
        if not any(mark in self.text for mark in QUOTES):
            return []
        return [
            FoundValue(text, *each.span())
            for each in self._matches(QUOTED)
            if (text := next(filter(None, each.groups())).strip())
        ]

    @cached_property
    def urls(self) -> list[FoundValue]:
        if "://" not in self.text:
            return []
        return [FoundValue(each[0].rstrip(".,;:!?"), *each.span()) for each in self._matches(URL)]

    @cached_property
    def emails(self) -> list[FoundValue]:
        return self._plain(EMAIL) if "@" in self.text else []

    @cached_property
    def uuids(self) -> list[FoundValue]:
        return self._plain(UUID) if UUID_SIGN.search(self.text) else []

    @cached_property
    def ips(self) -> list[FoundValue]:
        """IPv4 addresses. A search at each sign is quicker than one at each digit."""
        found: list[FoundValue] = []
        end = 0
        for sign in IPV4_SIGN.finditer(self.text):
            for start in range(max(end, sign.start() - 3), sign.start()):  # up to three digits are in front
                if len(found) < MAX_FOUND and (each := IPV4.match(self.text, start)):
                    end = each.end()
                    found.append(FoundValue(each[0], *each.span()))
                    break
        return found

    @cached_property
    def paths(self) -> list[FoundValue]:
        if PATH_SIGN.search(self.text) is None:
            return []
        return [each for each in self._plain(PATH) if not self._within(each, (*self.urls, *self.emails))]

    @cached_property
    def phones(self) -> list[FoundValue]:
        return self._plain(PHONE)

    @cached_property
    def codes(self) -> list[FoundValue]:
        """Identifiers with a digit."""
        taken = (*self.urls, *self.emails, *self.dates)
        found = [FoundValue(each[0].lstrip("#"), *each.span()) for each in self._matches(CODE)]
        return [each for each in found if not self._within(each, taken)]

    @cached_property
    def dates(self) -> list[FoundValue]:
        """Dates as `2025-01-31`."""
        found, free = [], 0
        for year in self._matches(YEAR, _MAX_YEARS):
            start, end = year.span()
            if date := DATE_AFTER_YEAR.match(self.text, end):
                month, day, end = int(date[1]), int(date[2]), date.end()
            elif self._has_month and (
                date := DATE_BEFORE_YEAR.search(self.text, max(free, start - MAX_BEFORE_YEAR), start)
            ):
                month, day = MONTHS[(date[1] or date[4]).lower()], int(date[2] or date[3])
                start = date.start()
            else:
                continue
            free = end
            if 1 <= month <= 12 and 1 <= day <= 31:
                found.append(FoundValue(f"{year[0]}-{month:02}-{day:02}", start, end))
        return found[:MAX_FOUND]

    @cached_property
    def _has_month(self) -> bool:
        return any(month in self.folded for month in MONTHS)

    @cached_property
    def moments(self) -> list[FoundValue]:
        """Dates with a time, as RFC 3339 writes them; in UTC where the text names no zone."""
        found: list[FoundValue] = []
        for sign in self._matches(MOMENT_SIGN):
            each = MOMENT.match(self.text, max(0, sign.start() - 4))  # the year is in front
            if each is None:
                continue
            text = each[0].replace(" ", "T")
            clock = text[11:]
            zone = "" if clock.endswith("Z") or "+" in clock or "-" in clock else "Z"
            seconds = ":00" if len(clock) == 5 else ""
            found.append(FoundValue(f"{text}{seconds}{zone}", *each.span()))
        return found

    @cached_property
    def times(self) -> list[FoundValue]:
        """Times of day as `14:30`."""
        found: list[FoundValue] = []
        if TIME_SIGN.search(self.text) is None:
            return found
        for each in self._matches(TIME):
            hour = int(each[1]) % 12 + 12 * (each[3].lower() == "p") if each[3] else int(each[1])
            if hour < 24 and int(each[2]) < 60:
                found.append(FoundValue(f"{hour:02}:{each[2]}", *each.span()))
        return found

    @cached_property
    def names(self) -> list[FoundValue]:
        """Words with capitals that are not the usual start of a sentence, joined where they follow each other."""
        found = []
        for each in self._matches(NAME):
            text, start = each[0], each.start()
            while text:  # "Hello Bob", "Is Paris nice"
                first, _, rest = text.partition(" ")
                if first.strip(",").lower() not in COMMON:
                    break
                start += len(text) - len(rest)
                text = rest
            if text and not (len(text) == 1 and text in "AI"):
                found.append(FoundValue(text, start, each.end()))
        return found

    @cached_property
    def lower_places(self) -> list[FoundValue]:
        """Words in lower case that may be a place: "the weather in paris"."""
        return [
            FoundValue(each[1], *each.span(1))
            for each in self._matches(LOWER_PLACE)
            if each[1] not in COMMON and not each[1].endswith(("celsius", "fahrenheit"))
        ]

    @cached_property
    def subjects(self) -> list[FoundValue]:
        """The subject of the text, by the word `about`."""
        return [FoundValue(each[1].strip(), *each.span(1)) for each in self._matches(SUBJECT)]

    @cached_property
    def expressions(self) -> list[FoundValue]:
        """Arithmetic, with operators in place of words."""
        found = []
        for each in self._matches(EXPRESSION):
            text = OPERATOR.sub(lambda word: f" {OPERATORS[word[0]]} ", each[0])
            found.append(FoundValue(" ".join(text.split()).rstrip("."), *each.span()))
        return found

    @cached_property
    def pairs(self) -> Mapping[str, str]:
        """Values after a key: `city: Paris`, `"city": "Paris"`, `the city is Paris`. The first of a key
        counts; keys are in lower case without separators, alone and with the word before them."""
        pairs: dict[str, str] = {}
        if not any(sign in self.text for sign in PAIR_SIGNS):
            return pairs
        for each in self._matches(PAIR, MAX_FOUND * 2):
            words = KEY_SEPARATORS.split(each[1].lower())
            whole = "".join(words)
            if whole in pairs and words[-1] in pairs:  # as in each line of a log
                continue
            value = each[each.lastindex or 0].strip()
            if each.lastindex == PAIR.groups:  # without quotes
                end = PHRASE_END.search(value)
                value = value[: end.start() if end else None].strip(" .\"'`*")
            if value:
                pairs.setdefault(whole, value)
                pairs.setdefault(words[-1], value)
        return pairs

    def _is_json_value(self, number: re.Match[str]) -> bool:
        """Return whether a number is a member of a JSON object: then it is no part of an address, a date or a time.
        Results of tools have such numbers."""
        start, end = number.span()
        before = self.text[max(0, start - 3) : start]
        return before.endswith(('":', '": ')) and self.text[end : end + 1] in AFTER_JSON_VALUE

    def _matches(self, pattern: re.Pattern[str], most: int = MAX_FOUND) -> Iterator[re.Match[str]]:
        return islice(pattern.finditer(self.text), most)

    def _plain(self, pattern: re.Pattern[str]) -> list[FoundValue]:
        return [FoundValue(each[0], *each.span()) for each in self._matches(pattern)]

    @staticmethod
    def _within(value: FoundValue, others: tuple[FoundValue, ...]) -> bool:
        return any(other.start <= value.start < other.end for other in others)


def lower_case(text: str) -> str:
    """Return a text in lower case, with as many characters: `İ` alone has two in its lower case."""
    return text.replace("İ", "i").lower()
