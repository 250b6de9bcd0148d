"""Parsers of values in options and variables: seconds (`500ms`), bytes (`64 MiB`), addresses (`:8080`), upstreams."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from typing import Final, Literal

from mockllm.core.time_scale import MIN_TIME_SCALE
from mockllm.core.url_secrets import without_passwords
from mockllm.dialects.provider_facts import PROVIDERS
from mockllm.recordings.interaction import OTHER
from mockllm.scenario.diagnostics import suggestion
from mockllm.scenario.language.proxy import is_base_url
from mockllm.server.server_limits import KIB, MIB

_SIZE: Final = re.compile(r"(\d+)\s*(?:bytes|b|([kmg])(?:i?b)?)?", re.IGNORECASE | re.ASCII)
MAX_EXIT_CODE: Final = 255
MAX_PORT: Final = 65_535
SHORTEST_PRIVATE: Final = 3
"""Characters of a text to mask."""
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


def epoch_seconds(text: str) -> float:
    """Parse a time in seconds since the epoch. Raise ValueError with the expected form."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"expected seconds since the epoch, such as 1767225600; found {text!r}")
    return number


def positive_seconds(text: str) -> float:
    """Parse seconds as `seconds` does, but more than 0. Raise ValueError with the expected form."""
    number = seconds(text)
    if number <= 0:
        raise ValueError(f"expected more than 0 seconds, found {text!r}")
    return number


def exit_codes(text: str) -> frozenset[int]:
    """Parse exit codes: `3` or `3,4`. Raise ValueError with the expected form."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) <= MAX_EXIT_CODE for part in parts):
        raise ValueError(f"expected exit codes, such as 3 or 3,4; found {text!r}")
    return frozenset(map(int, parts))


def time_scale(text: str) -> float:
    """Parse the factor on all times of scenarios. Raise ValueError with the expected form."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not MIN_TIME_SCALE <= number <= 1 / MIN_TIME_SCALE:
        raise ValueError(
            f"expected a factor from {MIN_TIME_SCALE:g} to {1 / MIN_TIME_SCALE:g}, such as 0.01, found {text!r}"
        )
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


def port(text: str) -> int:
    """Parse a port; 0 selects a free one. Raise ValueError with the range."""
    number = count(text)
    if not 0 <= number <= MAX_PORT:
        raise ValueError(f"expected a port from 0 to {MAX_PORT}, found {text!r}")
    return number


def at_least(least: int) -> Callable[[str], int]:
    """Return a parser of whole numbers that are not less than `least`."""

    def parse(text: str) -> int:
        number = count(text)
        if number < least:
            raise ValueError(f"expected a whole number of at least {least}, found {text!r}")
        return number

    return parse


MAX_WORKERS: Final = 256


def workers(text: str) -> int:
    """Parse a number of processes, or `auto`: one for each processor that this process may use."""
    if text == "auto":
        return min(usable_processors(), MAX_WORKERS)
    if not text.isdecimal() or not 1 <= int(text) <= MAX_WORKERS:
        raise ValueError(f"expected auto, or a number from 1 to {MAX_WORKERS}, found {text!r}")
    return int(text)


def store_failure(text: str) -> Literal["error", "local"]:
    """Parse what happens while the store is away."""
    match text:
        case "error" | "local":
            return text
    raise ValueError(f"expected error or local, found {text!r}")


def usable_processors() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def address(text: str) -> tuple[str, int]:
    """Parse `HOST:PORT`, `[::1]:PORT` or `:PORT`."""
    host, colon, number = text.rpartition(":")
    if not colon or not number.isdecimal():
        raise ValueError(f"expected HOST:PORT, found {text!r}")
    return host.strip("[]") or "localhost", port(number)


def host_name(text: str) -> str:
    """Return a host in lower case. Raises ValueError for a URL, and for a host with a port: all ports are meant."""
    host = text.strip().lower().removeprefix("[").removesuffix("]")
    if not host or "/" in host or "@" in host or host.count(":") == 1:
        raise ValueError(f"expected a host such as api.example.com, without scheme and port; found {text!r}")
    return host


def error_status(text: str) -> int:
    """Parse an HTTP status from 400 to 599."""
    if not re.fullmatch("[45][0-9][0-9]", text):
        raise ValueError(f"expected a status from 400 to 599, found {text!r}")
    return int(text)


def byte_text(count: int) -> str:
    """Format a number of bytes: `64 MiB`, `300 bytes`."""
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


def upstream(text: str) -> tuple[str, str]:
    """Parse an upstream such as `openai=https://api.openai.com`. Raises ValueError."""
    name, equals, url = text.partition("=")
    name = name.strip()
    if not equals or not name or not is_base_url(url):
        shown = without_passwords(text)
        raise ValueError(f"expected PROVIDER=URL, such as openai=https://api.openai.com; found {shown!r}")
    return provider_name(name), url.rstrip("/")


def private_text(text: str) -> str:
    """Return a text to mask, without blanks around it: a variable may end with a line end. Raises ValueError for one
    so short that it is a part of many words."""
    text = text.strip()
    if len(text) < SHORTEST_PRIVATE:
        raise ValueError(f"expected at least {SHORTEST_PRIVATE} characters, found {text!r}")
    return text


def provider_name(name: str) -> str:
    """Return the name of a provider, or of one of its upstreams. Raises ValueError."""
    if name.partition("/")[0] not in PROVIDERS and name != OTHER:
        raise ValueError(f"{name} is not a known provider{suggestion(name, [*sorted(PROVIDERS), OTHER])}")
    return name
