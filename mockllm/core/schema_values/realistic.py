"""Tables of realistic values by the name and description of a field: a `city` is a city, a `price` has decimals.

The words of a name come first (`departure_city`, `departureCity`), the last word before the others. For a vague name
(`location`, `value`) the description comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from random import Random
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct

from mockllm.core.randomness import below
from mockllm.core.reply.chunking import filler_sentence
from mockllm.core.text_cache import text_cache

T = TypeVar("T")
Words: TypeAlias = Sequence[str] | Callable[[Random], str]
"""Texts to choose from, or a function that generates one."""


class FieldContext(Struct, frozen=True):
    """A field of a schema: its name, its description, and the name of the field that contains it."""

    name: str = ""
    description: str = ""
    owner: str = ""

    @property
    def short(self) -> bool:
        """Whether what follows from the field is cached."""
        return len(self.name) + len(self.description) + len(self.owner) <= MAX_CACHED_LENGTH


MAX_CACHED_FIELDS: Final = 1024
MAX_CACHED_LENGTH: Final = 512
"""The most fields that are cached, and the most characters of one."""

CITIES: Final = ("Paris", "London", "Berlin", "Tokyo", "Madrid", "Oslo", "Toronto", "Lisbon")
COUNTRIES: Final = ("France", "Germany", "Japan", "Canada", "Portugal", "Norway")
FIRST: Final = ("Alice", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Hugo")
LAST: Final = ("Martin", "Keller", "Sato", "Novak", "Rossi", "Larsen", "Costa", "Brown")
PEOPLE: Final = tuple(f"{first} {last}" for first, last in zip(FIRST, LAST, strict=True))
PRODUCTS: Final = ("Desk Lamp", "Wireless Mouse", "Espresso Machine", "Notebook", "Backpack", "Headphones")
COMPANIES: Final = ("Acme Corporation", "Northwind Traders", "Globex", "Initech", "Blue Harbor")
QUERIES: Final = (
    "best coffee nearby",
    "how to learn Python",
    "latest climate report",
    "cheap flights in May",
)
TITLES: Final = ("A Short Introduction", "Weekly Report", "Notes on the Project", "Getting Started")
TOPICS: Final = ("weather", "travel", "music", "science", "sports", "food")
LANGUAGES: Final = ("en", "fr", "de", "es", "ja", "pt")


def chosen(random: Random, options: Sequence[T]) -> T:
    """Return the option that `Random.choice` draws, in half the time."""
    return options[below(random, len(options))]


def date(random: Random) -> str:
    return f"{random.randint(2024, 2026)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"


def time(random: Random) -> str:
    return f"{random.randint(8, 19):02}:{chosen(random, (0, 15, 30, 45)):02}"


def moment(random: Random) -> str:
    return f"{date(random)}T{time(random)}:00Z"


def email(random: Random) -> str:
    return f"{chosen(random, FIRST)}.{chosen(random, LAST)}@example.com".lower()


def domain(random: Random) -> str:
    return chosen(random, ("example.com", "example.org", "example.net", "www.example.com"))


def url(random: Random) -> str:
    return f"https://{domain(random)}/{chosen(random, TOPICS)}"


def uuid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def ipv4(random: Random) -> str:
    return f"192.0.2.{random.randint(1, 254)}"


def key(random: Random) -> str:
    return f"{chosen(random, 'abcdefgh')}{random.randint(1000, 9999)}"


def phone(random: Random) -> str:
    return f"+1 555 01{random.randint(10, 99)} {random.randint(1000, 9999)}"


def street(random: Random) -> str:
    return f"{random.randint(1, 120)} {chosen(random, ('Main Street', 'Station Road', 'Park Avenue'))}"


def flight(random: Random) -> str:
    return f"{chosen(random, ('AF', 'BA', 'LH', 'JL'))}{random.randint(100, 999)}"


def file(random: Random) -> str:
    return f"{chosen(random, ('report', 'notes', 'data'))}.{chosen(random, ('txt', 'csv', 'md'))}"


TEXTS: Final[Mapping[str, Words]] = {
    **dict.fromkeys(("city", "town", "origin", "destination", "departure", "arrival", "hometown"), CITIES),
    **dict.fromkeys(("country", "nation"), COUNTRIES),
    **dict.fromkeys(("state", "province", "region"), ("California", "Bavaria", "Ontario", "Provence")),
    **dict.fromkeys(("address", "street"), street),
    **dict.fromkeys(("zip", "zipcode", "postal", "postcode"), ("75001", "10115", "94103", "10001")),
    **dict.fromkeys(("first", "firstname", "given"), FIRST),
    **dict.fromkeys(("surname", "lastname", "family"), LAST),
    **dict.fromkeys(
        ("person", "author", "customer", "fullname", "recipient", "sender", "attendee", "participant"),
        PEOPLE,
    ),
    **dict.fromkeys(("user", "username", "login", "handle"), ("alice", "ben42", "clara_k", "davidn")),
    **dict.fromkeys(("email", "mail"), email),
    **dict.fromkeys(("phone", "telephone", "mobile", "fax"), phone),
    **dict.fromkeys(("url", "uri", "link", "website", "homepage", "href", "webpage"), url),
    **dict.fromkeys(("image", "photo", "picture", "avatar"), ("https://example.com/picture.png",)),
    **dict.fromkeys(("domain", "hostname", "server"), domain),
    "ip": ipv4,
    **dict.fromkeys(("company", "organization", "organisation", "employer", "vendor", "brand"), COMPANIES),
    **dict.fromkeys(("product", "item", "article"), PRODUCTS),
    **dict.fromkeys(("title", "headline", "subject", "heading"), TITLES),
    **dict.fromkeys(
        ("description", "summary", "text", "content", "body", "message", "comment", "note", "notes", "answer",
         "reason", "reasoning", "explanation", "details", "feedback", "review", "bio", "abstract", "thought",
         "step", "instruction", "instructions", "prompt", "sentence", "output", "result", "response"),
        filler_sentence,
    ),
    **dict.fromkeys(("query", "q", "search", "question", "searchterm"), QUERIES),
    **dict.fromkeys(("date", "day", "birthday", "deadline", "checkin", "checkout"), date),
    **dict.fromkeys(("time", "hour"), time),
    **dict.fromkeys(("datetime", "timestamp", "created", "updated", "modified", "at"), moment),
    **dict.fromkeys(("timezone", "tz"), ("Europe/Paris", "America/New_York", "Asia/Tokyo", "UTC")),
    **dict.fromkeys(("language", "lang"), LANGUAGES),
    "locale": ("en-US", "fr-FR", "de-DE", "ja-JP"),
    "currency": ("EUR", "USD", "GBP", "JPY"),
    **dict.fromkeys(("unit", "units", "scale"), ("celsius", "fahrenheit")),
    **dict.fromkeys(("color", "colour"), ("blue", "green", "red", "orange")),
    "status": ("active", "pending", "done"),
    "priority": ("low", "medium", "high"),
    "sentiment": ("positive", "neutral", "negative"),
    **dict.fromkeys(("id", "identifier", "reference", "ref", "code", "sku", "token", "number"), key),
    **dict.fromkeys(("uuid", "guid"), uuid),
    **dict.fromkeys(("category", "type", "kind", "genre", "topic", "tag", "keyword", "label"), TOPICS),
    **dict.fromkeys(("role", "job", "occupation"), ("engineer", "designer", "analyst", "manager")),
    **dict.fromkeys(("department", "team"), ("Engineering", "Sales", "Support", "Finance")),
    **dict.fromkeys(("path", "file", "filename", "filepath"), file),
    "version": ("1.0.0", "1.2.3", "2.0.1"),
    **dict.fromkeys(("symbol", "ticker", "stock"), ("ACME", "NWND", "GLBX")),
    "flight": flight,
    **dict.fromkeys(("airport", "iata"), ("CDG", "LHR", "BER", "HND")),
    **dict.fromkeys(("weather", "conditions", "forecast"), ("sunny", "cloudy", "light rain", "windy")),
    **dict.fromkeys(("expression", "formula", "equation"), ("2 + 2", "3 * (4 + 5)", "10 / 4")),
    "isbn": ("978-0-00-000000-2", "978-1-23-456789-7"),
    "sql": ("SELECT name FROM users LIMIT 10",),
    **dict.fromkeys(("ingredient", "food", "dish"), ("tomato", "rice", "basil", "lemon")),
    "cuisine": ("Italian", "Japanese", "Mexican"),
    **dict.fromkeys(("restaurant", "hotel", "venue"), ("Harbor View", "The Old Mill", "Café Central")),
    **dict.fromkeys(("gender", "sex"), ("female", "male")),
}  # fmt: skip

NAMED: Final[Mapping[str, Words]] = {
    **dict.fromkeys(("city", "town", "place", "location"), CITIES),
    **dict.fromkeys(("country",), COUNTRIES),
    **dict.fromkeys(("product", "item", "article"), PRODUCTS),
    **dict.fromkeys(("company", "organization", "organisation", "brand", "store"), COMPANIES),
    **dict.fromkeys(("file", "document"), file),
    **dict.fromkeys(("event", "project", "meeting", "task", "book", "course", "playlist"), TITLES),
    **dict.fromkeys(("category", "topic", "tag"), TOPICS),
    **dict.fromkeys(("ingredient", "dish", "recipe"), ("tomato", "rice", "basil", "lemon")),
    **dict.fromkeys(("restaurant", "hotel"), ("Harbor View", "The Old Mill", "Café Central")),
    **dict.fromkeys(("tool", "function"), ("lookup", "calculate")),
}
"""The texts of a `name`, by the field that contains it; else it is a person's name."""

