"""Cross-origin answers: a page in a browser may call the provider routes, and never the control paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mockllm.core.plan import Head, Plan

ALLOW: Final = "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: *\r\n"
"""Ready lines for the head of every provider answer."""

_NAMES: Final = re.compile(r"[\w!#$%&'*+.^`|~, \t-]{1,4096}", re.ASCII)


def allows_itself(plan: Plan) -> bool:
    """Whether the plan's own headers already speak of origins."""
    return any(name.lower() == "access-control-allow-origin" for name, _ in plan.head.headers)


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Fetch standard, section 4.8: what a browser asks before it sends the real request."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight(headers: Mapping[str, str]) -> Plan:
    """Yes to any method and to the headers that were asked for (`*` would leave out Authorization)."""
    asked = headers.get("access-control-request-headers", "")
    allowed = asked if _NAMES.fullmatch(asked) else "*, Authorization"
    return Plan(
        Head(
            204,
            (
                ("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD"),
                ("Access-Control-Allow-Headers", allowed),
                ("Access-Control-Max-Age", "86400"),
            ),
        ),
        (),
    )
