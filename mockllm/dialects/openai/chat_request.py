"""Reads a chat completions request: OpenAI's words into neutral ones. Nothing here raises on any JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from mockllm.core.json import Json, JSONDecodeError, loads
from mockllm.core.lazy import lazy
from mockllm.core.request import (
    CallPart,
    Format,
    MediaPart,
    Message,
    OtherPart,
    Part,
    Request,
    ResultPart,
    Role,
    Sampling,
    TextPart,
    Tool,
    ToolChoice,
)
from mockllm.dialects.openai import known

ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
MEDIA: Final = {
    "image_url": MediaPart("image"),
    "input_audio": MediaPart("audio"),
    "file": MediaPart("file"),
}
AUTO: Final = ToolChoice()
LIMITING: Final = frozenset({"n", "stop", "max_completion_tokens", "max_tokens"})
UNLIMITED: Final = Sampling()


class ChatRequest(Request):
    dialect = "openai"
    api = "chat"
    generates = True
    known = known.CHAT

    @lazy
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @lazy
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @lazy
    def messages(self) -> tuple[Message, ...]:
        names: dict[str, str | None] = {}
        made = []
        entries = self.fields.get("messages")
        for entry in entries if type(entries) is list else ():
            if type(entry) is not dict:
                continue
            role, content = entry.get("role"), entry.get("content")
            if type(role) is not str or role not in ROLES:
                continue
            neutral = ROLES[role]
            if type(content) is str and len(entry) == 2 and neutral != "tool":
                made.append(Message(neutral, (TextPart(content),)))
            else:
                made.append(Message(neutral, tuple(_parts(entry, role, names))))
        return tuple(made)

    @lazy
    def tools(self) -> tuple[Tool, ...]:
        """What `tools` offers, then the legacy `functions`."""
        fields = self.fields
        if "tools" not in fields and "functions" not in fields:
            return ()
        offered = (_tool(entry) for entry in objects(fields.get("tools")))
        legacy = (_function(entry) for entry in objects(fields.get("functions")))
        return tuple(tool for tool in (*offered, *legacy) if tool is not None)

    @lazy
    def tool_choice(self) -> ToolChoice:
        fields = self.fields
        return _tool_choice(fields.get("tool_choice", fields.get("function_call")))

    @lazy
    def response_format(self) -> Format:
        wanted = object_of(self.fields.get("response_format"))
        if wanted.get("type") == "json_object":
            return Format("json")
        if wanted.get("type") == "json_schema":
            described = object_of(wanted.get("json_schema"))
            return Format("schema", text_of(described.get("name")), described.get("schema"))
        return Format()

    @lazy
    def sampling(self) -> Sampling:
        fields = self.fields
        if LIMITING.isdisjoint(fields):
            return UNLIMITED
        n, stop = count_of(fields.get("n")), fields.get("stop")
        limit = count_of(fields.get("max_completion_tokens")) or count_of(fields.get("max_tokens"))
        stops = () if stop is None else (stop,) if type(stop) is str else tuple(texts(stop))
        return Sampling(n or 1, stops, limit)

    @lazy
    def include_usage(self) -> bool:
        """Whether the stream shall end with a chunk of usage."""
        return object_of(self.fields.get("stream_options")).get("include_usage") is True

    @lazy
    def obfuscated(self) -> bool:
        """Whether the stream's chunks are padded: so unless it is declined."""
        return object_of(self.fields.get("stream_options")).get("include_obfuscation") is not False

    @lazy
    def service_tier(self) -> str:
        """The tier that answers: the asked one where it is one of its own, else `default`."""
        asked = self.fields.get("service_tier")
        return asked if type(asked) is str and asked in ("flex", "priority", "scale") else "default"

    @lazy
    def forced(self) -> bool:
        """Whether the request names the one tool to call."""
        return self.tool_choice.mode == "named"

    @lazy
    def custom(self) -> frozenset[str]:
        """The names of the tools that take free text instead of JSON."""
        tools = self.tools
        return frozenset([tool.name for tool in tools if tool.kind == "custom"]) if tools else frozenset()


