"""Requests whose responses are stored, in groups; each group is sent in its order to a separate engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.language.virtual_server import ClientRequest

SCHEMA: Final = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "email": {"type": "string", "format": "email"},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "kind": {"enum": ["hot", "cold"]},
        "hours": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 4},
    },
    "required": ["city", "email", "days", "kind", "hours"],
    "additionalProperties": False,
}
COUNT_SCHEMA: Final = {"type": "object", "properties": {"to": {"type": "integer"}}, "required": ["to"]}
CHAT_TOOLS: Final = [
    {"type": "function", "function": {"name": "look", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "count", "parameters": COUNT_SCHEMA}},
]
FORM: Final = {"type": "json_schema", "json_schema": {"name": "form", "schema": SCHEMA}}


def post(path: str, body: Mapping[str, Any], query: str = "", **headers: str) -> ClientRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ClientRequest(path, json.dumps(body).encode(), query=query, headers=named)


def chat(
    user: str, path: str = "/v1/chat/completions", model: str = "gpt-4o", **fields: Any
) -> ClientRequest:
    return post(path, {"model": model, "messages": [{"role": "user", "content": user}], **fields})


def responses(user: str, path: str = "/v1/responses", model: str = "gpt-4o", **fields: Any) -> ClientRequest:
    return post(path, {"model": model, "input": user, **fields})


def message(user: str, model: str = "claude-sonnet-4-5", **fields: Any) -> ClientRequest:
    body = {"model": model, "max_tokens": 512, "messages": [{"role": "user", "content": user}], **fields}
    return post("/v1/messages", body, anthropic_version="2023-06-01")


def generate(user: str, model: str = "gemini-2.5-flash", stream: str = "", **fields: Any) -> ClientRequest:
    """`stream`: empty, `sse` or `json`."""
    call = "streamGenerateContent" if stream else "generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": user}]}], **fields}
    return post(f"/v1beta/models/{model}:{call}", body, "alt=sse" if stream == "sse" else "")


def vertex(path: str, body: Mapping[str, Any], query: str = "") -> ClientRequest:
    return post(f"/v1/projects/p/locations/us-central1/publishers/{path}", body, query)


def azure(user: str, **fields: Any) -> ClientRequest:
    body = {"messages": [{"role": "user", "content": user}], **fields}
    path = "/openai/deployments/gpt-4o/chat/completions"
    return post(path, body, "api-version=2024-10-21", api_key="azure-key")


GEMINI_TOOLS: Final = [{"functionDeclarations": [{"name": "look", "parameters": {
    "type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}]}]  # fmt: skip
GEMINI_FORM: Final = {"responseMimeType": "application/json", "responseSchema": {
    "type": "OBJECT", "properties": {"days": {"type": "INTEGER"}}, "required": ["days"]}}  # fmt: skip
CLAUDE_TOOLS: Final = [{"name": "look", "input_schema": SCHEMA}]
RESPONSES_TOOLS: Final = [{"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}]
GOOGLE: Final = {"contents": [{"role": "user", "parts": [{"text": "sentences"}]}]}
VERTEX_CLAUDE: Final = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 64,
    "messages": [{"role": "user", "content": "sentences"}]}  # fmt: skip
TURNS: Final = [
    {"role": "user", "content": "x"},
    {"role": "assistant", "content": "y"},
    {"role": "user", "content": "template"},
]

GROUPS: Final[Mapping[str, tuple[ClientRequest, ...]]] = {
    "chat": (
        chat("fixed"),
        chat("fixed", stream=True, stream_options={"include_usage": True}),
        chat("sentences"),
        chat("tokens", stream=True),
        chat("words", n=2),
        chat("call", tools=CHAT_TOOLS),
        chat("call", tools=CHAT_TOOLS, stream=True),
        chat("two calls", tools=CHAT_TOOLS, stream=True),
        chat("form", response_format=FORM),
        chat("citations"),
        chat("refusal", stream=True),
        chat("fixed", logprobs=True, top_logprobs=2, max_tokens=2),
    ),
    "responses": (
        responses("fixed"),
        responses("sentences", stream=True),
        responses("thinking", stream=True),
        responses("call", tools=RESPONSES_TOOLS),
        responses("call", tools=RESPONSES_TOOLS, stream=True),
        responses("form", text={"format": {"type": "json_schema", "name": "form", "schema": SCHEMA}}),
        responses("rate"),
        responses("script error", stream=True),
    ),
    "completions": (
        post("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "sentences"}),
        post("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "uniform", "stream": True}),
        post(
            "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": ["fixed", "fixed"], "echo": True}
        ),
    ),
    "messages": (
        message("fixed"),
        message("sentences", stream=True),
        message(
            "thinking", stream=True, thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2048
        ),
        message("call", tools=CLAUDE_TOOLS),
        message("call", tools=CLAUDE_TOOLS, stream=True),
        message("citations", stream=True),
        message("overloaded"),
        message("rate", stream=True),
        message("script error", stream=True),
        post(
            "/v1/messages/count_tokens", {"model": "c", "messages": [{"role": "user", "content": "how many"}]}
        ),
    ),
    "gemini": (
        generate("fixed"),
        generate("sentences", stream="sse"),
        generate("tokens", stream="json"),
        generate("call", tools=GEMINI_TOOLS),
        generate("form", generationConfig=GEMINI_FORM, stream="sse"),
        generate("credit"),
        generate("lognormal", model="gemini-stormy", stream="sse"),
        post("/v1beta/models/gemini-2.5-flash:countTokens", GOOGLE),
        post(
            "/v1beta/models/gemini-embedding-001:embedContent",
            {"content": {"parts": [{"text": "e"}]}, "outputDimensionality": 4},
        ),
        vertex("google/models/gemini-2.5-pro:generateContent", GOOGLE),
        vertex("google/models/gemini-2.5-pro:streamGenerateContent", GOOGLE, "alt=sse"),
        vertex("anthropic/models/claude-sonnet-4-5:rawPredict", VERTEX_CLAUDE),
        vertex("anthropic/models/claude-sonnet-4-5:streamRawPredict", {**VERTEX_CLAUDE, "stream": True}),
    ),
    "azure": (
        azure("sentences"),
        azure("fixed", stream=True),
        azure("rate"),
        responses("sentences", path="/openai/v1/responses"),
    ),
    "vendors": (
        chat("sentences", "/groq/openai/v1/chat/completions", "llama-3.3-70b-versatile"),
        chat("call", "/together/v1/chat/completions", "llama", tools=CHAT_TOOLS, stream=True),
        chat("thinking", "/deepseek/chat/completions", "deepseek-reasoner", stream=True),
        chat("call", "/mistral/v1/chat/completions", "mistral-large", tools=CHAT_TOOLS),
        responses("fixed", "/xai/v1/responses", "grok-4", stream=True),
        chat("rate", "/openrouter/api/v1/chat/completions", "openai/gpt-4o"),
        chat("script error", "/openrouter/api/v1/chat/completions", "openai/gpt-4o", stream=True),
        chat("fixed", "/ollama/v1/chat/completions", "llama3", stream=True),
        chat("form", "/vllm/v1/chat/completions", "qwen", response_format=FORM),
        chat("uniform", "/cerebras/v1/chat/completions", "llama", stream=True),
        chat("credit", "/v1beta/openai/chat/completions", "gemini-2.5-flash"),
    ),
    "other-calls": (
        post("/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 4}),
        post("/v1/embeddings", {"model": "vector", "input": "a"}),
        post("/v1/moderations", {"model": "omni-moderation-latest", "input": "I want to hurt them"}),
        ClientRequest("/v1/models/gpt-4o", method="GET"),
        ClientRequest(
            "/v1/models/claude-sonnet-4-5", method="GET", headers={"anthropic-version": "2023-06-01"}
        ),
        ClientRequest("/status/7", method="GET"),
        ClientRequest("/nowhere", method="GET"),
        post("/v1/chat/completions", {"model": "gpt-4o", "messages": "wrong"}),
        post("/v1/messages", {"model": "claude", "messages": []}),
        ClientRequest("/v1/chat/completions", b'{"model": '),
    ),
    "pace": (
        chat("lognormal", stream=True),
        chat("lognormal"),
        chat("uniform", stream=True),
        message("uniform", stream=True),
        chat("empirical", stream=True),
        chat("empirical"),
        chat("script", stream=True),
        chat("script error"),
    ),
    "drawn": (
        *(chat("weighted") for _ in range(4)),
        *(message("weighted", stream=True) for _ in range(2)),
        *(chat("sequence") for _ in range(4)),
        *(chat("chance") for _ in range(3)),
        *(chat("rate") for _ in range(2)),
        chat("template"),
        post("/v1/chat/completions", {"model": "gpt-4o", "messages": TURNS}),
        chat("absent"),
        chat("context"),
        *(chat("fixed", model="window") for _ in range(3)),
        *(message("fixed", model="bucket") for _ in range(3)),
        *(chat("fixed", model="fails") for _ in range(3)),
    ),
    "faults": (
        *(chat("sentences", model="stormy", stream=True) for _ in range(5)),
        *(message("sentences", model="stormy", stream=True) for _ in range(3)),
        chat("sentences", model="stormy"),
        chat("fixed", model="paged", stream=True),
        chat("call", model="astray", tools=CHAT_TOOLS),
        chat("form", model="astray", response_format=FORM),
    ),
}
