"""From pydantic's errors about a part of a file to diagnostics that say what to do.

pydantic reports every member of a union that did not fit. Users need one diagnostic for each place, about the
intended form. The errors are therefore arranged as a tree along the file, and one form of each union is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import (
    Diagnostic,
    Path,
    nearest,
    or_list,
    quoted_values,
    scalar_text,
    suggestion,
    value_at,
)
from mockllm.scenario.key_suggestions import own_name, unknown_key
from mockllm.scenario.language.base import TEXT_OR_MAPPING
from mockllm.scenario.model_walk import Model, ModelShape, shape_of
from mockllm.scenario.scalar_forms import in_braces, mapping_form
from mockllm.scenario.source_file import Source
from mockllm.scenario.text_forms import form_words

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
    TEXT_OR_MAPPING: "a text or a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}
"""Error types for a value of a wrong type, with the expected type."""

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
    "string_pattern_mismatch": "{form}",
}

_TRUTHS: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}
"""Words that YAML 1.1 reads as true or false, and YAML 1.2 as texts."""
_OTHER_WORDS: Final = {"required": "any"}
"""Values of providers, with those of this language; as keys they mean something else."""
_LISTS_OF_MAPPINGS: Final = frozenset(
    (
        *("rules", "modifiers", "mcp", "examples", "all", "any", "steps", "resources", "prompts", "messages"),
        *("tool_calls", "images", "extras"),
    )
)
"""Lists whose items cannot be written as one text."""
_COLON_WITHOUT_SPACE: Final = re.compile(r"\w+:[^\s/]")
"""`reply:hi`, which YAML reads as a text."""

_MAX_LISTED: Final = 8
"""Longer lists of values are not shown if one value is similar to the found one."""


class _FieldError(Struct):
    error: ErrorDetails
    shape: ModelShape
    """The shape of the place itself; of the mapping around it for an unknown or missing key."""


class _Place(Struct):
    """Errors about one place of the file, about the values below it, and by union member tried for it."""

    own: list[_FieldError] = field(default_factory=list)
    below: dict[str | int, _Place] = field(default_factory=dict)
    forms: dict[str | int, _Place] = field(default_factory=dict)

    def size(self) -> int:
        return len(self.own) + sum(place.size() for place in (*self.below.values(), *self.forms.values()))

    def wrong_type_errors(self) -> list[_FieldError]:
        """Return the errors if all of them say only that the value has a wrong type."""
        if self.below or any(not _is_wrong_type(field_error) for field_error in self.own):
            return []
        errors = list(self.own)
        for form in self.forms.values():
            of_form = form.wrong_type_errors()
            if not of_form:
                return []
            errors += of_form
        return errors


def diagnostics_of(error: ValidationError, source: Source, prefix: Path, model: Model) -> list[Diagnostic]:
    """Return the diagnostics of the part of `source` at `prefix`, which was read as `model`, in the file's order."""
    data = value_at(source.data, prefix)
    root = _Place()
    for details in error.errors(include_url=False):
        _add_error(details, root, shape_of(model), data)
    return sorted(
        {
            source.diagnostic(path, message, key, offset)
            for path, key, message, offset in _messages_at(root, prefix)
        }
    )


def _add_error(details: ErrorDetails, place: _Place, shape: ModelShape, data: Json) -> None:
    """Add one error at its place in the tree."""
    steps = list(details["loc"])
    last: list[str | int] = []
    if details["type"] in ("extra_forbidden", "missing") or (steps and steps[-1] == "[key]"):
        last = [steps.pop()]
    for step in steps:
        if shape.is_union:
            place = place.forms.setdefault(step, _Place())
        elif _contains(data, step):
            place = place.below.setdefault(step, _Place())
            data = data[step]
        shape = shape.step(step)
    if details["type"] == "extra_forbidden" and _contains(data, last[0]):
        place = place.below.setdefault(last[0], _Place())
    place.own.append(_FieldError(details, shape))


def _contains(data: Json, step: str | int) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def _messages_at(place: _Place, path: Path) -> Iterator[tuple[Path, bool, str, int]]:
    """Yield path, whether the key is meant, message and offset of each error at a place and below it. The offset is
    where in the text there the mistake is."""
    for field_error in place.own:
        kind, loc = field_error.error["type"], field_error.error["loc"]
        of_key = kind == "extra_forbidden" or bool(loc and loc[-1] == "[key]")
        offset = field_error.error.get("ctx", {}).get("offset", 0)
        yield path, of_key, _message(field_error, path), offset
    for step, below in place.below.items():
        yield from _messages_at(below, (*path, step))
    if not place.forms:
        return
    kinds = {label: form.wrong_type_errors() for label, form in place.forms.items()}
    meant_forms = [form for label, form in place.forms.items() if not kinds[label]]
    if meant_forms:
        yield from _messages_at(min(meant_forms, key=_Place.size), path)
    else:
        yield path, False, _wrong_type([each for errors in kinds.values() for each in errors], path), 0


