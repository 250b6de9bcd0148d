"""The secrets of one exchange: what its request was signed with, and what its answer gave away, wherever it stands.

Apart from the looks of keys in general (`core.redaction`): these are known by where they stood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, quote

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.redaction import secret_name
from mockllm.recordings.interaction import Pairs, RecordedRequest

SHORT: Final = 8
"""A secret has at least so many characters: shorter ones are words that stand in many places."""
CERTAIN: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key"}
)
"""Headers whose value is a secret, whatever it looks like."""
_RANDOM: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[^\s]{16,}")
"""What looks made by chance: that a field is called `key` says little by itself."""


def secrets_of(asked: RecordedRequest, answer: Pairs) -> frozenset[str]:
    """Texts that no file may hold: keys and cookies in headers, in the query and in the body's fields, as they
    are and as URLs and JSON write them."""
    found = [
        *(secret for pair in (*asked.headers, *answer) for secret in _in_header(*pair)),
        *(value for name, value in parse_qsl(asked.query_string) if secret_name(name)),
        *_in_body(asked.body),
    ]
    plain = {each.strip() for each in found}
    written = {form for each in plain for form in (each, quote(each, safe=""), each.replace("/", "\\/"))}
    return frozenset(each for each in written if len(each) >= SHORT)


def _in_header(name: str, value: str) -> Iterator[str]:
    """Its value; of a scheme with credentials, these; of cookies, each one's value."""
    if not secret_name(name) or (name.lower() not in CERTAIN and not _RANDOM.fullmatch(value)):
        return
    yield value
    if name.lower() in ("cookie", "set-cookie"):
        first = ";" if name.lower() == "cookie" else "\n"  # behind a set cookie stands how long it lasts
        for cookie in value.split(first):
            yield cookie.partition("=")[2].partition(";")[0]
    else:
        yield value.partition(" ")[2]


def _in_body(raw: bytes) -> Iterator[str]:
    try:
        yield from named_secrets(loads(raw))
    except JSONDecodeError:
        return


def named_secrets(value: Json) -> Iterator[str]:
    """Texts under the name of a secret that look like one."""
    if isinstance(value, dict):
        for name, held in value.items():
            if isinstance(held, str) and secret_name(name) and _RANDOM.fullmatch(held):
                yield held
            else:
                yield from named_secrets(held)
    elif isinstance(value, list):
        for each in value:
            yield from named_secrets(each)
