"""Parses a chat completions request into the neutral form. Functions raise only what the lookup raises."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import count_of, object_of, objects, text_of, texts
from mockllm.core.request.messages import MediaPart, MessagePart, ResultPart, Role, last_user_text
from mockllm.core.request.prompt_tokens import TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT, estimate_texts
from mockllm.core.request.read_turns import ReadTurns
from mockllm.core.request.request import Message, TextPart, Tool, estimate_input
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.core.request.tools import TOOL_ATTRIBUTES, ToolChoice
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.openai.chat.simple_request_body import (
    PlainMessage,
    SimpleRequestBody,
    read_plain_messages,
    simple_request_body,
)
from mockllm.dialects.openai.request_fields import (
    NEUTRAL_ROLES,
    ModelRequest,
    choice_count,
    content_parts,
    read_format,
    read_tool,
    read_tool_call,
    result_parts,
)

ROLES: Final[dict[str, Role]] = {**NEUTRAL_ROLES, "tool": "tool", "function": "tool"}
AUDIO: Final = frozenset({"audio"})
MEDIA: Final = {"image_url": MediaPart("image"), "input_audio": MediaPart("audio"), "file": MediaPart("file")}
MAX_LOGPROBS: Final = 20
"""The maximum number of likeliest tokens per position."""
AUTO: Final = ToolChoice()
BOUNDING_FIELDS: Final = frozenset({"n", "stop", "max_completion_tokens", "max_tokens"})
DEFAULT_BOUNDS: Final = OutputBounds()
ENCODING_FIELDS: Final = frozenset({
    "function_call", "functions", "logprobs", "modalities", "service_tier", "stream_options", "tool_choice", "tools"
})  # fmt: skip
"""The fields that change the encoding of a reply, beside `moderation`, whose results depend on the turns, too."""


@lru_cache(256)  # clients use few limits, and many requests have one
def bounds_of_limit(limit: int | None) -> OutputBounds:
    """Return the bounds of a request that has nothing but a limit of tokens."""
    return OutputBounds(max_tokens=limit)


DOCUMENTED_FIELDS: Final = frozenset({
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
    "max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model", "moderation", "n",
    "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed",
    "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools",
    "top_logprobs", "top_p", "user", "verbosity", "web_search_options"
})  # fmt: skip
"""The fields of the request, as the types of the SDK name them. Other fields of a body pass, and `validation:
strict` notes them. `exact` refuses them."""

REASONING_MEMBERS: Final = ("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks")
"""The members of an assistant message in which clients of vendors return reasoning."""


class ChatRequest(ModelRequest):
    api = "chat"
    generates = True
    documented_fields = DOCUMENTED_FIELDS
    turns_field = "messages"
    shared_attributes: ClassVar[tuple[str, ...]] = (
        *TOOL_ATTRIBUTES,
        "stream",
        "output_bounds",
        "encoding_options",
    )

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        items = self.fields.get("messages")
        return self.read_messages(items, add_turn) if type(items) is list else ()

    @property
    def may_be_stored(self) -> bool:
        """Whether the completion is to be stored."""
        return self.fields.get("store") is True

    @cached_property
    def simple_body(self) -> SimpleRequestBody | None:
        """The body, if it has the form that all checks of `check.py` accept, and is not divided."""
        return simple_request_body(self.fields) if self.divided_body is None else None

    @cached_property
    def plain_messages(self) -> Sequence[PlainMessage] | None:
        """The messages, where all consist of a role and a text; else None. Most short requests do, and parsing them
        as messages costs three times as much. None, too, if `messages` was read before, or the body is divided."""
        if "messages" in vars(self):
            return None
        simple_body = self.simple_body
        if simple_body is not None:
            return simple_body.messages
        return None if self.divided_body is not None else read_plain_messages(self.fields)

    @cached_property
    def user(self) -> str | None:
        plain_messages = self.plain_messages
        if plain_messages is None:
            return last_user_text(self.messages)
        for message in reversed(plain_messages):
            if message.role == "user":
                return message.content
        return None

    @cached_property
    def input_tokens(self) -> int:
        fields = self.fields
        if "tools" in fields or "functions" in fields:
            return estimate_input(self)
        plain_messages = self.plain_messages
        if plain_messages is None:
            return TOKENS_PER_PROMPT + TOKENS_PER_MESSAGE * len(self.messages) + self.part_tokens
        return estimate_texts([message.content for message in plain_messages])

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """The tools of `tools`, then the legacy `functions`."""
        fields = self.fields
        if "tools" not in fields and "functions" not in fields:
            return ()
        offered = (_tool(entry) for entry in objects(fields.get("tools")))
        legacy = (read_tool(entry) for entry in objects(fields.get("functions")))
        return tuple(tool for tool in (*offered, *legacy) if tool is not None)

    @cached_property
    def tool_choice(self) -> ToolChoice:
        choice = self.fields.get("tool_choice")
        return _tool_choice(self.fields.get("function_call") if choice is None else choice)

    @cached_property
    def response_format(self) -> Format:
        format_ = object_of(self.fields.get("response_format"))
        return read_format(format_, object_of(format_.get("json_schema")))

    @cached_property
    def output_bounds(self) -> OutputBounds:
        fields = self.fields
        if BOUNDING_FIELDS.isdisjoint(fields):
            return DEFAULT_BOUNDS
        n, stop, limit = fields.get("n"), fields.get("stop"), None
        if "max_completion_tokens" in fields:
            limit = count_of(fields["max_completion_tokens"])
        limit = limit or count_of(fields.get("max_tokens"))
        if n is None and stop is None:
            return bounds_of_limit(limit)
        stops = () if stop is None else (stop,) if type(stop) is str else tuple(texts(stop))
        return OutputBounds(1 if n is None else choice_count(n), stops, limit)

    @cached_property
    def logprobs(self) -> int | None:
        """The number of likeliest tokens at each position; None where the request has no probabilities."""
        if self.fields.get("logprobs") is not True:
            return None
        return min(count_of(self.fields.get("top_logprobs")) or 0, MAX_LOGPROBS)

    @cached_property
    def thinking_returned(self) -> bool | None:
        """Whether the last assistant message has reasoning, under any of the names that vendors use, or as a part."""
        for item in reversed([*objects(self.fields.get("messages"))]):
            if item.get("role") == "assistant":
                in_content = any(part.get("type") == "thinking" for part in objects(item.get("content")))
                return in_content or any(item.get(name) for name in REASONING_MEMBERS)
        return None

    @cached_property
    def audio_format(self) -> str | None:
        """The format of the response's audio; None where the request wants none."""
        if "audio" not in texts(self.fields.get("modalities")):
            return None
        return text_of(object_of(self.fields.get("audio")).get("format"))

    @property
    def requested_media(self) -> frozenset[str]:
        return frozenset() if self.audio_format is None else AUDIO

    @cached_property
    def legacy(self) -> bool:
        """Whether the request has `functions` and no tools: the response then has a `function_call`."""
        return bool(self.fields.get("functions")) and not self.fields.get("tools")

    @cached_property
    def forced(self) -> bool:
        """Whether the request names the one tool to call."""
        return self.tool_choice.mode == "named"

    @cached_property
    def encoding_options(self) -> Hashable:
        """The options beside the turns that change what an encoder writes; None where the request has none."""
        if ENCODING_FIELDS.isdisjoint(self.fields):
            return None
        return (
            self.include_usage,
            self.obfuscated,
            self.service_tier,
            self.forced,
            value_or_digest(tuple(sorted(self.custom_tools))),
            self.legacy,
            self.logprobs,
            value_or_digest(self.audio_format),
        )


