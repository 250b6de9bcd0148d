"""Addresses on this server in the bodies and headers of responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from mockllm.core.request.request import Request

DEFAULT_HOST: Final = "localhost:8080"
"""Where a server listens if no option says otherwise."""
DEFAULT_URL: Final = f"http://{DEFAULT_HOST}"
SESSION_PREFIX: Final = "/s/"
"""The prefix of a path that names a session."""
SESSION_ID: Final = re.compile(r"[A-Za-z0-9._~:@\[\]-]+")
MAX_SESSION_ID: Final = 128
"""The most characters of a session's id."""


def scheme(headers: Mapping[str, str], *, over_tls: bool = False) -> str:
    """Return the scheme of the addresses in a response. It is that of `x-forwarded-proto`, which a proxy in front of
    the server sends, else that of the connection."""
    forwarded = headers.get("x-forwarded-proto")
    return "https" if (over_tls if forwarded is None else forwarded == "https") else "http"


def server_url(request: Request, path: str) -> str:
    """Return the address of a path, by which a client finds the same session."""
    session = "" if request.session is None else SESSION_PREFIX + quote(request.session, safe="")
    return f"{scheme(request.headers, over_tls=request.over_tls)}://{request.host or DEFAULT_HOST}{session}{path}"
