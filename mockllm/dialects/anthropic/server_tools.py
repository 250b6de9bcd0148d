"""Server tools as content blocks: a tool use and its result, from their neutral form.

Sources: the types of the anthropic package (`ServerToolUseBlock`, `WebSearchToolResultBlock`,
`BetaMCPToolUseBlock`), recordings of web search, web fetch, code execution, tool search and the advisor, and the
service's documentation of stop reasons for pending tool uses. No recording of the text editor and of MCP blocks was
at hand: the documentation shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.reply.reply import SERVER_TOOL, NativePart, Part
from mockllm.dialects.anthropic.errors import DIALECT
from mockllm.dialects.dialect import ResponseIdentity

Block: TypeAlias = dict[str, Json]
GENERATED: Final = "made"
"""In place of an id, a time or an encrypted text that the encoder makes."""
RESULTS: Final = frozenset(
    f"{tool}_tool_result"
    for tool in (
        *("web_search", "web_fetch", "tool_search", "advisor"),
        *("code_execution", "bash_code_execution", "text_editor_code_execution"),
    )
)
"""The types of the results, except those of MCP servers."""
MCP_USE: Final = "mcp_tool_use"
MCP_RESULT: Final = "mcp_tool_result"


class PendingUse(NamedTuple):
    """A tool use in the history that has no result yet."""

    name: str
    id: str


class ToolUseAndResult(Struct, frozen=True):
    """A tool use of a server tool, and its result."""

    use: Block
    result: Block

    @property
    def name(self) -> str:
        name: str = self.use["name"]
        return name


def pending_uses(messages: Sequence[Json]) -> tuple[PendingUse, ...]:
    """Return the tool uses without a result in the last message of the assistant, where the turn goes on. Nothing
    but results of client tools follows it then."""
    last = messages[-1]
    if isinstance(last, dict) and last.get("role") == "user":
        if any(block.get("type") != "tool_result" for block in _objects(last)):
            return ()
        last = messages[-2] if len(messages) > 1 else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return ()
    blocks = _objects(last)
    with_result = {str(block.get("tool_use_id")) for block in blocks}
    return tuple(
        PendingUse(str(block.get("name")), str(block.get("id")))
        for block in blocks
        if block.get("type") in ("server_tool_use", MCP_USE) and str(block.get("id")) not in with_result
    )


def _objects(message: Mapping[str, Json]) -> list[Block]:
    """Return the blocks of a message; a bare text is none of them, and no result."""
    content = message.get("content")
    if not isinstance(content, list):
        return [{"type": "text"}]
    return [block if isinstance(block, dict) else {} for block in content]


def server_blocks(
    parts: Sequence[Part], pending: Sequence[PendingUse] = (), *, paused: bool = False
) -> tuple[Part, ...]:
    """Return the parts with server tools as blocks. A tool use that the history has pending is not repeated: its
    result is sent alone. In a paused reply, a tool use that comes last has no result yet."""
    result: list[Part] = []
    waiting = list(pending)
    for number, part in enumerate(parts):
        if type(part) is not NativePart or part.dialect != SERVER_TOOL:
            result.append(part)
            continue
        open_ended = part.block.get("pending") is True or (paused and number == len(parts) - 1)
        blocks = _blocks(part.block, waiting, open_ended=open_ended)
        result += [NativePart(DIALECT, block) for block in blocks]
    return tuple(result)


def _blocks(block: Block, waiting: list[PendingUse], *, open_ended: bool) -> Iterator[Block]:
    kind = block["kind"]
    if kind == "mcp_tools":
        tools = [{"input_schema": {"type": "object"}, **tool} for tool in block["tools"]]
        yield {"type": "mcp_tool_listing", "mcp_server_name": block["server"], "tools": tools}
        return
    make = USES_AND_RESULTS.get(kind)
    if make is None:
        return
    exchange = make(block)
    resumed = next((use for use in waiting if use.name == exchange.name), None)
    if resumed is not None:
        waiting.remove(resumed)
        yield {**exchange.result, "tool_use_id": resumed.id}
        return
    yield exchange.use
    if not open_ended:
        yield exchange.result


def _use_and_result(name: str, sent: Json, type: str, content: Json, **more: Json) -> ToolUseAndResult:
    use = {"type": "server_tool_use", "id": GENERATED, "name": name, "input": sent}
    return ToolUseAndResult(use, {"type": type, "tool_use_id": GENERATED, "content": content, **more})


def _error(block: Block, type: str, **more: Json) -> Json:
    """Return the content of a failed tool use; None where the tool use did not fail."""
    return None if block["error"] is None else {"type": type, "error_code": block["error"], **more}


def _web_search(block: Block) -> ToolUseAndResult:
    if block["open"] is not None:
        return _web_fetch({**block, "url": block["open"], "title": None, "text": ""})
    found = [
        {
            "type": "web_search_result",
            "title": source["title"] or source["url"],
            "url": source["url"],
            "encrypted_content": GENERATED,
            "page_age": source["page_age"],
        }
        for source in block["sources"]
    ]
    content = _error(block, "web_search_tool_result_error") or found
    return _use_and_result(
        "web_search",
        {"query": block["query"]},
        "web_search_tool_result",
        content,
        caller={"type": "direct"},
    )


def _web_fetch(block: Block) -> ToolUseAndResult:
    source = {"type": "text", "media_type": "text/plain", "data": block["text"]}
    page: Json = {
        "type": "web_fetch_result",
        "url": block["url"],
        "content": {"type": "document", "source": source, "title": block["title"]},
        "retrieved_at": GENERATED,
    }
    return _use_and_result(
        "web_fetch",
        {"url": block["url"]},
        "web_fetch_tool_result",
        _error(block, "web_fetch_tool_result_error") or page,
        caller={"type": "direct"},
    )


def _code(block: Block) -> ToolUseAndResult:
    ran = _ran("code_execution", block, block["logs"])
    ran["abort_reason"] = None
    content = _error(block, "code_execution_tool_result_error") or ran
    return _use_and_result("code_execution", {"code": block["code"]}, "code_execution_tool_result", content)


def _bash(block: Block) -> ToolUseAndResult:
    content = _error(block, "bash_code_execution_tool_result_error") or _ran(
        "bash_code_execution", block, block["stdout"]
    )
    return _use_and_result(
        "bash_code_execution", {"command": block["command"]}, "bash_code_execution_tool_result", content
    )


def _ran(name: str, block: Block, stdout: str | None) -> Block:
    files = [{"type": f"{name}_output", "file_id": file} for file in block["files"]]
    return {
        "type": f"{name}_result",
        "stdout": stdout or "",
        "stderr": block["stderr"] or "",
        "return_code": block["return_code"],
        "content": files,
    }


def _text_editor(block: Block) -> ToolUseAndResult:
    name, command = "text_editor_code_execution", block["command"]
    sent: Block = {"command": command, "path": block["path"]}
    match command:
        case "view":
            lines = block["text"].count("\n") + 1
            done: Block = {
                "file_type": "text",
                "content": block["text"],
                "num_lines": lines,
                "start_line": 1,
                "total_lines": lines,
            }
        case "create":
            sent["file_text"] = block["text"]
            done = {"is_file_update": False}
        case _:
            sent |= {"old_str": block["old"], "new_str": block["new"]}
            old, new = block["old"].split("\n"), block["new"].split("\n")
            changed = [*(f"-{line}" for line in old), *(f"+{line}" for line in new)]
            done = {
                "old_start": 1,
                "old_lines": len(old),
                "new_start": 1,
                "new_lines": len(new),
                "lines": changed,
            }
    error = _error(block, f"{name}_tool_result_error", error_message=None)
    return _use_and_result(
        name, sent, f"{name}_tool_result", error or {"type": f"{name}_{command}_result", **done}
    )


def _tool_search(block: Block) -> ToolUseAndResult:
    by_regex = block["by"] == "regex"
    name, key = ("tool_search_tool_regex", "pattern") if by_regex else ("tool_search_tool_bm25", "query")
    references = [{"type": "tool_reference", "tool_name": tool} for tool in block["tools"]]
    found: Json = {"type": "tool_search_tool_search_result", "tool_references": references}
    error = _error(block, "tool_search_tool_result_error", error_message=None)
    return _use_and_result(name, {key: block["query"]}, "tool_search_tool_result", error or found)


def _advisor(block: Block) -> ToolUseAndResult:
    advice = {"type": "advisor_result", "text": block["text"], "stop_reason": "end_turn"}
    return _use_and_result(
        "advisor", {}, "advisor_tool_result", _error(block, "advisor_tool_result_error") or advice
    )


def _mcp(block: Block) -> ToolUseAndResult:
    """Return a call of an MCP server's tool. This protocol has no approvals: the call is made at once."""
    failed = block["error"] is not None
    content = block["error"] if failed else block["output"]
    text = "" if content is None else content if type(content) is str else dumps(content).decode()
    use = {
        "type": MCP_USE,
        "id": GENERATED,
        "name": block["tool"],
        "server_name": block["server"],
        "input": block["arguments"] if type(block["arguments"]) is dict else {},
    }
    content = [{"type": "text", "text": text}]
    return ToolUseAndResult(
        use, {"type": MCP_RESULT, "tool_use_id": GENERATED, "is_error": failed, "content": content}
    )