def add_turn(turns: ReadTurns, item: Json, lookup: ObjectLookup) -> None:
    """Add the message of an item with a known role."""
    if type(item) is not dict:
        return
    role, content = item.get("role"), item.get("content")
    if type(role) is not str or role not in ROLES:
        return
    neutral = ROLES[role]
    if type(content) is str and len(item) == 2 and neutral != "tool":
        turns.add(Message(neutral, (TextPart(content),)))
    else:
        turns.add(Message(neutral, tuple(_parts(item, role, turns.tools_by_call_id, lookup))))


def _parts(
    message: dict[str, Json], role: str, tools_by_call_id: dict[str, str | None], lookup: ObjectLookup
) -> Sequence[MessagePart]:
    """Return the parts of one message. `tools_by_call_id` are those so far; `lookup`
    finds those of earlier responses."""
    content = message.get("content")
    if role == "tool":
        id = text_of(message.get("tool_call_id"))
        name = None if id is None else tools_by_call_id.get(id) or lookup.tool_by_call_id(id)
        return (
            (ResultPart(id, name, content),)
            if type(content) is str
            else result_parts(id, name, content, MEDIA)
        )
    if role == "function":
        return result_parts(None, text_of(message.get("name")), content, MEDIA)
    parts: list[MessagePart] = [] if content is None else [*content_parts(content, MEDIA)]
    calls = message.get("tool_calls")
    for entry in calls if type(calls) is list else ():
        if type(entry) is dict:
            fields = object_of(entry.get("custom") or entry.get("function"))
            parsed = read_tool_call(text_of(entry.get("id")), fields)
            if parsed.id is not None:
                tools_by_call_id[parsed.id] = parsed.name
            parts.append(parsed)
    if type(message.get("function_call")) is dict:
        parts.append(read_tool_call(None, message["function_call"]))
    return parts


def _tool(entry: dict[str, Json]) -> Tool | None:
    """Return a function or a custom tool; the type names a tool of any other kind."""
    kind = text_of(entry.get("type")) or "function"
    fields = entry.get(kind)
    if type(fields) is not dict:
        return Tool(kind, kind=kind) if kind not in ("function", "custom") else None
    return read_tool(fields, kind)


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
    fields = choice.get("function") or choice.get("custom") or choice
    name = text_of(object_of(fields).get("name"))
    return ToolChoice() if name is None else ToolChoice("named", (name,))
