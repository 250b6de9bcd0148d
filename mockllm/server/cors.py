"""Cross-origin requests: web pages may call the provider routes, but not the control API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mockllm.core.rendering.plan import Plan, ResponseHead

ALLOW: Final = "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: *\r\n"
"""Header lines for every provider response."""

_NAMES: Final = re.compile(r"[\w!#$%&'*+.^`|~, \t-]{1,4096}", re.ASCII)


def is_preflight(headers: Mapping[str, str]) -> bool:
    """Return whether an OPTIONS request is a browser's preflight (Fetch, section 4.8)."""
    return "origin" in headers and "access-control-request-method" in headers


def preflight(headers: Mapping[str, str]) -> Plan:
    """Allow any method and the requested headers (`*` would exclude Authorization)."""
    requested = headers.get("access-control-request-headers", "")
    allowed = requested if _NAMES.fullmatch(requested) else "*, Authorization"
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
