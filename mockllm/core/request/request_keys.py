"""Keys of a request: its hash, its conversation, and the scopes that `per` selects.

`match: {hash: …}` compares the hash, which is equal for equal requests, however their JSON is written. It is SHA-256
over canonical JSON. That JSON has method, path, provider, the query's `alt` (Gemini's parameter for SSE) and the
body. It lacks the fields that change from one run of a client to the next. The older recipe, with which other tools
have written files, hashes the body with a `provider` in it, and nothing else.
"""

from __future__ import annotations

from hashlib import blake2b, sha256
from typing import Final

from mockllm.core.json.codec import MISSING, Json, canonical, dumps
from mockllm.core.redaction import redacted
from mockllm.core.request.form_fields import without_boundary
from mockllm.core.request.request import Request


def request_hash(request: Request) -> str:
    """Return 64 hexadecimal digits. A body that is not JSON is hashed as bytes, a form without its boundary."""
    parts = hash_input(request)
    if "body" in parts:
        return sha256(canonical(parts)).hexdigest()
    raw = without_boundary(request.headers.get("content-type", ""), request.raw)
    return sha256(canonical(parts) + raw).hexdigest()


def hash_input(request: Request) -> dict[str, Json]:
    """Return the parts of a request that its hash covers; without `body` where that is not JSON."""
    parts: dict[str, Json] = {
        "method": request.method,
        "path": _encodable(request.path),
        "provider": request.provider,
        "alt": request.query.get("alt"),
    }
    if request.body is not MISSING:
        parts["body"] = request.hashed_body
    return parts


def older_hash(request: Request) -> str | None:
    """Return SHA-256 over the compact, key-sorted JSON of the body with the provider's name added as `provider`.
    Return None where the body is not an object."""
    body = request.body
    if not isinstance(body, dict):
        return None
    return sha256(canonical({**body, "provider": request.provider})).hexdigest()


def hash_of(request: Request) -> str:
    """Return the request's hash, which is computed once for a request."""
    hash = request.computed_hash
    if hash is None:
        hash = request.computed_hash = request_hash(request)
    return hash


def cached_older_hash(request: Request) -> str | None:
    """Return the hash by the older recipe, which is computed once for a request."""
    hash = request.computed_older_hash
    if hash is None:  # perhaps again: where there is none, that is known at once
        hash = request.computed_older_hash = older_hash(request)
    return hash


def hash_input_json(request: Request) -> str:
    """Return the parts that the request's hash covers as JSON for a person, without what looks like a key."""
    return dumps(redacted(hash_input(request))).decode()


def _encodable(text: str) -> str:
    """Return the text with escapes for lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "backslashreplace").decode()


MAX_HEADER_SCOPE: Final = 64
"""The most characters of a header's value that are part of a scope's name; of a longer value its hash is."""


def scope_of(per: str, request: Request) -> str:
    """Return the scope's name; the empty one is global (inside the session)."""
    if per == "global":
        return ""
    if per == "api_key":
        return f"api_key:{hashed(request.api_key or '')}"
    if per == "ip":
        return f"ip:{request.client_address}"
    if per == "conversation":
        return f"conversation:{conversation(request)}"
    name = per.removeprefix("header:").lower()
    value = request.headers.get(name, "")
    if len(value) > MAX_HEADER_SCOPE:
        value = f"#{blake2b(value.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
    return f"header:{name}={value}"


def conversation(request: Request) -> str:
    """Return a conversation's name: the name that the request has, else a hash of its opening.

    The opening is the system text and the first user message. A request that continues an earlier response has the
    name of that response's conversation.
    """
    if request.conversation_name is not None:
        return request.conversation_name
    system, first = request.conversation_start
    return hashed(f"{system}\0{first}")


def hashed(text: str) -> str:
    """Return a short hash for a name without secrets."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
