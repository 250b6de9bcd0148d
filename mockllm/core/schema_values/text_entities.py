"""Values in one text of a conversation: numbers, quoted texts, names, dates, addresses, pairs of a key and a value.

Every pattern is linear in the text, and the caller bounds the text, so that the entities of one text cost well under
a millisecond. A kind of value is searched only when a field needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.lazy import lazy
from mockllm.core.text_cache import text_cache
from mockllm.core.word_stems import stem

MAX_FOUND: Final = 32
"""The most values of one kind that are read from a text."""
MAX_CACHED: Final = 128
"""The texts whose entities are cached."""
MAX_CACHED_LENGTH: Final = 1_500
"""The most characters of such a text. Its entities take at most about fifty times as many bytes."""
_MAX_PLACES: Final = 8
_MAX_SEARCHED: Final = 64
"""Occurrences of a word, also within others, that are searched one by one for its places."""
_MAX_QUOTED: Final = 300
"""The most characters of a quoted text."""


class FoundValue(Struct, frozen=True):
    """A value and its place in the text, in characters."""

    value: Json
    start: int
    end: int


_URL: Final = re.compile(r"https?://[^\s<>\"'`)\]]{1,300}")
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_UUID: Final = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_IPV4: Final = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_PATH: Final = re.compile(
    r"(?<![\w/.:-])(?:[~.]{0,2}/)?(?:[\w.-]{1,80}/){0,8}[\w-]{1,80}\.[A-Za-z]\w{0,5}\b|(?<![\w/.:-])/[\w./-]{1,200}"
)
_PATH_SIGN: Final = re.compile(r"/|\.[A-Za-z]")
"""Each path has one."""
_PHONE: Final = re.compile(r"(?<![\w+])\+?\d{1,3}(?:[ ()-]{1,2}\d{2,4}){2,4}(?!\w)")
_CODE: Final = re.compile(r"(?<![\w-])#?(?=[\w-]{0,20}\d)[A-Za-z\d][\w-]{1,40}(?![\w-])")
_NUMBER: Final = re.compile(
    r"[-\d](?:(?<![\w.,#-].)(?:(?<=-)\d{1,15}|(?<=\d)\d{0,14})(?:,\d{3})*(?:\.\d{1,12})?(?!\w)(?![.,]\d)"
    r"|(?<=\$\d)\d{0,14}(?:\.\d\d)?)"
)
"""A sign or a digit comes first, and what may not be in front of it second: so `re` skips all other characters."""
_AFTER_JSON_VALUE: Final = frozenset((",", "}", "]", "\n", ""))
_NUMBER_WORD: Final = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b", re.IGNORECASE
)
_NUMBER_WORDS: Final = {
    word: number
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 2
    )
}
_QUOTED: Final = re.compile(
    rf"\"([^\"\n]{{1,{_MAX_QUOTED}}})\"|`([^`\n]{{1,{_MAX_QUOTED}}})`|“([^”\n]{{1,{_MAX_QUOTED}}})”"
    rf"|«([^»\n]{{1,{_MAX_QUOTED}}})»|「([^」\n]{{1,{_MAX_QUOTED}}})」"
    rf"|(?<!\w)'([^'\n]{{1,{_MAX_QUOTED}}})'(?!\w)"
)
_QUOTES: Final = "\"`'“«「"
"""Each quoted text begins with one."""
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH: Final = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_YEAR: Final = re.compile(r"\d(?<!\w\d)\d\d\d(?!\w)")
"""Each date has one. A digit comes first, so that `re` skips all other characters."""
_DATE: Final = re.compile(
    rf"\b(\d{{4}})-(\d\d)-(\d\d)(?!\d)|\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b"
    rf"|\b(\d{{1,2}})(?:st|nd|rd|th)?\.? (?:of )?{_MONTH},? (\d{{4}})\b",
    re.IGNORECASE,
)
_MOMENT: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?")
_TIME_SIGN: Final = re.compile(r":\d\d")
"""Each time of day has one."""
_TIME: Final = re.compile(r"(?<![\d:])(\d{1,2}):(\d\d)(?::\d\d)?(?: ?([ap])\.?m\b)?(?![\d:])", re.IGNORECASE)
_NAME: Final = re.compile(
    r"(?<![\w'’])[A-Z][\w'’-]{0,40}(?: (?:(?:de|da|la|van|von|del|of|the) )?[A-Z][\w'’-]{0,40}){0,4}"
    r"(?:, [A-Z]\w{1,30})?"
)
_LOWER_PLACE: Final = re.compile(r"\b(?:in|at|near|for|from|to) ([a-z]{3,30})\b(?![\w.+-]{0,64}@)")
_SUBJECT: Final = re.compile(r"\babout (?:the |a |an )?([^.?!,;:\n\"]{2,80})")
_EXPRESSION: Final = re.compile(
    r"(?<![\w.])[\d(][\d.() ]{0,20}+"
    r"(?:(?:[-+*/^%×÷]|plus|minus|times|divided by|multiplied by) ?[\d.() ]{1,20}+){1,16}+"
)
_OPERATORS: Final = {
    "plus": "+",
    "minus": "-",
    "times": "*",
    "multiplied by": "*",
    "divided by": "/",
    "×": "*",
    "÷": "/",
}
_OPERATOR: Final = re.compile("plus|minus|times|multiplied by|divided by|×|÷")
_PAIR: Final = re.compile(
    r"([A-Za-z_](?<!\w[A-Za-z_])[\w-]{0,40}+(?: [A-Za-z]\w{0,20}+)?)[\"'`*]{0,2}+"
    r"(?: ?[:=] ?| is (?:called |named )?| named | called )"
    r"(?:\"([^\"\n]{1,300})\"|'([^'\n]{1,300})'|`([^`\n]{1,300})`|([^\s,;{}\[\]\"'`][^,;{}\[\]\n\"]{0,120}))"
)
_AFTER_KEY: Final = (":", "=", "is", "named", "called", '"', "'", "`", "*")
"""The text that follows a key of a pair at once, without the spaces."""
_WORD: Final = re.compile(r"[^\W\d_]{1,40}", re.UNICODE)
_COMMON_WORDS: Final = (
    "a about add after all also an and answer any are as ask assistant at be been before being book build but buy "
    "calculate call can change check compute convert could create delete describe do does each every explain "
    "extract fetch fill find first for format from generate get give go had has he hello help her here hers hey hi "
    "him his how i i'd i'll i'm if in is it its json just keep let let's list look make many may me multiply my "
    "name new next no not now of ok okay on only open or order our parse plan play please provide put question read "
    "record remove reply reserve respond return run save say schedule search send set she should show so some start "
    "stop subtract sum summarize tell thank thanks that the their them then there these they this those to today "
    "tomorrow tool translate try turn update use user using very was we what what's when where which who whose why "
    "will with work would write yes you your"
)
_COMMON: Final = frozenset(_COMMON_WORDS.split())
"""Words that begin with a capital only at the start of a sentence."""


class TextEntities:
    """The values in one text, by their kind, in the order of the text."""

    def __init__(self, text: str) -> None:
        self.text = text

    @lazy
    def folded(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    def places(self, word: str) -> Sequence[tuple[int, int]]:
        """Return the places of the words with this stem, at most eight."""
        text = self.folded
        end = text.find(word)
        if end < 0:
            return ()
        if not self.text.isascii():
            return self._words.get(word, ())
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

    @lazy
    def _words(self) -> Mapping[str, list[tuple[int, int]]]:
        """The places of each word, by its stem."""
        places: dict[str, list[tuple[int, int]]] = {}
        for word in _WORD.finditer(self.text):
            found = places.setdefault(stem(word[0]), [])
            if len(found) < _MAX_PLACES:
                found.append(word.span())
        return places

    def paired(self, key: str) -> str | None:
        """Return the value after a key, as `pairs` has it."""
        return self.pairs.get(key) if self._may_pair(key) else None

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
            if joined.startswith(_AFTER_KEY, end):
                return True
        return True

    @lazy
    def joined(self) -> str | None:
        """The text in lower case without the separators that a key may have; None where lower case may depend on
        neighbours."""
        return self.folded.encode().translate(None, b" _-").decode() if self.text.isascii() else None

    @lazy
    def numbers(self) -> list[FoundValue]:
        """Numbers outside of addresses, dates and identifiers; where there is none, those written as words."""
        numbers = list(self._matches(_NUMBER))
        alone = all(self._is_json_value(each) for each in numbers)
        kinds = () if alone else ("urls", "emails", "uuids", "ips", "dates", "moments", "times")
        taken = [(each.start, each.end) for kind in kinds for each in getattr(self, kind)]
        found = []
        for each in numbers:
            if any(start <= each.start() < end for start, end in taken):
                continue
            plain = each[0].replace(",", "")
            found.append(FoundValue(float(plain) if "." in plain else int(plain), *each.span()))
        if found or not any(word in self.folded for word in _NUMBER_WORDS):
            return found
        return [
            FoundValue(_NUMBER_WORDS[each[0].lower()], *each.span()) for each in self._matches(_NUMBER_WORD)
        ]

    @lazy
    def quoted(self) -> list[FoundValue]:
        if not any(mark in self.text for mark in _QUOTES):
            return []
        return [
            FoundValue(text, *each.span())
            for each in self._matches(_QUOTED)
            if (text := next(filter(None, each.groups())).strip())
        ]

    @lazy
    def urls(self) -> list[FoundValue]:
        if "://" not in self.text:
            return []
        return [FoundValue(each[0].rstrip(".,;:!?"), *each.span()) for each in self._matches(_URL)]

    @lazy
    def emails(self) -> list[FoundValue]:
        return self._plain(_EMAIL) if "@" in self.text else []

    @lazy
    def uuids(self) -> list[FoundValue]:
        return self._plain(_UUID) if self.text.count("-") >= 4 else []

    @lazy
    def ips(self) -> list[FoundValue]:
        return self._plain(_IPV4) if self.text.count(".") >= 3 else []

    @lazy
    def paths(self) -> list[FoundValue]:
        if _PATH_SIGN.search(self.text) is None:
            return []
        return [each for each in self._plain(_PATH) if not self._within(each, (*self.urls, *self.emails))]

    @lazy
    def phones(self) -> list[FoundValue]:
        return self._plain(_PHONE)

    @lazy
    def codes(self) -> list[FoundValue]:
        """Identifiers with a digit."""
        taken = (*self.urls, *self.emails, *self.dates)
        found = [FoundValue(each[0].lstrip("#"), *each.span()) for each in self._matches(_CODE)]
        return [each for each in found if not self._within(each, taken)]

    @lazy
    def dates(self) -> list[FoundValue]:
        """Dates as `2025-01-31`."""
        found: list[FoundValue] = []
        if _YEAR.search(self.text) is None:
            return found
        for each in self._matches(_DATE):
            year, month, day, name, day2, year2, day3, name2, year3 = each.groups()
            if year is None:
                year, day = year2 or year3, day2 or day3
                number = next(
                    n for n, full in enumerate(_MONTHS, 1) if full.startswith((name or name2).lower())
                )
                month = str(number)
            if 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
                found.append(FoundValue(f"{year}-{int(month):02}-{int(day):02}", *each.span()))
        return found

    @lazy
    def moments(self) -> list[FoundValue]:
        """Dates with a time, as RFC 3339 writes them; in UTC where the text names no zone."""
        found: list[FoundValue] = []
        if "-" not in self.text:
            return found
        for each in self._matches(_MOMENT):
            text = each[0].replace(" ", "T")
            clock = text[11:]
            zone = "" if clock.endswith("Z") or "+" in clock or "-" in clock else "Z"
            seconds = ":00" if len(clock) == 5 else ""
            found.append(FoundValue(f"{text}{seconds}{zone}", *each.span()))
        return found

    @lazy
    def times(self) -> list[FoundValue]:
        """Times of day as `14:30`."""
        found: list[FoundValue] = []
        if _TIME_SIGN.search(self.text) is None:
            return found
        for each in self._matches(_TIME):
            hour = int(each[1]) % 12 + 12 * (each[3].lower() == "p") if each[3] else int(each[1])
            if hour < 24 and int(each[2]) < 60:
                found.append(FoundValue(f"{hour:02}:{each[2]}", *each.span()))
        return found

    @lazy
    def names(self) -> list[FoundValue]:
        """Words with capitals that are not the usual start of a sentence, joined where they follow each other."""
        found = []
        for each in self._matches(_NAME):
            text, start = each[0], each.start()
            while text:  # "Hello Bob", "Is Paris nice"
                first, _, rest = text.partition(" ")
                if first.strip(",").lower() not in _COMMON:
                    break
                start += len(text) - len(rest)
                text = rest
            if text and not (len(text) == 1 and text in "AI"):
                found.append(FoundValue(text, start, each.end()))
        return found

    @lazy
    def lower_places(self) -> list[FoundValue]:
        """Words in lower case that may be a place: "the weather in paris"."""
        return [
            FoundValue(each[1], *each.span(1))
            for each in self._matches(_LOWER_PLACE)
            if each[1] not in _COMMON and not each[1].endswith(("celsius", "fahrenheit"))
        ]

    @lazy
    def subjects(self) -> list[FoundValue]:
        """The subject of the text, by the word `about`."""
        return [FoundValue(each[1].strip(), *each.span(1)) for each in self._matches(_SUBJECT)]

    @lazy
    def expressions(self) -> list[FoundValue]:
        """Arithmetic, with operators in place of words."""
        found = []
        for each in self._matches(_EXPRESSION):
            text = _OPERATOR.sub(lambda word: f" {_OPERATORS[word[0]]} ", each[0])
            found.append(FoundValue(" ".join(text.split()).rstrip("."), *each.span()))
        return found

    @lazy
    def pairs(self) -> Mapping[str, str]:
        """Values after a key: `city: Paris`, `"city": "Paris"`, `the city is Paris`. The first of a key
        counts; keys are in lower case without separators, alone and with the word before them."""
        pairs: dict[str, str] = {}
        for each in self._matches(_PAIR, MAX_FOUND * 2):
            key, *values = each.groups()
            value = next(filter(None, values)).strip()
            if values[-1] is not None:
                value = _first_phrase(value)
            words = re.split(r"[\s_-]+", key.lower())
            for name in ("".join(words), words[-1]):
                if value:
                    pairs.setdefault(name, value)
        return pairs

    def _is_json_value(self, number: re.Match[str]) -> bool:
        """Return whether a number is a member of a JSON object: then it is no part of an address, a date or a time.
        Results of tools have such numbers."""
        start, end = number.span()
        before = self.text[max(0, start - 3) : start]
        return before.endswith(('":', '": ')) and self.text[end : end + 1] in _AFTER_JSON_VALUE

    def _matches(self, pattern: re.Pattern[str], most: int = MAX_FOUND) -> Iterator[re.Match[str]]:
        for _, found in zip(range(most), pattern.finditer(self.text), strict=False):
            yield found

    def _plain(self, pattern: re.Pattern[str]) -> list[FoundValue]:
        return [FoundValue(each[0], *each.span()) for each in self._matches(pattern)]

    @staticmethod
    def _within(value: FoundValue, others: tuple[FoundValue, ...]) -> bool:
        return any(other.start <= value.start < other.end for other in others)


def entities_of_each(texts: Sequence[str]) -> list[TextEntities]:
    """Return the entities of each text. Agents repeat their texts, so the entities of short ones are cached. Equal
    texts have separate entities, because a value is taken from one text only."""
    known: set[str] = set()
    found = []
    for text in texts:
        found.append(TextEntities(text) if text in known else _cached_entities(text))
        known.add(text)
    return found


@text_cache(MAX_CACHED, MAX_CACHED_LENGTH)
def _cached_entities(text: str) -> TextEntities:
    return TextEntities(text)


def _first_phrase(text: str) -> str:
    """Return a bare value up to the end of its sentence or the next clause."""
    return re.split(r"(?<!\d)\.(?=\s|$)|[?!](?=\s|$)| and | but | with | in | at ", text, maxsplit=1)[
        0
    ].strip(" .\"'`*")
