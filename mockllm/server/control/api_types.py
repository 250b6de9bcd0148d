"""A call of the control API, and what comes of it: what handlers are given and give."""

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


_UNSEEN: Final = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]"
)
"""Characters in UTF-8 that end a line or steer a terminal, and that JSON may hold as they are: controls, separators
of lines, marks of direction."""


class ApiCall(Struct, frozen=True):
    """`query` and `body` are of the models that the route names; `raw` is the body as it came."""

    params: Mapping[str, str]
    query: Any = None
    body: Any = None
    raw: bytes = b""


class TextResponse(Struct, frozen=True):
    """An answer that is no model's."""

    data: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = field(default=())


def visible(data: bytes) -> bytes:
    """The same JSON, in which what a client sent can neither begin a line nor steer a terminal."""
    return data if data.isascii() and b"\x7f" not in data else _UNSEEN.sub(_escaped, data)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


def success_plan(what: BaseModel | TextResponse | Json) -> Plan:
    """The answer of a handler."""
    if isinstance(what, TextResponse):
        return plan(200, what.data, what.content_type, *what.headers)
    assert isinstance(what, BaseModel)
    return plan(200, visible(what.model_dump_json(by_alias=True).encode()) + b"\n", JSON)


def problem_plan(problem: Problem) -> Plan:
    """The answer of a call that is refused."""
    data = visible(problem.body.model_dump_json(exclude_none=True).encode()) + b"\n"
    headers = (("WWW-Authenticate", "Bearer"),) if problem.status == 401 else ()
    if problem.allowed:
        headers = (("Allow", ", ".join(problem.allowed)),)
    return plan(problem.status, data, PROBLEM, *headers)


def plan(status: int, data: bytes, content_type: str, *headers: tuple[str, str]) -> Plan:
    """A whole answer, which nobody may store, and no page of another origin may have."""
    own = (
        ("Content-Type", content_type),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        *headers,
    )
    return Plan(ResponseHead(status, own), (EventStep(data, 0, "body"),))
