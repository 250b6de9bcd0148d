"""The generation of texts: by a schema's format, its pattern, or the name and description of the field."""

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
from mockllm.core.json.schema import Validator, format_validator
from mockllm.core.reply.chunking import filler_sentence
from mockllm.core.schema_values import realistic
from mockllm.core.schema_values.document import Unsatisfiable
from mockllm.core.schema_values.numbers import number_points
from mockllm.core.schema_values.patterns import Pattern, budgeted_validator, match_cost
from mockllm.core.schema_values.realistic import FieldContext

_MAX_SENTENCE: Final = 1_000
_TRIES: Final = 20
_MAX_REPEATS: Final = 256
"""The most repetitions that are tried one by one, where a pattern's text must have a certain length."""


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


def generate_text(schema: Mapping[str, Json], random: Random, context: FieldContext, budget: Budget) -> str:
    """Return a text of the schema. Raise Unsatisfiable where none is found."""
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", inf)
    if shortest > longest:
        raise Unsatisfiable("no text is that long")
    budget.add_characters(len(context.name) + len(context.description))
    budget.require_characters(shortest)
    text = _text(schema, random, context, budget, shortest, longest)
    budget.add_characters(len(text))
    return text


def _text(
    schema: Mapping[str, Json],
    random: Random,
    context: FieldContext,
    budget: Budget,
    shortest: int,
    longest: float,
) -> str:
    generate_format = FORMATS.get(schema.get("format", ""))
    if "pattern" not in schema:
        if generate_format is not None:
            return _of_length((generate_format(random) for _ in range(_TRIES)), shortest, longest)
        return fit_length(expected_texts(context)(random), shortest, longest, random)
    pattern = {"type": "string", "pattern": schema["pattern"]}
    first = realistic.texts(context, random) if generate_format is None else []
    texts = _pattern_texts(first, schema["pattern"], shortest, random, budget)
    matching = _valid(budgeted_validator(pattern, budget), texts, schema["pattern"], budget)
    if generate_format is None:
        return _of_length(matching, shortest, longest)
    check = format_validator({**pattern, "format": schema["format"]})
    candidates = _format_texts(generate_format, schema["pattern"], random, budget)
    return _of_length(
        chain(_valid(check, candidates, schema["pattern"], budget), matching), shortest, longest
    )


def _valid(check: Validator, texts: Iterable[str], pattern: str, budget: Budget) -> Iterator[str]:
    """Yield the texts that match a pattern. Matching costs as `match_cost` says."""
    for text in texts:
        budget.add_matching(match_cost(pattern, len(text)))
        if check.matches(text):
            yield text


def _pattern_texts(
    first: list[str], pattern: str, shortest: int, random: Random, budget: Budget
) -> Iterator[str]:
    """Yield texts that may match: the expected ones, then texts of the pattern, alone and with padding."""
    yield from first
    compiled = Pattern(pattern, budget)
    for more in (*[None] * _TRIES, shortest, *range(_MAX_REPEATS)):
        text = compiled.text(random, more)
        yield text
        if len(text) < shortest:
            budget.add_characters(shortest)
            padding = "".join(random.choices(ascii_lowercase, k=shortest - len(text)))
            yield text + padding
            yield padding + text


def _format_texts(
    generate_format: Callable[[Random], str], pattern: str, random: Random, budget: Budget
) -> Iterator[str]:
    """Yield texts of a format that may match: its own, and texts of the pattern, alone and as its end."""
    yield generate_format(random)
    compiled = Pattern(pattern, budget)
    for _ in range(_TRIES):
        text = compiled.text(random)
        yield from (text, _word(random) + text, generate_format(random) + text, text + _word(random))


def _of_length(texts: Iterator[str], shortest: int, longest: float) -> str:
    for text in texts:
        if shortest <= len(text) <= longest:
            return text
    raise Unsatisfiable("no text was found")


def expected_texts(context: FieldContext) -> Callable[[Random], list[str]]:
    """Return a function that draws texts that a reader expects: a number, where the name is usually a number's."""
    hints = realistic.hints(context)
    if hints.known or hints.example is not None:
        return hints.texts
    usual = realistic.number(context)
    if usual is None:
        return lambda random: [random.choice(realistic.TOPICS)]
    points = number_points({}, usual[2] == 0, usual)
    return lambda random: [str(points.draw(random))]


def expected_text(context: FieldContext) -> Callable[[Random], str]:
    """Return a function that draws as that of `expected_texts`, and returns the likeliest text."""
    hints = realistic.hints(context)
    if hints.known or hints.example is not None:
        return hints.likeliest()
    texts = expected_texts(context)
    return lambda random: texts(random)[0]


def fit_length(texts: list[str], shortest: int, longest: float, random: Random) -> str:
    """Return the first text of an allowed length; else the first text, cut or continued."""
    for text in texts:
        if shortest <= len(text) <= longest:
            return text
    most = int(min(longest, max(len(texts[0]), shortest + _MAX_SENTENCE)))
    text = texts[0][:most].rstrip() if len(texts[0]) > most else texts[0]
    sentences, length = [text], len(text)
    while length < shortest:
        sentences.append(filler_sentence(random))
        length += 1 + len(sentences[-1])
    text = " ".join(sentences)
    if len(text) <= most:
        return text
    return text[: most - 1] + "." if text[most - 1].isspace() else text[:most]
