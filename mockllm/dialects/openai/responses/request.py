"""Reads a responses request: items of input into turns, flat tools. Nothing raises on any JSON.

Neighbouring items of the model's (messages, reasoning, calls) are one assistant turn.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    Sampling,
    TextPart,
    ThinkingPart,
    Tool,
    ToolChoice,
    estimate_input,
)
from mockllm.core.request.scope_keys import conversation, hashed
from mockllm.core.request.stored_responses import ResponseLookup, StoredResponse
from mockllm.core.tokens import estimate
from mockllm.dialects.openai import known_fields
from mockllm.dialects.openai.request_helpers import (
    NEUTRAL_ROLES,
    ModelRequest,
    count_of,
    join_texts,
    object_of,
    objects,
    read_call,
    text_of,
    texts,
)
from mockllm.dialects.openai.responses.history import chain, history, items, referred

MOST: Final = 20
"""How many likeliest tokens a place may have."""
CALLS: Final = ("function_call", "custom_tool_call")
"""Calls that the client carries out."""
RESULTS: Final = ("function_call_output", "custom_tool_call_output")
MEDIA: Final = {
    "input_image": MediaPart("image"),
    "input_audio": MediaPart("audio"),
    "input_file": MediaPart("file"),
}


class InputRequest(ModelRequest):
    """What all calls share that take a response's input, which may go on from a stored response."""

    @lazy
    def conversation(self) -> str | None:
        """The id of the conversation that is gone on with."""
        named = self.fields.get("conversation")
        return text_of(object_of(named).get("id")) if type(named) is dict else text_of(named)

    @lazy
    def previous(self) -> StoredResponse | None:
        """The stored response that the request goes on from."""
        name = text_of(self.fields.get("previous_response_id")) or self.conversation
        return None if name is None else self.recall.stored(name)

    @lazy
    def before(self) -> list[StoredResponse]:
        """All that led there, the first first."""
        return chain(self.previous, self.recall)

    @lazy
    def items(self) -> list[dict[str, Json]]:
        """The items of the whole conversation: stored ones, then the request's own."""
        own = items(self.fields.get("input"))
        return history(self.before) + [referred(item, self.recall) for item in own]

    @lazy
    def messages(self) -> tuple[Message, ...]:
        return turns(self.items, self.recall)

    @lazy
    def thread(self) -> str | None:
        """That of the conversation object, or of the request at the root of all that led here."""
        if self.conversation is not None:
            return hashed(self.conversation)
        before = self.previous
        if before is None or before.thread is not None:
            return None if before is None else before.thread
        return conversation(InputRequest(method="POST", path=self.path, headers={}, raw=before.asked))

    @lazy
    def system(self) -> str | None:
        """The instructions, then the texts of system and developer messages."""
        said = [message.text for message in self.messages if message.role == "system"]
        instructions = self.fields.get("instructions")
        if type(instructions) is str:
            said.insert(0, instructions)
        return "\n".join(said) if said else None

    @lazy
    def tools(self) -> tuple[Tool, ...]:
        return tuple(tool for entry in objects(self.fields.get("tools")) for tool in _tools(entry))

    @lazy
    def tool_choice(self) -> ToolChoice:
        return _tool_choice(self.fields.get("tool_choice"))

    @lazy
    def response_format(self) -> Format:
        wanted = object_of(object_of(self.fields.get("text")).get("format"))
        if wanted.get("type") == "json_object":
            return Format("json")
        if wanted.get("type") == "json_schema":
            return Format("schema", text_of(wanted.get("name")), wanted.get("schema"))
        return Format()

    @lazy
    def input_tokens(self) -> int:
        instructions = self.fields.get("instructions")
        return estimate_input(self) + (4 + estimate(instructions) if type(instructions) is str else 0)


