"""Parses a responses request: input items into turns, and flat tools. No function raises on any JSON.

Adjacent items of the model (messages, reasoning, calls) form one assistant turn.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import count_of, object_of, objects, text_of, texts
from mockllm.core.request.messages import CallPart, MediaPart, OtherPart, ResultPart, ThinkingPart
from mockllm.core.request.read_turns import ReadTurns
from mockllm.core.request.request import Message, Tool, estimate_input
from mockllm.core.request.request_keys import conversation, hashed
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.stored_history import chain, is_long_history
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.core.request.tools import PROVIDER_DEFINED, TOOL_ATTRIBUTES, ToolChoice
from mockllm.core.request.typed_memo import MemoKey
from mockllm.core.tokens import estimate
from mockllm.dialects.openai.model_families import ResponsesFamily
from mockllm.dialects.openai.model_restrictions import PROVIDERS_OF_OPENAI_MODELS
from mockllm.dialects.openai.request_fields import (
    NEUTRAL_ROLES,
    ModelRequest,
    content_parts,
    join_texts,
    read_format,
    read_tool,
    read_tool_call,
    result_parts,
)
from mockllm.dialects.openai.responses.client_tools import (
    CALL_ITEMS,
    called_client_tool,
    client_tool,
    output_text,
)
from mockllm.dialects.openai.responses.file_search import FILE_RESULTS, FileSearch, searching_tool
from mockllm.dialects.openai.responses.history import history, items, resolve_reference
from mockllm.dialects.openai.responses.stored_conversations import conversation_id, stored_conversation

MAX_LOGPROBS: Final = 20
"""The maximum number of likeliest tokens per position."""
CALLS: Final = ("function_call", "custom_tool_call")
"""Calls that the client executes."""
RESULTS: Final = ("function_call_output", "custom_tool_call_output")
SEARCHED: Final = "tool_search_output"
ADDED: Final = "additional_tools"
NAMESPACE: Final = "namespace"
FUNCTIONS: Final = ("function", "custom")
"""The types of tools that the client implements under their own names."""
TOOL_ITEMS: Final = (SEARCHED, ADDED)
COMPACTION_TRIGGER: Final = "compaction_trigger"
"""The last item of a request whose response is the compacted conversation, and nothing else. It is no turn."""
_WHOLE: Final = MemoKey[bool]()
_NAMESPACES: Final = MemoKey[dict[str, str | None]]()
MEDIA: Final = {
    "input_image": MediaPart("image"),
    "input_audio": MediaPart("audio"),
    "input_file": MediaPart("file"),
}
DOCUMENTED_FIELDS: Final = frozenset({
    "access_programs", "background", "background_options", "context_management", "conversation", "image", "include",
    "input", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "moderation",
    "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store", "stream",
    "stream_options", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation",
    "user"
})  # fmt: skip
"""The fields of the request, as the types of the SDK name them. Other fields of a body pass, and are noted."""


class InputRequest(ModelRequest):
    """The base of all requests with a response's input, which can continue a stored response."""

    @cached_property
    def conversation(self) -> str | None:
        """The id of the conversation that the request continues."""
        return conversation_id(self.fields.get("conversation"))

    @cached_property
    def previous(self) -> StoredObject | None:
        previous = text_of(self.fields.get("previous_response_id"))
        if previous:
            return self.object_lookup.stored(previous)
        return (
            None
            if self.conversation is None
            else stored_conversation(self.conversation, self.object_lookup, self.monotonic)
        )

    @cached_property
    def before(self) -> list[StoredObject]:
        """All stored responses that lead to the request, the oldest first."""
        return chain(self.previous, self.object_lookup)

    @property
    def history_is_long(self) -> bool:
        return is_long_history(self.before)

    @cached_property
    def items(self) -> list[dict[str, Json]]:
        """The items of the whole conversation: stored items, then the request's own."""
        divided = self.divided_body
        if (
            divided is not None
            and not self.before
            and divided.reduce_turns(memo_key=_WHOLE, initial=bool, step=_is_whole) is not None
        ):
            return divided.items
        own = items(self.fields.get("input"))
        own = [resolve_reference(item, self.object_lookup) for item in own]
        # a request that reads the time is never repeated
        return history(self.before, self.monotonic) + own if self.before else own

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return self.read_messages(self.items, add_turn)

    @cached_property
    def conversation_name(self) -> str | None:
        """The hashed id of the conversation object, else the name of the chain's conversation."""
        if self.conversation is not None:
            return hashed(self.conversation)
        before = self.previous
        if before is None or before.conversation_name is not None:
            return None if before is None else before.conversation_name
        return conversation(InputRequest(method="POST", path=self.path, headers={}, raw=before.request_body))

    @cached_property
    def system(self) -> str | None:
        """The instructions, then the texts of system and developer messages."""
        system_texts = [message.text for message in self.messages if message.role == "system"]
        instructions = self.fields.get("instructions")
        if type(instructions) is str:
            system_texts.insert(0, instructions)
        return "\n".join(system_texts) if system_texts else None

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(tool for entry in objects(self.fields.get("tools")) for tool in _tools(entry))

    @cached_property
    def tool_choice(self) -> ToolChoice:
        return _tool_choice(self.fields.get("tool_choice"))

    @cached_property
    def response_format(self) -> Format:
        format_ = object_of(object_of(self.fields.get("text")).get("format"))
        return read_format(format_, format_)

    @cached_property
    def input_tokens(self) -> int:
        return estimate_input(self) + self.instruction_tokens

    @cached_property
    def instruction_tokens(self) -> int:
        """The estimated tokens of the instructions."""
        instructions = self.fields.get("instructions")
        return 4 + estimate(instructions) if type(instructions) is str else 0


