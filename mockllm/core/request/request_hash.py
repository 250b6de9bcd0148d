"""What `match: {hash: …}` sees: names for a request, the same however its JSON is written.

The hash is SHA-256 over the canonical JSON of method, path, provider, the query's `alt` (Gemini's way to ask for
SSE) and the body, with what changes from one run of a client to the next left out. Beside it stands the older
recipe, which other tools have written files with: the body with a `provider` in it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Set
from hashlib import sha256
from typing import Final

from mockllm.core.json.codec import MISSING, Json, canonical, dumps
from mockllm.core.redaction import redacted
from mockllm.core.request.request import Request

_HASH: Final = "_hash"
_OLDER: Final = "_older_hash"
"""Where a request keeps what was found out."""


def request_hash(request: Request) -> str:
    """64 hexadecimal digits. A body that is not JSON counts by its bytes."""
    asked = hashed(request)
    return sha256(canonical(asked) + (b"" if "body" in asked else request.raw)).hexdigest()


def hashed(request: Request) -> dict[str, Json]:
    """What of a request its hash is made of; no `body` where that is not JSON."""
    asked: dict[str, Json] = {
        "method": request.method,
        "path": _plain(request.path),
        "provider": request.provider,
        "alt": request.query.get("alt"),
    }
    body = request.body
    if body is not MISSING:
        asked["body"] = _lasting(body, request.volatile)
    return asked


def _lasting(body: Json, volatile: Set[str]) -> Json:
    """The body without its volatile fields."""
    if not isinstance(body, dict):
        return body
    return {key: value for key, value in body.items() if key not in volatile}


def older_hash(request: Request) -> str | None:
    """SHA-256 over the compact, key-sorted JSON of the body with the provider's name added as `provider`; None
    where the body is no object."""
    body = request.body
    if not isinstance(body, dict):
        return None
    return sha256(canonical({**body, "provider": request.provider})).hexdigest()


def looked_up(request: Request) -> str:
    """The request's hash, found out for the first who asks and kept with the request for the others."""
    kept = vars(request).get(_HASH)
    if kept is None:
        kept = vars(request)[_HASH] = request_hash(request)
    return kept


def looked_up_older(request: Request) -> str | None:
    """The same by the older recipe."""
    if _OLDER not in vars(request):
        vars(request)[_OLDER] = older_hash(request)
    return vars(request)[_OLDER]  # type: ignore[no-any-return]


def known_hash(request: Request) -> str | None:
    """The request's hash if anybody has asked for it; nothing is found out."""
    return vars(request).get(_HASH)


def asked(request: Request) -> str:
    """What the request's hash is made of, as JSON for a person: without what looks like a key."""
    return dumps(redacted(hashed(request))).decode()


def _plain(text: str) -> str:
    """The text without what UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()
