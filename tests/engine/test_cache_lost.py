"""The verdict `cache_lost`: a client that changes the beginning of its conversation."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.verdicts.evaluate import evaluate
from mockllm.core.verdicts.observed_request import Client, ObservedRequest
from mockllm.engine.prompt_caching import observed_prompt
from tests.engine.prompt_cache_clients import CachingClient, block, cached_tokens, words
from tests.language.virtual_server import ClientRequest, VirtualServer, chat_request, claude_request

SERVER = VirtualServer("rules: [{name: any, reply: Hello there.}]")
LONG = words(300)
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def observed(number: int, sent: ClientRequest, started: float, status: int = 200) -> ObservedRequest:
    request = SERVER.engine.read(sent.method, sent.path, "", dict(sent.headers), sent.body, "", 0.0)
    planned = SERVER.engine.respond(request)
    return ObservedRequest(
        number,
        Client(),
        None,
        at=started,
        started=started,
        ended=started + 1,
        end_reason="finished",
        status=status,
        read=lambda: request,
        plan=lambda: planned.plan,
        unfinished_text=lambda request, plan: None,
        prompt=observed_prompt,
    )


def lost(*sent: ClientRequest, gap: float = 10.0, status: int = 200) -> list[str]:
    requests = [observed(n, each, n * gap, status) for n, each in enumerate(sent, 1)]
    return [
        result.message
        for report in evaluate(requests, 10_000.0)
        for result in report.verdicts
        if result.verdict.name == "cache_lost"
    ]


def chat(*texts: str, system: str = LONG, **more: Any) -> ClientRequest:
    roles = ("user", "assistant")
    turns = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return chat_request(messages=[{"role": "system", "content": system}, *turns], **more)


def test_conversation_that_only_grows_has_no_verdict() -> None:
    assert lost(chat("a"), chat("a"), chat("a", "b", "c")) == []


@pytest.mark.parametrize(
    ("first", "second", "place"),
    [
        (chat("a"), chat("a", system="It is 10:01. " + LONG), "messages[0] (system)"),
        (chat("a", tools=[TOOL]), chat("a", tools=[]), "the blocks before messages[0] (system)"),
        (chat("a"), chat("a", tools=[TOOL]), "tools[0] (look)"),
        (
            chat("a", LONG, "c", LONG, "e"),
            chat("a", LONG, "other", LONG, "e"),
            "messages[3] (user)",
        ),
        (
            claude_request("a", system=[block(LONG)]),
            claude_request("a", system=[block("Now. " + LONG)]),
            "system[0]",
        ),
    ],
    ids=["system", "tool left out", "tool added", "message", "anthropic"],
)
def test_changed_beginning_is_named(first: ClientRequest, second: ClientRequest, place: str) -> None:
    (message,) = lost(first, second)
    assert message.startswith(f"#2 changes {place}, which #1 had sent otherwise: ")
    assert int(message.split(": ")[1].split()[0]) >= 1024


@pytest.mark.parametrize(
    "sent",
    [
        (chat("a"), chat("b", system="Now. " + LONG)),
        (chat("a"), chat("a", system="Now. " + LONG, model="gpt-4o-mini")),
        (chat("a", system="short"), chat("a", system="other")),
        (chat("a", model="gpt-4"), chat("a", system="Now. " + LONG, model="gpt-4")),
        (chat("a", "b", "reminder"), chat("a", "b", "no reminder")),
        (claude_request("a", system=LONG), claude_request("a", system="Now. " + LONG)),
        (chat_request("a", system="short"), chat_request("b")),
    ],
    ids=["another conversation", "another model", "short", "no cache", "end", "no breakpoint", "nothing"],
)
def test_what_loses_nothing_has_no_verdict(sent: tuple[ClientRequest, ClientRequest]) -> None:
    assert lost(*sent) == []


def test_cache_that_has_ended_cannot_be_lost() -> None:
    changed = chat("a", system="Now. " + LONG)
    assert lost(chat("a"), changed, gap=299)
    assert lost(chat("a"), changed, gap=301) == []


def test_errors_write_no_cache() -> None:
    assert lost(chat("a"), chat("a", system="Now. " + LONG), status=429) == []


def test_note_of_a_response_names_the_change() -> None:
    client = CachingClient()
    for system in (LONG, "Now. " + LONG):
        body = {
            "model": "gpt-4o",
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": "a"}],
        }
        response = client.post("/v1/chat/completions", body)
    assert cached_tokens(response.json["usage"]) == 0
    assert "tokens are lost, because messages[0] (system) has changed" in response.notes
