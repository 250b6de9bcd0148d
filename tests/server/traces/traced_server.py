"""A live server that gets requests, and the spans of its responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from mockllm.server.traces.spans import Span, span
from tests.live import Live, live

USER = [{"role": "user", "content": "hi"}]
CHAT = ("/v1/chat/completions", {"model": "gpt-4o", "messages": USER})
RESPONSES = ("/v1/responses", {"model": "gpt-4o", "input": "hi"})
COMPLETIONS = ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "hi"})
MESSAGES = ("/v1/messages", {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": USER})
GEMINI = ("/v1beta/models/gemini-2.5-flash:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]})
BEDROCK = (
    "/model/anthropic.claude-sonnet-4-5-v1:0/converse",
    {"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
)
BEDROCK_STREAM = (BEDROCK[0] + "-stream", BEDROCK[1])
BEDROCK_MESSAGES = (
    "/model/anthropic.claude-sonnet-4-5-v1:0/invoke",
    {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": USER},
)
GEMINI_CHAT = ("/v1beta/openai/chat/completions", {"model": "gemini-2.5-flash", "messages": USER})
COHERE = ("/cohere/v2/chat", {"model": "command-a-03-2025", "messages": USER})
OLLAMA = ("/api/chat", {"model": "llama3.2", "messages": USER})
GEMINI_STREAM = ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", GEMINI[1])


@dataclass
class TracedClient:
    """A call of a server."""

    port: int

    def ask(
        self,
        call: tuple[str, Mapping[str, Any]] = CHAT,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        **more: Any,
    ) -> bytes:
        """The response's body, as far as it came."""
        path, body = call
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = None if method == "GET" else json.dumps({**body, **more})
            connection.request(method, path, sent, {"content-type": "application/json", **(headers or {})})
            return connection.getresponse().read()
        except (HTTPException, OSError):
            return b""
        finally:
            connection.close()


def spans_of(folder: Path, scenario: str, *calls: Any) -> list[Span]:
    """The spans of calls of a server with this scenario: each a function of it, or a call."""
    (folder / "a.yaml").write_text(scenario)
    with live(folder) as server:
        requested = TracedClient(server.port)
        for each in calls:
            each(requested) if callable(each) else requested.ask(each)
    return spans_in(server)


def spans_in(server: Live) -> list[Span]:
    """The spans of all calls of a server, once it has ended."""
    return [span(each) for each in server.app.journal]
