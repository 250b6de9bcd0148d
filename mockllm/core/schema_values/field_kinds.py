"""Which kind of a conversation's values fits a field, by the words of its name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from mockllm.core.schema_values.realistic import MAX_CACHED_FIELDS, FieldContext
from mockllm.core.word_stems import name_stems

EntityKind: TypeAlias = Literal[
    "urls", "emails", "uuids", "ips", "paths", "phones", "codes", "dates", "moments", "times", "names", "places",
    "subjects", "expressions", "question", "result",
]  # fmt: skip
"""A kind of text: an attribute of the entities of a text, the places among its names, the whole question, or the last
tool result."""

FORMATS: Final[Mapping[str, EntityKind]] = {
    "date": "dates",
    "date-time": "moments",
    "time": "times",
    "email": "emails",
    "idn-email": "emails",
    **dict.fromkeys(("uri", "url", "iri", "uri-reference"), "urls"),
    "uuid": "uuids",
    "ipv4": "ips",
    "phone": "phones",
}

KINDS: Final[Mapping[str, EntityKind]] = {
    **dict.fromkeys(("email", "mail"), "emails"),
    **dict.fromkeys(("url", "uri", "link", "website", "homepage", "href", "webpage"), "urls"),
    **dict.fromkeys(("phone", "telephone", "mobile", "fax"), "phones"),
    **dict.fromkeys(
        ("date", "birthday", "deadline", "due", "start", "end", "checkin", "checkout", "day", "when"), "dates"
    ),
    **dict.fromkeys(("datetime", "timestamp"), "moments"),
    "time": "times",
    "uuid": "uuids",
    "ip": "ips",
    **dict.fromkeys(("path", "file", "filename", "filepath", "directory", "folder"), "paths"),
    **dict.fromkeys(
        ("city", "town", "place", "location", "origin", "destination", "departure", "arrival", "country", "nation",
         "region", "hometown", "state", "venue", "address"),
        "places",
    ),
    **dict.fromkeys(
        ("name", "person", "author", "customer", "fullname", "recipient", "sender", "attendee", "participant", "user",
         "username", "employee", "patient", "contact", "language", "company", "organization", "organisation",
         "employer", "brand", "first", "firstname", "lastname", "surname"),
        "names",
    ),
    **dict.fromkeys(
        ("id", "identifier", "code", "sku", "reference", "ref", "ticket", "flight", "number", "key"), "codes"
    ),
    **dict.fromkeys(("expression", "formula", "equation", "calculation"), "expressions"),
    **dict.fromkeys(
        ("query", "q", "question", "prompt", "search", "request", "instruction", "task", "keyword"), "question"
    ),
    **dict.fromkeys(("topic", "subject", "theme"), "subjects"),
    **dict.fromkeys(("answer", "result", "output", "response"), "result"),
}  # fmt: skip
"""The kind that the last word of a name means, else an earlier one."""

VAGUE: Final = frozenset({"input", "text", "value", "data", "arg", "argument"})
"""Names of required fields that take any quoted text, and the whole question where nothing is quoted."""
FROM: Final = frozenset({"origin", "departure", "from", "source"})
ADDRESSES: Final = frozenset({"to", "from", "cc", "bcc", "recipient", "sender", "contact"})
"""Fields that take an email address, if the text has one."""
TO: Final = frozenset({"destination", "arrival", "to", "target"})
"""Names of places that another preposition introduces."""
WHOLE_PLACES: Final = frozenset({"location", "place", "address", "venue", "query"})
"""Fields that take the region or country after a comma, too."""

NUMBER_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "age": ("year", "old", "aged"),
    "price": ("dollar", "euro", "cost", "eur", "usd"),
    "amount": ("dollar", "euro", "eur", "usd", "pay", "transfer"),
    "temperature": ("degree",),
    "duration": ("minute", "hour", "second"),
    "timeout": ("second",),
    "guest": ("people", "person", "guest"),
    "people": ("person", "guest"),
    "party": ("people", "person", "guest"),
    "weight": ("kg", "kilo", "pound"),
    "height": ("cm", "tall"),
    "distance": ("km", "mile", "kilometer"),
    "percent": ("percent",),
    "limit": ("top", "first", "result"),
    "count": ("top", "first"),
}
"""Other words beside which a text has a number for the field, by the stem of a word of its name."""


def kinds_of(context: FieldContext, format: str | None) -> tuple[EntityKind, ...]:
    """Return the kinds of values that a field takes, the likeliest first."""
    if format is not None:
        return (FORMATS[format],) if format in FORMATS else ()
    return _cached_kinds(context) if context.short else _kinds(context)


def _kinds(context: FieldContext) -> tuple[EntityKind, ...]:
    stems = name_stems(context.name)
    kinds: list[EntityKind] = ["emails"] if ADDRESSES.intersection(stems) else []
    kinds += [KINDS[word] for word in reversed(stems) if word in KINDS]
    if stems[-1:] == ("name",):
        own = [KINDS[word] for word in (*stems[:-1], *name_stems(context.owner)) if word in KINDS]
        kinds = [kind for kind in own if kind != "names"] or kinds
    return tuple(dict.fromkeys(kinds))


_cached_kinds: Final = lru_cache(MAX_CACHED_FIELDS)(_kinds)  # tools repeat their fields
