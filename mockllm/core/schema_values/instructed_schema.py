"""The schema of the JSON that an instruction in a prompt requires: an example, a written schema, or names of keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from json import JSONDecoder
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.request.person_texts import shortened
from mockllm.core.schema_values.field_kinds import KINDS
from mockllm.core.schema_values.realistic import FieldContext, number

MAX_INSTRUCTION: Final = 8_000
"""The most characters of an instruction."""
_MAX_OBJECTS: Final = 8
"""The most texts in braces that are parsed."""
_DECODER: Final = JSONDecoder()
_MAX_KEYS: Final = 32
_MAX_DEPTH: Final = 5
_JSON: Final = re.compile(r"\bjson\b", re.IGNORECASE)
_QUOTED_KEY: Final = re.compile(r"[\"'`“]([A-Za-z_][\w-]{0,60})[\"'`”]")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s|\n\s*\n")
_LIST: Final = re.compile(
    r"\b(?:keys?|fields?|propert(?:y|ies)|attributes?|members?)\b(?: (?:are|is|named|called|of))?:? "
    r"((?:[A-Za-z_]\w{0,40}(?:, and |, or |, | and | or )?){1,20})",
)
_KINDS: Final = "string|str|text|number|float|integer|int|boolean|bool|array|list|object|date|null|none"
_PLACEHOLDER: Final = re.compile(
    rf"""["'][A-Za-z_][\w-]{{0,60}}["'] ?: ?(?:"(?:{_KINDS}|\.\.\.|…|<[^<>"\n]{{0,60}}>)?"|{_KINDS}"""
    r"""|\.\.\.|…|<[^<>"\n]{0,60}>|0(?:\.0)?)(?=\s?[,}\n])""",
    re.IGNORECASE,
)
"""A member of an example whose value only shows its place or type."""
_ITEM: Final = re.compile(r"[A-Za-z_]\w*")


def instructed_schema(text: str, question: str = "") -> Json:
    """Return the schema that an instruction names; None where it names none. `question` is the person's text: a key
    behind a number there ("3 seats") is a number's."""
    text = shortened(text, MAX_INSTRUCTION)
    if not _JSON.search(text):
        return None
    keys = _named_keys(text)
    return _written(text) or (
        {"type": "object", "properties": {key: _key_schema(key, question) for key in keys}, "required": keys}
        if keys
        else None
    )


def without_placeholders(text: str) -> str:
    """Return an instruction without the members of its example that have no value: they are none to send."""
    return _PLACEHOLDER.sub(" ", shortened(text, MAX_INSTRUCTION))


def _written(text: str) -> Json:
    """Return the last schema in the text, else the schema of the last object, which is an example."""
    schema: Json = None
    example: Json = None
    position = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if position < 0:
            break
        try:
            value, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            position = text.find("{", position + 1)
            continue
        position = text.find("{", end)
        properties = value.get("properties")
        if isinstance(properties, dict) and all(isinstance(part, dict) for part in properties.values()):
            schema = value
        elif value:
            example = _example_schema(value, 0)
    return schema or example


def _example_schema(value: Json, depth: int) -> Json:
    """Return a schema for values like an example."""
    if depth > _MAX_DEPTH:
        return {}
    if isinstance(value, dict):
        members = dict(list(value.items())[:_MAX_KEYS])
        parts = {name: _example_schema(member, depth + 1) for name, member in members.items()}
        return {"type": "object", "properties": parts, "required": list(parts)}
    if isinstance(value, list):
        return {
            "type": "array",
            "items": _example_schema(value[0], depth + 1) if value else {"type": "string"},
        }
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int | float):
        return {"type": "integer" if isinstance(value, int) else "number"}
    return _described(value) if isinstance(value, str) else {}


def _described(text: str) -> Mapping[str, Json]:
    """Return the schema of a text in place of a value: `string`, `<number>`, `a | b`."""
    word = text.strip("<>[]() .").lower()
    for kind, words in (
        ("integer", ("int", "integer")),
        ("number", ("number", "float")),
        ("boolean", ("bool", "boolean")),
    ):
        if word in words:
            return {"type": kind}
    choices = [choice.strip(" \"'<>") for choice in text.split("|")]
    if len(choices) > 1 and all(0 < len(choice) <= 40 for choice in choices):
        return {"enum": choices}
    return {"type": "string"}


def _named_keys(text: str) -> list[str]:
    """Return the keys that a sentence about JSON quotes, or lists after the word for them."""
    sentences = [sentence for sentence in _SENTENCE.split(text) if sentence]
    about = [
        each
        for n, each in enumerate(sentences)
        if _JSON.search(each) or (n and _JSON.search(sentences[n - 1]))
    ]
    for sentence in about:
        keys = _QUOTED_KEY.findall(sentence)
        if not keys and (listed := _LIST.search(sentence)):
            keys = [key for key in _ITEM.findall(listed[1]) if key not in ("and", "or")]
        keys = [key for key in dict.fromkeys(keys) if key.lower() != "json"]
        if keys:
            return keys[:_MAX_KEYS]
    return []


def _key_schema(key: str, question: str) -> Json:
    """Return the schema of a key by its name. It is a number where the name is a number's, or is behind a number in
    the question; else it is a text."""
    context = FieldContext(key)
    usual = None if KINDS.keys() & {key.lower()} else number(context)
    if usual is None:
        counted = rf"(?<![\w.,-])\d{{1,9}} {re.escape(key)}\b"
        return {"type": "integer" if re.search(counted, question, re.IGNORECASE) else "string"}
    return {"type": "number" if usual[2] else "integer"}
