"""Addresses on this server in the bodies and headers of responses."""

from __future__ import annotations

import re
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


def server_url(request: Request, path: str) -> str:
    """Return the address of a path, by which a client finds the same session. The scheme is that of
    `x-forwarded-proto`, which a proxy in front of the server sends, else that of the connection."""
    forwarded = request.headers.get("x-forwarded-proto")
    secure = request.over_tls if forwarded is None else forwarded == "https"
    session = "" if request.session is None else SESSION_PREFIX + quote(request.session, safe="")
    return f"http{'s' * secure}://{request.host or DEFAULT_HOST}{session}{path}"
