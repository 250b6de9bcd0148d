"""Writes a call of an MCP server as a client of 2026-07-28 sends it: in one request, without a handshake."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.dialects.mcp.protocol import (
    CAPABILITY_OF,
    META,
    META_CAPABILITIES,
    META_CLIENT,
    META_VERSION,
    METHOD_HEADER,
    MODERN,
    NAME_HEADER,
    NAMED_BY,
    VERSION_HEADER,
)
from mockllm.dialects.neutral_request import WireRequest

CLIENT: Final = "mockllm"
METHODS: Final = {"tool": "tools/call", "prompt": "prompts/get", "resource": "resources/read"}


def call_request(server: str, word: str | None, name: str, params: Mapping[str, Json]) -> WireRequest:
    """Return the request for a tool, prompt or resource of this name (`word` says which), or for a method."""
    method = name if word is None else METHODS[word]
    full: dict[str, Json] = dict(params)
    if word is not None:
        full[NAMED_BY[method]] = name
    full[META] = {
        META_VERSION: MODERN[-1],
        META_CLIENT: {"name": CLIENT, "version": "1"},
        META_CAPABILITIES: {name: {} for name in CAPABILITY_OF.values()},
    }
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        VERSION_HEADER: MODERN[-1],
        METHOD_HEADER: method,
    }
    if word is not None:
        headers[NAME_HEADER] = encoded_header(name)
    body: Json = {"jsonrpc": "2.0", "id": 1, "method": method, "params": full}
    return WireRequest(f"/mcp/{server}", headers, body)


def encoded_header(value: str) -> str:
    """Return a text as a header can carry it."""
    if value.isascii() and value.isprintable() and value == value.strip():
        return value
    return f"=?base64?{base64.b64encode(value.encode('utf-8', 'surrogatepass')).decode()}?="
