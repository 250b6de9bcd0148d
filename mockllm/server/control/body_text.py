"""A call's body in the scenario language: YAML, or JSON.

JSON differs from YAML in two things that programs write. These are surrogate pairs for characters beyond the basic
multilingual plane, and unescaped control characters and line separators.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace
from pydantic import BaseModel

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.scenario.diagnostics import nearest
from mockllm.scenario.language.rule import ModifierSpec
from mockllm.scenario.overlay import ONLY_IN_FILES
from mockllm.scenario.source_file import Mark, Source
from mockllm.scenario.yaml_reader import read_source
from mockllm.server.control.problem import diagnostics_problem

NAME: Final = "body"
RULE_KEYS: Final = frozenset({"reply", "http", "sequence", "choose", "replay", "proxy", "fallback"})
"""Keys that only a rule has: they distinguish a single rule from a single modifier."""
CONDITION_KEYS: Final = frozenset(
    {"name", "match", "priority", "per", "times", "every", "skip", "requires_state"}
)
"""Keys that say when an item applies. An item with no others is a rule that lacks its reply."""
MODIFIER_KEYS: Final = frozenset({"limit", "load"})
"""Keys that only a modifier has."""
FILE_KEYS: Final = frozenset({"rules", "modifiers", *ONLY_IN_FILES})
"""Keys at the top of a file: a body with one of them is no single item."""
RULES: Final = "YAML or JSON: the `rules` and `modifiers` of a scenario file, or a single rule or modifier"
"""The description of such a body."""
_PAIR: Final = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")

_INVISIBLE: Final = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]"
)
"""UTF-8 characters that end a line or control a terminal, and that JSON may contain without escapes: control
characters, line separators and marks of direction."""


def body_source(raw: bytes) -> Source:
    """Parse a body with its positions; the result may contain diagnostics."""
    return read_source(json_as_yaml(raw), NAME)


def file_source(raw: bytes) -> Source:
    """Parse a body that is a scenario file, without its examples."""
    source = body_source(raw)
    data = {} if source.data is None else source.data
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key != "examples"}
    return replace(source, data=data)


def overlay_source(raw: bytes) -> Source:
    """Parse a YAML or JSON body: the `rules` and `modifiers` of a scenario file, or a single rule or modifier."""
    source = body_source(raw)
    data = source.data
    if source.diagnostics or not isinstance(data, dict) or FILE_KEYS & data.keys() or not data:
        if not source.diagnostics and not (isinstance(data, dict) and data):
            message = "expected rules, modifiers, or one of them"
            raise diagnostics_problem([source.diagnostic((), message)])
        return source
    kind = "rules" if _is_rule(data) else "modifiers"
    inner: dict[str, Mark] = {kind: (0, source.marks[1], [source.marks])}
    return Source("body", {kind: [data]}, (0, source.marks[1], inner), has_params=source.has_params)


def _is_rule(data: dict[str, Json]) -> bool:
    """Return whether a single item is a rule, also by a key of rules that is written wrongly."""
    if RULE_KEYS & data.keys() or ("error" in data and "chance" not in data):
        return True
    unknown = [key for key in data if isinstance(key, str) and key not in ModifierSpec.model_fields]
    if any(nearest(key, RULE_KEYS) is not None for key in unknown):
        return True
    if any(nearest(key, MODIFIER_KEYS) is not None for key in unknown):
        return False
    return data.keys() - set(unknown) <= CONDITION_KEYS


def json_as_yaml(raw: bytes) -> bytes:
    """Rewrite JSON so that a YAML parser reads it; return other text unchanged."""
    if raw.isascii() and b"\\u" not in raw and b"\x7f" not in raw:
        return raw
    try:
        loads(raw)
    except JSONDecodeError:
        return raw
    return visible(_PAIR.sub(_character, raw))


def _character(match: re.Match[bytes]) -> bytes:
    pair = match[0]
    if pair == b"\\\\":
        return pair
    high, low = int(pair[2:6], 16), int(pair[8:12], 16)
    return chr(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00).encode()


def visible(data: bytes) -> bytes:
    """Escape the characters in JSON that would begin a line or control a terminal."""
    return data if data.isascii() and b"\x7f" not in data else _INVISIBLE.sub(_escaped, data)


def model_json(model: BaseModel) -> bytes:
    """Return the JSON text of a model, as a response has it."""
    return visible(model.model_dump_json(by_alias=True).encode()) + b"\n"


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())
