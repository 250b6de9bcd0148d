"""The secrets of JSON: texts in fields that have the name of a secret, and the secrets of headers in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final

from mockllm.core.header_secrets import in_header
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.key_forms import SHORTEST, SHORTEST_RANDOM, looks_random
from mockllm.core.secret_names import HEADERS, is_certain_field, may_hold_secret, secret_name

_JSON: Final = re.compile(r"\s*+[\[{\"]")
"""The beginning of JSON that may have fields; that of a text has JSON in its text."""
_FIRST: Final = frozenset(' \t\r\n[{"')
"""The first characters of what `_JSON` matches: to look at one takes a third of the time."""
_WORD: Final = re.compile(rf"[a-z]{{,{SHORTEST_RANDOM - 1}}}")
"""A word that other texts may have: `password`, `required`. It is masked only in its own place."""
_CREDENTIALS: Final = re.compile(r"(?i)(?:bearer|basic|token)[ ]+\S+")
"""What a header `Authorization` has, where a field has it."""


def named_secrets(value: Json, names_secret: Callable[[str], bool] = secret_name) -> Iterator[str]:
    """Yield the texts in fields of a JSON value that have the name of a secret: those that look random, and those of
    certain fields. JSON in texts is read, too."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            for name, inner in value.items():
                if type(inner) is not str:
                    waiting.append(inner)
                    if name.endswith(HEADERS):
                        yield from _in_headers(inner)
                elif len(inner) >= SHORTEST:
                    if names_secret(name):
                        yield from _in_field(name, inner)
                    if inner[0] in _FIRST:
                        waiting.append(inner)
        elif type(value) is list:
            waiting += value
        elif type(value) is str and _JSON.match(value) is not None:
            with suppress(JSONDecodeError):
                waiting.append(loads(value))


def _in_field(name: str, text: str) -> Iterator[str]:
    """Yield the secret of a field with the name of one."""
    if looks_random(text) or (is_certain_field(name) and _WORD.fullmatch(text) is None):
        yield text
    elif _CREDENTIALS.fullmatch(text) is not None:
        yield from _long_ones(in_header("authorization", text))


def _in_headers(value: Json) -> Iterator[str]:
    """Yield the secrets of headers that are members of an object, or objects with a name and a value."""
    pairs: Iterable[tuple[Json, Json]] = ()
    if type(value) is dict:
        pairs = value.items()
    elif type(value) is list:
        pairs = [(each.get("name"), each.get("value")) for each in value if type(each) is dict]
    for name, text in pairs:
        if type(name) is type(text) is str and may_hold_secret(name):
            yield from _long_ones(in_header(name.lower(), text))


def _long_ones(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts that are long enough to be searched elsewhere."""
    return (text.strip() for text in texts if len(text.strip()) >= SHORTEST)
