"""Texts of a schema: by its format, its pattern, or what its name and description let a reader expect."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final

from mockllm.core.json import Json
from mockllm.core.making import plausible
from mockllm.core.making.numbers import made_number
from mockllm.core.making.patterns import Pattern
from mockllm.core.making.plausible import About
from mockllm.core.making.reading import Impossible
from mockllm.core.schemas import Validator, validator

LONGEST: Final = 100_000
"""No text is made longer, whatever a schema wants."""
_TRIES: Final = 20
_SWEEP: Final = 256
"""Up to so many repetitions are tried one by one, where a pattern's text must have a certain length."""


def _word(random: Random) -> str:
    return random.choice(plausible.TOPICS)


FORMATS: Final[Mapping[str, Callable[[Random], str]]] = {
    "date": plausible.date,
    "date-time": plausible.moment,
    "time": lambda random: f"{plausible.time(random)}:00Z",
    "duration": lambda random: f"PT{random.randint(1, 59)}M",
    "email": plausible.email,
    "idn-email": plausible.email,
    "hostname": plausible.domain,
    "idn-hostname": plausible.domain,
    "ipv4": plausible.ipv4,
    "ipv6": lambda random: f"2001:db8::{random.randint(1, 0xFFFF):x}",
    **dict.fromkeys(("uri", "url", "uri-reference", "iri", "iri-reference", "uri-template"), plausible.url),
    "uuid": plausible.uuid,
    "json-pointer": lambda random: f"/{_word(random)}",
    "relative-json-pointer": lambda random: f"0/{_word(random)}",
    "regex": lambda random: f"^{_word(random)}$",
    "byte": lambda random: b64encode(_word(random).encode()).decode(),
    "phone": plausible.phone,
    "password": plausible.key,
}


def made_text(schema: Mapping[str, Json], random: Random, about: About) -> str:
    """A text of the schema. Raises Impossible where none is found."""
    shortest, longest = schema.get("minLength", 0), min(schema.get("maxLength", LONGEST), LONGEST)
    if shortest > longest:
        raise Impossible("no text is that long")
    makes = FORMATS.get(schema.get("format", ""))
    if "pattern" not in schema:
        if makes is not None:
            return _fitting((makes(random) for _ in range(_TRIES)), shortest, longest)
        return _measured(_expected(random, about), shortest, longest, random)
    wanted = validator({"type": "string", "pattern": schema["pattern"]})
    first = [makes(random)] if makes is not None else plausible.texts(about, random)
    return _fitting(_matching(wanted, first, schema["pattern"], shortest, random), shortest, longest)


def _matching(
    wanted: Validator, first: list[str], pattern: str, shortest: int, random: Random
) -> Iterator[str]:
    """Texts that match: what is expected, then what the pattern itself gives."""
    yield from filter(wanted.holds, first)
    made = Pattern(pattern)
    for more in (*[None] * _TRIES, shortest, *range(_SWEEP)):
        text = made.text(random, more)
        if wanted.holds(text):
            yield text


def _fitting(texts: Iterator[str], shortest: int, longest: int) -> str:
    for text in texts:
        if shortest <= len(text) <= longest:
            return text
    raise Impossible("no text was found")


def _expected(random: Random, about: About) -> list[str]:
    """What a reader expects: of a name that is usually a number's, a number."""
    known = plausible.texts(about, random)
    usual = plausible.number(about)
    if known or usual is None:
        return known or [random.choice(plausible.TOPICS)]
    return [str(made_number({}, random, usual[2] == 0, usual))]


def _measured(texts: list[str], shortest: int, longest: int, random: Random) -> str:
    """The first text that fits; else the first of them cut, or continued."""
    for text in texts:
        if shortest <= len(text) <= longest:
            return text
    text = texts[0][:longest].rstrip() if len(texts[0]) > longest else texts[0]
    while len(text) < shortest:
        text = f"{text} {plausible.sentence(random)}"
    if len(text) <= longest:
        return text
    return text[: longest - 1] + "." if text[longest - 1].isspace() else text[:longest]
