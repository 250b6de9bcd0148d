"""One value for each header of a request, whose head may have several lines of a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SINGLE_HEADERS: Final = frozenset((
    "authorization", "content-length", "content-type", "from", "host", "if-modified-since",
    "if-unmodified-since", "max-forwards", "proxy-authorization", "referer", "user-agent",
    "api-key", "x-api-key", "x-goog-api-key", "mcp-session-id",
))  # fmt: skip
"""Headers whose value is no list (RFC 9110): their first line counts, as in Node.js. So it does for keys, ids of
sessions and this server's own headers, which a proxy may add to those of its client."""
OWN_HEADERS: Final = "x-mockllm-"


def combine_lines(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers by their lower-case names. The values of several lines are one list in their order (RFC
    9110, section 5.3). Those of `Cookie` have a semicolon between them (RFC 9113, section 8.2.3)."""
    headers: dict[str, str] = {}
    for written_name, value in lines:
        name = written_name.lower()
        if name not in headers:
            headers[name] = value
        elif name not in SINGLE_HEADERS and not name.startswith(OWN_HEADERS):
            headers[name] += f"{'; ' if name == 'cookie' else ', '}{value}"
    return headers
