"""Texts of a schema: by its format, its pattern, or what its name and description let a reader expect."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from random import Random
from string import ascii_lowercase
from typing import Final

from mockllm.core.json import Json
from mockllm.core.making import plausible
from mockllm.core.making.numbers import made_number
from mockllm.core.making.patterns import Pattern
from mockllm.core.making.plausible import About
from mockllm.core.making.reading import Impossible
from mockllm.core.schemas import form_validator, validator

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
    pattern = {"type": "string", "pattern": schema["pattern"]}
    if makes is None:
        texts = _matching(plausible.texts(about, random), schema["pattern"], shortest, random)
        return _fitting(filter(validator(pattern).holds, texts), shortest, longest)
    of_form = form_validator({**pattern, "format": schema["format"]})
    texts = _completed(makes, schema["pattern"], random)
    return _fitting(
        chain(
            filter(of_form.holds, texts),
            filter(validator(pattern).holds, _matching([], schema["pattern"], shortest, random)),
        ),
        shortest,
        longest,
    )


def _matching(first: list[str], pattern: str, shortest: int, random: Random) -> Iterator[str]:
    """Texts that may match: what is expected, then what the pattern itself gives, and longer ones around it."""
    yield from first
    made = Pattern(pattern)
    for more in (*[None] * _TRIES, shortest, *range(_SWEEP)):
        text = made.text(random, more)
        yield text
        if len(text) < shortest:
            padding = "".join(random.choices(ascii_lowercase, k=shortest - len(text)))
            yield text + padding
            yield padding + text


def _completed(makes: Callable[[Random], str], pattern: str, random: Random) -> Iterator[str]:
    """Texts of a format that may match: its own, and what the pattern gives, alone and as the end of one."""
    yield makes(random)
    made = Pattern(pattern)
    for _ in range(_TRIES):
        text = made.text(random)
        yield from (text, _word(random) + text, makes(random) + text, text + _word(random))


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
