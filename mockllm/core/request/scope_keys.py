"""Scopes: the keys of counters that `per` selects, from a request. API keys are hashed, so that no scope is
secret."""

from __future__ import annotations

from hashlib import blake2b

from mockllm.core.request.request import Request


def scope_of(per: str, request: Request) -> str:
    """Return the scope's name; the empty one is global (inside the session)."""
    if per == "global":
        return ""
    if per == "api_key":
        return f"api_key:{hashed(request.api_key or '')}"
    if per == "ip":
        return f"ip:{request.client}"
    if per == "conversation":
        return f"conversation:{conversation(request)}"
    name = per.removeprefix("header:").lower()
    return f"header:{name}={request.headers.get(name, '')}"


def conversation(request: Request) -> str:
    """Return a conversation's name: the name that the request has, else a hash of its opening.

    The opening is the system text and the first user message. A request that continues an earlier response has the
    name of that response's conversation.
    """
    if request.thread is not None:
        return request.thread
    system, first = request.opening
    return hashed(f"{system}\0{first}")


def hashed(text: str) -> str:
    """Return a short hash for a name without secrets."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
