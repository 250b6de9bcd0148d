"""Whether a scenario has a rule for a WebSocket, or for a message that may come on it."""

from __future__ import annotations

import pytest

from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.websockets_without_rules import is_without_rules
from tests.language.virtual_server import NOW, VirtualServer

UPGRADE = {"upgrade": "websocket", "x-team": "a"}
ELSEWHERE = "'http://127.0.0.1:9'"


@pytest.mark.parametrize(
    ("rule", "without_rules"),
    [
        ("{reply: Hi.}", False),
        ("{match: {user: hi}, reply: Hi.}", False),
        ("{match: {model: gpt-5}, error: overloaded}", False),
        ("{match: {api: realtime}, reply: Hi.}", False),
        ("{match: {headers: {x-team: a}}, reply: Hi.}", False),
        ("{match: {headers: {x-team: b}}, reply: Hi.}", True),
        ("{match: {api: chat}, reply: Hi.}", True),
        ("{match: {provider: anthropic}, reply: Hi.}", True),
        ("{match: {path: /v1/chat/completions}, reply: Hi.}", True),
        (f"{{match: {{hash: {'a' * 64}}}, reply: Hi.}}", True),
        ("{match: {api: transcription}, http: {body: Hi.}}", False),
        ("{match: {api: handshake}, error: permission}", False),
        (f"{{proxy: {ELSEWHERE}}}", True),
        (f"{{sequence: [{{proxy: {ELSEWHERE}}}, Hi.]}}", False),
        ("{match: {api: models}, http: {body: Hi.}}", True),
    ],
)
def test_socket_without_a_rule_for_it_is_without_rules(rule: str, without_rules: bool) -> None:
    engine = VirtualServer(f"rules: [{rule}]").engine

    def read(method: str, body: bytes = b"{}") -> EngineRequest:
        return engine.read(method, "/v1/realtime", "model=m", UPGRADE, body, "", NOW)

    assert is_without_rules(engine, read("GET", b""), read) is without_rules
