"""Conversations of agents: requests that grow turn by turn, in the wire form of four protocols.

Each request repeats the history of the one before and adds the model's last call and its result. The shapes (fields
and their order, ids, schemas, arguments as text, results as JSON) are those of recorded requests. Texts are made up.
`MARK` is in each text, id and argument of a conversation; the load puts the conversation's own name in its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

MARK: Final = b"@@@@@@@@"
_MARK: Final = MARK.decode()
TEXT: Final = (
    "the order parcel customer refund deadline module parser returns value where because line file test error "
    "function class import config branch commit please check that it does not fail when there is no input and "
    "write a short summary of what changed; then run it again with the new settings"
)
WORDS: Final = TEXT.split(" ")
KINDS: Final = ("read_file", "edit_file", "search_code", "run_command", "list_folder", "fetch_page")

Turn = tuple[str, dict[str, Any], str]
"""A tool's name, the arguments of its call, and its result."""


@dataclass(frozen=True)
class Agent:
    """A kind of conversation. `turns` are the numbers of results in its requests, one request for each."""

    protocol: str
    model: str
    turns: Sequence[int]
    tools: int = 0
    system: int = 40
    """Words of the system text."""
    result: int = 60
    """Words of a result, about."""
    stream: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """A request: its path, its headers and its body, with `MARK` where each conversation differs."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def text(random: Random, words: int) -> str:
    return " ".join(random.choices(WORDS, k=words))


def offered(count: int) -> list[dict[str, Any]]:
    """So many tools: name, description and schema."""
    random = Random(2)
    return [
        {
            "name": KINDS[number] if number < len(KINDS) else f"{KINDS[number % len(KINDS)]}_{number}",
            "description": text(random, 24).capitalize() + ".",
            "parameters": {**_SCHEMA, "title": KINDS[number % len(KINDS)]},
        }
        for number in range(count)
    ]


_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "Where to begin, relative to the root of the project."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 500, "description": "At most so many are returned."},
        "mode": {"type": "string", "enum": ["exact", "regex", "fuzzy"]},
        "edits": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"line": {"type": "integer"}, "text": {"type": "string"}},
                "required": ["line", "text"],
            },
        },
    },
    "required": ["path", "limit"],
}  # fmt: skip


def _history(agent: Agent) -> tuple[str, str, list[Turn]]:
    """The system text, the user's request, and what the agent did."""
    random = Random(f"{agent.protocol} {agent.model} {agent.turns}")
    turns: list[Turn] = []
    for number in range(max(agent.turns)):
        name = KINDS[number % min(len(KINDS), max(1, agent.tools))]
        arguments = {"path": f"src/{_MARK}/part_{number}.py", "limit": number + 1}
        lines = [text(random, 9) for _ in range(max(1, agent.result // 9))]
        result = {"status": "ok", "case": _MARK, "lines": len(lines), "output": "\n".join(lines)}
        turns.append((name, arguments, json.dumps(result)))
    return text(random, agent.system), f"Case {_MARK}: {text(random, 30)}", turns


def shapes(agent: Agent) -> Iterator[Shape]:
    """The requests of one conversation, in order."""
    system, task, turns = _history(agent)
    for count in agent.turns:
        yield PROTOCOLS[agent.protocol](agent, system, task, turns[:count])


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _head(client: str, key: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers of an SDK."""
    return (
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("User-Agent", f"{client}/Python 2.9.0"),
        ("X-Stainless-Lang", "python"),
        ("X-Stainless-Package-Version", "2.9.0"),
        ("X-Stainless-OS", "Linux"),
        ("X-Stainless-Arch", "x64"),
        ("X-Stainless-Runtime", "CPython"),
        ("X-Stainless-Runtime-Version", "3.12.1"),
        ("X-Stainless-Retry-Count", "0"),
        key,
    )


_OPENAI: Final = _head("OpenAI", ("Authorization", "Bearer sk-benchmark"))


def _chat(agent: Agent, system: str, task: str, turns: Sequence[Turn]) -> Shape:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": system},
        {"role": "user", "content": task},
    ]
    for number, (name, arguments, result) in enumerate(turns):
        id = f"call_{_MARK}{number:04}"
        called = {
            "id": id,
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        messages.append({"role": "assistant", "content": None, "tool_calls": [called]})
        messages.append({"role": "tool", "tool_call_id": id, "content": result})
    body: dict[str, Any] = {"messages": messages, "model": agent.model}
    if agent.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if agent.tools:
        body["tools"] = [{"type": "function", "function": tool} for tool in offered(agent.tools)]
    return Shape("/v1/chat/completions", _OPENAI, _encoded({**body, **agent.settings}))


def _responses(agent: Agent, system: str, task: str, turns: Sequence[Turn]) -> Shape:
    items: list[dict[str, Any]] = [{"role": "user", "content": task}]
    for number, (name, arguments, result) in enumerate(turns):
        id = f"call_{_MARK}{number:04}"
        called = {"type": "function_call", "call_id": id, "name": name, "arguments": json.dumps(arguments)}
        items.append({**called, "id": f"fc_{_MARK}{number:04}", "status": "completed"})
        items.append({"type": "function_call_output", "call_id": id, "output": result})
    body: dict[str, Any] = {"input": items, "instructions": system, "model": agent.model, "store": False}
    body["stream"] = agent.stream
    if agent.tools:
        body["tools"] = [{"type": "function", **tool, "strict": False} for tool in offered(agent.tools)]
    return Shape("/v1/responses", _OPENAI, _encoded({**body, **agent.settings}))


def _messages(agent: Agent, system: str, task: str, turns: Sequence[Turn]) -> Shape:
    cached = {"cache_control": {"type": "ephemeral"}}
    entries: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": task}]}]
    for number, (name, arguments, result) in enumerate(turns):
        id = f"toolu_{_MARK}{number:04}"
        text_part = {"type": "text", "text": f"I look at part {number} of {_MARK}."}
        called = {"type": "tool_use", "id": id, "name": name, "input": arguments}
        entries.append({"role": "assistant", "content": [text_part, called]})
        block = {"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": result}]}
        entries.append({"role": "user", "content": [block]})
    body: dict[str, Any] = {"max_tokens": 8000, "messages": entries, "model": agent.model}
    body |= {"stream": agent.stream, "system": [{"type": "text", "text": system, **cached}]}
    if agent.tools:
        tools = offered(agent.tools)
        body["tools"] = [
            {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}
            for tool in tools
        ]
    head = _head("Anthropic", ("X-Api-Key", "sk-ant-benchmark"))
    return Shape(
        "/v1/messages", (*head, ("anthropic-version", "2023-06-01")), _encoded({**body, **agent.settings})
    )


def _generate(agent: Agent, system: str, task: str, turns: Sequence[Turn]) -> Shape:
    contents: list[dict[str, Any]] = [{"role": "user", "parts": [{"text": task}]}]
    for name, arguments, result in turns:
        contents.append({"role": "model", "parts": [{"functionCall": {"name": name, "args": arguments}}]})
        response = {"name": name, "response": json.loads(result)}
        contents.append({"role": "user", "parts": [{"functionResponse": response}]})
    body: dict[str, Any] = {"contents": contents, "systemInstruction": {"parts": [{"text": system}]}}
    if agent.tools:
        body["tools"] = [{"functionDeclarations": offered(agent.tools)}]
    body["generationConfig"] = {"temperature": 0.2}
    call = "streamGenerateContent?alt=sse" if agent.stream else "generateContent"
    head = (
        ("x-goog-api-key", "AIza-benchmark"),
        ("x-goog-api-client", "google-genai-sdk/1.2 gl-python/3.12"),
    )
    return Shape(
        f"/v1beta/models/{agent.model}:{call}",
        (("Content-Type", "application/json"), *head),
        _encoded({**body, **agent.settings}),
    )


PROTOCOLS: Final[dict[str, Callable[[Agent, str, str, Sequence[Turn]], Shape]]] = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "generateContent": _generate,
}