VAGUE: Final = frozenset(
    {"location", "place", "value", "input", "data", "name", "target", "arg", "argument", "parameter"}
)
"""Vague names: the description comes first."""
PLACES: Final = frozenset({"location", "place"})
WEAK_WORDS: Final = frozenset({"number", "code"})
"""Words that count less than the words before them: a `phone_number` is a phone's."""

NUMBERS: Final[Mapping[str, tuple[float, float, int]]] = {
    **dict.fromkeys(("price", "cost", "amount", "total", "subtotal", "fee", "budget"), (5, 200, 2)),
    **dict.fromkeys(("salary", "income", "revenue"), (30_000, 120_000, 0)),
    **dict.fromkeys(("temperature", "temp", "celsius", "degrees"), (-5, 30, 1)),
    "fahrenheit": (25, 90, 1),
    **dict.fromkeys(("count", "quantity", "number", "num", "n", "limit", "k", "people", "guests", "results",
                     "passengers", "adults", "size", "nights", "days", "rooms"), (1, 10, 0)),
    **dict.fromkeys(("page", "index", "offset", "position", "rank", "step", "level"), (1, 5, 0)),
    "population": (20_000, 4_000_000, 0),
    "pages": (80, 600, 0),
    "age": (18, 80, 0),
    "year": (2024, 2026, 0),
    "month": (1, 12, 0),
    "day": (1, 28, 0),
    "hour": (8, 19, 0),
    **dict.fromkeys(("minute", "minutes", "duration"), (5, 55, 0)),
    **dict.fromkeys(("second", "seconds", "timeout"), (5, 55, 0)),
    **dict.fromkeys(("latitude", "lat"), (36, 59, 4)),
    **dict.fromkeys(("longitude", "lng", "lon", "long"), (-9, 25, 4)),
    **dict.fromkeys(("percent", "percentage", "humidity", "progress"), (10, 90, 0)),
    **dict.fromkeys(("probability", "confidence", "score", "ratio", "similarity", "weight"), (0.5, 0.99, 2)),
    **dict.fromkeys(("rating", "stars"), (3, 5, 1)),
    **dict.fromkeys(("height",), (150, 195, 0)),
    **dict.fromkeys(("distance", "radius", "km", "miles"), (1, 50, 1)),
    **dict.fromkeys(("width", "length", "depth"), (10, 100, 0)),
    **dict.fromkeys(("id", "identifier", "code"), (1000, 9999, 0)),
    "port": (1024, 9999, 0),
    **dict.fromkeys(("timestamp", "created", "updated"), (1_700_000_000, 1_760_000_000, 0)),
}  # fmt: skip
"""From, to, and how many decimals."""

