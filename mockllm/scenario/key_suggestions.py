"""Where a key belongs that is unknown where it stands: a word of this language at another place, or another
mock's word for one of ours.

Apart from the complaints, which know of models and places only: this knows which words a person mixes up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from mockllm.scenario.diagnostics import Path, meant, nearest
from mockllm.scenario.model_walk import ModelShape

_OURS: Final[Mapping[str, str]] = {
    "when": "match",
    "if": "match",
    "condition": "match",
    "conditions": "match",
    "response": "reply",
    "answer": "reply",
    "respond": "reply",
    "responses": "sequence",
    "replies": "sequence",
    "eq": "equals",
    "is": "equals",
    "matches": "regex",
    "pattern": "regex",
    "and": "all",
    "or": "any",
    "prompt": "user",
    "args": "arguments",
    "input": "arguments",
    "parameters": "arguments",
    "rpm": "requests",
    "tpm": "tokens",
    "tps": "tokens_per_second",
    "latency": "delay",
    "probability": "chance",
    "content": "text",
    "body": "text",
    "message": "text",
    "stop_reason": "finish_reason",
    "finishReason": "finish_reason",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "tools": "tool_calls",
    "status_code": "status",
    "code": "status",
    "end_turn": "stop",
    "max_tokens": "length",
    "api_error": "server_error",
    "internal_error": "server_error",
    "invalid_request_error": "bad_request",
    "rate_limit_exceeded": "rate_limit",
    "too_many_requests": "rate_limit",
    "invalid_api_key": "authentication",
    "unauthorized": "authentication",
    "forbidden": "permission",
    "chat_completions": "chat",
}
"""Words of other mocks and of providers, and ours: keys and values."""
_SAID: Final[Mapping[str, tuple[str, str]]] = {
    "in": ("equals", "a list alone means any of its items"),
    "not": ("equals", "it stands around a whole match: not: {user: …}"),
    "ignore_case": ("raw_body", "it stands beside an operator: user: {contains: …, ignore_case: true}"),
}
"""Keys that are none of a mapping that has this other one, and what to do in their place."""
_HOLDERS: Final = ("match", "reply", "pace", "error", "http", "text")
"""What holds keys that are looked for beside it, the likeliest first."""
_BESIDE: Final = frozenset(
    [
        "match",
        "reply",
        "error",
        "http",
        "sequence",
        "choose",
        "then",
        "fallback",
        "delay",
        "pace",
        "headers",
        "stream",
        "faults",
        "chance",
        "times",
        "skip",
        "every",
        "per",
        "during",
        "requires_state",
        "sets_state",
        "priority",
        "enabled",
        "replaces",
        "name",
        "literal",
    ]
)
"""Keys of a rule that are looked for in what it holds."""


def unknown(key: str, shape: ModelShape, path: Path) -> str:
    """That a key is unknown, and what was probably meant. `shape` is that of the mapping it stands in, `path`
    its own place."""
    return f"unknown key{_advice(key, shape, path)}"


def _advice(key: str, shape: ModelShape, path: Path) -> str:
    allowed = shape.allowed_keys()
    if "\xa0" in key:
        return "; it holds a non-breaking space (U+00A0): write a plain one"
    if set("“”„‘’") & set(key):
        return "; typographic quotes quote nothing in YAML: write \" or '"
    if (word := ours(key, allowed)) is not None:
        return f'; did you mean "{word}"?'
    if key in _SAID and _SAID[key][0] in allowed:
        return f"; {_SAID[key][1]}"
    held = {holder: shape.step(holder).allowed_keys() for holder in _HOLDERS if holder in allowed}
    near = nearest(key, allowed)
    below = next((_below(holder, key) for holder, keys in held.items() if key in keys), "")
    if found := _elsewhere(key, path) or below:
        return found
    if near is None:
        likely = ((holder, nearest(key, keys)) for holder, keys in held.items())
        below = next((_below(holder, word) for holder, word in likely if word is not None), "")
    if near is None and not below and "raw_body" in allowed:
        return f'; a field of the request is asked for by its JSONPath: body: {{"$.{key}": …}}'
    return below or meant(key, allowed)


def ours(word: str, allowed: Collection[object]) -> str | None:
    """Our word for one of another mock or a provider, where it is one of these."""
    return _OURS[word] if _OURS.get(word) in allowed else None


def _below(holder: str, key: str) -> str:
    return f"; did you mean {holder}: {{{key}: …}}?"


def _elsewhere(key: str, path: Path) -> str:
    """Of a word that stands too deep, or among modifiers and not among rules, or the other way round."""
    around = path[-2] if len(path) > 1 else None
    if key not in _BESIDE and key not in ("limit", "load"):
        return ""
    if isinstance(around, str):
        return f"; it stands beside {around}, not in it" if around in _HOLDERS and key in _BESIDE else ""
    if path[0] == "modifiers" and len(path) == 3:
        return "; only a rule has one: write it under rules"
    if path[0] == "rules" and len(path) == 3:
        return "; only a modifier has one: write it under modifiers"
    return (
        "; only a rule has one, for all its answers"
        if len(path) > 3 and path[-3] in ("sequence", "choose")
        else ""
    )
