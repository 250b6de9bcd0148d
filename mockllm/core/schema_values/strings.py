"""Texts of a schema: by its format, its pattern, or what its name and description let a reader expect."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from math import inf
from random import Random
from string import ascii_lowercase
from typing import Final

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json
from mockllm.core.json.schema_validator import Validator, form_validator, validator
from mockllm.core.schema_values import realistic
from mockllm.core.schema_values.document import Unsatisfiable
from mockllm.core.schema_values.numbers import made_number
from mockllm.core.schema_values.patterns import Pattern, pattern_size
from mockllm.core.schema_values.realistic import FieldContext

_STATES: Final = 200
"""So many steps of matching a pattern cost one character."""
_LONGEST_SENTENCE: Final = 1_000
_TRIES: Final = 20
_SWEEP: Final = 256
"""Up to so many repetitions are tried one by one, where a pattern's text must have a certain length."""


def _word(random: Random) -> str:
    return random.choice(realistic.TOPICS)


FORMATS: Final[Mapping[str, Callable[[Random], str]]] = {
    "date": realistic.date,
    "date-time": realistic.moment,
    "time": lambda random: f"{realistic.time(random)}:00Z",
    "duration": lambda random: f"PT{random.randint(1, 59)}M",
    "email": realistic.email,
    "idn-email": realistic.email,
    "hostname": realistic.domain,
    "idn-hostname": realistic.domain,
    "ipv4": realistic.ipv4,
    "ipv6": lambda random: f"2001:db8::{random.randint(1, 0xFFFF):x}",
    **dict.fromkeys(("uri", "url", "uri-reference", "iri", "iri-reference", "uri-template"), realistic.url),
    "uuid": realistic.uuid,
    "json-pointer": lambda random: f"/{_word(random)}",
    "relative-json-pointer": lambda random: f"0/{_word(random)}",
    "regex": lambda random: f"^{_word(random)}$",
    "byte": lambda random: b64encode(_word(random).encode()).decode(),
    "phone": realistic.phone,
    "password": realistic.key,
}


def made_text(schema: Mapping[str, Json], random: Random, about: FieldContext, budget: Budget) -> str:
    """A text of the schema. Raises Impossible where none is found."""
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", inf)
    if shortest > longest:
        raise Unsatisfiable("no text is that long")
    budget.add_characters(len(about.name) + len(about.description))
    budget.require_characters(shortest)
    text = _text(schema, random, about, budget, shortest, longest)
    budget.add_characters(len(text))
    return text


def _text(
    schema: Mapping[str, Json],
    random: Random,
    about: FieldContext,
    budget: Budget,
    shortest: int,
    longest: float,
) -> str:
    makes = FORMATS.get(schema.get("format", ""))
    if "pattern" not in schema:
        if makes is not None:
            return _fitting((makes(random) for _ in range(_TRIES)), shortest, longest)
        return _measured(_expected(random, about), shortest, longest, random)
    pattern = {"type": "string", "pattern": schema["pattern"]}
    first = realistic.texts(about, random) if makes is None else []
    texts = _matching(first, schema["pattern"], shortest, random, budget)
    holding = _holding(validator(pattern), texts, schema["pattern"], budget)
    if makes is None:
        return _fitting(holding, shortest, longest)
    of_form = form_validator({**pattern, "format": schema["format"]})
    completed = _completed(makes, schema["pattern"], random, budget)
    return _fitting(
        chain(_holding(of_form, completed, schema["pattern"], budget), holding), shortest, longest
    )


def _holding(check: Validator, texts: Iterable[str], pattern: str, budget: Budget) -> Iterator[str]:
    """The texts that match a pattern. Matching one costs its length times the pattern's size."""
    size = pattern_size(pattern)
    for text in texts:
        budget.add_matching(len(text) * size // _STATES)
        if check.holds(text):
            yield text


def _matching(first: list[str], pattern: str, shortest: int, random: Random, budget: Budget) -> Iterator[str]:
    """Texts that may match: what is expected, then what the pattern itself gives, and longer ones around it."""
    yield from first
    made = Pattern(pattern, budget)
    for more in (*[None] * _TRIES, shortest, *range(_SWEEP)):
        text = made.text(random, more)
        yield text
        if len(text) < shortest:
            budget.add_characters(shortest)
            padding = "".join(random.choices(ascii_lowercase, k=shortest - len(text)))
            yield text + padding
            yield padding + text


def _completed(makes: Callable[[Random], str], pattern: str, random: Random, budget: Budget) -> Iterator[str]:
    """Texts of a format that may match: its own, and what the pattern gives, alone and as the end of one."""
    yield makes(random)
    made = Pattern(pattern, budget)
    for _ in range(_TRIES):
        text = made.text(random)
        yield from (text, _word(random) + text, makes(random) + text, text + _word(random))


def _fitting(texts: Iterator[str], shortest: int, longest: float) -> str:
    for text in texts:
        if shortest <= len(text) <= longest:
            return text
    raise Unsatisfiable("no text was found")


def _expected(random: Random, about: FieldContext) -> list[str]:
    """What a reader expects: of a name that is usually a number's, a number."""
    known = realistic.texts(about, random)
    usual = realistic.number(about)
    if known or usual is None:
        return known or [random.choice(realistic.TOPICS)]
    return [str(made_number({}, random, usual[2] == 0, usual))]


def _measured(texts: list[str], shortest: int, longest: float, random: Random) -> str:
    """The first text that fits; else the first of them cut, or continued."""
    for text in texts:
        if shortest <= len(text) <= longest:
            return text
    most = int(min(longest, max(len(texts[0]), shortest + _LONGEST_SENTENCE)))
    text = texts[0][:most].rstrip() if len(texts[0]) > most else texts[0]
    pieces, length = [text], len(text)
    while length < shortest:
        pieces.append(realistic.sentence(random))
        length += 1 + len(pieces[-1])
    text = " ".join(pieces)
    if len(text) <= most:
        return text
    return text[: most - 1] + "." if text[most - 1].isspace() else text[:most]
