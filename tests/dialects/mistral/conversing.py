"""A virtual server, and the calls of Mistral's conversations and agents to it."""

from __future__ import annotations

import json
from typing import Any

from mockllm.core.json.codec import Json
from tests.language.virtual_server import NOW, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - {name: limited, match: {user: limit}, error: rate_limit}
  - {name: failing, match: {user: failing}, error: server_error}
  - {name: overloaded, match: {user: broken}, reply: {chunks: [One, {error: overloaded}]}}
  - {name: unavailable, match: {user: gone}, reply: {chunks: [One, {error: {type: bad_request, status: 418}}]}}
  - {name: unended, match: {user: unended}, reply: One, faults: [no_finish]}
  - name: call
    match: {tools: look, tool_result: {exists: false}}
    reply: {thinking: Hm., text: I look., tool_calls: [{name: look, arguments: {a: 1}}, {name: look, arguments: {}}]}
  - {name: seen, match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - name: tools
    match: {user: tools}
    reply:
      server_tools:
        [{web_search: {query: cats}}, {code_interpreter: {code: "1+1", logs: "2"}}, {code_interpreter: {code: "2"}}]
      text: Cats.
  - {name: other, match: {user: other}, reply: {server_tools: [{file_search: {query: cats}}], refusal: No.}}
  - {name: extra, match: {user: extra}, reply: {text: One, model: own, extras: {openai: {guardrails: []}}}}
  - {name: odd, match: {user: odd}, http: {body: '{"conversation_id": "conv_odd", "outputs": [{"type": "x"}, 7]}'}}
  - {name: foreign, match: {user: foreign}, http: {body: '{"conversation_id": "file-1"}'}}
  - {name: echo, reply: "{{ user }}! Turn {{ turn }}."}
"""
LOOK: Json = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


class Conversing:
    """A server, and its calls."""

    def __init__(self, rules: str = RULES) -> None:
        self.server = VirtualServer(rules)

    def respond(
        self, path: str, body: Json = None, method: str = "POST", query: str = "", after: float = 0.0
    ) -> ClientResponse:
        sent = raw_request(f"/mistral/v1/{path}", body, method=method, query=query, now=NOW + after)
        return self.server.respond(sent)

    def start(self, inputs: Json, **fields: Json) -> Any:
        body = {
            "inputs": inputs,
            **({} if "agent_id" in fields else {"model": "mistral-small-latest"}),
            **fields,
        }
        return self.respond("conversations", body).json

    def append(self, id: str, inputs: Json, **fields: Json) -> Any:
        return self.respond(f"conversations/{id}", {"inputs": inputs, **fields}, after=1.0).json

    def stream(self, inputs: Json, **fields: Json) -> list[Any]:
        body = {"model": "mistral-small-latest", "inputs": inputs, "stream": True, **fields}
        return [event.json for event in self.respond("conversations", body).events]

    def get(self, path: str, query: str = "") -> Any:
        return self.respond(path, method="GET", query=query, after=2.0).json

    def history(self, id: str) -> list[Any]:
        entries: list[Any] = self.get(f"conversations/{id}/history")["entries"]
        return entries

    def agent(self, **fields: Json) -> Any:
        return self.respond("agents", {"model": "mistral-medium-latest", "name": "Guide", **fields}).json


def contents(entries: list[Any]) -> list[Any]:
    """Return the types of entries, each with its content, arguments or result."""
    return [
        (entry["type"], entry.get("content", entry.get("arguments", entry.get("result"))))
        for entry in entries
    ]


def arguments_of(text: str) -> Any:
    return json.loads(text)
