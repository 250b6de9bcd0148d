"""Decodes blocks of server tools into provider-neutral form: each use with its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, JsonObject, loads
from mockllm.core.json.typed_values import object_of, objects
from mockllm.dialects.anthropic.server_tools import MCP_RESULT, MCP_USE, RESULTS, Block
from mockllm.dialects.decoded_response import DecodedServerTool


class ServerToolCollector:
    """The blocks of server tools in a response, by their index."""

    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._inputs: dict[int, str] = {}

    def add(self, index: int, block: Json) -> None:
        """Add a complete block, or one as it opens."""
        kind = block.get("type") if isinstance(block, dict) else None
        if isinstance(kind, str) and kind in _TYPES:
            self._blocks[index] = block

    def add_input(self, index: int, text: str) -> bool:
        """Add a part of a use's input; return whether the block is a use."""
        if index not in self._blocks:
            return False
        self._inputs[index] = self._inputs.get(index, "") + text
        return True

    def decoded(self) -> tuple[DecodedServerTool, ...]:
        """Return the uses in their order. A use without a result is pending; a result without its use counts as
        a use with this result."""
        blocks = [self._with_input(index) for index in sorted(self._blocks)]
        return tuple(_decoded(blocks))

    def _with_input(self, index: int) -> Block:
        block, text = self._blocks[index], self._inputs.get(index, "")
        try:
            return {**block, "input": loads(text)} if text else block
        except JSONDecodeError:
            return block


_USES: Final = frozenset({MCP_USE, "server_tool_use"})
_TYPES: Final = frozenset({*RESULTS, *_USES, MCP_RESULT, "mcp_tool_listing"})


def _decoded(blocks: Sequence[Block]) -> Iterator[DecodedServerTool]:
    results = {str(block["tool_use_id"]): block for block in blocks if "tool_use_id" in block}
    used = {str(block.get("id")) for block in blocks if block["type"] in _USES}
    for block in blocks:
        if block["type"] == "mcp_tool_listing":
            listed: JsonObject = {
                "server": _text(block.get("mcp_server_name")),
                "tools": list(objects(block.get("tools"))),
            }
            yield DecodedServerTool("mcp_tools", listed)
        elif block["type"] in _USES:
            yield from _use_and_result(block, results.get(str(block.get("id"))))
        elif str(block.get("tool_use_id")) not in used:
            name = block["type"].removesuffix("_tool_result")
            yield from _use_and_result(
                {"type": MCP_USE if name == "mcp" else "server_tool_use", "name": name}, block
            )


def _use_and_result(use: Block, result: Block | None) -> Iterator[DecodedServerTool]:
    sent, content = object_of(use.get("input")), None if result is None else result.get("content")
    if use["type"] == MCP_USE:
        called: JsonObject = {
            "server": _text(use.get("server_name")),
            "tool": _text(use.get("name")),
            "arguments": sent,
        }
        text = "".join(str(part.get("text", "")) for part in objects(content)) or _text(content)
        failed = result is not None and result.get("is_error") is True
        yield DecodedServerTool("mcp", {**called, "error" if failed else "output": text})
        return
    found = READERS.get(str(use.get("name")))
    if found is None:
        return
    kind, read = found
    outcome = object_of(content)
    words = read(sent, outcome, list(objects(content)))
    if isinstance(outcome.get("error_code"), str):
        words["error"] = outcome["error_code"]
    if result is None:
        words["pending"] = True
    yield DecodedServerTool(kind, words)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _search(sent: JsonObject, outcome: JsonObject, items: list[JsonObject]) -> JsonObject:
    sources = [
        {
            "url": _text(page.get("url")),
            "title": _text(page.get("title")) or None,
            "page_age": page.get("page_age"),
        }
        for page in items
    ]
    return {"query": _text(sent.get("query")), "sources": sources}


def _fetch(sent: JsonObject, outcome: JsonObject, items: list[JsonObject]) -> JsonObject:
    document = object_of(outcome.get("content"))
    text = _text(object_of(document.get("source")).get("data"))
    url = _text(sent.get("url")) or _text(outcome.get("url"))
    return {"url": url, "title": _text(document.get("title")) or None, "text": text}


def _ran(sent: JsonObject, outcome: JsonObject) -> JsonObject:
    code = outcome.get("return_code")
    return {
        "stderr": _text(outcome.get("stderr")),
        "return_code": code if type(code) is int else 0,
        "files": [_text(file.get("file_id")) for file in objects(outcome.get("content"))],
    }


def _code(sent: JsonObject, outcome: JsonObject, items: list[JsonObject]) -> JsonObject:
    return {"code": _text(sent.get("code")), "logs": _text(outcome.get("stdout")), **_ran(sent, outcome)}


def _bash(sent: JsonObject, outcome: JsonObject, items: list[JsonObject]) -> JsonObject:
    return {
        "command": _text(sent.get("command")),
        "stdout": _text(outcome.get("stdout")),
        **_ran(sent, outcome),
    }


def _editor(sent: JsonObject, outcome: JsonObject, items: list[JsonObject]) -> JsonObject:
    command = sent.get("command")
    return {
        "command": command if command in ("create", "str_replace") else "view",
        "path": _text(sent.get("path")),
        "text": _text(sent.get("file_text")) or _text(outcome.get("content")),
        "old": _text(sent.get("old_str")),
        "new": _text(sent.get("new_str")),
    }


def _tools(sent: JsonObject, outcome: JsonObject, items: list[JsonObject]) -> JsonObject:
    names = [_text(found.get("tool_name")) for found in objects(outcome.get("tool_references"))]
    by = "regex" if "pattern" in sent else "words"
    return {"query": _text(sent.get("pattern", sent.get("query"))), "tools": names, "by": by}


def _advice(sent: JsonObject, outcome: JsonObject, items: list[JsonObject]) -> JsonObject:
    return {"text": _text(outcome.get("text"))}


READERS: Final[Mapping[str, tuple[str, Callable[[JsonObject, JsonObject, list[JsonObject]], JsonObject]]]] = {
    "web_search": ("web_search", _search),
    "web_fetch": ("web_fetch", _fetch),
    "code_execution": ("code_interpreter", _code),
    "bash_code_execution": ("bash", _bash),
    "text_editor_code_execution": ("text_editor", _editor),
    "tool_search": ("tool_search", _tools),
    "tool_search_tool_bm25": ("tool_search", _tools),
    "tool_search_tool_regex": ("tool_search", _tools),
    "advisor": ("advisor", _advice),
}
"""By the name of the tool: its name in the language, and what reads its input and its result."""
