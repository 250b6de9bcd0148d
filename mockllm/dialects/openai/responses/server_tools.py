"""Server tools as output items: searches, code, computers and MCP calls, from their neutral form.

Sources: `openai.types.responses` (`ResponseFunctionWebSearch`, `ResponseFileSearchToolCall`,
`ResponseCodeInterpreterToolCall`, `ResponseComputerToolCall`, `McpCall`, `McpListTools`, `McpApprovalRequest`), and
recorded streams of the first three and of MCP calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import text_of
from mockllm.core.reply.reply import SERVER_TOOL, NativePart, Part
from mockllm.dialects.openai.responses.file_search import FILE_RESULTS
from mockllm.dialects.openai.responses.object import SEALED_PREFIX

Item: TypeAlias = dict[str, Json]
GENERATED: Final = {
    "call_id": ("call_", 24),
    "container_id": ("cntr_", 48),
    "encrypted_content": (SEALED_PREFIX, 64),
}
"""Members that are generated where they are None: their prefix, and their number of characters."""
PREFIXES: Final = {
    "web_search_call": "ws_",
    "file_search_call": "fs_",
    "code_interpreter_call": "ci_",
    "computer_call": "cu_",
    "shell_call": "sh_",
    "local_shell_call": "lsh_",
    "apply_patch_call": "apc_",
    "image_generation_call": "ig_",
    "mcp_call": "mcp_",
    "mcp_list_tools": "mcpl_",
    "mcp_approval_request": "mcpr_",
    "compaction": "cmp_",
}
"""The prefixes of the items' ids."""


class Approval(NamedTuple):
    """The client's decision on a call of an MCP server."""

    id: str
    """The id of the request for approval."""
    approve: bool
    request: Mapping[str, Json] | None
    """The request for approval; None where the client sends only its id."""


def server_parts(
    parts: Sequence[Part],
    included: frozenset[str],
    items: Sequence[Mapping[str, Json]],
    search: Callable[[str], list[Json]],
) -> list[Part]:
    """Return the parts with server tools as items. The parts end with a request for approval that is open. Where the
    client has decided, they begin with its call; a call that it rejected is left out. `search` finds
    what a rule leaves to the vector stores of the request, by a query."""
    result: list[Part] = []
    decisions: list[Approval] | None = None
    for part in parts:
        if type(part) is not NativePart or part.dialect != SERVER_TOOL:
            result.append(part)
            continue
        kind = part.block["kind"]
        if kind not in ITEMS:
            continue
        approval = None
        if kind == "mcp" and part.block["approval"]:
            decisions = _decisions(items) if decisions is None else decisions
            approval = _taken(part.block, decisions)
            if approval is None:
                return [*result, NativePart("openai", _approval_request(part.block))]
            result.clear()  # an earlier response had these parts
        if approval is None or approval.approve:
            item = ITEMS[kind](_with_results(part, search), included)
            result.append(NativePart("openai", item if approval is None else _approved(item, approval)))
    return result


def _is_search(part: Part) -> bool:
    """Return whether a part is a search of files whose results the rule does not have."""
    return (
        type(part) is NativePart
        and part.dialect == SERVER_TOOL
        and part.block["kind"] == "file_search"
        and part.block["results"] is None
    )


def _with_results(part: NativePart, search: Callable[[str], list[Json]]) -> Item:
    """Return the block of a server tool, with what a search finds."""
    block: Item = part.block
    return {**block, "results": search(block["query"])} if _is_search(part) else block


def _decisions(items: Sequence[Mapping[str, Json]]) -> list[Approval]:
    """Return the decisions since the last message of the user, in their order. The last decision on a request
    counts."""
    requests = {text_of(item.get("id")): item for item in items if item.get("type") == "mcp_approval_request"}
    found: dict[str, Approval] = {}
    for item in reversed(items):
        if item.get("role") == "user":
            break
        id = text_of(item.get("approval_request_id"))
        if item.get("type") == "mcp_approval_response" and id is not None and id not in found:
            found[id] = Approval(id, item.get("approve") is True, requests.get(id))
    return list(reversed(found.values()))


def _taken(block: Item, decisions: list[Approval]) -> Approval | None:
    """Remove and return the decision on a call; None where there is none. A request with the call's arguments comes
    first: arguments that a template generates may differ from those of the request."""
    call = (block["server"], block["tool"])
    of_tool = [each for each in decisions if each.request is None or _called(each.request) == call]
    arguments = _text(block["arguments"])
    of_tool.sort(key=lambda each: each.request is not None and each.request.get("arguments") != arguments)
    if not of_tool:
        return None
    decisions.remove(of_tool[0])
    return of_tool[0]


