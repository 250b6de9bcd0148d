"""A call's body as a text of the scenario language: YAML, or JSON as programs write it.

JSON is YAML but for two things that programs do write: pairs of surrogates for what is beyond the basic plane, and
control characters and separators of lines as they are.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.json.codec import JSONDecodeError, loads
from mockllm.scenario.source_file import Source
from mockllm.scenario.yaml_reader import read_source
from mockllm.server.control.api_types import visible

NAME: Final = "body"
_PAIR: Final = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def source_of(raw: bytes) -> Source:
    """The body with its positions; it may have mistakes."""
    return read_source(readable(raw), NAME)


def readable(raw: bytes) -> bytes:
    """The same JSON as YAML can read it; what is no JSON stays as it is."""
    if raw.isascii() and b"\\u" not in raw and b"\x7f" not in raw:
        return raw
    try:
        loads(raw)
    except JSONDecodeError:
        return raw
    return visible(_PAIR.sub(_character, raw))


def _character(found: re.Match[bytes]) -> bytes:
    pair = found[0]
    if pair == b"\\\\":
        return pair
    high, low = int(pair[2:6], 16), int(pair[8:12], 16)
    return chr(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00).encode()