class ResponsesRequest(InputRequest):
    api = "responses"
    generates = True
    documented_fields = DOCUMENTED_FIELDS
    turns_field = "input"
    shared_attributes: ClassVar[tuple[str, ...]] = (
        *TOOL_ATTRIBUTES, "stream", "output_bounds", "searching_tool", "instruction_tokens"
    )  # fmt: skip

    @cached_property
    def output_bounds(self) -> OutputBounds:
        return OutputBounds(max_tokens=count_of(self.fields.get("max_output_tokens")))

    @property
    def compacts(self) -> bool:
        """Whether the request ends with a compaction trigger (SDK: `ResponseInputItem`, `CompactionTrigger`)."""
        own = self.fields.get("input")
        last = own[-1] if type(own) is list and own else None
        return type(last) is dict and last.get("type") == COMPACTION_TRIGGER

    @property
    def background(self) -> bool:  # type: ignore[override]  # a constant of other calls
        return self.fields.get("background") is True

    @cached_property
    def logprobs(self) -> int | None:
        """The number of likeliest tokens at each position; None where the request has no probabilities."""
        if "message.output_text.logprobs" not in self.included:
            return None
        return min(count_of(self.fields.get("top_logprobs")) or 0, MAX_LOGPROBS)

    @cached_property
    def client_tools(self) -> frozenset[str]:
        """The names of OpenAI's own tools that the client runs."""
        return frozenset([tool.name for tool in self.all_tools if tool.kind == PROVIDER_DEFINED])

    @cached_property
    def custom_tools(self) -> frozenset[str]:
        return frozenset([tool.name for tool in self.all_tools if tool.kind == "custom"])

    @cached_property
    def all_tools(self) -> tuple[Tool, ...]:
        """The tools of the request, and those that items of the conversation add."""
        if not self.added_tools:
            return self.tools
        return tuple(tool for entry in (*self.own_tools, *self.added_tools) for tool in _tools(entry))

    @cached_property
    def searching_tool(self) -> dict[str, Json] | None:
        """The tool that searches in vector stores; None where the request has none."""
        return searching_tool(self.fields.get("tools"))

    @cached_property
    def file_search(self) -> FileSearch | None:
        """The search in the vector stores that the request names; None where it names none. Vendors have none."""
        if self.provider not in PROVIDERS_OF_OPENAI_MODELS or not self.fields.get("tools"):
            return None
        tool = self.searching_tool
        return None if tool is None else FileSearch(tool, self.object_lookup, self.now, self.monotonic)

    @property
    def planning_takes_long(self) -> bool:
        """Whether a thread plans the response, also since it may search long. The event loop looks up what a search
        reads."""
        search = self.file_search if FILE_RESULTS in self.included else None
        return super().planning_takes_long or (search is not None and search.takes_long(self.object_lookup))

    def file_results(self, query: str) -> list[Json]:
        """Return what the search finds; nothing where the response does not show it."""
        search = self.file_search if FILE_RESULTS in self.included else None
        return [] if search is None else search.results(query, self.object_lookup)

    def namespaces(self, family: ResponsesFamily) -> Mapping[str, str | None]:
        """Return the namespaces of tools, by their names. A tool that is loaded later is its own namespace. So is a
        function that an item adds, where the family does not add functions."""
        if not self.added_tools:
            return self.cached_by_remaining_members(
                _NAMESPACES, lambda: dict(_namespaces(self.fields.get("tools")))
            )
        functions = {tool["name"]: tool["name"] for tool in self.added_tools if is_named_function(tool)}
        added = [tool for tool in self.added_tools if tool.get("type") == NAMESPACE]
        return {
            **dict(_namespaces(self.own_tools)),
            **(dict.fromkeys(functions) if family.adds_functions else functions),
            **dict(_namespaces(added)),
        }

    @cached_property
    def tool_items(self) -> list[dict[str, Json]]:
        """The items of the conversation that load tools, after a search, or add them."""
        raw = self.raw
        if not self.before and SEARCHED.encode() not in raw and ADDED.encode() not in raw:
            return []
        return [item for item in self.items if item.get("type") in TOOL_ITEMS]

    @cached_property
    def loaded_tools(self) -> frozenset[str]:
        """The names of the tools that a search has loaded."""
        found = (
            tool
            for item in self.tool_items
            if item["type"] == SEARCHED
            for tool in objects(item.get("tools"))
        )
        return frozenset(name for tool in found if (name := text_of(tool.get("name"))))

    @cached_property
    def added_tools(self) -> tuple[dict[str, Json], ...]:
        """The tools that items of the conversation add. The last one of a name counts."""
        added = (
            tool for item in self.tool_items if item["type"] == ADDED for tool in objects(item.get("tools"))
        )
        return tuple({_identity(tool): tool for tool in added}.values())

    @cached_property
    def own_tools(self) -> list[dict[str, Json]]:
        """The tools of the request that no item of the conversation adds again."""
        own = list(objects(self.fields.get("tools")))
        if not self.added_tools:
            return own
        added = {_identity(tool) for tool in self.added_tools}
        return [tool for tool in own if _identity(tool) not in added]

    @cached_property
    def included(self) -> frozenset[str]:
        """The optional content of the response that the request includes."""
        return frozenset(texts(self.fields.get("include")))


