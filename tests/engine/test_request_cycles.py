"""A request and its response leave no reference cycle: the garbage collector runs only while no client sends
requests, so a cycle would keep each body in memory."""

from __future__ import annotations

import gc
from typing import Final

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.engine import Engine
from mockllm.engine.planned_response import PlannedResponse
from tests.language.virtual_server import NOW, VirtualServer
from tests.unreachable_objects import unreachable_objects

CHAT: Final = "/v1/chat/completions"
RESPONSES: Final = "/v1/responses"
TOOLS: Final[Json] = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        },
    }
]
RULES: Final = {
    "a text": "rules: [{reply: Hello.}]",
    "a template": "rules: [{reply: 'Hello {{ user }}.'}]",
    "a call": "rules: [{reply: {tool_calls: from_schema}}]",
    "a sequence": "rules: [{per: conversation, sequence: [one, two], then: cycle}]",
    "a fault": "rules: [{reply: Hello., faults: [stall]}]",
    "an error": "rules: [{error: overloaded}]",
    "a modifier": "rules: [{reply: Hello.}]\nmodifiers: [{chance: 50%, error: overloaded}]",
    "a limit": "rules: [{reply: Hello.}]\nmodifiers: [{limit: {strategy: after-n, requests: 1}}]",
    "a pace": "rules: [{reply: Hello world., pace: {itl: 10ms, jitter: 5ms}}]",
    "a webhook": "rules: [{reply: Hello., then_post: {to: 'http://127.0.0.1:1/'}}]",
    "no rule": "rules: [{match: {user: nobody}, reply: Hello.}]",
}


def respond(engine: Engine, path: str, text: str, *, stream: bool) -> PlannedResponse:
    """Respond to a request whose body never came before."""
    turns: Json = [{"role": "user", "content": text}]
    own: dict[str, Json] = {"input": turns} if path == RESPONSES else {"messages": turns, "tools": TOOLS}
    body = dumps({"model": "gpt-4o", "stream": stream, **own})
    request = engine.request_reader("POST", path, "", {}).read(body, "::1", NOW)
    return engine.respond(request)


@pytest.mark.parametrize("stream", [False, True], ids=["non-streaming", "streaming"])
@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
def test_new_request_leaves_no_cycle(rules: str, path: str, *, stream: bool) -> None:
    engine = VirtualServer(rules).engine
    for turn in range(3):  # what is made once, such as caches, may have cycles
        respond(engine, path, f"hello {turn}", stream=stream)
    gc.collect()
    for turn in range(3, 6):
        respond(engine, path, f"hello {turn}", stream=stream)
    assert unreachable_objects() == []


def test_cycle_of_a_request_is_found() -> None:
    cycle: list[object] = [VirtualServer("rules: [{reply: Hello.}]").engine]
    cycle.append(cycle)
    gc.collect()
    assert unreachable_objects() == []
    del cycle
    assert any(isinstance(each, Engine) for each in unreachable_objects())
