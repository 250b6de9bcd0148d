"""Cross-origin answers: a page in a browser may call the provider routes, and never the control paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mockllm.core.rendering.plan import Plan, ResponseHead

ALLOW: Final = "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: *\r\n"
"""Ready lines for the head of every provider answer."""

_NAMES: Final = re.compile(r"[\w!#$%&'*+.^`|~, \t-]{1,4096}", re.ASCII)


def is_preflight(headers: Mapping[str, str]) -> bool:
    """Of an OPTIONS request: whether a browser asks before it sends the real one (Fetch, section 4.8)."""
    return "origin" in headers and "access-control-request-method" in headers


def preflight(headers: Mapping[str, str]) -> Plan:
    """Yes to any method and to the headers that were asked for (`*` would leave out Authorization)."""
    asked = headers.get("access-control-request-headers", "")
    allowed = asked if _NAMES.fullmatch(asked) else "*, Authorization"
    return Plan(
        ResponseHead(
            204,
            (
                ("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD"),
                ("Access-Control-Allow-Headers", allowed),
                ("Access-Control-Max-Age", "86400"),
            ),
        ),
        (),
    )