def is_named_function(entry: dict[str, Json]) -> bool:
    """Return whether a tool is a function or a custom tool with a name."""
    return (text_of(entry.get("type")) or "function") in FUNCTIONS and bool(text_of(entry.get("name")))


def _identity(entry: dict[str, Json]) -> Hashable:
    """Return a tool's name. A tool without one has its type, and the label of its server."""
    unnamed = text_of(entry.get("type")), text_of(entry.get("server_label"))
    return text_of(entry.get("name")) or unnamed


def _is_whole(_: bool, item: Json) -> bool:
    """Return whether an item needs no stored response."""
    return type(item) is dict and item.get("type") != "item_reference"


def add_turn(turns: ReadTurns, item: dict[str, Json], lookup: ObjectLookup) -> None:
    """Add the message of an item."""
    message = _message(item, turns.tools_by_call_id, lookup)
    if message is not None:
        turns.join(message)


def _message(
    item: dict[str, Json], tools_by_call_id: dict[str, str | None], lookup: ObjectLookup
) -> Message | None:
    """Return the message of one item; `tools_by_call_id` are those so far. An item of an unknown type belongs
    to the model (a server tool's call, a reference)."""
    kind, role = item.get("type", "message"), item.get("role")
    if kind == "message":
        if type(role) is not str or role not in NEUTRAL_ROLES:
            return None
        return Message(NEUTRAL_ROLES[role], tuple(content_parts(item.get("content"), MEDIA)))
    if type(kind) is not str or kind == COMPACTION_TRIGGER:
        return None
    if kind in RESULTS:
        id = text_of(item.get("call_id"))
        name = None if id is None else tools_by_call_id.get(id) or lookup.tool_by_call_id(id)
        return Message("tool", result_parts(id, name, item.get("output"), MEDIA))
    if kind in CALLS:
        parsed = read_tool_call(text_of(item.get("call_id")), item)
        if parsed.id is not None:
            tools_by_call_id[parsed.id] = parsed.name
        return Message("assistant", (parsed,))
    called = called_client_tool(item, kind)
    if called is not None:
        id = text_of(item.get("call_id"))
        if id is not None:
            tools_by_call_id[id] = called[0]
        return Message("assistant", (CallPart(id, *called),))
    if kind == "reasoning":
        return Message("assistant", (ThinkingPart(join_texts(content_parts(item.get("summary"), MEDIA))),))
    if kind.endswith("_output"):
        id = text_of(item.get("call_id", item.get("id")))  # the SDK's `LocalShellCallOutput` has only `id`
        name = tools_by_call_id.get(id or "") or kind.removesuffix("_call_output")
        return Message("tool", (ResultPart(id, name, output_text(item.get("output"))),))
    return Message("assistant", (OtherPart(kind),))


def _tools(entry: dict[str, Json]) -> Iterator[Tool]:
    """Yield functions and custom tools by name, including those of a namespace; the type names a tool of any
    other kind."""
    kind = text_of(entry.get("type")) or "function"
    if kind == NAMESPACE:
        for inner in objects(entry.get("tools")):
            yield from _tools(inner)
        return
    if kind in FUNCTIONS:
        tool = read_tool(entry, kind)
    else:
        tool = client_tool(entry, kind) or Tool(kind, kind=kind)
    if tool is not None:
        yield tool


def _namespaces(tools: Json) -> Iterator[tuple[str, str]]:
    """Yield the names of tools with those of their namespaces."""
    for entry in objects(tools):
        name = text_of(entry.get("name"))
        members: Iterable[dict[str, Json]] = ()
        if entry.get("type") == NAMESPACE:
            members = objects(entry.get("tools"))
        elif entry.get("defer_loading") is True:
            members = (entry,)
        yield from ((tool, name) for each in members if name and (tool := text_of(each.get("name"))))


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
    if name == "computer_use":  # any computer (SDK: `ToolChoiceTypes`)
        return ToolChoice("named", CALL_ITEMS["computer_call"])
    return ToolChoice() if name is None else ToolChoice("named", (name,))
