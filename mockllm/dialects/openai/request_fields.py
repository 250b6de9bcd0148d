"""Fields that OpenAI's requests share, above all those of chat completions and responses.

The module contains readers of fields with arbitrary values, and the settings that both protocols call by the
same names. No function raises on any JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from propcache.api import cached_property

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.typed_values import count_of, object_of, text_of
from mockllm.core.request.messages import CallPart, MediaPart, MessagePart, OtherPart, ResultPart, Role
from mockllm.core.request.request import Message, Request, TextPart, Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.tokens import estimate

TokenInput: TypeAlias = str | list[int]
"""A text, or the numbers of its tokens."""
NEUTRAL_ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
"""The neutral role of each role of a message."""
MAX_CHOICES: Final = 128
"""The maximum number of choices of one request."""


def choice_count(value: Json) -> int:
    """Return the number of requested choices, limited to the service's maximum also where no check ran."""
    return min(count_of(value) or 1, MAX_CHOICES)


class ModelRequest(Request):
    """A request to a model; the body names the model."""

    dialect = "openai"

    @cached_property
    def model(self) -> str | None:
        model = self.fields.get("model")
        return model if type(model) is str else None

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @cached_property
    def include_usage(self) -> bool:
        """Whether the stream ends with a chunk of usage."""
        return object_of(self.fields.get("stream_options")).get("include_usage") is True

    @cached_property
    def obfuscated(self) -> bool:
        """Whether the chunks of a stream are padded; they are unless the request declines."""
        return object_of(self.fields.get("stream_options")).get("include_obfuscation") is not False

    @cached_property
    def service_tier(self) -> str:
        """The tier that serves the request: the requested tier where the tier has its own capacity, else
        `default`. `fast` is another name of `priority`."""
        tier = self.fields.get("service_tier")
        if tier == "fast":
            return "priority"
        return tier if type(tier) is str and tier in ("flex", "priority", "scale") else "default"

    @cached_property
    def custom_tools(self) -> frozenset[str]:
        """The names of the tools that take free text instead of JSON."""
        tools = self.tools
        return frozenset([tool.name for tool in tools if tool.kind == "custom"]) if tools else frozenset()


def is_token_list(value: Json) -> bool:
    return type(value) is list and bool(value) and all(type(token) is int for token in value)


def input_message(inputs: Iterable[TokenInput]) -> Message:
    """Return the inputs as one message of the user."""
    parts = (TextPart(entry) if isinstance(entry, str) else OtherPart("tokens") for entry in inputs)
    return Message("user", tuple(parts))


def count_inputs(inputs: Iterable[TokenInput]) -> int:
    """Return the tokens of the inputs, which have no message framing."""
    return sum(estimate(entry) if isinstance(entry, str) else len(entry) for entry in inputs)


def content_parts(content: Json, media: Mapping[str, MediaPart]) -> Iterator[MessagePart]:
    """Yield the parts of a message's content, or of a tool's output; `media` are the parts without text, by type."""
    if type(content) is str:
        yield TextPart(content)
    for entry in content if type(content) is list else ():
        if type(entry) is str:
            yield TextPart(entry)
        elif type(entry) is dict:
            kind, text = entry.get("type"), entry.get("text")
            if text is None:
                text = entry.get("refusal")
            if type(text) is str:
                yield TextPart(text)
            else:
                yield media[kind] if type(kind) is str and kind in media else OtherPart(str(kind))


def read_format(fields: dict[str, Json], schema: dict[str, Json]) -> Format:
    """Return the response format of this type; `schema` contains the name and the schema."""
    if fields.get("type") == "json_object":
        return Format("json")
    if fields.get("type") == "json_schema":
        return Format("schema", text_of(schema.get("name")), schema.get("schema"))
    return Format()


def read_tool(fields: dict[str, Json], kind: str = "function") -> Tool | None:
    """Return a tool by its name; None where it has none."""
    name = text_of(fields.get("name"))
    if name is None:
        return None
    schema = _regex_schema(fields.get("format")) if kind == "custom" else fields.get("parameters")
    return Tool(name, schema, text_of(fields.get("description")), kind)


def _regex_schema(format_: Json) -> Json:
    """Return the schema of texts that a custom tool's regex matches as a whole; None without a regex. Chat
    completions have the grammar as an inner object."""
    grammar = object_of(format_)
    grammar = object_of(grammar.get("grammar", grammar))
    regex = grammar.get("definition") if grammar.get("syntax") == "regex" else None
    return {"type": "string", "pattern": f"^(?:{regex})$"} if type(regex) is str else None


def join_texts(parts: Iterable[MessagePart]) -> str:
    """Return the texts among the parts, one line for each."""
    return "\n".join(part.text for part in parts if type(part) is TextPart)


def result_parts(
    id: str | None, name: str | None, content: Json, media: Mapping[str, MediaPart]
) -> tuple[MessagePart, ...]:
    """Return the result of a tool, and the media in it."""
    parts = [*content_parts(content, media)]
    return (ResultPart(id, name, join_texts(parts)), *[part for part in parts if type(part) is MediaPart])


def read_tool_call(id: str | None, fields: dict[str, Json]) -> CallPart:
    """Return a call of the history. A function's arguments are parsed where they are JSON; a custom tool's
    input is text."""
    arguments = fields.get("arguments")
    if arguments is None:
        arguments = fields.get("input")
    elif type(arguments) is str:
        try:
            arguments = loads(arguments)
        except JSONDecodeError:  # the text stays; `suppress` would take longer than most arguments
            return CallPart(id, text_of(fields.get("name")), arguments)
    return CallPart(id, text_of(fields.get("name")), arguments)
