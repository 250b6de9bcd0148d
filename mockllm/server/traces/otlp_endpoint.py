"""Where spans are sent, as the environment says it, and what is wrong with how it says it.

Apart because it is decided at start, without OpenTelemetry: a value that cannot be right is told in one line,
with the right one. Source: the OTLP exporter specification (OTEL_EXPORTER_OTLP_ENDPOINT is a base to which
`/v1/traces` is added, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is; 4318 is HTTP's port, 4317 gRPC's).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from mockllm.core.display import cut

BASE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXACT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"
PATH: Final = "/v1/traces"
HTTP: Final = 4318
GRPC: Final = 4317
EXAMPLE: Final = "http://localhost:4318"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class OtlpEndpoint(NamedTuple):
    """`url` takes spans by POST; None where none can be sent. `wrong` is a line for the person at the terminal."""

    url: str | None
    wrong: str | None = None


def target(environment: Mapping[str, str]) -> OtlpEndpoint | None:
    """None where no traces are asked for."""
    name = next((name for name in (EXACT, BASE) if environment.get(name, "").strip()), None)
    if name is None or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return None
    given = environment[name].strip()
    found = _read(given, name)
    if found.wrong is None and found.url is not None:
        found = found._replace(wrong=_protocol(environment))
    return found


def shown(url: str) -> str:
    """A URL without the password that may stand in it."""
    return cut(re.sub(r"(//)?[^/@]*@", r"\1", url), 200)


def _read(given: str, name: str) -> OtlpEndpoint:
    """The URL in a value, and what it should have been."""
    text = given.strip("\"'").strip()
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else None
    parts = _parts(text if scheme else f"http://{text}")
    if parts is None or scheme not in (None, "http", "https", "grpc", "grpcs"):
        said = f"{name} is {_quoted(given)}, no URL of an OTLP/HTTP receiver; {EXAMPLE} is one. No traces are sent"
        return OtlpEndpoint(None, said)
    why = _why(parts, scheme, name)
    if why is None and text != given:
        why = "which has quotes in it"
    right = _right(parts, scheme, name)
    url = right + PATH if name == BASE else right
    return OtlpEndpoint(
        url, None if why is None else f"{name} is {_quoted(given)}, {why}; traces are sent to {shown(right)}"
    )


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL with a host; None of anything else."""
    if not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that is none, or a broken IPv6 address
        return None
    host = parts.hostname or ""
    return None if port == 0 or host.isdigit() or host in ("", "http", "https", "grpc") else parts


def _why(parts: SplitResult, scheme: str | None, name: str) -> str | None:
    """What is wrong with it; None where nothing is."""
    if parts.port == GRPC:
        return f"and {GRPC} is gRPC's port: OTLP over HTTP has {HTTP}"
    if scheme is None:
        return "which has no scheme"
    if scheme.startswith("grpc"):
        return "whose scheme is gRPC's, and spans go over HTTP"
    if name == BASE and parts.path.rstrip("/").endswith(PATH):
        return f"to which {PATH} would be added once more"
    if name == EXACT and parts.path in ("", "/"):
        return f"which is used as it is and has no path (receivers take spans at {PATH})"
    return None


def _right(parts: SplitResult, scheme: str | None, name: str) -> str:
    """What it should have been: a base without, or the whole URL with the path of traces."""
    port, path = parts.port, parts.path.rstrip("/")
    host = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    mistaken = port == GRPC or scheme not in ("http", "https")
    if port == GRPC or (port is None and mistaken):
        port = HTTP
    if name == BASE:
        while path.endswith(PATH):
            path = path.removesuffix(PATH).rstrip("/")
    elif mistaken and not path:
        path = PATH
    elif not mistaken:
        path = parts.path
    secure = scheme in ("https", "grpcs")
    query = f"?{parts.query}" if parts.query and name == EXACT else ""
    return f"{'https' if secure else 'http'}://{host}{'' if port is None else f':{port}'}{path}{query}"


def _protocol(environment: Mapping[str, str]) -> str | None:
    """A line where another protocol is asked for."""
    name = next((name for name in PROTOCOLS if environment.get(name, "").strip()), None)
    if name is None or environment[name].strip() == SPOKEN:
        return None
    return f"{name} is {_quoted(environment[name].strip())}; traces are sent as {SPOKEN} all the same"


def _quoted(text: str) -> str:
    return repr(shown(text))
