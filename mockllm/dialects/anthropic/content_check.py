"""Checks of a conversation: roles, content blocks, and calls without their results."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from itertools import groupby
from typing import Final

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.typed_memo import MemoKey
from mockllm.dialects.anthropic.breakpoint_check import USUAL_BREAKPOINTS, check_breakpoint
from mockllm.dialects.anthropic.prompt_form import CACHE_CONTROL
from mockllm.dialects.anthropic.server_use_check import ServerUses
from mockllm.dialects.anthropic.system_turn_check import check_system_turns, system_problem
from mockllm.dialects.anthropic.tool_call_pairs import check_pairs
from mockllm.dialects.anthropic.validators import (
    ANY,
    BOOLEAN,
    DICT,
    LIST,
    NO_SHAPE,
    REQUIRED,
    STRING,
    TEXT_OR_LIST,
    AnthropicRequestProblem,
    Shape,
    check_shape,
    either,
    tag_of,
)

_CALL: Final[Shape] = {"id": STRING, "name": STRING, "input": DICT}
_SERVER_TOOLS: Final = (
    *("web_search", "web_fetch", "tool_search", "advisor"),
    *("code_execution", "bash_code_execution", "text_editor_code_execution"),
)
"""The tools that the service runs itself."""

_BLOCKS: Final[Mapping[str, Shape]] = {
    "text": {"text": STRING, "citations": LIST.or_null()},
    "image": {"source": DICT},
    "document": {"source": DICT},
    "search_result": {"content": LIST, "source": STRING, "title": STRING},
    "tool_use": _CALL,
    "tool_result": {
        "tool_use_id": STRING,
        "content": TEXT_OR_LIST.or_null(),
        "is_error": BOOLEAN.or_null(),
    },
    "thinking": {"thinking": STRING, "signature": STRING},
    "redacted_thinking": {"data": STRING},
    "server_tool_use": _CALL,
    "mcp_tool_use": {**_CALL, "server_name": STRING},
    "mcp_tool_result": {"tool_use_id": STRING},
    **{f"{tool}_tool_result": {"tool_use_id": STRING, "content": ANY} for tool in _SERVER_TOOLS},
    "container_upload": {"file_id": STRING},
    **{kind: {} for kind in ("compaction", "fallback", "mcp_tool_listing", "tool_addition", "tool_removal")},
}
"""The required keys of each type of block."""

_RESULT_BLOCKS: Final[Mapping[str, Shape]] = {
    **{kind: _BLOCKS[kind] for kind in ("text", "image", "document", "search_result")},
    "tool_reference": {"tool_name": STRING},
}
"""The blocks of a tool's result."""

_SOURCES: Final[Mapping[str, Shape]] = {
    "base64": {"media_type": STRING, "data": STRING},
    "url": {"url": STRING},
    "file": {"file_id": STRING},
    "text": {"media_type": STRING, "data": STRING},
    "content": {"content": TEXT_OR_LIST},
}
_IMAGE_SOURCES: Final = frozenset({"base64", "url", "file"})
_MEDIA: Final = {
    "image": ("image/jpeg", "image/png", "image/gif", "image/webp"),
    "document": ("application/pdf",),
}
"""The media types that can be sent as base64."""

_ROLES: Final = ("user", "assistant", "system")
_ONLY_IN: Final = {"tool_use": "assistant", "tool_result": "user"}
_IDS: Final = {"tool_use": "id", "tool_result": "tool_use_id"}
_ID: Final = "^[a-zA-Z0-9_-]+$"
"""The pattern of the ids of calls (github.com/QwenLM/qwen-code/issues/8160 measured it for both kinds of blocks)."""
_is_id: Final = re.compile(r"[a-zA-Z0-9_-]+").fullmatch
_EMPTY: Final = "all messages must have non-empty content except for the optional final assistant message"
_EMPTY_USER: Final = "user messages must have non-empty content"


def check_message_shapes(messages: list[Json]) -> None:
    """Raise the first problem of the messages one by one."""
    if not messages:
        raise AnthropicRequestProblem("messages: at least one message is required")
    for number, message in enumerate(messages):
        _check_message(f"messages.{number}", message)


def check_contents_and_order(messages: list[dict[str, Json]]) -> None:
    """Raise the first problem of messages that pass `check_message_shapes`: of their places, and of empty ones."""
    check_system_turns(messages)
    _check_contents(messages)
    check_pairs(messages)
    uses = ServerUses()
    for number, message in enumerate(messages):
        uses.add(number, message)
    _check_last_message(messages[-1])


def fast_accepts_all(messages: Json) -> bool:
    """Return whether both checks accept the messages. It takes a third of their time."""
    if type(messages) is not list or not messages:
        return False
    group = LastGroup()
    return (
        all(_fast_accepts_next(group, message) for message in messages)
        and group.complete
        and _fast_accepts_end(messages[-1])
    )


