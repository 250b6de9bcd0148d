"""What the engine plans for a rule that passes requests on: where to, after how long, and what breaks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, ProxyTarget
from mockllm.engine.settings import EngineSettings
from mockllm.scenario.loader import ScenarioSources
from mockllm.server.engine_builder import Builder
from mockllm.state.engine_state import EngineState
from tests.language.virtual_server import (
    NOW,
    ClientRequest,
    VirtualServer,
    chat_request,
    claude_request,
    respond_once,
)

PASSES = """
rules:
  - {name: on, proxy: "http://127.0.0.1:9"%s}
"""


@pytest.mark.parametrize("ask", [chat_request(), claude_request()], ids=["OpenAI", "Anthropic"])
def test_a_proxy_plan_has_its_target(ask: ClientRequest) -> None:
    received = respond_once(PASSES % "", ask)
    assert received.planned.plan.delivery.proxy_target == ProxyTarget("http://127.0.0.1:9", record=False)
    assert received.planned.responder_id == "a.yaml:on"
    assert b"forwards this request to http://127.0.0.1:9" in received.bytes, "where nobody can ask there"


def test_a_delay_applies_to_a_proxied_request() -> None:
    assert respond_once(PASSES % ", delay: 250ms").delay == 0.25


def test_a_fault_on_a_proxied_response_is_noted() -> None:
    received = respond_once(PASSES % ", faults: [no_finish, {stall: {for: 1s}}]")
    assert [each for each in received.planned.notes if "not applied" in each] == [
        "no_finish not applied: another server makes the response",
        "stall not applied: another server makes the response",
    ]


PACK_RULE = {
    "p/pack.yaml": "name: p\nversion: 1.0.0\n",
    "p/rules.yaml": "rules: [{name: on, match: {user: pack}, proxy: 'http://Provider.example:9/v1'}]",
}


@pytest.mark.parametrize(
    ("hosts", "user", "status"),
    [
        (None, "pack", 502),
        (frozenset({"provider.example"}), "pack", 502),
        (frozenset(), "pack", 403),
        (frozenset({"example"}), "pack", 403),
        (frozenset(), "own", 502),
    ],
)
def test_a_proxy_of_a_pack_needs_an_allowed_host(
    hosts: frozenset[str] | None, user: str, status: int, tmp_path: Path
) -> None:
    own = "use: [./p]\nrules: [{name: mine, match: {user: own}, proxy: 'http://own.example'}]"
    for name, text in {"a.yaml": own, **PACK_RULE}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    engine = Builder(
        ScenarioSources([str(tmp_path)]), EngineState(), EngineSettings(proxy_hosts=hosts)
    ).first()
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "%b"}]}' % user.encode()
    planned = engine.respond(engine.read("POST", "/v1/chat/completions", "", {}, body, "127.0.0.1", 0.0))
    assert planned.status == status
    assert (planned.plan.delivery.proxy_target is None) == (status == 403)
    if status == 403:
        (step,) = planned.plan.steps
        assert isinstance(step, EventStep)
        assert b"allow it with --proxy-allow provider.example" in step.payload


def test_proxy_of_a_message_on_a_socket_names_the_handshake() -> None:
    engine = VirtualServer(PASSES % "").engine
    body = b'{"model": "gpt-5", "input": "hi"}'
    planned = engine.respond(engine.read("WS response.create", "/v1/responses", "", {}, body, "", NOW))
    assert b"write match: {api: handshake} beside proxy" in sent_bytes(planned.plan)
