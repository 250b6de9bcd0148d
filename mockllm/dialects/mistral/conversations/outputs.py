"""The outputs of a response: messages, calls of functions and uses of Mistral's tools as entries.

From the types of the `mistralai` package (3.7: `ConversationResponse`), and a response of March 2026 that a public
repository shows. A message has the texts and the thinking that follow each other; each call is an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import text_of
from mockllm.core.randomness import HEX
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.reply.citations import full_text
from mockllm.core.reply.reply import (
    SERVER_TOOL,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    joined_text,
)
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mistral.agents.agent import format_time
from mockllm.dialects.mistral.conversations.conversation import PREFIX
from mockllm.dialects.mistral.conversations.entries import CALL, EXECUTION, OUTPUT, PREFIXES
from mockllm.dialects.mistral.conversations.request import MistralConversationRequest
from mockllm.dialects.vendors.vendor import Vendor

DIALECT: Final = "openai"
EXECUTIONS: Final[Mapping[str, Callable[[Mapping[str, Json]], tuple[Json, Json]]]] = {
    "web_search": lambda block: ({"query": block["query"]}, {}),
    "code_interpreter": lambda block: (
        {"code": block["code"]},
        {"code": block["code"], "code_output": block["logs"] or ""},
    ),
}
"""The tools that Mistral runs, each with its arguments and with what the entry says of the execution."""


def supported_reply(reply: Reply) -> Reply:
    """Return the reply with one choice, and with uses of Mistral's tools as blocks. A refusal is a text; redacted
    thinking, media and other blocks are left out."""
    shown = (_visible(part) for part in reply.choices[0].parts)
    return reply.with_parts(part for part in shown if part is not None)


def _visible(part: Part) -> Part | None:
    """Return the visible form of a part; None where it has none."""
    if isinstance(part, NativePart):
        return _native(part)
    if isinstance(part, Refusal):
        return Text(part.chunks)
    if isinstance(part, Thinking):
        return None if part.redacted else part
    return part if isinstance(part, Text | ToolCall) else None


def _native(part: NativePart) -> NativePart | None:
    block = part.block
    if part.dialect == SERVER_TOOL and block["kind"] in EXECUTIONS:
        arguments, info = EXECUTIONS[block["kind"]](block)
        written = dumps(arguments).decode()
        entry = {"type": EXECUTION, "name": block["kind"], "arguments": written, "info": info}
        return NativePart(DIALECT, entry)
    known = part.dialect == DIALECT and type(block) is dict and block.get("type") == EXECUTION
    return part if known else None


def thought(text: str) -> dict[str, Json]:
    """Return thinking as a part of a message."""
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


class ConversationFields:
    """The members of a response, and the places of its parts. A place has the number of the entry, and that of the
    part within its message."""

    def __init__(
        self, reply: Reply, request: MistralConversationRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        self.reply, self.vendor, self._ids = reply, vendor, identity.ids
        self.parts: Sequence[Part] = reply.choices[0].parts
        self.places = _places(self.parts)
        self.id = request.continued_id or identity.ids.make(PREFIX, 32, "conversation", HEX)
        self.agent: dict[str, Json] = {} if request.agent_id is None else {"agent_id": request.agent_id}
        self.model = reply.model if reply.model is not None else request.model or vendor.model
        self.time = map_placeholder(format_time, identity.now)
        self.extras = dict(reply.extras.get(DIALECT, {}))

    def entry_id(self, kind: str, number: int) -> str:
        """Return the id of an entry."""
        return self._ids.make(PREFIXES[kind], 32, str(number), HEX)

    def call_id(self, part: ToolCall, number: int) -> str:
        """Return the id to which the result of a call refers."""
        return part.id or self.vendor.form.call_id.make(self._ids, f"0.{number}", number)

    def usage(self) -> dict[str, Json]:
        """Return the counts of tokens, and those of the tools that Mistral ran."""
        counted = self.reply.usage
        counts: dict[str, Json] = {
            "prompt_tokens": counted.input,
            "completion_tokens": counted.output,
            "total_tokens": counted.total,
        }
        names = [part.block["name"] for part in self.parts if isinstance(part, NativePart)]
        if names:
            counts |= {"connector_tokens": 0, "connectors": {name: names.count(name) for name in names}}
        return counts

    def body(self) -> dict[str, Json]:
        """Return the whole response."""
        body: dict[str, Json] = {
            "object": "conversation.response",
            "conversation_id": self.id,
            "outputs": self._outputs(),
            "usage": self.usage(),
        }
        return self.reply.usage.null_or_remove_usage(merged_json(body, self.extras), "usage")

    def _outputs(self) -> list[Json]:
        outputs: list[dict[str, Json]] = []
        for part, (number, place) in zip(self.parts, self.places, strict=True):
            if isinstance(part, NativePart):
                outputs.append({**self._entry(EXECUTION, number), **part.block})
            elif isinstance(part, ToolCall):
                called = {
                    "tool_call_id": self.call_id(part, number),
                    "name": part.name,
                    "arguments": joined_text(part.chunks),
                }
                outputs.append({**self._entry(CALL, number), **called})
            else:
                if not place:
                    outputs.append({**self._entry(OUTPUT, number), "role": "assistant", "content": []})
                outputs[-1]["content"].append(_content_part(part))
        return [with_plain_content(entry) for entry in outputs]

    def _entry(self, kind: str, number: int) -> dict[str, Json]:
        times = {"created_at": self.time, "completed_at": self.time}
        id = self.entry_id(kind, number)
        return {"object": "entry", "type": kind, **times, **self.agent, "model": self.model, "id": id}


def _places(parts: Sequence[Part]) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    number, place, in_message = -1, 0, False
    for part in parts:
        joins = in_message and isinstance(part, Text | Thinking)
        number, place = (number, place + 1) if joins else (number + 1, 0)
        in_message = isinstance(part, Text | Thinking)
        places.append((number, place))
    return places


def _content_part(part: Part) -> dict[str, Json]:
    if isinstance(part, Text):
        return {"type": "text", "text": full_text(part)}
    assert isinstance(part, Thinking)
    return thought(joined_text(part.chunks))


def with_plain_content(entry: dict[str, Json]) -> dict[str, Json]:
    """Return an entry of which a content of texts alone is one text."""
    content = entry.get("content")
    if type(content) is not list or any(part.get("type") != "text" for part in content):
        return entry
    return {**entry, "content": "".join(text_of(part.get("text")) or "" for part in content)}
