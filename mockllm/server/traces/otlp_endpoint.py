"""The URL for spans from the environment, and one line about an invalid value with its correction.

Separate, because the server reads the URL at start, without OpenTelemetry. Source: the OTLP exporter specification
(`/v1/traces` is added to OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used unchanged; 4318 is
HTTP's port, 4317 gRPC's).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from mockllm.core.display import shortened

BASE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXACT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL: Final = "http/protobuf"
PATH: Final = "/v1/traces"
HTTP: Final = 4318
GRPC: Final = 4317
EXAMPLE: Final = "http://localhost:4318"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class OtlpEndpoint(NamedTuple):
    """`url` accepts spans by POST; None if it is invalid. `warning` is one line for the terminal."""

    url: str | None
    warning: str | None = None


def target(environment: Mapping[str, str]) -> OtlpEndpoint | None:
    """Return the endpoint, or None if the environment does not enable traces."""
    name = next((name for name in (EXACT, BASE) if environment.get(name, "").strip()), None)
    if name is None or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return None
    endpoint = _parse(environment[name].strip(), name)
    if endpoint.warning is None and endpoint.url is not None:
        endpoint = endpoint._replace(warning=_protocol_warning(environment))
    return endpoint


def without_password(url: str) -> str:
    """Return a URL without its user name and password."""
    return shortened(re.sub(r"(//)?[^/@]*@", r"\1", url), 200)


def _parse(value: str, name: str) -> OtlpEndpoint:
    text = value.strip("\"'").strip()
    match = _SCHEME.match(text)
    scheme = match[1].lower() if match else None
    parts = _parts(text if scheme else f"http://{text}")
    if parts is None or scheme not in (None, "http", "https", "grpc", "grpcs"):
        expected = f"not the URL of a receiver such as {EXAMPLE}"
        return OtlpEndpoint(None, f"{name} is {_quoted(value)}, {expected}; no traces are sent")
    reason = _reason(parts, scheme, name)
    if reason is None and text != value:
        reason = "which contains quotes"
    corrected = _corrected(parts, scheme, name)
    url = corrected + PATH if name == BASE else corrected
    if reason is None:
        return OtlpEndpoint(url)
    place = without_password(corrected)
    return OtlpEndpoint(url, f"{name} is {_quoted(value)}, {reason}; traces are sent to {place}")


def _parts(url: str) -> SplitResult | None:
    """Return the parts of a URL with a host, or None."""
    if not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # an invalid port, or a broken IPv6 address
        return None
    host = parts.hostname or ""
    return None if port == 0 or host.isdigit() or host in ("", "http", "https", "grpc") else parts


def _reason(parts: SplitResult, scheme: str | None, name: str) -> str | None:
    if parts.port == GRPC:
        return f"and {GRPC} is gRPC's port: OTLP over HTTP has {HTTP}"
    if scheme is None:
        return "which has no scheme"
    if scheme.startswith("grpc"):
        return "whose scheme is gRPC's, but spans are sent over HTTP"
    if name == BASE and parts.path.rstrip("/").endswith(PATH):
        return f"to which {PATH} would be added again"
    if name == EXACT and parts.path in ("", "/"):
        return f"which is used unchanged and has no path (receivers accept spans at {PATH})"
    return None


def _corrected(parts: SplitResult, scheme: str | None, name: str) -> str:
    """Return the corrected URL: a base without the path of traces, or the complete URL with it."""
    port, path = parts.port, parts.path.rstrip("/")
    host = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    invalid = port == GRPC or scheme not in ("http", "https")
    if port == GRPC or (port is None and invalid):
        port = HTTP
    if name == BASE:
        while path.endswith(PATH):
            path = path.removesuffix(PATH).rstrip("/")
    elif invalid and not path:
        path = PATH
    elif not invalid:
        path = parts.path
    secure = scheme in ("https", "grpcs")
    query = f"?{parts.query}" if parts.query and name == EXACT else ""
    return f"{'https' if secure else 'http'}://{host}{'' if port is None else f':{port}'}{path}{query}"


def _protocol_warning(environment: Mapping[str, str]) -> str | None:
    name = next((name for name in PROTOCOLS if environment.get(name, "").strip()), None)
    if name is None or environment[name].strip() == PROTOCOL:
        return None
    return f"{name} is {_quoted(environment[name].strip())}; but traces are always sent as {PROTOCOL}"


def _quoted(text: str) -> str:
    return repr(without_password(text))