class ResponsesRequest(InputRequest):
    api = "responses"
    generates = True
    known = known_fields.RESPONSES

    @lazy
    def sampling(self) -> Sampling:
        return Sampling(max_tokens=count_of(self.fields.get("max_output_tokens")))

    @lazy
    def logprobs(self) -> int | None:
        """How many likeliest tokens are wanted at each place; None where no probabilities are."""
        if "message.output_text.logprobs" not in self.included:
            return None
        return min(count_of(self.fields.get("top_logprobs")) or 0, MOST)

    @lazy
    def included(self) -> frozenset[str]:
        """What the answer shall hold beside what it always does."""
        return frozenset(texts(self.fields.get("include")))


def turns(items: list[dict[str, Json]], recall: ResponseLookup) -> tuple[Message, ...]:
    """The turns that these items are."""
    names: dict[str, str | None] = {}
    made: list[Message] = []
    for item in items:
        message = _message(item, names, recall)
        if message is None:
            continue
        if message.role == "assistant" and made and made[-1].role == "assistant":
            made[-1] = Message("assistant", made[-1].parts + message.parts)
        else:
            made.append(message)
    return tuple(made)


def _message(item: dict[str, Json], names: dict[str, str | None], recall: ResponseLookup) -> Message | None:
    """One item as a turn; `names` remembers the calls so far, by id. An item of a type that is not known is
    the model's own (a server tool's call, a reference)."""
    kind, role = item.get("type", "message"), item.get("role")
    if kind == "message":
        if type(role) is not str or role not in NEUTRAL_ROLES:
            return None
        return Message(NEUTRAL_ROLES[role], tuple(content(item.get("content"))))
    if type(kind) is not str:
        return None
    if kind in RESULTS:
        id = text_of(item.get("call_id"))
        name = None if id is None else names.get(id) or recall.call(id)
        return Message("tool", (ResultPart(id, name, join_texts(content(item.get("output")))),))
    if kind in CALLS:
        made = read_call(text_of(item.get("call_id")), item)
        if made.id is not None:
            names[made.id] = made.name
        return Message("assistant", (made,))
    if kind == "reasoning":
        return Message("assistant", (ThinkingPart(join_texts(content(item.get("summary")))),))
    if kind.endswith("_output"):
        return Message(
            "tool", (ResultPart(text_of(item.get("call_id")), kind.removesuffix("_call_output"), ""),)
        )
    return Message("assistant", (OtherPart(kind),))


def content(said: Json) -> Iterator[Part]:
    """The parts of a message's content, or of a tool's output."""
    if type(said) is str:
        yield TextPart(said)
    for entry in said if type(said) is list else ():
        if type(entry) is str:
            yield TextPart(entry)
        elif type(entry) is dict:
            text = entry.get("text", entry.get("refusal"))
            kind = entry.get("type")
            if type(text) is str:
                yield TextPart(text)
            else:
                yield MEDIA[kind] if type(kind) is str and kind in MEDIA else OtherPart(str(kind))


def _tools(entry: dict[str, Json]) -> Iterator[Tool]:
    """Functions and custom tools by their names, those of a namespace too; a tool of another kind is known by
    its type."""
    kind = text_of(entry.get("type")) or "function"
    if kind == "namespace":
        for inner in objects(entry.get("tools")):
            yield from _tools(inner)
        return
    name = text_of(entry.get("name"))
    if kind not in ("function", "custom"):
        yield Tool(kind, kind=kind)
    elif name is not None:
        yield Tool(name, entry.get("parameters"), text_of(entry.get("description")), kind)


def _tool_choice(choice: Json) -> ToolChoice:
    if choice == "none":
        return ToolChoice("none")
    if choice in ("required", "any"):
        return ToolChoice("any")
    if type(choice) is not dict:
        return ToolChoice()
    if choice.get("type") == "allowed_tools":
        names = [tool.name for entry in objects(choice.get("tools")) for tool in _tools(entry)]
        return ToolChoice("any" if choice.get("mode") == "required" else "auto", tuple(names))
    name = text_of(choice.get("name")) or text_of(choice.get("type"))
    return ToolChoice() if name is None else ToolChoice("named", (name,))
