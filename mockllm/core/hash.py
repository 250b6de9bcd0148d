"""What `match: {hash: …}` sees: one name for a request, the same however its JSON is written.

SHA-256 over the canonical JSON of method, path, provider, the query's `alt` (Gemini's way to ask for SSE)
and the body, with what changes from one run of a client to the next left out.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from mockllm.core.json import MISSING, Json, canonical
from mockllm.core.request import Request

VOLATILE: Final = frozenset(
    {"user", "metadata", "safety_identifier", "prompt_cache_key", "previous_response_id", "seed"}
)
"""Top-level fields of the body that name who asks, or when, and not what."""


def request_hash(request: Request) -> str:
    """64 hexadecimal digits. A body that is not JSON (or is nested beyond measure) counts by its bytes."""
    body: Json = request.body
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key not in VOLATILE}
    asked = {
        "method": request.method,
        "path": _plain(request.path),
        "provider": request.provider,
        "alt": request.query.get("alt"),
    }
    if body is not MISSING:
        try:
            return sha256(canonical({**asked, "body": body})).hexdigest()
        except TypeError:  # orjson reads deeper than it writes
            pass
    return sha256(canonical(asked) + request.raw).hexdigest()


def _plain(text: str) -> str:
    """The text without what UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()