def _fast_accepts_end(last: dict[str, Json]) -> bool:
    try:
        _check_last_message(last)
    except AnthropicRequestProblem:
        return False
    return True


def _check_last_message(last: dict[str, Json]) -> None:
    """Check the assistant's last message, which is the beginning of the response."""
    content = last["content"]
    if type(content) is list:
        content = content[-1]["text"] if content and content[-1]["type"] == "text" else ""
    if last["role"] == "assistant" and content != content.rstrip():
        raise AnthropicRequestProblem("messages: final assistant content cannot end with trailing whitespace")


def _check_contents(messages: list[dict[str, Json]]) -> None:
    """Raise a problem for an empty message, for a block in a message of the wrong role, and for an empty text.
    Messages of the user are joined with the ones beside them, so that one of them may be empty."""
    for role, group in groupby(enumerate(messages), key=lambda each: each[1]["role"]):
        members = list(group)
        if role == "user" and not any(message["content"] for _, message in members):
            raise AnthropicRequestProblem(f"messages.{members[0][0]}: {_EMPTY_USER}")
        for number, message in members:
            if role == "assistant" and not message["content"] and number < len(messages) - 1:
                raise AnthropicRequestProblem(f"messages.{number}: {_EMPTY}")
            _check_places(f"messages.{number}", message)


def _check_places(path: str, message: dict[str, Json]) -> None:
    role, content = message["role"], message["content"]
    if role == "user" and type(content) is str and content:
        _check_text(content, role)  # the service reads it as one block
    for block in content if type(content) is list else ():
        kind = block["type"]
        if _ONLY_IN.get(kind, role) != role:
            raise AnthropicRequestProblem(
                f"{path}: `{kind}` blocks can only be in `{_ONLY_IN[kind]}` messages"
            )
        if kind == "text" and role != "system":
            _check_text(block["text"], role)


def check_texts(path: str, blocks: list[Json]) -> None:
    """Raise a problem for a list with other blocks than texts, where only texts are allowed (`system`)."""
    for number, block in enumerate(blocks):
        here = f"{path}.{number}"
        if type(block) is not dict:
            raise AnthropicRequestProblem(f"{here}: {NO_SHAPE}")
        tag_of(here, block, ("text",))
        check_shape(f"{here}.", block, _BLOCKS["text"])
        check_breakpoint(f"{here}.{CACHE_CONTROL}", block.get(CACHE_CONTROL))


def _check_message(path: str, message: Json) -> None:
    if type(message) is not dict:
        raise AnthropicRequestProblem(f"{path}: {NO_SHAPE}")
    if "role" not in message:
        raise AnthropicRequestProblem(f"{path}.role: {REQUIRED}")
    role = message["role"]
    if type(role) is not str:
        raise AnthropicRequestProblem(f"{path}.role: {STRING.message}")
    if role not in _ROLES:
        raise AnthropicRequestProblem(
            f'messages: Unexpected role "{role}". Allowed roles are "user" or "assistant"'
        )
    check_shape(f"{path}.", message, {"content": TEXT_OR_LIST})
    if type(message["content"]) is list:
        for number, block in enumerate(message["content"]):
            _check_block(f"{path}.content.{number}", block, _BLOCKS)


def _check_text(text: str, role: str) -> None:
    """Check that a text is not empty. One of the assistant may be blank (recordings of April and August 2026)."""
    if not text or (role != "assistant" and text.isspace()):
        constraint = "contain non-whitespace text" if text else "be non-empty"
        raise AnthropicRequestProblem(f"messages: text content blocks must {constraint}")


def _fast_accepts_shape(message: Json) -> bool:
    """Return whether a message has the form of nearly all messages of agents, which `_check_message` accepts: texts,
    calls and results. It takes a quarter of the time."""
    if type(message) is not dict:
        return False
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant"):
        return False
    if type(content) is not list:
        return type(content) is str and content != "" and (role != "user" or not content.isspace())
    for block in content:
        if type(block) is not dict:
            return False
        if CACHE_CONTROL in block and block[CACHE_CONTROL] not in USUAL_BREAKPOINTS:
            return False
        match block.get("type"):
            case "text" if _is_usual_text(block) and block["text"] and not block["text"].isspace():
                continue
            case "tool_result" if role == "user" and _is_usual_result(block):
                continue
            case "tool_use" if role == "assistant" and _is_usual_call(block):
                continue
        return False
    return content != []


def _is_usual_text(block: dict[str, Json]) -> bool:
    return type(block.get("text")) is str and "citations" not in block


