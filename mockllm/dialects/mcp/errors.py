"""JSON-RPC errors of an MCP server, with the status of HTTP that carries each.

The codes are those of the specification (`schema.ts`, 2026-07-28). The statuses are those of the SDKs' servers. An
error of a method is a 200 before 2026-07-28, and later a 400 or 404 (`ERROR_CODE_HTTP_STATUS` of
`mcp.shared.inbound`). Refusals of the transport have the code and the wording of the TypeScript SDK
(`server/streamableHttp.js`, 1.32.2). For a rate limit or an overload no source has a status: these have HTTP's own.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import read_object
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.mcp.protocol import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_CAPABILITY,
    PARSE_ERROR,
    RESOURCE_NOT_FOUND,
    SERVER_ERROR,
    SESSION_NOT_FOUND,
)
from mockllm.dialects.mcp.request import RpcRequest, ServerRequest

JSON: Final[Headers] = (("content-type", "application/json"),)
OK: Final = 200


class McpErrorRow(NamedTuple):
    """One error by its name. `message` can name: name (of the tool, prompt or resource), method, path."""

    status: int
    code: int
    message: str
    retry_after: float | None = None


ROWS: Final = {
    "bad_request": McpErrorRow(OK, INVALID_PARAMS, "Invalid params"),
    "authentication": McpErrorRow(401, SERVER_ERROR, "Unauthorized"),
    "permission": McpErrorRow(403, SERVER_ERROR, "Forbidden"),
    "not_found": McpErrorRow(404, SESSION_NOT_FOUND, "Session not found"),
    "model_not_found": McpErrorRow(OK, INVALID_PARAMS, "Unknown {kind}: {name}"),
    "model_deprecated": McpErrorRow(OK, INVALID_PARAMS, "The {kind} {name} is no longer available"),
    "request_too_large": McpErrorRow(413, SERVER_ERROR, "Payload too large"),
    "context_length": McpErrorRow(OK, INVALID_PARAMS, "The arguments are too long"),
    "rate_limit": McpErrorRow(429, SERVER_ERROR, "Too many requests", 1.0),
    "insufficient_quota": McpErrorRow(429, SERVER_ERROR, "Quota exceeded"),
    "content_filter": McpErrorRow(OK, SERVER_ERROR, "The request was refused"),
    "server_error": McpErrorRow(OK, INTERNAL_ERROR, "Internal error"),
    "overloaded": McpErrorRow(503, SERVER_ERROR, "Overloaded"),
    "unavailable": McpErrorRow(503, SERVER_ERROR, "Service unavailable"),
    "bad_gateway": McpErrorRow(502, SERVER_ERROR, "Bad gateway"),
    "timeout": McpErrorRow(504, SERVER_ERROR, "Request timed out"),
}
MODERN_STATUS: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    METHOD_NOT_FOUND: 404,
}
"""The statuses of errors of a method from 2026-07-28 on."""


def refusal(code: int, message: str, status: int, data: Json = None) -> Failure:
    """Return the failure of a message that the protocol does not accept."""
    fields: dict[str, Json] = {"code": code} if data is None else {"code": code, "data": data}
    return Failure("bad_request", status, message, fields=fields)


def unknown_server(request: ServerRequest) -> str:
    """Return that a path has no server, and which servers there are."""
    endpoint = "/mcp" if request.server_endpoint is None else f"/mcp/{request.server_endpoint}"
    known = f"have: {', '.join(sorted(request.mcp_servers))}" if request.mcp_servers else "have none"
    return f"There is no MCP server at {endpoint}. The scenarios {known}."


def error_object(failure: Failure, request: Request) -> dict[str, Json]:
    """Return the member `error`."""
    row = ROWS[failure.type]
    code, message = row.code, failure.message
    kind, name = "tool", ""
    if isinstance(request, RpcRequest):
        name = request.named or ""
        kind = next((word for word in ("tool", "prompt", "resource") if word in request.mcp), kind)
        if failure.type == "model_not_found" and kind == "resource":
            code = INVALID_PARAMS if request.modern else RESOURCE_NOT_FOUND
            return {
                "code": code,
                "message": message or "Resource not found",
                "data": {"uri": name},
                **failure.fields,
            }
    if message is None:
        message = row.message.format(kind=kind, name=name)
    return {"code": code, "message": message, **failure.fields}


def error_message(failure: Failure, request: Request) -> dict[str, Json]:
    """Return the JSON-RPC message of an error."""
    id = request.rpc_id if isinstance(request, RpcRequest) else None
    return {"jsonrpc": "2.0", "id": id, "error": error_object(failure, request)}


def error_plan(failure: Failure, request: Request) -> Plan:
    """Return the response with an error."""
    row, message = ROWS[failure.type], error_message(failure, request)
    status = failure.status
    if status is None:
        status = row.status
        if status == OK and isinstance(request, ServerRequest) and request.modern:
            status = MODERN_STATUS.get(message["error"]["code"], OK)
    head = ResponseHead(status, JSON)
    if status == 401 and not failure.headers:
        head = head.with_headers((("www-authenticate", "Bearer"),))
    head = head.with_headers(failure.retry_header(row.retry_after))
    return Plan(head.with_headers(failure.headers), (EventStep(dumps(message), 0, "body"),))


def is_error(plan: Plan) -> bool:
    """Return whether a response is an error, by its status or by its message. An error changes nothing."""
    return plan.head.status >= 300 or "error" in read_object(sent_bytes(plan))


def json_plan(message: dict[str, Json]) -> Plan:
    return Plan(ResponseHead(OK, JSON), (EventStep(dumps(message), 0, "body"),))


def response(request: RpcRequest, result: dict[str, Json]) -> dict[str, Json]:
    return {"jsonrpc": "2.0", "id": request.rpc_id, "result": result}


def lacking(capabilities: dict[str, Json]) -> Failure:
    """Return the failure of a client that does not support the questions of the server."""
    data: Json = {"requiredCapabilities": capabilities}
    return refusal(MISSING_CAPABILITY, "Missing required client capability", 400, data)
