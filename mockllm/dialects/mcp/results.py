"""The results of a server by its description: the handshake, the lists, completions, and empty results.

The members are those of `schema.ts` of each version; `mcp` 2.3.0 (`mcp_types`) reads them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as InvalidBase64
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.request.mcp_server import McpServer, ServedPrompt, ServedResource, ServedTool
from mockllm.dialects.mcp.check import supported_versions
from mockllm.dialects.mcp.errors import refusal
from mockllm.dialects.mcp.protocol import (
    CACHEABLE,
    HANDSHAKE,
    INVALID_PARAMS,
    LOG_LEVELS,
    META,
    META_SERVER,
    TASKS,
)
from mockllm.dialects.mcp.request import RpcRequest

MAX_VALUES: Final = 100
"""The most values that a completion has (`CompleteResult`)."""
RpcHandler = Callable[[RpcRequest, McpServer], "dict[str, Json] | Failure"]


def _set(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return the fields without None and empty objects."""
    return {name: value for name, value in fields.items() if value is not None and value != {}}


def server_info(server: McpServer) -> dict[str, Json]:
    return {**_set({"name": server.name, "title": server.title, "version": server.version}), **server.extras}


def completed(result: dict[str, Json], request: RpcRequest) -> dict[str, Json]:
    """Return a result with what every result of 2026-07-28 has."""
    if not request.modern:
        return result
    full: dict[str, Json] = {"resultType": "complete", **result}
    if request.rpc_method in CACHEABLE:
        full = {**full, "ttlMs": full.get("ttlMs", 0), "cacheScope": full.get("cacheScope", "private")}
    if request.server is not None:
        full[META] = {META_SERVER: server_info(request.server), **object_of(result.get(META))}
    return full


def capabilities(server: McpServer) -> dict[str, Json]:
    """Return the capabilities that follow from the description."""
    methods = {message.method for message in server.messages}
    result: dict[str, Json] = {"logging": {}}
    if server.prompts or any(resource.template for resource in server.resources):
        result["completions"] = {}
    for kind, entries in (
        ("tools", server.tools),
        ("prompts", server.prompts),
        ("resources", server.resources),
    ):
        if entries:
            changed = f"notifications/{kind}/list_changed" in methods
            result[kind] = {"listChanged": changed, **({"subscribe": True} if kind == "resources" else {})}
    return result


def _initialize(request: RpcRequest, server: McpServer) -> dict[str, Json] | Failure:
    wanted = request.params.get("protocolVersion")
    versions = [version for version in supported_versions(request) if version in HANDSHAKE]
    if not versions or type(wanted) is not str:
        return refusal(INVALID_PARAMS, "Invalid params: protocolVersion", 400)
    return _set(
        {
            "protocolVersion": wanted if wanted in versions else versions[-1],
            "capabilities": capabilities(server),
            "serverInfo": server_info(server),
            "instructions": server.instructions,
        }
    )


def _discover(request: RpcRequest, server: McpServer) -> dict[str, Json]:
    return _set(
        {
            "supportedVersions": list(supported_versions(request)),
            "capabilities": {
                **capabilities(server),
                **({"extensions": {TASKS: {}}} if server.tasks else {}),
            },
            "instructions": server.instructions,
        }
    )


def _empty(request: RpcRequest, server: McpServer) -> dict[str, Json]:
    return {}


def _set_level(request: RpcRequest, server: McpServer) -> dict[str, Json] | Failure:
    known = request.params.get("level") in LOG_LEVELS
    return {} if known else Failure("bad_request", message="Invalid params: level")


# --- lists -------------------------------------------------------------------------------------------


def _page(
    request: RpcRequest, server: McpServer, name: str, entries: Sequence[Json]
) -> dict[str, Json] | Failure:
    """Return a page of a list. The cursor is the number of the first entry, in base64: opaque for clients."""
    cursor, start = request.params.get("cursor"), 0
    if cursor is not None:
        try:
            start = int(b64decode(str(cursor), validate=True))
        except (InvalidBase64, ValueError):
            start = -1
        if not 0 < start < len(entries):
            return Failure("bad_request", message="Invalid params: invalid cursor")
    end = len(entries) if server.page is None else start + server.page
    result: dict[str, Json] = {name: list(entries[start:end])}
    if end < len(entries):
        result["nextCursor"] = b64encode(str(end).encode()).decode()
    return result


def tool_definition(tool: ServedTool) -> dict[str, Json]:
    fields = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input,
        "outputSchema": tool.output,
        "annotations": dict(tool.annotations),
    }
    return {**_set(fields), **tool.extras}


def resource_definition(resource: ServedResource) -> dict[str, Json]:
    fields = {
        "uriTemplate" if resource.template else "uri": resource.uri,
        "name": resource.name,
        "title": resource.title,
        "description": resource.description,
        "mimeType": resource.mime_type,
    }
    return {**_set(fields), **resource.extras}


def prompt_definition(prompt: ServedPrompt) -> dict[str, Json]:
    arguments = [
        {**_set({"name": each.name, "description": each.description}), "required": each.required}
        for each in prompt.arguments
    ]
    fields = {"name": prompt.name, "title": prompt.title, "description": prompt.description}
    return {**_set(fields), **({"arguments": arguments} if arguments else {}), **prompt.extras}


def _tools(request: RpcRequest, server: McpServer) -> dict[str, Json] | Failure:
    return _page(request, server, "tools", [tool_definition(tool) for tool in server.tools])


def _prompts(request: RpcRequest, server: McpServer) -> dict[str, Json] | Failure:
    return _page(request, server, "prompts", [prompt_definition(prompt) for prompt in server.prompts])


def _resources(request: RpcRequest, server: McpServer) -> dict[str, Json] | Failure:
    entries = [resource_definition(each) for each in server.resources if not each.template]
    return _page(request, server, "resources", entries)


def _templates(request: RpcRequest, server: McpServer) -> dict[str, Json] | Failure:
    entries = [resource_definition(each) for each in server.resources if each.template]
    return _page(request, server, "resourceTemplates", entries)


def _complete(request: RpcRequest, server: McpServer) -> dict[str, Json]:
    """Return the values of a prompt's argument that begin with what the user has typed."""
    prompt = server.prompt(object_of(request.params.get("ref")).get("name"))
    argument = object_of(request.params.get("argument"))
    typed = str(argument.get("value", ""))
    known = (
        each.values
        for each in (() if prompt is None else prompt.arguments)
        if each.name == argument.get("name")
    )
    values = [value for value in next(known, ()) if value.startswith(typed)]
    shown: list[Json] = list(values[:MAX_VALUES])
    return {"completion": {"values": shown, "total": len(values), "hasMore": len(values) > MAX_VALUES}}


OLDER: Final[Mapping[str, RpcHandler]] = {
    "initialize": _initialize,
    "ping": _empty,
    "logging/setLevel": _set_level,
    "resources/subscribe": _empty,
    "resources/unsubscribe": _empty,
}
"""The methods that 2026-07-28 does not have."""
NEWER: Final[Mapping[str, RpcHandler]] = {"server/discover": _discover}
ALWAYS: Final[Mapping[str, RpcHandler]] = {
    "tools/list": _tools,
    "prompts/list": _prompts,
    "resources/list": _resources,
    "resources/templates/list": _templates,
    "completion/complete": _complete,
}
RPC_HANDLERS: Final[Mapping[bool, Mapping[str, RpcHandler]]] = {
    False: {**OLDER, **ALWAYS},
    True: {**NEWER, **ALWAYS},
}
"""The methods to which a server responds by its description, by whether the version is a modern one."""
