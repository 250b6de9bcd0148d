"""The fields of a request on which a scenario may match: how each is read, and what kind of value it has.

A missing field has the value MISSING. Sets (tools, tool results, messages) have tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.jsonpath import JsonPath, compile_path
from mockllm.core.matching.text_conditions import HasMembers
from mockllm.core.request.messages import ResultPart
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import cached_older_hash, hash_of
from mockllm.core.secret_names import is_secret

ValueKind: TypeAlias = Literal["text", "number", "bool", "json", "set"]
FieldReader: TypeAlias = Callable[[Request], Json | Missing]


class FieldInfo(Struct, frozen=True):
    """The properties of a field. `keyed`: it has one value for each key. `small`: it has few different values.

    The results for the small fields of the head, `model` and `stream` are cached by their values together. A
    `NamedText` is not small: equal ones may have different names.
    """

    kind: ValueKind
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
    "form": FieldInfo("text", keyed=True),
    "api_key": FieldInfo("text"),
    "model": FieldInfo("text", small=True),
    "stream": FieldInfo("bool", small=True),
    "response_format": FieldInfo("text"),
    "tool_choice": FieldInfo("text"),
    "turn": FieldInfo("number", small=True),
    "user": FieldInfo("text"),
    "typed": FieldInfo("text"),
    "thinking_returned": FieldInfo("bool", small=True),
    "system": FieldInfo("text"),
    "tools": FieldInfo("set"),
    "uncalled": FieldInfo("set"),
    "mentioned": FieldInfo("set"),
    "tool_result": FieldInfo("set"),
    "has_image": FieldInfo("bool", small=True),
    "mcp": FieldInfo("text", keyed=True),
    "arguments": FieldInfo("json", keyed=True),
    "responses": FieldInfo("json", keyed=True),
    "body": FieldInfo("json", keyed=True),
    "messages": FieldInfo("set"),
    "raw_body": FieldInfo("text"),
    "input_tokens": FieldInfo("number"),
    "hash": FieldInfo("text"),
    "older_hash": FieldInfo("text"),
}
"""All fields, the cheap ones before those that must be parsed. `mcp`, `arguments` and `responses` are those of a
call to an MCP server. `typed` is the user's last text without what agents add. Two fields are internal: `generates`
is whether the call generates, which rules without `path`, `api`, `mcp` and `form` require. `older_hash` is the
hash of the body and `provider` alone, which other tools write."""


class NamedText(str, HasMembers):
    """A text with a name: `schema` with the schema's name, `named` with the tools' names."""

    name: Json | Missing = MISSING

    def member(self, name: str) -> Json | Missing:
        return self.name if name == "name" else MISSING


class ToolResultFields(HasMembers):
    """A tool result with the members of conditions: name, id, text, json and is_error."""

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
    """A field by its name in the language, with a `key` where the field is `keyed` (`FIELDS`). The key of `body`,
    `arguments` and `responses` is a JSONPath. Raises ValueError for an unknown name and for a missing or superfluous
    key, JsonPathError for an invalid path."""

    name: str
    key: str | None = None
    path: JsonPath | None = field(init=False, repr=False, compare=False, default=None)
    """A singular path selects one value at most (RFC 9535)."""
    read: FieldReader = field(init=False, repr=False, compare=False)
    """Returns the value of a request: MISSING where there is none, a tuple for a set."""

    def __post_init__(self) -> None:
        spec = FIELDS.get(self.name)
        if spec is None:
            raise ValueError(f"there is no field {self.name!r}")
        if spec.keyed is (self.key is None):
            raise ValueError(f"{self.name} {'needs a' if spec.keyed else 'has no'} key")
        if self.name == "headers":
            object.__setattr__(self, "key", str(self.key).lower())
        elif self.name in ("body", "arguments", "responses"):
            object.__setattr__(self, "path", compile_path(str(self.key)))
        object.__setattr__(self, "read", self._reader())

    @property
    def is_secret(self) -> bool:
        """Whether clients send keys in this field."""
        return self.name == "api_key" or (
            self.name in ("headers", "query", "form") and is_secret(str(self.key))
        )

    def _reader(self) -> FieldReader:
        key = str(self.key)
        if self.name == "headers":
            return lambda request: request.headers.get(key, MISSING)
        if self.name == "form":
            return lambda request: request.form.get(key, MISSING)
        if self.name == "query":
            return lambda request: request.query.get(key, MISSING)
        if self.name == "mcp":
            return lambda request: request.mcp.get(key, MISSING)
        if self.path is not None and self.name != "body":
            name, inside = self.name, self.path
            return lambda request: inside.value(request.mcp.get(name, MISSING))
        if self.path is not None:
            path = self.path
            if path.singular:
                return lambda request: path.first(request.body)
            return lambda request: _cached(request, path.text, lambda: path.value(request.body))
        return _READERS.get(self.name) or _attribute(self.name)

    @property
    def info(self) -> FieldInfo:
        return FIELDS[self.name]

    def __str__(self) -> str:
        return self.name if self.key is None else f"{self.name}[{self.key}]"


def _attribute(name: str) -> FieldReader:
    def read(request: Request) -> Json | Missing:
        value = getattr(request, name)
        return MISSING if value is None else value

    return read


def _cached(request: Request, key: str, read: Callable[[], Json | Missing]) -> Json | Missing:
    """Return a value that is read once and cached in the request for all conditions."""
    cache = request.field_values
    if cache is None:
        cache = request.field_values = {}
    if key not in cache:
        cache[key] = read()
    return cache[key]


def _tool_choice(request: Request) -> NamedText:
    choice = request.tool_choice
    text = NamedText(choice.mode)
    text.name = choice.names
    return text


def _response_format(request: Request) -> NamedText:
    format = request.response_format
    text = NamedText(format.kind)
    text.name = MISSING if format.name is None else format.name
    return text


def _messages(request: Request) -> tuple[Json, ...]:
    return tuple({"role": message.role, "text": message.text} for message in request.messages)


_READERS: Final[Mapping[str, FieldReader]] = {
    "tool_choice": _tool_choice,
    "response_format": _response_format,
    "tools": lambda request: request.tool_names,
    "tool_result": lambda request: tuple(map(ToolResultFields, request.tool_results)),
    "messages": lambda request: _cached(request, "messages", lambda: _messages(request)),
    "raw_body": lambda request: request.raw_text,
    "hash": hash_of,
    "older_hash": lambda request: cached_older_hash(request) or MISSING,
}
"""The readers of fields that are not simply an attribute of the request."""
