"""The output items of a response: each part of a reply as an item, before and after its content is sent.

Non-streaming responses and streams use the same functions, so that equal items are equal bytes. `item_events` yields
the stream events of complete items. A scenario writes some of them in native form (server tools, messages with
citations); the others are items of stored responses. Tables contain the streaming form of each item type: its
stages, and the member that has its own delta. An item of any other type is only added and done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, texts
from mockllm.core.randomness import HEX
from mockllm.core.reply.citations import full_text as whole_text
from mockllm.core.reply.citations import span
from mockllm.core.reply.logprobs import part_token_texts, token_logprobs
from mockllm.core.reply.reply import (
    SERVER_TOOL,
    Choice,
    Media,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    joined_text,
)
from mockllm.dialects.openai.logprobs import entries
from mockllm.dialects.openai.responses.client_tools import with_client_tool_items
from mockllm.dialects.openai.responses.object import (
    SEALED_PREFIX,
    ResponseObjectFields,
    incomplete_reason,
)
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.openai.responses.server_tools import PREFIXES as TOOL_PREFIXES
from mockllm.dialects.openai.responses.server_tools import Item, generated_members, server_parts

NativeEvent: TypeAlias = tuple[str, dict[str, Json]]
"""The end of an event's name, and its members other than the item's id and index."""

SEARCHING: Final = ("in_progress", "searching", "completed")
STAGES: Final[dict[str, tuple[str, ...]]] = {
    "web_search_call": SEARCHING,
    "file_search_call": SEARCHING,
    "code_interpreter_call": ("in_progress", "interpreting", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "mcp_call": ("in_progress", "completed"),
    "mcp_list_tools": ("in_progress", "completed"),
    "compaction": ("compacting",),
}
FAILING: Final = ("mcp_call", "mcp_list_tools")
"""The items whose last stage is a failure where they failed."""
DELTA_MEMBERS: Final = {
    "code_interpreter_call": ("code_interpreter_call_code", "code"),
    "mcp_call": ("mcp_call_arguments", "arguments"),
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}
"""The member that is sent in a delta after the first stage: the event, and the member's name."""
LATE_MEMBERS: Final = {"web_search_call": "action", "compaction": "encrypted_content"}
"""A member that an item has only once it is done. A reasoning model's search has no `action` before, although the
SDK's type requires one. Sources: four recordings from September 2025 to January 2026, and reports of May to September
2026 (64bit/async-openai 550, openai/openai-openapi 572). With other models it is a search at once: four recordings
from January to July 2026."""
EMPTY_MEMBERS: Final[dict[str, dict[str, Json]]] = {
    "file_search_call": {"queries": [], "results": None},
    "mcp_call": {"output": None, "error": None},
    "mcp_list_tools": {"tools": []},
    "image_generation_call": {"result": None},
}
"""The members that are empty until the item is done."""
PART_LISTS: Final = {"message": "content", "reasoning": "summary"}
"""A list whose parts are sent one by one."""
OUTPUT_LISTS: Final = {"code_interpreter_call": "outputs"}
"""A list that is empty until the item is done; null where no one includes it."""


def opening_item(item: Item, *, thinks: bool) -> Item:
    """Return the item as it is when it is added. `thinks`: by a reasoning model."""
    kind = item["type"]
    result = {name: value for name, value in item.items() if name != LATE_MEMBERS.get(kind)}
    if kind == "web_search_call" and not thinks:
        result["action"] = {"type": "search"}
    if "status" in result:
        result["status"] = "in_progress"
    result |= {name: empty for name, empty in EMPTY_MEMBERS.get(kind, {}).items() if name in result}
    if kind in PART_LISTS:
        result[PART_LISTS[kind]] = []
    if kind in OUTPUT_LISTS and result.get(OUTPUT_LISTS[kind]) is not None:
        result[OUTPUT_LISTS[kind]] = []
    if kind in DELTA_MEMBERS:
        result[DELTA_MEMBERS[kind][1]] = ""
    return result


def event_payload(name: str, members: dict[str, Json], number: int) -> bytes:
    """Return an event of a stream; its members are in alphabetical order after the type, as those of the service."""
    return dumps({"type": name, **dict(sorted({**members, "sequence_number": number}.items()))})


def item_events(item: Item) -> Iterator[NativeEvent]:
    """Yield the events between an item's addition and its completion."""
    kind = item["type"]
    if kind in PART_LISTS:
        parts = item.get(PART_LISTS[kind])
        for index, part in enumerate(parts if type(parts) is list else ()):
            if type(part) is dict:
                yield from _content(part, index) if kind == "message" else _summary(part, index)
    names = STAGES.get(kind, ())
    if names and item.get("status") == "failed" and kind in FAILING:
        names = (*names[:-1], "failed")
    if kind == "shell_call":
        yield from _commands(item)
    stages: list[NativeEvent] = [(f"{kind}.{stage}", {}) for stage in names]
    yield from stages[:1]
    if kind in DELTA_MEMBERS:
        event, member = DELTA_MEMBERS[kind]
        yield f"{event}.delta", {"delta": item.get(member)}
        yield f"{event}.done", {member: item.get(member)}
    yield from stages[1:]