USES_AND_RESULTS: Final[Mapping[str, Callable[[Block], ToolUseAndResult]]] = {
    "web_search": _web_search,
    "web_fetch": _web_fetch,
    "code_interpreter": _code,
    "bash": _bash,
    "text_editor": _text_editor,
    "tool_search": _tool_search,
    "advisor": _advisor,
    "mcp": _mcp,
}
SUPPORTED: Final = frozenset({*USES_AND_RESULTS, "mcp_tools"})
"""The server tools that this protocol has a form for."""


def generated_block(block: Json, index: int, identity: ResponseIdentity) -> Json:
    """Return a block with its generated members: ids, the time of a fetch, encrypted texts. A result follows its
    tool use, so that its id is that of the block before."""
    if type(block) is not dict:
        return block
    if block.get("id") == GENERATED:
        return {**block, "id": _use_id(block["type"] == MCP_USE, index, identity)}
    generated = block
    if block.get("tool_use_id") == GENERATED:
        generated = {**block, "tool_use_id": _use_id(block["type"] == MCP_RESULT, index - 1, identity)}
    return _with_content(generated, index, identity)


def _use_id(of_mcp: bool, index: int, identity: ResponseIdentity) -> str:
    return identity.ids.make("mcptoolu_01" if of_mcp else "srvtoolu_01", 22, str(index))


