"""Reads a chat completions request: OpenAI's words into neutral ones. Nothing here raises on any JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.lazy import lazy
from mockllm.core.request.request import (
    Format,
    MediaPart,
    Message,
    OtherPart,
    Part,
    ResultPart,
    Role,
    Sampling,
    TextPart,
    Tool,
    ToolChoice,
    estimate_input,
    estimate_texts,
    last_said,
)
from mockllm.core.request.stored_responses import ResponseLookup
from mockllm.dialects.openai import known_fields
from mockllm.dialects.openai.request_helpers import (
    NEUTRAL_ROLES,
    ModelRequest,
    choice_count,
    count_of,
    join_texts,
    object_of,
    objects,
    read_call,
    text_of,
    texts,
)

ROLES: Final[dict[str, Role]] = {**NEUTRAL_ROLES, "tool": "tool", "function": "tool"}
MEDIA: Final = {
    "image_url": MediaPart("image"),
    "input_audio": MediaPart("audio"),
    "file": MediaPart("file"),
}
MOST: Final = 20
"""How many likeliest tokens a place may have."""
AUTO: Final = ToolChoice()
LIMITING: Final = frozenset({"n", "stop", "max_completion_tokens", "max_tokens"})
UNLIMITED: Final = Sampling()


class ChatRequest(ModelRequest):
    api = "chat"
    generates = True
    known = known_fields.CHAT

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
                made.append(Message(neutral, tuple(_parts(entry, role, names, self.recall))))
        return tuple(made)

    @property
    def memorable(self) -> bool:
        """Only what is to be stored is remembered."""
        return b'"store"' in self.raw and self.fields.get("store") is True

    @lazy
    def plain(self) -> Sequence[tuple[Role, str]] | None:
        """Who said what, where no message holds more than that; None where one does. Most are so, and reading
        them as messages costs three times as much."""
        entries = self.fields.get("messages")
        if type(entries) is not list:
            return None
        said = []
        for entry in entries:
            if type(entry) is not dict or len(entry) != 2:
                return None
            role, content = entry.get("role"), entry.get("content")
            if type(content) is not str or type(role) is not str or role not in NEUTRAL_ROLES:
                return None
            said.append((NEUTRAL_ROLES[role], content))
        return said

    @lazy
    def user(self) -> str | None:
        plain = self.plain
        if plain is None:
            return last_said(self.messages)
        for role, text in reversed(plain):
            if role == "user":
                return text
        return None

    @lazy
    def input_tokens(self) -> int:
        plain, fields = self.plain, self.fields
        if plain is None or "tools" in fields or "functions" in fields:
            return estimate_input(self)
        return estimate_texts([text for _, text in plain])

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
        n, stop = fields.get("n"), fields.get("stop")
        limit = count_of(fields.get("max_completion_tokens")) or count_of(fields.get("max_tokens"))
        stops = () if stop is None else (stop,) if type(stop) is str else tuple(texts(stop))
        return Sampling(1 if n is None else choice_count(n), stops, limit)

    @lazy
    def logprobs(self) -> int | None:
        """How many likeliest tokens are wanted at each place; None where no probabilities are."""
        if self.fields.get("logprobs") is not True:
            return None
        return min(count_of(self.fields.get("top_logprobs")) or 0, MOST)

    @lazy
    def legacy(self) -> bool:
        """Whether the request offers `functions`, and no tools: a call is answered in their words."""
        return "functions" in self.fields and "tools" not in self.fields

    @lazy
    def forced(self) -> bool:
        """Whether the request names the one tool to call."""
        return self.tool_choice.mode == "named"


def _parts(
    message: dict[str, Json], role: str, names: dict[str, str | None], recall: ResponseLookup
) -> Iterator[Part]:
    """The parts of one message; `names` remembers the calls so far, by id; `recall` those of answers before."""
    content = message.get("content")
    if role == "tool":
        id = text_of(message.get("tool_call_id"))
        name = None if id is None else names.get(id) or recall.call(id)
        yield ResultPart(id, name, join_texts(_content(content)))
        return
    if role == "function":
        yield ResultPart(None, text_of(message.get("name")), join_texts(_content(content)))
        return
    yield from _content(content)
    for entry in objects(message.get("tool_calls")):
        said = object_of(entry.get("custom", entry.get("function")))
        made = read_call(text_of(entry.get("id")), said)
        if made.id is not None:
            names[made.id] = made.name
        yield made
    if type(message.get("function_call")) is dict:
        yield read_call(None, message["function_call"])


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
