"""Clients that send long prompts to an engine whose prompt cache is on, and read the usage of the responses."""

from __future__ import annotations

from typing import Any

from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

CACHED = """
rules: [{name: any, reply: "Hello there."}]
modifiers: [{name: cached, cache: true}]
"""
SENTENCE = "The quick brown fox jumps over the lazy dog. "


def words(sentences: int, first: str = "") -> str:
    """Return a text of about nine tokens for each sentence."""
    return first + SENTENCE * sentences


def block(text: str, ttl: str | None = None, *, marked: bool = True) -> dict[str, Any]:
    """Return a text block of Anthropic's, with a breakpoint."""
    result: dict[str, Any] = {"type": "text", "text": text}
    if marked:
        result["cache_control"] = {"type": "ephemeral"} | ({} if ttl is None else {"ttl": ttl})
    return result


class CachingClient:
    """Sends requests of one key at chosen times."""

    def __init__(self, files: str = CACHED, **more: Any) -> None:
        self.server = VirtualServer(files, **more)

    def post(
        self, path: str, body: Any, at: float = 0.0, *, key: str = "k", headers: Any = None
    ) -> ClientResponse:
        response = self.server.respond(self.sent(path, body, at, key=key, headers=headers))
        assert response.status == 200, response.bytes
        return response

    def sent(
        self, path: str, body: Any, at: float = 0.0, *, key: str = "k", headers: Any = None
    ) -> ClientRequest:
        """Return a request."""
        named = {"authorization": f"Bearer {key}", **(headers or {})}
        return raw_request(path, body, headers=named, now=NOW + at)

    def messages(self, at: float = 0.0, *, key: str = "k", session: str | None = None, **body: Any) -> Any:
        """Return the usage of a message of Anthropic's: written and read."""
        body = {"model": "claude-sonnet-4-5", "max_tokens": 9, **body}
        body.setdefault("messages", [{"role": "user", "content": "hi"}])
        headers = {"anthropic-version": "2023-06-01", "x-api-key": key}
        if session is not None:
            headers["x-mockllm-session"] = session
        return self.post("/v1/messages", body, at, headers=headers).json["usage"]

    def chat(self, at: float = 0.0, *, key: str = "k", **body: Any) -> Any:
        """Return the usage of a chat completion."""
        return self.post("/v1/chat/completions", {"model": "gpt-4o", **body}, at, key=key).json["usage"]

    def responses(self, at: float = 0.0, **body: Any) -> Any:
        """Return the body of a response."""
        return self.post("/v1/responses", {"model": "gpt-5", **body}, at).json


def written_and_read(usage: Any) -> tuple[int, int]:
    """Return the two counts of Anthropic's usage."""
    return usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]


def cached_tokens(usage: Any) -> int:
    """Return the cached tokens of a usage of OpenAI's."""
    details = usage.get("prompt_tokens_details", usage.get("input_tokens_details"))
    count: int = details["cached_tokens"]
    return count
