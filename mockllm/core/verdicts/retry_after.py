"""The wait that a response requests before a retry, in each provider's form.

Sources: RFC 9110, section 10.2.3 (`retry-after`: seconds, or a date); `retry-after-ms`, which SDKs read first from
any server; google.rpc.RetryInfo in the details of Google's errors. Headers of one provider are an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isfinite
from types import MappingProxyType
from typing import Final

from mockllm.core.json.codec import JSONDecodeError, loads
from mockllm.core.json.typed_values import list_of, object_of
from mockllm.core.rendering.plan import Headers

RETRY_INFO = "google.rpc.RetryInfo"
NO_UNITS: Final[Mapping[str, float]] = MappingProxyType({})


def requested_wait(
    headers: Headers, body: bytes, sent: float, units: Mapping[str, float] = NO_UNITS
) -> float | None:
    """Return the requested wait in seconds; None where there is none.

    The shortest of several waits counts, since a client may obey any of them. `sent` is when the response ended, in
    seconds since the epoch: the wait until a date starts there. `units` has the seconds in a unit of further headers,
    by lower-case name.
    """
    waits = [wait for wait in (*_in_headers(headers, sent, units), *_in_body(body)) if isfinite(wait)]
    return max(0.0, min(waits)) if waits else None


def _in_headers(headers: Headers, sent: float, units: Mapping[str, float]) -> Iterator[float]:
    for name, value in headers:
        match name.lower():
            case "retry-after-ms":
                yield from (milliseconds / 1000 for milliseconds in _number(value))
            case "retry-after":
                yield from _number(value) or _date(value, sent)
            case own if own in units:
                yield from (number * units[own] for number in _number(value))


def _number(text: str) -> tuple[float, ...]:
    """Return the number that the text contains, if it is one."""
    try:
        return (float(text),)
    except ValueError:
        return ()


def _date(text: str, sent: float) -> tuple[float, ...]:
    """Return the seconds from `sent` to a date. Dates have whole seconds, so the current second does not count."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return ()
    return (date.replace(tzinfo=date.tzinfo or UTC).timestamp() - sent - 1,)


def _in_body(body: bytes) -> Iterator[float]:
    if RETRY_INFO.encode() not in body:
        return
    try:
        payload = loads(body)
    except JSONDecodeError:
        return
    found = object_of(payload[0] if isinstance(payload, list) and payload else payload)
    for detail in list_of(object_of(found.get("error")).get("details")):
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith(RETRY_INFO):
            yield from _number(str(detail.get("retryDelay", "")).removesuffix("s"))


def format_seconds(seconds: float) -> str:
    """Return `4ms`, `1.5s`, `90s`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    return f"{seconds:.1f}s".replace(".0s", "s") if seconds < 60 else f"{round(seconds):.10g}s"
