"""Suggestions for unknown keys: a key of this language that belongs in another place, or another mock's name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from mockllm.core.faults import FAULTS
from mockllm.core.json.jsonpath import path_with_dots
from mockllm.scenario.diagnostics import Path, nearest, suggestion, suggestions_are_left
from mockllm.scenario.model_walk import ModelShape

_SYNONYMS: Final[Mapping[str, str]] = {
    synonym: name
    for name, synonyms in {
        "match": "when if condition conditions",
        "reply": "response answer respond result",
        "input": "inputSchema input_schema",
        "sequence": "responses replies",
        "equals": "eq is",
        "regex": "matches pattern",
        "all": "and",
        "any": "or",
        "user": "prompt",
        "arguments": "args input parameters",
        "requests": "rpm",
        "tokens": "tpm",
        "input_tokens": "itpm prompt_tokens promptTokenCount",
        "output_tokens": "otpm completion_tokens candidatesTokenCount",
        "cached_tokens": "cache_read_input_tokens cachedContentTokenCount",
        "tokens_per_second": "tps",
        "delay": "latency wait sleep pause",
        "fallback": "default else otherwise catch_all",
        "chance": "probability",
        "text": "content body message",
        "finish_reason": "stop_reason finishReason",
        "tool_calls": "function_call tool_use tools",
        "status": "status_code code",
        "stop": "end_turn STOP",
        "length": "max_tokens MAX_TOKENS max_output_tokens",
        "content_filter": "SAFETY",
        "thinking": "reasoning reasoning_content",
        "cycle": "loop",
        "repeat_last": "repeat",
        "server_error": "api_error internal_error",
        "bad_request": "invalid_request_error",
        "rate_limit": "rate_limit_exceeded too_many_requests",
        "authentication": "invalid_api_key unauthorized",
        "permission": "forbidden",
        "chat": "chat_completions",
        "pack": "name",
        "times": "count",
        "count": "times",
    }.items()
    for synonym in synonyms.split()
}
"""Names of other mocks and of providers, with the names of this language: keys and values."""
_OF_THE_REQUEST: Final = "a match is about the request; expect: {{{}: …}} in an example names what responded"
_ADVICE: Final = (
    ("in", "equals", "a list alone means any of its items"),
    ("not", "equals", "it belongs around a whole match: not: {user: …}"),
    ("ignore_case", "raw_body", "it belongs beside an operator: user: {contains: …, ignore_case: true}"),
    (
        "code",
        "fields",
        "the provider's own code belongs in fields: {PROVIDER: {code: …}}, an HTTP status in status",
    ),
    ("param", "fields", "it belongs in fields: {PROVIDER: {param: …}}"),
    ("total_tokens", "reasoning_tokens", "it is counted from input_tokens and output_tokens: leave it out"),
    ("rule", "raw_body", _OF_THE_REQUEST.format("rule")),
    ("modifier", "raw_body", _OF_THE_REQUEST.format("modifier")),
    ("function", "arguments", "its name and arguments belong here: {name: …, arguments: …}"),
    *((key, "replaces", "write a comment: # …") for key in ("description", "comment", "note")),
    ("weight", "replaces", "a branch of choose has a weight: choose: [{weight: …, reply: …}]"),
    ("function", "parameters", "its name and parameters belong here: {name: …, parameters: …}"),
    ("from_schema", "id", "it is a value: write arguments: from_schema"),
    ("from_schema", "tool_calls", "it is a value: write tool_calls: from_schema, or json: from_schema"),
)
"""Keys that are not allowed beside another key of the mapping, and what to write instead."""
_OPERATORS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("equals", "contains", "starts_with", "ends_with", "regex", "glob", "in", "exists"), "user"
    ),
    **dict.fromkeys(("gt", "gte", "lt", "lte"), "turn"),
}
"""Operators that users write into a match without a field, each with a field that has it."""
_CONTAINERS: Final = ("match", "reply", "pace", "error", "http", "text")
"""Mappings in which a misplaced key may belong, the likeliest first."""
_OF_EXAMPLES: Final = ("request", "expect")
"""Such mappings of an example."""
_RULE_KEYS: Final = frozenset(
    (
        *("match", "reply", "error", "http", "sequence", "choose", "then", "fallback", "delay", "pace"),
        *("headers", "stream", "faults", "chance", "times", "skip", "every", "per", "during", "literal"),
        *("requires_state", "sets_state", "priority", "enabled", "replaces", "name"),
    )
)
"""Keys of a rule that users write into its mappings by mistake."""
_MATCH_KEYS: Final = frozenset(
    ("user", "typed", "system", "model", "tools", "path", "method", "body", "api", "provider")
)
"""Keys of a match that users write into a step of a rule by mistake."""


def unknown_key(key: str, shape: ModelShape, path: Path) -> str:
    """Return the message for an unknown key, with a suggestion. `shape` is the shape of the mapping around
    the key, `path` the path of the key."""
    return f"unknown key{_advice(key, shape, path) if suggestions_are_left() else ''}"


def _advice(key: str, shape: ModelShape, path: Path) -> str:
    allowed = shape.allowed_keys()
    if "\xa0" in key:
        return "; it contains a non-breaking space (U+00A0): write a plain one"
    if set("“”„‘’") & set(key):
        return "; typographic quotes quote nothing in YAML: write \" or '"
    known = (text for name, beside, text in _ADVICE if name == key and beside in allowed)
    if advice := next(known, ""):
        return f"; {advice}"
    if (name := own_name(key, allowed)) is not None:
        return f'; did you mean "{name}"?'
    operator = _SYNONYMS.get(key) or nearest(key, _OPERATORS) or key
    if operator in _OPERATORS and "raw_body" in allowed:
        return f"; it is a condition on a field: write {_OPERATORS[operator]}: {{{operator}: …}}"
    if path[-2:-1] == ("messages",) and key in ("role", "text", "content"):
        return f"; it belongs below some or each: {{some: {{{own_name(key, ('text',)) or key}: …}}}}"
    first, dot, rest = key.partition(".")
    if dot and first in allowed and "." not in rest:
        return f"; write {first}: {{{rest}: …}}"
    keys_of = {
        container: shape.step(container).allowed_keys()
        for container in (*_CONTAINERS, *_OF_EXAMPLES)
        if container in allowed
    }
    near = nearest(key, allowed)
    inside = next((_inside(container, key) for container, keys in keys_of.items() if key in keys), "")
    if advice := _misplaced(key, path, allowed) or inside:
        return advice
    if key in FAULTS and "faults" in allowed:
        return f"; it is a fault: write faults: [{key}], or [{{{key}: {{…}}}}] with settings"
    if near is None:
        likely = ((each, own_name(key, keys) or nearest(key, keys)) for each, keys in keys_of.items())
        inside = next((_inside(container, name) for container, name in likely if name is not None), "")
    if near is None and not inside and "raw_body" in allowed:
        query = path_with_dots(key) or f"$.{key}"
        return f'; match a field of the request by its JSONPath: body: {{"{query}": …}}'
    return inside or _listed(key, allowed, path) + _foreign_letter(key, near)


def _listed(key: str, allowed: Collection[str], path: Path) -> str:
    """Return the nearest key, or where all keys are, of a mapping with many keys."""
    listed = suggestion(key, allowed)
    if not listed and path[-3:-2] == ("faults",):
        return "; the page Faults of `mockllm docs` lists them all"
    if not listed and path[-2:-1] == ("request",):
        return f"; write the whole body for such a field: path: …, body: {{{key}: …}}"
    return listed


def _foreign_letter(key: str, near: str | None) -> str:
    """Return a note about the letter of another alphabet in a key that looks like the suggested one."""
    letter = next((each for each in key if not each.isascii()), None)
    return f' the "{letter}" is the letter U+{ord(letter):04X}' if near and letter else ""


def own_name(name: str, allowed: Collection[object]) -> str | None:
    """Return this language's name for a name of another mock or provider, if it is one of the allowed names."""
    return _SYNONYMS[name] if _SYNONYMS.get(name) in allowed else None