def _called(request: Mapping[str, Json]) -> tuple[Json, Json]:
    return request.get("server_label"), request.get("name")


def _approved(item: Item, approval: Approval) -> Item:
    return {**item, "approval_request_id": approval.id}


def _web_search(block: Item, included: frozenset[str]) -> Item:
    if block["open"] is not None:
        action: Item = {"type": "open_page", "url": block["open"]}
        if block["find"] is not None:
            action = {"type": "find_in_page", "pattern": block["find"], "url": block["open"]}
    else:
        action = {"type": "search", "queries": [block["query"]], "query": block["query"]}
        if "web_search_call.action.sources" in included:
            action["sources"] = [{"type": "url", "url": source["url"]} for source in block["sources"]]
    return {"type": "web_search_call", "status": _status(block), "action": action}


def _web_fetch(block: Item, included: frozenset[str]) -> Item:
    """Return a page that was opened: this protocol fetches pages by the tool that searches."""
    action: Item = {"type": "open_page", "url": block["url"]}
    return {"type": "web_search_call", "status": _status(block), "action": action}


def _status(block: Item) -> str:
    return "completed" if block["error"] is None else "failed"


def _file_search(block: Item, included: frozenset[str]) -> Item:
    results: Json = None
    if FILE_RESULTS in included:
        defaults: Item = {"attributes": {}, "file_id": None, "filename": None, "score": 1.0, "text": ""}
        results = [{**defaults, **found} for found in block["results"]]
    return {
        "type": "file_search_call",
        "status": "completed",
        "queries": [block["query"]],
        "results": results,
    }


def _code_interpreter(block: Item, included: frozenset[str]) -> Item:
    outputs: Json = None
    if "code_interpreter_call.outputs" in included:
        logs = [] if block["logs"] is None else [{"type": "logs", "logs": block["logs"]}]
        outputs = [*logs, *({"type": "image", "url": url} for url in block["images"])]
    return {
        "type": "code_interpreter_call",
        "status": _status(block),
        "code": block["code"],
        "container_id": block["container"],
        "outputs": outputs,
    }


def _computer(block: Item, included: frozenset[str]) -> Item:
    """Return a call with one action, or a list of actions (SDK: `action` and `actions`)."""
    actions = block["actions"]
    members: Item = {"action": actions[0]} if len(actions) == 1 else {"actions": actions}
    return {
        "type": "computer_call",
        "status": "completed",
        "call_id": block["id"],
        **members,
        "pending_safety_checks": block["safety_checks"],
    }


def _mcp(block: Item, included: frozenset[str]) -> Item:
    failed = block["error"] is not None
    error: Json = {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": block["error"]}]}
    return {
        "type": "mcp_call",
        "status": "failed" if failed else "completed",
        "approval_request_id": None,
        "arguments": _text(block["arguments"]),
        "error": error if failed else None,
        "name": block["tool"],
        "output": None if failed else _text(block["output"]),
        "server_label": block["server"],
    }


def _mcp_tools(block: Item, included: frozenset[str]) -> Item:
    defaults: Item = {"annotations": None, "description": None, "input_schema": {"type": "object"}}
    tools = [{**defaults, **tool} for tool in block["tools"]]
    return {"type": "mcp_list_tools", "server_label": block["server"], "tools": tools}


def _approval_request(block: Item) -> Item:
    return {
        "type": "mcp_approval_request",
        "arguments": _text(block["arguments"]),
        "name": block["tool"],
        "server_label": block["server"],
    }


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if type(value) is str else dumps(value).decode()


ITEMS: Final[dict[str, Callable[[Item, frozenset[str]], Item]]] = {
    "web_search": _web_search,
    "web_fetch": _web_fetch,
    "file_search": _file_search,
    "code_interpreter": _code_interpreter,
    "computer": _computer,
    "mcp": _mcp,
    "mcp_tools": _mcp_tools,
}


def generated_members(item: Item) -> Iterator[tuple[str, str, int]]:
    """Yield the members of an item that are generated, each with its prefix and its number of characters."""
    for name, (prefix, length) in GENERATED.items():
        if name in item and item[name] is None:
            yield name, prefix, length
