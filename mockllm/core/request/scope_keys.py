"""Whose counts: what `per` names, read from a request. Keys are hashed, so that no count holds a secret."""

from __future__ import annotations

from hashlib import blake2b

from mockllm.core.request.request import Request


def scope_of(per: str, request: Request) -> str:
    """The scope's name; the empty one is global (inside the session)."""
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
    """A conversation's name: a hash of the name that it has of its own, else of the system text and the first
    user message. What goes on from an answer before is of the conversation that this one was of."""
    if request.thread is not None:
        return request.thread
    system, first = request.opening
    return hashed(f"{system}\0{first}")


def hashed(text: str) -> str:
    """A name that holds no secret."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