def _is_usual_call(block: dict[str, Json]) -> bool:
    id = block.get("id")
    return (
        type(id) is type(block.get("name")) is str
        and _is_id(id) is not None
        and type(block.get("input")) is dict
    )


def _is_usual_result(block: dict[str, Json]) -> bool:
    id = block.get("tool_use_id")
    if type(id) is not str or _is_id(id) is None or type(block.get("is_error", False)) is not bool:
        return False
    content = block.get("content")
    if type(content) is not list:
        return type(content) is str
    return all(
        type(inner) is dict
        and inner.get("type") == "text"
        and _is_usual_text(inner)
        and (CACHE_CONTROL not in inner or inner[CACHE_CONTROL] in USUAL_BREAKPOINTS)
        for inner in content
    )


def _check_block(path: str, block: Json, shapes: Mapping[str, Shape]) -> str:
    """Check a block; return its type."""
    if type(block) is not dict:
        raise AnthropicRequestProblem(f"{path}: {DICT.message}")
    kind = tag_of(path, block, shapes)
    check_shape(f"{path}.{kind}.", block, shapes[kind])
    check_breakpoint(f"{path}.{kind}.{CACHE_CONTROL}", block.get(CACHE_CONTROL))
    if kind in _IDS and _is_id(block[_IDS[kind]]) is None:
        raise AnthropicRequestProblem(f"{path}.{kind}.{_IDS[kind]}: String should match pattern '{_ID}'")
    match kind:
        case "image":
            _check_source(f"{path}.image.source", block["source"], _IMAGE_SOURCES, _MEDIA["image"])
        case "document":
            _check_source(f"{path}.document.source", block["source"], _SOURCES, _MEDIA["document"])
        case "tool_result" if type(block.get("content")) is list:
            for number, inner in enumerate(block["content"]):
                _check_block(f"{path}.tool_result.content.{number}", inner, _RESULT_BLOCKS)
    return kind


def _check_source(path: str, source: dict[str, Json], kinds: Collection[str], media: Sequence[str]) -> None:
    kind = tag_of(path, source, kinds)
    check_shape(f"{path}.{kind}.", source, _SOURCES[kind])
    if kind == "base64" and source["media_type"] not in media:
        raise AnthropicRequestProblem(f"{path}.base64.media_type: Input should be {either(media)}")


class LastGroup(Struct):
    """The adjacent messages of one role that came last: their calls and results, and the calls of those before."""

    role: str = ""
    calls: set[str] = field(default_factory=set)
    results: set[str] = field(default_factory=set)
    before: AbstractSet[str] = frozenset()
    server_uses: ServerUses = field(default_factory=ServerUses)
    system_turn: bool = False
    """Whether the last message is of the system."""

    @property
    def paired(self) -> bool:
        """Whether the results are those of the calls before."""
        return self.results == self.before

    @property
    def complete(self) -> bool:
        """Whether each call has its result, and each result its call."""
        return not self.calls and self.paired


_LAST_GROUP: Final = MemoKey[LastGroup]()


def fast_accepts_turns(divided: DividedBody) -> bool:
    """Return what `fast_accepts_all` returns, of a body that has messages; only new ones are read."""
    last = divided.reduce_turns(memo_key=_LAST_GROUP, initial=_initial_group, step=_fast_accepts_next)
    return last is not None and last.complete and _fast_accepts_end(divided.items[-1])


def _initial_group(last: LastGroup | None) -> LastGroup:
    if last is None:
        return LastGroup()
    result = copy(last)
    result.calls, result.results = last.calls.copy(), last.results.copy()
    result.server_uses = copy(last.server_uses)
    return result


def _fast_accepts_next(last: LastGroup, message: Json) -> bool:
    """Return whether a message and its place after the others are accepted. It refuses some rare ones that
    `check_contents_and_order` accepts, such as an empty message beside others of its role."""
    if last.server_uses.open or not _fast_accepts_shape(message):
        try:
            _check_message("", message)
            _check_places("", message)
            last.server_uses.add(0, message)
        except AnthropicRequestProblem:
            return False
        if not message["content"]:
            return False
    role = message["role"]
    if role == "system":
        last.system_turn = True
        return last.role == "user" and system_problem(message) is None
    if last.system_turn and role == "user":
        return False
    last.system_turn = False
    if role != last.role:
        if not last.paired:
            return False
        last.role, last.before = role, last.calls
        last.calls, last.results = set(), set()
    if type(message["content"]) is list:
        for block in message["content"]:
            if block["type"] == "tool_use":
                if block["id"] in last.calls:
                    return False
                last.calls.add(block["id"])
            elif block["type"] == "tool_result":
                if block["tool_use_id"] in last.results:
                    return False
                last.results.add(block["tool_use_id"])
    return True