_NAME: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_WORD: Final = re.compile(r"[a-z]+")
_EXAMPLE: Final = re.compile(
    r"(?:e\.g\.|for example|such as|example:)[,:]?\s*"
    r"(?:[\"'`]([^\"'`]{1,60})[\"'`]|(\w[^\s,;()]{0,100})(?=[.;)]|$))",
    re.IGNORECASE,
)
"""Its repeats have bounds, so that a text with many beginnings of an example is read in linear time."""


@text_cache(1024)  # tools repeat their fields
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, the last one first, then the name as one word."""
    words = [word.lower() for word in _NAME.findall(name)]
    if words[-1:] and words[-1] in WEAK_WORDS:
        return (*reversed(words[:-1]), words[-1], "".join(words))
    return (*reversed(words), "".join(words))


def texts(context: FieldContext, random: Random) -> list[str]:
    """Return likely texts, the likeliest first; none where the field is unknown."""
    return hints(context).texts(random)


class Hints(Struct, frozen=True):
    """The texts of a field: `known` ones to choose from, and the example in its description, with its place."""

    known: Sequence[Words]
    example: str | None
    place: int

    def texts(self, random: Random) -> list[str]:
        """Return likely texts, the likeliest first."""
        result = [words(random) if callable(words) else chosen(random, words) for words in self.known]
        if self.example is not None:
            result.insert(self.place, self.example)
        return result

    def likeliest(self) -> Callable[[Random], str]:
        """Return a function that draws as `texts`, and returns the first of them."""
        if self.example is not None and (self.place == 0 or not self.known):
            example, draw, skip = self.example, None, skipping(self.known)
        else:
            example, first, skip = "", self.known[0], skipping(self.known[1:])
            draw = first if callable(first) else partial(chosen, options=first)

        def likeliest(random: Random) -> str:
            text = example if draw is None else draw(random)
            skip(random)
            return text

        return likeliest


_CHOICES: Final[Mapping[Callable[[Random], str], Sequence[int]]] = {
    date: (3, 12, 28),
    time: (12, 4),
    moment: (3, 12, 28, 12, 4),
    email: (len(FIRST), len(LAST)),
    domain: (4,),
    url: (4, len(TOPICS)),
    ipv4: (254,),
    key: (8, 9_000),
    phone: (90, 9_000),
    street: (120, 3),
    flight: (4, 900),
    file: (3, 3),
}
"""Among how many each draw of a function chooses."""


def skipping(known: Sequence[Words]) -> Callable[[Random], None]:
    """Return a function that draws what these texts draw, without the texts."""
    steps: list[tuple[Callable[[Random], object] | None, int, int]] = []
    for words in known:
        if not callable(words):
            steps.append((None, len(words), len(words).bit_length()))
        elif words in _CHOICES:
            steps += [(None, count, count.bit_length()) for count in _CHOICES[words]]
        elif words is filler_sentence:  # the number of its words, then 64 bits for each
            steps.append((None, -10, (10).bit_length()))
        else:
            steps.append((words, 0, 0))

    def skip(random: Random) -> None:
        getrandbits = random.getrandbits
        for draw, count, bits in steps:
            if draw is not None:
                draw(random)
                continue
            drawn = getrandbits(bits)
            while drawn >= abs(count):
                drawn = getrandbits(bits)
            if count < 0:
                getrandbits(64 * (5 + drawn))

    return skip


def hints(context: FieldContext) -> Hints:
    """Return the hints of a field; empty ones where it is unknown."""
    return _cached_hints(context) if context.short else _hints(context)


def _hints(context: FieldContext) -> Hints:
    found = _EXAMPLE.search(context.description)
    example = None if found is None else (found[1] or found[2]).rstrip(".")
    return Hints(_known(context), example, 0 if words_of(context.name)[0] in VAGUE else 1)


_cached_hints: Final = lru_cache(MAX_CACHED_FIELDS)(_hints)


def _known(context: FieldContext) -> list[Words]:
    names = words_of(context.name)
    described = _WORD.findall(context.description.lower())
    by_description = [TEXTS[word] for word in described if word in TEXTS]
    if "name" in names:
        owners = [*names[1:], *words_of(context.owner), *described]
        owners += [owner.removesuffix("s") for owner in owners]
        own = next((NAMED[owner] for owner in owners if owner in NAMED), None)
        return [own or _first_or_last(names) or PEOPLE]
    by_name = [TEXTS[word] for word in (*names, *(name.removesuffix("s") for name in names)) if word in TEXTS]
    if names[0] in PLACES:
        return [*by_description, CITIES]
    return [*by_description, *by_name] if names[0] in VAGUE else [*by_name, *by_description]


def _first_or_last(names: Sequence[str]) -> Words | None:
    return next((TEXTS[name] for name in names if name in TEXTS and TEXTS[name] in (FIRST, LAST)), None)


def number(context: FieldContext) -> tuple[float, float, int] | None:
    """Return the expected range of a number, and its decimals."""
    return _cached_number(context) if context.short else _number(context)


def _number(context: FieldContext) -> tuple[float, float, int] | None:
    names = [*words_of(context.name), *_WORD.findall(context.description.lower())]
    return next((NUMBERS[name] for name in names if name in NUMBERS), None)


_cached_number: Final = lru_cache(MAX_CACHED_FIELDS)(_number)
