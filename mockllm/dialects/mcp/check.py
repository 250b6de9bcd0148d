"""Checks of a message to an MCP server, in the order in which the SDKs' servers make them.

Sources: `validate_request` and `check_accept_headers` of `mcp` 2.3.0, `classify_inbound_request` of its
`mcp.shared.inbound` for 2026-07-28, and `validateRequestHeaders` of the TypeScript SDK 1.32.2 for the older versions.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json, dumps
from mockllm.core.request.request import Request
from mockllm.dialects.mcp.errors import refusal
from mockllm.dialects.mcp.parameter_headers import repeated_arguments
from mockllm.dialects.mcp.protocol import (
    HANDSHAKE,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    META_CAPABILITIES,
    META_VERSION,
    METHOD_HEADER,
    MODERN,
    NAME_HEADER,
    NAMED_BY,
    PARSE_ERROR,
    SERVER_ERROR,
    UNSUPPORTED_VERSION,
    VERSION_HEADER,
    VERSIONS,
)
from mockllm.dialects.mcp.request import RpcRequest, ServerRequest

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
SESSIONS: Final = "mcp session "
"""The name under which a session is stored, before its server and its id."""
_ENCODED: Final = re.compile(r"=\?base64\?(.*)\?=")


def foreign_page(request: Request) -> Failure | None:
    """Return the refusal of a request from a web page that is not of this machine (DNS rebinding)."""
    origin = request.headers.get("origin")
    if origin is None:
        return None
    host = _host(origin)
    return None if host in LOCAL else refusal(SERVER_ERROR, f"Invalid Origin header: {origin}", 403)


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def unreadable(request: RpcRequest) -> Failure | None:
    """Return the failure of a body that is not a JSON-RPC message."""
    body = request.body
    if body is MISSING:
        return refusal(PARSE_ERROR, "Parse error", 400)
    if type(body) is list:
        return refusal(INVALID_REQUEST, "Invalid Request: batches are not supported", 400)
    valid = type(body) is dict and body.get("jsonrpc") == "2.0" and request.kind != "invalid"
    return None if valid else refusal(INVALID_REQUEST, "Invalid Request", 400)


def check_message(request: RpcRequest) -> Failure | None:
    """Return the first failure of a message and its headers."""
    accepted = request.headers.get("accept", "")
    if not accepts(accepted, "application/json") or not accepts(accepted, "text/event-stream"):
        message = "Not Acceptable: Client must accept both application/json and text/event-stream"
        return refusal(SERVER_ERROR, message, 406)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return refusal(SERVER_ERROR, "Unsupported Media Type: Content-Type must be application/json", 415)
    return unreadable(request) or check_version(request) or _checked(request)


def accepts(accepted: str, kind: str) -> bool:
    """Return whether an `accept` header allows a media type."""
    wanted = {entry.partition(";")[0].strip().lower() for entry in accepted.split(",")}
    return bool(wanted & {kind, f"{kind.partition('/')[0]}/*", "*/*"})


def _checked(request: RpcRequest) -> Failure | None:
    if request.modern:
        return None if request.kind != "request" else check_modern(request)
    return None if request.rpc_method == "initialize" else check_session(request)


def check_version(request: ServerRequest) -> Failure | None:
    """Return the failure of a version that the server does not support."""
    if isinstance(request, RpcRequest) and request.rpc_method == "initialize":
        return None
    if META_VERSION in request.meta and not request.over_stdio:
        mismatch = _mismatch(request.headers, VERSION_HEADER, request.meta[META_VERSION])
        if mismatch is not None:
            return mismatch
    versions = supported_versions(request)
    if request.protocol in versions:
        return None
    modern = [version for version in versions if version in MODERN]
    if modern and request.protocol not in HANDSHAKE:
        data: Json = {"supported": modern, "requested": request.protocol}
        return refusal(UNSUPPORTED_VERSION, "Unsupported protocol version", 400, data)
    message = f"Bad Request: Unsupported protocol version: {request.protocol} (supported versions: "
    return refusal(SERVER_ERROR, f"{message}{', '.join(versions)})", 400)


def supported_versions(request: ServerRequest) -> tuple[str, ...]:
    """Return the versions that the server supports."""
    server = request.server
    return VERSIONS if server is None or server.protocols is None else server.protocols


def check_session(request: ServerRequest) -> Failure | None:
    """Return the failure of a session that is missing, ended or unknown."""
    server = request.server
    if server is None or not server.sessions or server.protocols == MODERN:
        return None
    id = request.client_session
    if id is None:
        return refusal(SERVER_ERROR, "Bad Request: Mcp-Session-Id header is required", 400)
    stored = request.object_lookup.stored(request.stored_name(SESSIONS, id))
    return None if stored else Failure("not_found")


def check_modern(request: RpcRequest) -> Failure | None:
    """Return the failure of a request of 2026-07-28: its `_meta`, and the headers that repeat its body."""
    for name in (META_VERSION, META_CAPABILITIES):
        if name not in request.meta:
            return refusal(INVALID_PARAMS, f"Invalid params: _meta lacks {name}", 400)
    if request.over_stdio:
        return None
    expected: list[tuple[str, Json]] = [(METHOD_HEADER, request.rpc_method)]
    if request.rpc_method in NAMED_BY:
        expected.append((NAME_HEADER, request.named))
    expected += repeated_arguments(request)
    for header, value in expected:
        failure = _mismatch(request.headers, header, value)
        if failure is not None:
            return failure
    return None


def _mismatch(headers: Mapping[str, str], header: str, value: Json) -> Failure | None:
    sent = headers.get(header)
    if sent is None:
        return None if value is None else _mismatched(f"the header {header} is missing")
    decoded = sent if header in (VERSION_HEADER, METHOD_HEADER) else decoded_header(sent)
    if decoded is None:
        return _mismatched(f"the header {header} is not valid base64")
    if value is None or not _same(decoded, value):
        shown = "nothing" if value is None else f"'{_text(value)}'"
        return _mismatched(f"{header} header value '{decoded}' does not match body value {shown}")
    return None


def _mismatched(what: str) -> Failure:
    return refusal(HEADER_MISMATCH, f"Header mismatch: {what}", 400)


def _same(header: str, value: Json) -> bool:
    if header == _text(value):
        return True
    if type(value) not in (int, float):
        return False
    try:  # compared as numbers: 42.0 is 42
        return bool(float(header) == value)
    except ValueError:
        return False


def _text(value: Json) -> str:
    return value if type(value) is str else dumps(value).decode()


def decoded_header(value: str) -> str | None:
    """Return the text of a header; None where its base64 is none."""
    match = _ENCODED.fullmatch(value)
    if match is None:
        return value
    try:
        return base64.b64decode(match[1], validate=True).decode()
    except (binascii.Error, ValueError):
        return None
