"""From pydantic's complaints about a part of a file to mistakes that a person can act on.

pydantic reports every member of a union that did not fit; a person wants one mistake per place, about the
form that was meant. So the errors are laid out as a tree along the file, and of each union one form is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct, field
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import (
    Diagnostic,
    Path,
    joined,
    meant,
    nearest,
    scalar_text,
    shown,
    value_at,
)
from mockllm.scenario.key_suggestions import ours, unknown
from mockllm.scenario.model_walk import Model, ModelShape, shape_of
from mockllm.scenario.source_file import Source

_KINDS: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}
"""Complaints that a value is of another kind altogether, with the kind that was expected."""

_BOUNDS: Final = {
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of {le} or less",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_short": "at least {min_length} characters",
    "string_too_short 1": "a text that is not empty",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} items",
    "too_short 1": "a list that is not empty",
    "too_long": "at most {max_length} items",
    "string_pattern_mismatch": "a text of the form {pattern}",
}

_TIGHT: Final = re.compile(r"\w+:[^\s/]")
"""`reply:hi`, which is a text to YAML."""

_MANY: Final = 8
"""More words than these are not listed where it is plain which one was meant."""


class _Complaint(Struct):
    error: ErrorDetails
    shape: ModelShape
    """Of the place itself; of the mapping around it for a key that is unknown or missing."""


class _Place(Struct):
    """Complaints about one place of the file, about what is below it, and by union members tried for it."""

    own: list[_Complaint] = field(default_factory=list)
    below: dict[str | int, _Place] = field(default_factory=dict)
    forms: dict[str | int, _Place] = field(default_factory=dict)

    def size(self) -> int:
        return len(self.own) + sum(place.size() for place in (*self.below.values(), *self.forms.values()))

    def of_another_kind(self) -> list[_Complaint]:
        """The complaints, where all there is to say is that the value is of another kind."""
        if self.below or any(not _is_kind(complaint) for complaint in self.own):
            return []
        found = list(self.own)
        for form in self.forms.values():
            of_form = form.of_another_kind()
            if not of_form:
                return []
            found += of_form
        return found


def diagnostics_of(error: ValidationError, source: Source, prefix: Path, model: Model) -> list[Diagnostic]:
    """The mistakes of the part of `source` at `prefix`, which was read as `model`, in the file's order."""
    data = value_at(source.data, prefix)
    root = _Place()
    for details in error.errors(include_url=False):
        _lay_out(details, root, shape_of(model), data)
    found = []
    for path, key, message in _told(root, prefix):
        mistake = source.mistake(path, message, key)
        if mistake not in found:
            found.append(mistake)
    return sorted(found)


def _lay_out(details: ErrorDetails, place: _Place, shape: ModelShape, data: Json) -> None:
    """Puts one error where it belongs in the tree."""
    steps = list(details["loc"])
    last: list[str | int] = []
    if details["type"] in ("extra_forbidden", "missing") or (steps and steps[-1] == "[key]"):
        last = [steps.pop()]
    for step in steps:
        if shape.is_union:
            place = place.forms.setdefault(step, _Place())
        elif _holds(data, step):
            place = place.below.setdefault(step, _Place())
            data = data[step]
        shape = shape.step(step)
    if details["type"] == "extra_forbidden" and _holds(data, last[0]):
        place = place.below.setdefault(last[0], _Place())
    place.own.append(_Complaint(details, shape))


def _holds(data: Json, step: str | int) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def _told(place: _Place, path: Path) -> Iterator[tuple[Path, bool, str]]:
    """Path, whether the key is meant, and message of each mistake at a place and below it."""
    for complaint in place.own:
        kind, loc = complaint.error["type"], complaint.error["loc"]
        yield path, kind == "extra_forbidden" or bool(loc and loc[-1] == "[key]"), _message(complaint, path)
    for step, below in place.below.items():
        yield from _told(below, (*path, step))
    if not place.forms:
        return
    kinds = {label: form.of_another_kind() for label, form in place.forms.items()}
    meant_forms = [form for label, form in place.forms.items() if not kinds[label]]
    if meant_forms:
        yield from _told(min(meant_forms, key=_Place.size), path)
    else:
        yield path, False, _other_kind([complaint for found in kinds.values() for complaint in found])