def _is_wrong_type(field_error: _FieldError) -> bool:
    return field_error.error["type"] in _KINDS or field_error.error["type"] == "literal_error"


def _message(field_error: _FieldError, path: Path) -> str:
    error = field_error.error
    kind: str = error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(str(error["loc"][-1]), field_error.shape, path)
    if kind == "missing":
        return f'missing key "{error["loc"][-1]}"'
    if _is_wrong_type(field_error):
        return _wrong_type([field_error], path)
    if kind in _BOUNDS:
        bounds = {
            name: int(bound) if isinstance(bound, float) and bound.is_integer() else bound
            for name, bound in context.items()
        }
        if kind == "string_pattern_mismatch":
            bounds["form"] = form_words(context["pattern"])
        text = _BOUNDS.get(f"{kind} {context.get('min_length')}", _BOUNDS[kind])
        return f"expected {text.format(**bounds)}, found {describe_value(error['input'])}"
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    message = re.sub(r"^Input should be (a valid )?", "expected ", error["msg"])
    if "allowed" not in context:
        return message
    name, allowed = str(context.get("name", "")), context["allowed"]
    return message + suggestion(own_name(name, allowed) or name, allowed)


def _wrong_type(errors: list[_FieldError], path: Path) -> str:
    """Return `expected a text or a list, found the number 7`, with a correction if one is obvious."""
    value = errors[0].error["input"]
    expected: list[str] = []
    values: list[Json] = []
    for field_error in errors:
        if field_error.error["type"] == "literal_error":
            values += field_error.shape.allowed_values()
        else:
            expected.append(_KINDS[field_error.error["type"]])
    kinds = list(dict.fromkeys(expected))
    near = nearest(value, values) if len(values) > _MAX_LISTED and isinstance(value, str) else None
    if near is not None:
        return f'"{value}" is not allowed here; did you mean "{near}"?'
    expected_text = or_list([*quoted_values(values), *kinds])
    return f"expected {expected_text}, found {describe_value(value)}{_advice(value, kinds, values, path)}"


def _advice(value: Json, kinds: list[str], values: list[Json], path: Path) -> str:
    if written := _meant_form(value, kinds, path):
        return f"; write {written}"
    if isinstance(value, str):
        near = _OTHER_WORDS.get(value) if _OTHER_WORDS.get(value) in values else own_name(value, values)
        near = near or nearest(value, [each for each in values if isinstance(each, str)])
        if near is not None:
            return f'; did you mean "{near}"?'
        if {"a number", "a whole number"} & set(kinds) and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return f"; write {value} without quotes"
        if path[-1:] == ("finish_reason",):
            return f"; for a provider's own word write {{raw: {in_braces(value)}}}"
        if "true or false" in kinds and value in ("true", "false"):
            return f"; write {value} without quotes"
        if "true or false" in kinds and value.lower() in _TRUTHS:
            return f"; write {_TRUTHS[value.lower()]}"
    elif isinstance(value, bool | int | float):
        if "a text" in kinds or scalar_text(value) in values:
            return f'; write "{scalar_text(value)}"'
    elif value is None and "a text" in kinds:
        return '; write "" for an empty text'
    if isinstance(value, list) and path[-1:] == ("messages",):
        return "; write {some: {role: …, text: …}}, or each in place of some"
    if (
        kinds == ["a mapping"]
        and isinstance(value, list)
        and value
        and all(isinstance(item, dict) for item in value)
    ):
        return "; write its keys without dashes"
    if kinds == ["a list"] and not values:
        return _list_advice(value, path)
    if kinds == ["a mapping"] and isinstance(value, str) and _COLON_WITHOUT_SPACE.match(value):
        return '; write a space after the ":"'
    return ""


def _meant_form(value: Json, kinds: list[str], path: Path) -> str | None:
    """Return what a text or number in place of a mapping means; None if it means none."""
    if kinds == ["a mapping"] and isinstance(value, str | int | float) and not isinstance(value, bool):
        return mapping_form(path, value)
    return None


def _list_advice(value: Json, path: Path) -> str:
    """Return the advice to write the value as a list."""
    if isinstance(value, dict):
        dashed = any(key.startswith("-") for key in value)
        return f'; {"write a space after the dash" if dashed else "begin each item with a dash"}: "- …"'
    if value is None or isinstance(value, list):
        return ""
    if path[-1:] and path[-1] in _LISTS_OF_MAPPINGS:
        return '; begin each item with a dash: "- …"'
    return f"; write [{scalar_text(value)}]"


def describe_value(value: object) -> str:
    """Return a description of a value for a message."""
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
