"""URI templates of resources (RFC 6570): `{name}` is one segment, and `{+name}` also matches slashes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

VARIABLE: Final = re.compile(r"\{(\+?)([A-Za-z_][A-Za-z0-9_]*)\}")


def expanded(template: str, uri: str) -> dict[str, str] | None:
    """Return the values of the variables with which the template makes the URI; None where it makes another one."""
    match = _pattern(template).fullmatch(uri)
    if match is None:
        return None
    return {name: unquote(value) for name, value in match.groupdict().items()}


@lru_cache(256)  # a rule's template is compiled once, not for each request
def _pattern(template: str) -> re.Pattern[str]:
    pattern, end, seen = "", 0, set()
    for match in VARIABLE.finditer(template):
        pattern += re.escape(template[end : match.start()])
        name = match[2]
        one = ".+" if match[1] else "[^/]+"
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{one})"
        seen.add(name)
        end = match.end()
    return re.compile(pattern + re.escape(template[end:]))