def _commands(item: Item) -> Iterator[NativeEvent]:
    """Yield the events of a shell's commands."""
    for index, command in enumerate(texts(object_of(item.get("action")).get("commands"))):
        at: Item = {"command_index": index}
        yield "shell_call_command.added", {**at, "command": ""}
        yield "shell_call_command.delta", {**at, "delta": command}
        yield "shell_call_command.done", {**at, "command": command}


def _summary(part: Item, index: int) -> Iterator[NativeEvent]:
    """Yield the events of a part of a reasoning summary."""
    at: Item = {"summary_index": index}
    yield "reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
    yield "reasoning_summary_text.delta", {**at, "delta": part.get("text")}
    yield "reasoning_summary_text.done", {**at, "text": part.get("text")}
    yield "reasoning_summary_part.done", {**at, "part": part}


def _content(part: Item, index: int) -> Iterator[NativeEvent]:
    """Yield the events of a message part: its text in one delta, then its citations; or its refusal."""
    at: Item = {"content_index": index}
    if part.get("type") == "refusal":
        yield "content_part.added", {**at, "part": {**part, "refusal": ""}}
        yield "refusal.delta", {**at, "delta": part.get("refusal")}
        yield "refusal.done", {**at, "refusal": part.get("refusal")}
        yield "content_part.done", {**at, "part": part}
        return
    citations = part.get("annotations")
    text = part.get("text", "")
    yield "content_part.added", {**at, "part": {**part, "annotations": [], "text": ""}}
    yield "output_text.delta", {**at, "delta": text, "logprobs": []}
    for number, citation in enumerate(citations if type(citations) is list else ()):
        yield "output_text.annotation.added", {**at, "annotation": citation, "annotation_index": number}
    yield "output_text.done", {**at, "logprobs": [], "text": text}
    yield "content_part.done", {**at, "part": part}


COMPACTION: Final = NativePart("openai", {"type": "compaction", "encrypted_content": None})
"""A compacted conversation; its content is generated. Codex wants exactly one in a response."""
PREFIXES: Final = {Thinking: "rs_", Text: "msg_", Refusal: "msg_", ToolCall: "fc_"}


def supported_reply(reply: Reply, request: ResponsesRequest) -> Reply:
    """Return the reply with server tools as items, and without the parts that this protocol never shows. These are
    further choices, native parts that are not items of this protocol, and the text of redacted reasoning. A request
    for compaction gets one sealed item in place of all parts."""
    if request.compacts:
        return replace(reply, choices=(Choice((COMPACTION,)),))
    shown: Sequence[Part] = reply.choices[0].parts
    if any(type(part) is NativePart and part.dialect == SERVER_TOOL for part in shown):
        shown = server_parts(shown, request.included, request.items, request.file_results)
    shown = with_client_tool_items(shown, request.client_tools)
    return reply.with_parts([_visible(part) for part in shown if not _is_hidden(part)])


def _is_hidden(part: Part) -> bool:
    """Return whether a native part is hidden. A block of the chat protocol is a delta; an item of this
    protocol has a `type`."""
    return type(part) is NativePart and not (
        part.dialect == "openai" and type(part.block) is dict and type(part.block.get("type")) is str
    )


def _visible(part: Part) -> Part:
    """Return the visible form of a part; an image becomes the output of the image generation tool."""
    if type(part) is Media:
        image_call = {"type": "image_generation_call", "status": "completed", "result": part.data}
        return NativePart("openai", {**image_call, "output_format": part.mime.rpartition("/")[2]})
    return replace(part, chunks=()) if type(part) is Thinking and part.redacted else part


def item_id(part: Part, place: int, fields: ResponseObjectFields) -> str:
    """Return the id of a part's item; `place` counts the items."""
    if type(part) is NativePart:
        id = part.block.get("id")
        prefix = TOOL_PREFIXES.get(part.block.get("type"), "item_")
        return id if type(id) is str else fields.ids.make(prefix, 50, str(place), HEX)
    custom = type(part) is ToolCall and part.name in fields.custom_tools
    return fields.ids.make("ctc_" if custom else PREFIXES[type(part)], 50, str(place), HEX)


