"""A hint for a JSONPath that finds nothing: the member that was probably meant, or the list that is in its place."""

from __future__ import annotations

from itertools import islice
from typing import Final

from mockllm.core.display import brief
from mockllm.core.json.codec import Json, Missing
from mockllm.core.json.jsonpath import JsonPath
from mockllm.core.matching.hints import nearest_word

MAX_COMPARED: Final = 200
"""Most names of members that are compared: a client chooses their number."""


def missing_member(path: JsonPath, value: Json | Missing) -> str | None:
    """Return a hint on the first step of a singular path that a value lacks; None where there is none."""
    for number, key in enumerate(path.keys):
        if isinstance(value, dict) and isinstance(key, str):
            if key not in value:
                near = nearest_word(key, [*islice(value, MAX_COMPARED)])
                return near and f"nearest is {brief(near)}"
            value = value[key]
        elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return _list_hint(path, number) if isinstance(value, list) and isinstance(key, str) else None
    return None


def _list_hint(path: JsonPath, number: int) -> str:
    steps = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path.keys[:number])
    return f"${steps} is a list: write its number, or [*] with some or each"