def text_of(value: Json) -> str | None:
    return value if type(value) is str else None


def object_of(value: Json) -> dict[str, Json]:
    return value if type(value) is dict else {}


def count_of(value: Json) -> int | None:
    """A whole number above 0; None for anything else (true is no number)."""
    return value if type(value) is int and value > 0 else None


def objects(value: Json) -> Iterator[dict[str, Json]]:
    return (entry for entry in value if type(entry) is dict) if type(value) is list else iter(())


def texts(value: Json) -> Iterator[str]:
    return (entry for entry in value if type(entry) is str) if type(value) is list else iter(())


def _parts(message: dict[str, Json], role: str, names: dict[str, str | None]) -> Iterator[Part]:
    """The parts of one message; `names` remembers the calls so far, by id."""
    content = message.get("content")
    if role == "tool":
        id = text_of(message.get("tool_call_id"))
        yield ResultPart(id, names.get(id) if id is not None else None, _joined(content))
        return
    if role == "function":
        yield ResultPart(None, text_of(message.get("name")), _joined(content))
        return
    yield from _content(content)
    for entry in objects(message.get("tool_calls")):
        said = object_of(entry.get("custom", entry.get("function")))
        call = _call(text_of(entry.get("id")), said)
        if call.id is not None:
            names[call.id] = call.name
        yield call
    if type(message.get("function_call")) is dict:
        yield _call(None, message["function_call"])


def _content(content: Json) -> Iterator[Part]:
    if type(content) is str:
        yield TextPart(content)
    for entry in content if type(content) is list else ():
        if type(entry) is str:
            yield TextPart(entry)
        elif type(entry) is dict:
            yield _part(entry)


def _part(entry: dict[str, Json]) -> Part:
    kind, text = entry.get("type", "text"), entry.get("text", entry.get("refusal"))
    if kind in ("text", "refusal") and type(text) is str:
        return TextPart(text)
    return MEDIA[kind] if type(kind) is str and kind in MEDIA else OtherPart(str(kind))


def _joined(content: Json) -> str:
    return "\n".join(part.text for part in _content(content) if type(part) is TextPart)


def _call(id: str | None, said: dict[str, Json]) -> CallPart:
    arguments = said.get("arguments", said.get("input"))
    if type(arguments) is str:
        with suppress(JSONDecodeError):
            arguments = loads(arguments)
    return CallPart(id, text_of(said.get("name")), arguments)


def _tool(entry: dict[str, Json]) -> Tool | None:
    """A function or a custom tool; a tool of another kind is known by its type."""
    kind = text_of(entry.get("type")) or "function"
    said = entry.get(kind)
    if type(said) is not dict:
        return Tool(kind, kind=kind) if kind not in ("function", "custom") else None
    return _function(said, kind)


def _function(said: dict[str, Json], kind: str = "function") -> Tool | None:
    name = text_of(said.get("name"))
    if name is None:
        return None
    return Tool(name, said.get("parameters"), text_of(said.get("description")), kind)


def _tool_choice(choice: Json) -> ToolChoice:
    if choice is None:
        return AUTO
    if choice == "none":
        return ToolChoice("none")
    if choice in ("required", "any"):
        return ToolChoice("any")
    if type(choice) is not dict:
        return ToolChoice()
    if choice.get("type") == "allowed_tools":
        allowed = object_of(choice.get("allowed_tools"))
        names = [tool.name for entry in objects(allowed.get("tools")) if (tool := _tool(entry)) is not None]
        return ToolChoice("any" if allowed.get("mode") == "required" else "auto", tuple(names))
    said = choice.get("function", choice.get("custom", choice))
    name = text_of(object_of(said).get("name"))
    return ToolChoice() if name is None else ToolChoice("named", (name,))
