"""Compilation of `match`: from the language's models to the matchers and conditions of core."""

from __future__ import annotations

import re

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
    Some,
    StartsWith,
    Subset,
    ValidBySchema,
)
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, Field, FieldMatcher, Matcher, NotMatcher
from mockllm.core.matching.text_conditions import Similar
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.conditions import JsonOperators
from mockllm.scenario.language.match import (
    Match,
    McpMatch,
    MessageMatch,
    MessagesMatch,
    Named,
    ToolResultMatch,
)

GLOB_FIELDS = frozenset(
    {"path", "model", "provider", "dialect", "api", "tools", "uncalled", "mentioned", "name"}
)
"""Fields in which a bare text is a glob."""
KEYED_FIELDS = frozenset({"query", "headers", "form", "body"})

_OPERATORS: dict[str, type[StartsWith] | type[EndsWith] | type[Glob] | type[Regex]] = {
    "starts_with": StartsWith,
    "ends_with": EndsWith,
    "glob": Glob,
    "regex": Regex,
}


def matcher(match: Match) -> Matcher:
    """Return one matcher for all conditions of a match."""
    parts: list[Matcher] = []
    for name in sorted(match.model_fields_set):
        value = getattr(match, name)
        if value is None:
            continue
        if name in ("all", "any"):
            parts.append((AllMatcher if name == "all" else AnyMatcher)(tuple(map(matcher, value))))
        elif name == "not_":
            parts.append(NotMatcher(matcher(value)))
        elif name in KEYED_FIELDS:
            parts += [_keyed(name, key, test) for key, test in value.items()]
        elif isinstance(value, McpMatch):
            parts += _mcp_matchers(value)
        elif name == "hash":
            parts.append(_hash_matcher(condition(value)))
        elif name == "similar":
            parts.append(FieldMatcher(Field("typed"), Similar(value.to, value.at_least)))
        else:
            parts.append(FieldMatcher(Field(name), _field_condition(name, value)))
    return parts[0] if len(parts) == 1 else AllMatcher(tuple(parts))


def _mcp_matchers(spec: McpMatch) -> list[Matcher]:
    """Return the matchers of a call to an MCP server; without a condition, any such call matches."""
    parts: list[Matcher] = []
    for name in sorted(spec.model_fields_set):
        value = getattr(spec, name)
        if name in ("arguments", "responses"):
            parts += [FieldMatcher(Field(name, path), condition(test)) for path, test in value.items()]
        else:
            parts.append(FieldMatcher(Field("mcp", name), condition(value, globbed=True)))
    return parts or [FieldMatcher(Field("mcp", "server"), Exists(True))]


def _hash_matcher(hash_condition: Condition) -> Matcher:
    """Return the matcher for a hash. A literal hash may also be a hash of the older recipe."""
    current = FieldMatcher(Field("hash"), hash_condition)
    alternatives = hash_condition.conditions if isinstance(hash_condition, OneOf) else (hash_condition,)
    if not all(isinstance(test, Equals) for test in alternatives):
        return current
    return AnyMatcher((current, FieldMatcher(Field("older_hash"), hash_condition)))


def _keyed(name: str, key: str, value: object) -> FieldMatcher:
    return FieldMatcher(Field(name, key.lower() if name == "headers" else key), condition(value))


def _field_condition(name: str, value: object) -> Condition:
    if isinstance(value, ToolResultMatch):
        return _tool_result_condition(value)
    if isinstance(value, MessagesMatch):
        return _messages_condition(value)
    if isinstance(value, Named):
        return Members({"name": condition(value.name, globbed=True)})
    return condition(value, globbed=name in GLOB_FIELDS)


def condition(value: object, *, globbed: bool = False) -> Condition:
    """Return the condition of a bare value, a list of alternatives, or operators."""
    if isinstance(value, Spec):
        return _operators(value)
    if isinstance(value, list):
        return OneOf(tuple(condition(item, globbed=globbed) for item in value))
    if globbed and isinstance(value, str) and re.search(r"[*?\[]", value):
        return Glob(value)
    return Equals(value)


def _operators(spec: Spec) -> Condition:
    ignore_case = bool(getattr(spec, "ignore_case", False))
    conditions: list[Condition] = []
    for name in type(spec).model_fields:
        if name not in spec.model_fields_set or name == "ignore_case":
            continue
        value = getattr(spec, name)
        if name == "equals" and isinstance(
            spec, JsonOperators
        ):  # a list is one JSON value here, not alternatives
            conditions.append(Equals(value, ignore_case=ignore_case))
        else:
            conditions.append(_operator(name, value, ignore_case))
    return conditions[0] if len(conditions) == 1 else AllOf(tuple(conditions))


def _operator(name: str, value: object, ignore_case: bool) -> Condition:
    """Return the condition of one operator. The model has checked the type of the value."""
    if name in ("gt", "gte", "lt", "lte") and isinstance(value, int | float):
        return Compare(name, value)  # type: ignore[arg-type]  # mypy does not narrow by `in`
    if name in ("each", "some"):
        return (Each if name == "each" else Some)(condition(value))
    if name == "exists":
        return Exists(bool(value))
    if name == "length":
        return Length(condition(value))
    if name == "schema_":
        return ValidBySchema(value)
    if name == "subset":
        return Subset(value)
    if isinstance(value, list):
        return OneOf(tuple(_operator(name, item, ignore_case) for item in value))
    if name == "equals":
        return Equals(value, ignore_case=ignore_case)
    if name == "contains":
        return Contains(value, ignore_case=ignore_case)
    return _OPERATORS[name](str(value), ignore_case=ignore_case)


def _tool_result_condition(spec: ToolResultMatch) -> Condition:
    members: dict[str, Condition] = {}
    for name in sorted(spec.model_fields_set - {"exists", "json_"}):
        members[name] = condition(getattr(spec, name), globbed=name == "name")
    inside = [AtPath(compile_path(path), condition(test)) for path, test in (spec.json_ or {}).items()]
    if inside:
        members["json"] = AllOf(tuple(inside))
    parts: list[Condition] = []
    if spec.exists is not None:
        parts.append(Exists(spec.exists))
    if members:
        parts.append(Some(Members(members)))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _messages_condition(spec: MessagesMatch) -> Condition:
    parts: list[Condition] = []
    for name in sorted(spec.model_fields_set):
        value = getattr(spec, name)
        if isinstance(value, MessageMatch):
            members = {key: condition(getattr(value, key)) for key in sorted(value.model_fields_set)}
            parts.append((Each if name == "each" else Some)(Members(members)))
        else:
            parts.append(Length(condition(value)))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
