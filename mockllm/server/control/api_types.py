"""The argument and the results of the control API's handlers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field
from pydantic import BaseModel

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.server.control.problem import Problem

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
YAML: Final = "application/yaml"


_INVISIBLE: Final = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]"
)
"""UTF-8 characters that end a line or control a terminal, and that JSON may contain without escapes: control
characters, line separators and marks of direction."""


class ApiCall(Struct, frozen=True):
    """One call. `query` and `body` are instances of the route's models; `raw` is the body as received."""

    params: Mapping[str, str]
    query: Any = None
    body: Any = None
    raw: bytes = b""


class TextResponse(Struct, frozen=True):
    """A response without a model."""

    data: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = field(default=())


def visible(data: bytes) -> bytes:
    """Escape the characters in JSON that would begin a line or control a terminal."""
    return data if data.isascii() and b"\x7f" not in data else _INVISIBLE.sub(_escaped, data)


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


def success_plan(result: BaseModel | TextResponse | Json) -> Plan:
    """Return the response for a handler's result."""
    if isinstance(result, TextResponse):
        return plan(200, result.data, result.content_type, *result.headers)
    assert isinstance(result, BaseModel)
    return plan(200, visible(result.model_dump_json(by_alias=True).encode()) + b"\n", JSON)


def problem_plan(problem: Problem) -> Plan:
    """Return the response to a refused call."""
    data = visible(problem.body.model_dump_json(exclude_none=True).encode()) + b"\n"
    headers = (("WWW-Authenticate", "Bearer"),) if problem.status == 401 else ()
    if problem.allowed:
        headers = (("Allow", ", ".join(problem.allowed)),)
    if problem.retry_after is not None:
        headers = (("Retry-After", str(problem.retry_after)),)
    return plan(problem.status, data, PROBLEM, *headers)


def plan(status: int, data: bytes, content_type: str, *headers: tuple[str, str]) -> Plan:
    """Return a non-streaming response that no cache may store and no page of another origin may load."""
    fields = (
        ("Content-Type", content_type),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        *headers,
    )
    return Plan(ResponseHead(status, fields), (EventStep(data, 0, "body"),))
