"""From `match`'s words to a matcher: what a file asks of a request, as core's tests on fields."""

from __future__ import annotations

import re
from typing import Any as Anything
from typing import Literal

from mockllm.core.json.jsonpath import compile_path
from mockllm.core.matching.conditions import (
    AllOf,
    AtPath,
    Compare,
    Condition,
    Contains,
    Each,
    EndsWith,
    Equals,
    Exists,
    Glob,
    Length,
    Members,
    OneOf,
    Regex,
    Schema,
    Some,
    StartsWith,
    Subset,
)
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, Field, FieldMatcher, Matcher, NotMatcher
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.conditions import JsonOperators
from mockllm.scenario.language.match import Match, MessageMatch, MessagesMatch, Named, ToolResultMatch

GLOBBED = frozenset({"path", "model", "provider", "dialect", "api", "tools", "uncalled", "name"})
"""Where a bare text is a glob."""
_COMPARED: dict[str, Literal["gt", "gte", "lt", "lte"]] = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte"}
KEYED = frozenset({"query", "headers", "body"})

_OPERATORS: dict[str, type[StartsWith] | type[EndsWith] | type[Glob] | type[Regex]] = {
    "starts_with": StartsWith,
    "ends_with": EndsWith,
    "glob": Glob,
    "regex": Regex,
}


def matcher(match: Match) -> Matcher:
    """All that a match asks, as one matcher."""
    parts: list[Matcher] = []
    for word in sorted(match.model_fields_set):
        value = getattr(match, word)
        if value is None:
            continue
        if word in ("all", "any"):
            parts.append(
                (AllMatcher if word == "all" else AnyMatcher)(tuple(matcher(each) for each in value))
            )
        elif word == "not_":
            parts.append(NotMatcher(matcher(value)))
        elif word in KEYED:
            parts += [_keyed(word, key, each) for key, each in value.items()]
        elif word == "hash":
            parts.append(_hash(condition(value)))
        else:
            parts.append(FieldMatcher(Field(word), _of_field(word, value)))
    return parts[0] if len(parts) == 1 else AllMatcher(tuple(parts))


def _hash(asked: Condition) -> Matcher:
    """A hash that is spelt out may be one of the older recipe."""
    usual = FieldMatcher(Field("hash"), asked)
    several = asked.conditions if isinstance(asked, OneOf) else (asked,)
    if not all(isinstance(each, Equals) for each in several):
        return usual
    return AnyMatcher((usual, FieldMatcher(Field("older_hash"), asked)))


def _keyed(word: str, key: str, value: Anything) -> FieldMatcher:
    return FieldMatcher(Field(word, key.lower() if word == "headers" else key), condition(value))


def _of_field(word: str, value: Anything) -> Condition:
    if isinstance(value, ToolResultMatch):
        return _tool_result(value)
    if isinstance(value, MessagesMatch):
        return _messages(value)
    if isinstance(value, Named):
        return Members({"name": condition(value.name, globbed=True)})
    return condition(value, globbed=word in GLOBBED)


def condition(value: Anything, *, globbed: bool = False) -> Condition:
    """A condition's words: a bare value, a list of alternatives, or operators."""
    if isinstance(value, Spec):
        return _operators(value)
    if isinstance(value, list):
        return OneOf(tuple(condition(each, globbed=globbed) for each in value))
    if globbed and isinstance(value, str) and re.search(r"[*?\[]", value):
        return Glob(value)
    return Equals(value)


def _operators(word: Spec) -> Condition:
    ignore_case = bool(getattr(word, "ignore_case", False))
    given = [
        name for name in type(word).model_fields if name in word.model_fields_set and name != "ignore_case"
    ]
    found = [
        Equals(getattr(word, name), ignore_case=ignore_case)
        if name == "equals" and isinstance(word, JsonOperators)  # also a whole list: JSON has them
        else _operator(name, getattr(word, name), ignore_case)
        for name in given
    ]
    return found[0] if len(found) == 1 else AllOf(tuple(found))


def _operator(name: str, value: Anything, ignore_case: bool) -> Condition:
    if name in _COMPARED:
        return Compare(_COMPARED[name], value)
    if name in ("each", "some"):
        return (Each if name == "each" else Some)(condition(value))
    if name == "exists":
        return Exists(value)
    if name == "length":
        return Length(condition(value))
    if name == "schema_":
        return Schema(value)
    if name == "subset":
        return Subset(value)
    if isinstance(value, list):
        return OneOf(tuple(_operator(name, each, ignore_case) for each in value))
    if name == "equals":
        return Equals(value, ignore_case=ignore_case)
    if name == "contains":
        return Contains(value, ignore_case=ignore_case)
    return _OPERATORS[name](value, ignore_case=ignore_case)


def _tool_result(word: ToolResultMatch) -> Condition:
    members: dict[str, Condition] = {}
    for name in sorted(word.model_fields_set - {"exists", "json_"}):
        members[name] = condition(getattr(word, name), globbed=name == "name")
    inside = [AtPath(compile_path(path), condition(each)) for path, each in (word.json_ or {}).items()]
    if inside:
        members["json"] = AllOf(tuple(inside))
    parts: list[Condition] = []
    if word.exists is not None:
        parts.append(Exists(word.exists))
    if members:
        parts.append(Some(Members(members)))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _messages(word: MessagesMatch) -> Condition:
    parts: list[Condition] = []
    for name in sorted(word.model_fields_set):
        value = getattr(word, name)
        if isinstance(value, MessageMatch):
            members = {key: condition(getattr(value, key)) for key in sorted(value.model_fields_set)}
            parts.append((Each if name == "each" else Some)(Members(members)))
        else:
            parts.append(Length(condition(value)))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
