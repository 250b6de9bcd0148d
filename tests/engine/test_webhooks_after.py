"""`then_post`: what the server sends after a response. `tests/server/test_holds.py` receives it."""

from __future__ import annotations

from dataclasses import replace

from mockllm.core.rendering.plan import DEFAULT_DELIVERY
from mockllm.core.webhook import Webhook
from mockllm.engine import Engine
from mockllm.engine.settings import EngineSettings
from mockllm.state.engine_state import EngineState
from tests.language.virtual_server import NOW, ClientResponse, VirtualServer, chat_request


def hooks(response: ClientResponse) -> tuple[Webhook, ...]:
    return response.planned.webhooks


def test_webhook_is_due_after_the_end_of_the_response() -> None:
    server = VirtualServer("""
        rules:
          - reply: Done.
            delay: 2s
            then_post: {to: "http://localhost:1/h", after: 3s, body: {said: "{{ user }}"}}
        """)
    (hook,) = hooks(server.respond(chat_request("hi", monotonic=100.0)))
    assert hook.due == 105.0
    assert (hook.url, hook.payload, hook.secret) == ("http://localhost:1/h", b'{"said":"hi"}', "")
    assert hook.id.startswith("post_")
    assert hook.subject == "", "it replaces no other webhook"


def test_response_with_webhook_needs_no_player() -> None:
    server = VirtualServer("rules: [{reply: Done., then_post: {to: 'http://localhost:1/h'}}]")
    assert server.respond(chat_request()).planned.plan.delivery is DEFAULT_DELIVERY


def test_webhook_is_due_by_the_time_scale() -> None:
    catalog = VirtualServer("""
        rules:
          - reply: Done.
            delay: 2s
            then_post: {to: "http://localhost:1/h", after: 3s}
        """).engine.catalog
    engine = Engine(catalog, EngineState(), EngineSettings(time_scale=0.1))
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'
    request = engine.read("POST", "/v1/chat/completions", "", {}, body, "", NOW, 100.0)
    (hook,) = engine.respond(request).webhooks
    assert round(hook.due, 6) == 100.5


def test_webhooks_of_rule_and_modifier_are_both_sent() -> None:
    server = VirtualServer("""
        rules:
          - {reply: Done., then_post: {to: "http://localhost:1/a", body: first, secret: whsec_c2VjcmV0}}
        modifiers:
          - {then_post: {to: "http://localhost:1/b"}}
        """)
    sent = sorted(hooks(server.respond(chat_request())), key=lambda hook: hook.url)
    assert [(hook.url, hook.payload, hook.secret) for hook in sent] == [
        ("http://localhost:1/a", b"first", "whsec_c2VjcmV0"),
        ("http://localhost:1/b", b"{}", ""),
    ]
    assert [hook.due for hook in sent] == [NOW, NOW]
    assert sent[0].id != sent[1].id
    assert [hook.subject for hook in sent] == ["", ""], "neither replaces the other before it is sent"


def test_webhook_of_a_replayed_seed_is_the_same() -> None:
    server = VirtualServer("rules: [{reply: Done., then_post: {to: 'http://localhost:1/a'}}]")
    request = replace(chat_request(), headers={"x-mockllm-seed": "7@41"})
    first, second = (hooks(server.respond(request)) for _ in range(2))
    assert first == second


def test_held_response_has_the_name_and_no_webhook() -> None:
    response = VirtualServer("rules: [{reply: Done., hold: {name: gate, at_most: 4s}}]").respond(
        chat_request()
    )
    hold = response.planned.plan.delivery.hold
    assert hold is not None
    assert (hold.name, hold.at_most) == ("gate", 4.0)
    assert hooks(response) == ()