def _inside(container: str, key: str) -> str:
    return f"; did you mean {container}: {{{key}: …}}?"


def _misplaced(key: str, path: Path, allowed: Collection[object]) -> str:
    """Return the advice for a key at the wrong level, or for a rule's key in a modifier and the reverse."""
    around = path[-2] if len(path) > 1 else None
    if len(path) > 3 and path[-3] in ("sequence", "choose") and key in _MATCH_KEYS:
        return "; only the rule has a match, for all its responses"
    if len(path) > 2 and path[-3] == "faults" and key in _RULE_KEYS:
        return "; it belongs beside faults, not in it"
    if key not in _RULE_KEYS and key not in ("limit", "load"):
        return ""
    if len(path) == 1 and "rules" in allowed:
        return "; it belongs to an item of rules or modifiers"
    if isinstance(around, str):
        misplaced = around in (*_CONTAINERS, "limit", "load") and key in _RULE_KEYS
        return f"; it belongs beside {around}, not in it" if misplaced else ""
    if path[0] == "modifiers" and len(path) == 3:
        return "; only a rule has one: write it under rules"
    if path[0] == "rules" and len(path) == 3:
        return "; only a modifier has one: write it under modifiers"
    below_rule = len(path) > 3 and path[-3] in ("sequence", "choose")
    return "; only a rule has one, for all its responses" if below_rule else ""
