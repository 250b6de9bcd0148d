"""Parsers of seconds, bytes, counts, addresses and upstreams in options and variables: `500ms`, `64 MiB`, `:8080`."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from mockllm.dialects.registry import PROVIDERS
from mockllm.recordings.interaction import OTHER
from mockllm.scenario.diagnostics import suggestion
from mockllm.scenario.language.proxy import is_base_url
from mockllm.server.server_limits import KIB, MIB

_SIZE: Final = re.compile(r"(\d+)\s*(?:bytes|b|([kmg])(?:i?b)?)?", re.IGNORECASE | re.ASCII)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3}


def seconds(text: str) -> float:
    """Parse seconds: a plain number or a duration with a unit. Raise ValueError with the expected form."""
    from mockllm.core.quantities.parse import parse_duration

    try:
        number = float(text)
    except ValueError:
        return parse_duration(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"expected a number of seconds, found {text!r}")
    return number


def size(text: str) -> int:
    """Parse bytes: a plain number or one with `KiB`, `MiB` or `GiB`, also abbreviated. Raise ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"expected a number of bytes, such as 1000, 64KiB or 32MiB, found {text!r}")
    return int(match[1]) << 10 * _POWERS[(match[2] or "").lower()]


def count(text: str) -> int:
    """Parse a whole number. Raise ValueError with the text that was found."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, found {text!r}") from None


def address(text: str) -> tuple[str, int]:
    """Parse `HOST:PORT`, `[::1]:PORT` or `:PORT`."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"expected HOST:PORT, found {text!r}")
    return host.strip("[]") or "localhost", int(port)


def shown_default(default: Any, unit: str) -> Any:
    """Return bytes as `32 MiB`, other values unchanged."""
    if unit != "bytes":
        return default
    return f"{default // MIB} MiB" if default >= MIB else f"{default // KIB} KiB"


def upstream(text: str) -> tuple[str, str]:
    """Parse an upstream such as `openai=https://api.openai.com`. Raises ValueError."""
    name, equals, url = text.partition("=")
    name = name.strip()
    if not equals or not name or not is_base_url(url):
        raise ValueError(f"expected PROVIDER=URL, such as openai=https://api.openai.com; found {text!r}")
    if name not in PROVIDERS and name != OTHER:
        raise ValueError(f"{name} is not a known provider{suggestion(name, [*sorted(PROVIDERS), OTHER])}")
    return name, url.rstrip("/")
