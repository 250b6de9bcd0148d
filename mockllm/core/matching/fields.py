"""The fields of a request that a scenario may match on: how each is read, and what kind of value it has.

What is not there reads as MISSING; sets of things (tools, tool results, messages) read as tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.jsonpath import JsonPath, compile_path
from mockllm.core.matching.condition import Structured
from mockllm.core.redaction import is_secret
from mockllm.core.request.request import Request, ResultPart
from mockllm.core.request.request_hash import cached_hash, cached_older_hash

Kind: TypeAlias = Literal["text", "number", "bool", "json", "set"]
Reader: TypeAlias = Callable[[Request], Any]


class FieldInfo(Struct, frozen=True):
    """A field's facts. `keyed`: one value for each key. `small`: few different values come along, so that
    what was found out about one is worth keeping (not of a `Word`: equal ones may have other names)."""

    kind: Kind
    keyed: bool = False
    small: bool = False


FIELDS: Final[Mapping[str, FieldInfo]] = {
    "method": FieldInfo("text", small=True),
    "path": FieldInfo("text", small=True),
    "provider": FieldInfo("text", small=True),
    "dialect": FieldInfo("text", small=True),
    "api": FieldInfo("text", small=True),
    "generates": FieldInfo("bool", small=True),
    "host": FieldInfo("text", small=True),
    "session": FieldInfo("text"),
    "query": FieldInfo("text", keyed=True),
    "headers": FieldInfo("text", keyed=True),
    "api_key": FieldInfo("text"),
    "model": FieldInfo("text", small=True),
    "stream": FieldInfo("bool", small=True),
    "response_format": FieldInfo("text"),
    "tool_choice": FieldInfo("text"),
    "turn": FieldInfo("number", small=True),
    "user": FieldInfo("text"),
    "system": FieldInfo("text"),
    "tools": FieldInfo("set"),
    "uncalled": FieldInfo("set"),
    "tool_result": FieldInfo("set"),
    "has_image": FieldInfo("bool", small=True),
    "body": FieldInfo("json", keyed=True),
    "messages": FieldInfo("set"),
    "raw_body": FieldInfo("text"),
    "input_tokens": FieldInfo("number"),
    "hash": FieldInfo("text"),
    "older_hash": FieldInfo("text"),
}
"""In the order in which they are looked at: what is at hand before what must be read. `generates` is the
engine's own: whether the call generates, which rules without `api` and `path` ask for; and so is `older_hash`,
the other recipe that a `hash` is looked for by."""


class NamedText(str, Structured):
    """A word that has a name beside it: `schema` and the schema's, `named` and the tools'."""

    name: Json | Missing = MISSING

    def member(self, name: str) -> Json | Missing:
        return self.name if name == "name" else MISSING


class ToolResultFields(Structured):
    """A tool result as conditions see it: name, id, text, json and is_error."""

    def __init__(self, part: ResultPart) -> None:
        self._part = part

    def member(self, name: str) -> Json | Missing:
        if name == "json":
            return self._part.json
        value = getattr(self._part, name) if name in ("name", "id", "text", "is_error") else None
        return MISSING if value is None else value

    def __repr__(self) -> str:
        name = self.member("name")
        return f"{name}: {self._part.text}" if name else self._part.text


@dataclass(frozen=True)
class Field:
    """A field by its name in the language; `key` for headers, query and body (there a JSONPath).

    Raises ValueError for an unknown name or a key that is missing or too many, JsonPathError for a bad path.
    """

    name: str
    key: str | None = None
    path: JsonPath | None = field(init=False, repr=False, compare=False, default=None)
    read: Reader = field(init=False, repr=False, compare=False)
    """The value that a request has: MISSING where there is none, a tuple where it is a set."""

    def __post_init__(self) -> None:
        spec = FIELDS.get(self.name)
        if spec is None:
            raise ValueError(f"there is no field {self.name!r}")
        if spec.keyed is (self.key is None):
            raise ValueError(f"{self.name} {'needs a' if spec.keyed else 'has no'} key")
        if self.name == "headers":
            object.__setattr__(self, "key", str(self.key).lower())
        elif self.name == "body":
            object.__setattr__(self, "path", compile_path(str(self.key)))
        object.__setattr__(self, "read", self._reader())

    @property
    def is_secret(self) -> bool:
        """Whether it is where clients carry their keys."""
        return self.name == "api_key" or (self.name in ("headers", "query") and is_secret(str(self.key)))

    def _reader(self) -> Reader:
        key = str(self.key)
        if self.name == "headers":
            return lambda request: request.headers.get(key, MISSING)
        if self.name == "query":
            return lambda request: request.query.get(key, MISSING)
        if self.path is not None:
            path = self.path
            if path.singular:
                return lambda request: path.first(request.body)
            return lambda request: _once(request, path.text, lambda: path.value(request.body))
        return _READERS.get(self.name) or _plain(self.name)

    @property
    def spec(self) -> FieldInfo:
        return FIELDS[self.name]

    def __str__(self) -> str:
        return self.name if self.key is None else f"{self.name}[{self.key}]"


def _plain(name: str) -> Reader:
    def read(request: Request) -> Any:
        value = getattr(request, name)
        return MISSING if value is None else value

    return read


def _once(request: Request, key: str, read: Callable[[], Any]) -> Any:
    """Read for the first condition that asks, kept with the request for the others."""
    kept = vars(request).setdefault("_once", {})
    if key not in kept:
        kept[key] = read()
    return kept[key]


def _tool_choice(request: Request) -> NamedText:
    choice = request.tool_choice
    word = NamedText(choice.mode)
    word.name = choice.names
    return word


def _response_format(request: Request) -> NamedText:
    wanted = request.response_format
    word = NamedText(wanted.kind)
    word.name = MISSING if wanted.name is None else wanted.name
    return word


def _messages(request: Request) -> tuple[Json, ...]:
    return tuple({"role": message.role, "text": message.text} for message in request.messages)


_READERS: Final[Mapping[str, Reader]] = {
    "tool_choice": _tool_choice,
    "response_format": _response_format,
    "tools": lambda request: tuple(tool.name for tool in request.tools),
    "tool_result": lambda request: tuple(map(ToolResultFields, request.tool_results)),
    "messages": lambda request: _once(request, "messages", lambda: _messages(request)),
    "raw_body": lambda request: request.raw_text,
    "hash": cached_hash,
    "older_hash": lambda request: cached_older_hash(request) or MISSING,
}
"""The fields whose value is not the request's attribute of that name."""