# --- messages ------------------------------------------------------------------------------------


def _is_kind(complaint: _Complaint) -> bool:
    return complaint.error["type"] in _KINDS or complaint.error["type"] == "literal_error"


def _message(complaint: _Complaint, path: Path) -> str:
    error = complaint.error
    kind: str = error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown(str(error["loc"][-1]), complaint.shape, path)
    if kind == "missing":
        return f'missing key "{error["loc"][-1]}"'
    if _is_kind(complaint):
        return _other_kind([complaint])
    if kind in _BOUNDS:
        bounds = {name: int(bound) if _is_whole(bound) else bound for name, bound in context.items()}
        words = _BOUNDS.get(f"{kind} {context.get('min_length')}", _BOUNDS[kind])
        return f"expected {words.format(**bounds)}, found {found_text(error['input'])}"
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    message = re.sub(r"^Input should be (a valid )?", "expected ", error["msg"])
    return message + (
        _known(str(context.get("name", "")), context["allowed"]) if "allowed" in context else ""
    )


def _known(name: str, allowed: list[str]) -> str:
    word = ours(name, allowed)
    return meant(name, allowed) if word is None else f'; did you mean "{word}"?'


def _other_kind(complaints: list[_Complaint]) -> str:
    """`expected a text or a list, found the number 7`, and what to write where that is plain."""
    value = complaints[0].error["input"]
    expected: list[str] = []
    words: list[Any] = []
    for complaint in complaints:
        if complaint.error["type"] == "literal_error":
            words += complaint.shape.allowed_values()
        else:
            expected.append(_KINDS[complaint.error["type"]])
    kinds = list(dict.fromkeys(expected))
    near = nearest(value, words) if len(words) > _MANY and isinstance(value, str) else None
    if near is not None:
        return f'"{value}" is not known here; did you mean "{near}"?'
    return (
        f"expected {joined([*shown(words), *kinds])}, found {found_text(value)}{_advice(value, kinds, words)}"
    )


def _is_whole(bound: object) -> bool:
    return isinstance(bound, float) and bound.is_integer()


def _advice(value: Json, kinds: list[str], words: list[Any]) -> str:
    if isinstance(value, str):
        near = ours(value, words) or nearest(value, [word for word in words if isinstance(word, str)])
        if near is not None:
            return f'; did you mean "{near}"?'
        if {"a number", "a whole number"} & set(kinds) and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return f"; write {value} without quotes"
        if "true or false" in kinds and value in ("true", "false"):
            return f"; write {value} without quotes"
    elif isinstance(value, bool | int | float):
        if "a text" in kinds or scalar_text(value) in words:
            return f'; write "{scalar_text(value)}"'
    elif value is None and "a text" in kinds:
        return '; write "" for an empty text'
    if kinds == ["a mapping"] and isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return "; write its keys without dashes"
    if kinds == ["a list"] and not words:
        return _listed(value)
    if kinds == ["a mapping"] and isinstance(value, str) and _TIGHT.match(value):
        return '; write a space behind the ":"'
    return ""


def _listed(value: Json) -> str:
    """How to make a list of it."""
    if isinstance(value, dict):
        dashed = any(key.startswith("-") for key in value)
        return f'; {"write a space behind the dash" if dashed else "begin each item with a dash"}: "- …"'
    return f"; write [{scalar_text(value)}]" if isinstance(value, str | bool | int | float) else ""


def found_text(value: object) -> str:
    """What was found, in words."""
    if isinstance(value, str):
        return f'the text "{value if len(value) <= 40 else value[:39] + "…"}"'
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return scalar_text(value)
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return "a mapping"