def _with_content(block: Block, index: int, identity: ResponseIdentity) -> Block:
    """Return the result of a search or a fetch with its encrypted texts or its time."""
    match block:
        case {"type": "web_search_tool_result", "content": list(found)}:
            content: Json = [
                {**page, "encrypted_content": identity.ids.make("EqkC", 60, f"search.{index}.{number}")}
                if page.get("encrypted_content") == GENERATED
                else page
                for number, page in enumerate(found)
            ]
            return {**block, "content": content}
        case {"type": "web_fetch_tool_result", "content": {"retrieved_at": generated} as page} if (
            generated == GENERATED
        ):
            return {
                **block,
                "content": {**page, "retrieved_at": map_placeholder(_fetched, identity.epoch_second)},
            }
    return block


def _fetched(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


def request_counts(blocks: Sequence[Block]) -> Block | None:
    """Return `usage.server_tool_use`: the searches and fetches with a result; None without server tools."""
    if not any(block["type"] == "server_tool_use" or block["type"] in RESULTS for block in blocks):
        return None
    found = [block for block in blocks if block["type"] == "web_search_tool_result"]
    fetched = [block for block in blocks if block["type"] == "web_fetch_tool_result"]
    return {
        "web_search_requests": sum(type(block["content"]) is list for block in found),
        "web_fetch_requests": sum(
            type(block["content"]) is dict and block["content"].get("type") == "web_fetch_result"
            for block in fetched
        ),
    }


def executes_code(blocks: Sequence[Block]) -> bool:
    """Return whether one of the blocks runs code, which needs a container."""
    return any(
        "code_execution" in str(block["name" if block["type"] == "server_tool_use" else "type"])
        for block in blocks
    )
