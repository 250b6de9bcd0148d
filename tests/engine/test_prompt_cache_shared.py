"""The prompt cache of several processes, and what responses of other kinds do to it."""

from __future__ import annotations

from typing import Any

from mockllm.core.json.codec import dumps
from mockllm.engine import Engine
from mockllm.state.shared_counts import CellTable, SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from tests.engine.prompt_cache_clients import CACHED, CachingClient, cached_tokens, words
from tests.language.virtual_server import ClientResponse, VirtualServer

LONG = words(300)


def test_processes_read_what_others_wrote() -> None:
    counts = SharedCounts()
    catalog = VirtualServer(CACHED).engine.catalog
    table = CellTable(counts).assign([item.key for item in catalog.items])
    usages = []
    for _ in range(2):
        state = SharedEngineState(counts)
        state.counters_without_session.use(table)
        engine = Engine(catalog, state)
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": LONG}]}
        request = engine.read("POST", "/v1/chat/completions", "", {}, dumps(body), "", 0.0)
        usages.append(ClientResponse(engine.respond(request)).json["usage"])
        assert state.session_number("any") == 0
    assert cached_tokens(usages[0]) == 0
    assert cached_tokens(usages[1]) >= 2304


def turns(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]}


def test_error_writes_nothing() -> None:
    rules = "rules: [{name: r, sequence: [{error: overloaded}, hi, hi]}]\nmodifiers: [{name: c, cache: true}]"
    client = CachingClient(rules)
    body = {"model": "gpt-4o", **turns(LONG)}
    responses = [client.server.respond(client.sent("/v1/chat/completions", body)) for _ in range(3)]
    assert [response.status for response in responses] == [503, 200, 200]
    assert [cached_tokens(response.json["usage"]) for response in responses[1:]] == [0, 2688]


def test_stated_usage_is_sent_unchanged() -> None:
    rules = """
        rules: [{name: any, reply: {text: hi, usage: {cached_tokens: 7}}}]
        modifiers: [{name: cached, cache: true}]
    """
    client = CachingClient(rules)
    assert [cached_tokens(client.chat(**turns(LONG))) for _ in range(2)] == [7, 7]


def test_templates_and_drawn_replies_count_hits_too() -> None:
    rules = """
        rules: [{name: any, reply: "Hello {{ model }}."}]
        modifiers: [{name: cached, cache: true}]
    """
    client = CachingClient(rules)
    assert cached_tokens([client.chat(**turns(LONG)) for _ in range(2)][1]) > 0


def test_setting_is_off_without_a_modifier_and_by_false() -> None:
    for rules in (
        "rules: [{name: any, reply: hi}]",
        "rules: [{name: any, reply: hi, cache: false}]\nmodifiers: [{name: c, cache: true}]",
    ):
        client = CachingClient(rules)
        assert [cached_tokens(client.chat(**turns(LONG))) for _ in range(2)] == [0, 0]


def test_pack_default_has_the_cache_on() -> None:
    client = CachingClient("use: [default]")
    assert cached_tokens([client.chat(**turns(LONG)) for _ in range(2)][1]) > 0


def test_repeated_hits_equal_each_other_and_a_fresh_response() -> None:
    """Responses with the same counts come from the response cache."""
    client = CachingClient()
    usages = [client.chat(**turns(LONG)) for _ in range(6)]
    assert all(usage == usages[1] for usage in usages[2:])
    streams = [
        client.post("/v1/chat/completions", {"model": "gpt-4o", "stream": True, **turns(LONG)}).chunks
        for _ in range(4)
    ]
    assert all(chunks == streams[0] for chunks in streams)


def test_hits_are_quicker_by_pace() -> None:
    rules = """
        rules: [{name: any, reply: "Hello there."}]
        modifiers: [{cache: true, pace: {ttft: {per_input_token: 1ms, cached: 0ms}}}]
    """
    client = CachingClient(rules)
    body = {"model": "gpt-4o", "stream": True, **turns(LONG)}
    first, second = (client.post("/v1/chat/completions", body).took for _ in range(2))
    assert second < first / 10


def test_peek_explains_and_writes_nothing() -> None:
    client = CachingClient()
    engine = client.server.engine
    sent = client.sent("/v1/chat/completions", {"model": "gpt-4o", **turns(LONG)})

    def notes() -> str:
        head = (sent.method, sent.path, "", dict(sent.headers))
        request = engine.read(*head, sent.body, "", sent.now)
        return "\n".join(engine.preview(request).build().notes)

    assert notes() == notes() == "prompt cache miss: no cached prompt begins like this one"
    client.chat(**turns(LONG))
    assert "prompt cache hit: 2688 of 2714 tokens, in steps of 128" in notes()


def test_explanation_says_why_a_prompt_is_not_cached() -> None:
    for files, path, model, reason in (
        ("cache: {minimum: 5000}", "/v1/chat/completions", "gpt-4o", "2714 tokens, and the minimum is 5000"),
        ("cache: true", "/v1/chat/completions", "gpt-4", "the provider has no cache for this model"),
        ("cache: true", "/v1/messages", "claude-sonnet-5", "no block has a breakpoint"),
        ("cache: true", "/together/v1/chat/completions", "any", "the provider has no cache for this model"),
        ("cache: true", "/api/chat", "any", "no prompt cache is known of this call"),
    ):
        client = CachingClient(f"rules: [{{name: any, reply: hi, {files}}}]")
        limit = {"max_tokens": 9} if path == "/v1/messages" else {}
        sent = client.sent(path, {"model": model, **limit, **turns(LONG)})
        engine = client.server.engine
        request = engine.read(sent.method, sent.path, "", dict(sent.headers), sent.body, "", sent.now)
        notes = engine.preview(request).build().notes
        assert notes == (f"prompt cache not used: {reason}",)


def test_peek_and_response_of_one_request_agree() -> None:
    client = CachingClient()
    client.chat(**turns(LONG))
    engine, sent = (
        client.server.engine,
        client.sent("/v1/chat/completions", {"model": "gpt-4o", **turns(LONG)}),
    )
    request = engine.read(sent.method, sent.path, "", dict(sent.headers), sent.body, "", sent.now)
    assert engine.preview(request).build().notes == engine.respond(request).notes