def status_of(choice: Choice, place: int) -> str:
    """Return the status of an item; the last item of a truncated response is incomplete."""
    return (
        "incomplete"
        if incomplete_reason(choice) is not None and place == len(choice.parts) - 1
        else "completed"
    )


def item(
    choice: Choice,
    place: int,
    fields: ResponseObjectFields,
    status: str,
    text: str | None,
    logprobs: Sequence[Json] = (),
) -> dict[str, Json]:
    """Return an item with the text `text` and the probabilities of its tokens; None where the item only begins. The
    items of a turn that the client names have its id."""
    result = _item(choice, place, fields, status, text, logprobs)
    if fields.turn_id is None:
        return result
    turn = {"turn_id": fields.turn_id}
    ended = {"create_time": fields.created} if result["type"] == "message" and text is not None else {}
    return {**result, "internal_chat_message_metadata_passthrough": {**ended, **turn}, "metadata": turn}


def _item(
    choice: Choice,
    place: int,
    fields: ResponseObjectFields,
    status: str,
    text: str | None,
    logprobs: Sequence[Json],
) -> dict[str, Json]:
    part = choice.parts[place]
    id = item_id(part, place, fields)
    if type(part) is NativePart:
        defaults = {
            name: fields.ids.make(prefix, length, str(place))
            for name, prefix, length in generated_members(part.block)
        }
        return {**part.block, **defaults, "id": id}
    if type(part) is Thinking:
        return _reasoning(part, id, place, fields, text)
    if type(part) is ToolCall:
        return _call(part, id, place, fields, status, text or "")
    result: dict[str, Json] = {"id": id, "type": "message", "status": status}
    result["content"] = [] if text is None else [content_part(part, text, fields, logprobs)]
    if fields.form.phase:
        calls = any(type(later) is ToolCall for later in choice.parts[place:])
        result["phase"] = "commentary" if calls else "final_answer"
    result["role"] = "assistant"
    return result


def content_part(
    part: Part, text: str, fields: ResponseObjectFields, logprobs: Sequence[Json] = ()
) -> dict[str, Json]:
    """Return a part of a message's content, or of a reasoning item's summary."""
    if type(part) is Refusal:
        return {"type": "refusal", "refusal": text}
    if type(part) is Thinking:
        return {"type": "summary_text", "text": text}
    annotations = annotations_of(part, fields) if text else []
    return {"type": "output_text", "annotations": annotations, "logprobs": list(logprobs), "text": text}


def annotations_of(part: Part, fields: ResponseObjectFields) -> list[Json]:
    """Return the citations of a text: of files that a search in vector stores finds, and of pages."""
    annotations: list[Json] = []
    if type(part) is not Text:
        return annotations
    for citation in part.citations:
        start, end = span(citation, whole_text(part))
        file = None if fields.file_search is None else fields.file_search.cited_file(citation.url)
        if file is not None:
            id, name = file
            annotations.append({"type": "file_citation", "file_id": id, "filename": name, "index": end})
            continue
        positions = {"type": "url_citation", "end_index": end, "start_index": start}
        annotations.append({**positions, "title": citation.title or citation.url, "url": citation.url})
    return annotations


def _reasoning(
    part: Thinking, id: str, place: int, fields: ResponseObjectFields, text: str | None
) -> dict[str, Json]:
    return {
        "id": id,
        "type": "reasoning",
        "content": [],
        "encrypted_content": part.signature or fields.ids.make(SEALED_PREFIX, 64, str(place)),
        "summary": [content_part(part, text, fields)] if text else [],
    }


def _call(
    part: ToolCall, id: str, place: int, fields: ResponseObjectFields, status: str, arguments: str
) -> dict[str, Json]:
    call_id = part.id if part.id is not None else fields.ids.make("call_", 24, str(place))
    namespace = fields.namespaces.get(part.name)
    named: dict[str, Json] = {} if namespace is None else {"namespace": namespace}
    if part.name in fields.custom_tools:
        return {
            "id": id,
            "type": "custom_tool_call",
            "status": status,
            "call_id": call_id,
            "input": arguments,
            "name": part.name,
            **named,
        }
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "arguments": arguments,
        "call_id": call_id,
        "name": part.name,
        **named,
    }


def output(choice: Choice, fields: ResponseObjectFields) -> list[Json]:
    """Return all items of a non-streaming response."""
    items: list[Json] = []
    for place, part in enumerate(choice.parts):
        text = "" if isinstance(part, NativePart) else joined_text(part.chunks)
        if isinstance(part, Text) and part.whole is not None:
            text = part.whole
        logprobs: list[Json] = []
        if fields.logprobs is not None and isinstance(part, Text):
            logprobs = entries(token_logprobs(part_token_texts(part), fields.logprobs))
        items.append(item(choice, place, fields, status_of(choice, place), text, logprobs))
    return items
