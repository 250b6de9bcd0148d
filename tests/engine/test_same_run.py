"""A session's script yields the same bytes at the same moments, whatever the server does for other sessions
meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    VirtualServer,
    chat_request,
    claude_request,
    raw_request,
)

RULES = """
rules:
  - {name: kept, match: {user: kept}, reply: always the same}
  - {name: flaky, match: {user: flaky}, per: api_key, chance: 60%, reply: "lucky {{ model }}"}
  - name: steps
    match: {user: steps}
    sequence: [{error: {type: rate_limit, retry_after: [1s, 9s]}, times: 2}, {reply: {text: {tokens: 40}}}, third]
    then: cycle
  - name: variety
    match: {user: variety}
    choose: [one, two, {weight: 3, reply: {text: {sentences: [1, 6]}}}]
  - {name: call, match: {user: call}, reply: {tool_calls: [{name: look, arguments: from_schema}]}}
  - {name: form, match: {user: form}, reply: {json: from_schema}}
  - {name: once, match: {user: once}, times: 1, sets_state: {login: yes}, reply: welcome}
  - {name: after, match: {user: once}, requires_state: {login: yes}, reply: again}
  - {name: rest, fallback: true, reply: {text: {tokens: 30}}}
modifiers:
  - name: pace
    match: {stream: true}
    pace: {ttft: {lognormal: {median: 300ms, p99: 2s}}, itl: {normal: {mean: 20ms, stddev: 5ms}}, jitter: 10ms, chunk_size: 4 tokens}
  - {name: weather, match: {stream: true}, chance: 40%, faults: [{stall: {after: {fraction: [10%, 90%]}, for: [1s, 9s]}}]}
  - {name: torn, match: {stream: true}, every: 4, faults: [malformed]}
  - {name: quota, match: {user: quota}, per: api_key, limit: {strategy: fixed-window, requests: 3, window: 1m}}
"""  # noqa: E501 - YAML, a thing in a line
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
TOOL = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
FORM = {"type": "json_schema", "json_schema": {"name": "form", "schema": SCHEMA}}
REPORTED = ("kept", "flaky", "steps", "variety", "quota", "once", "else")


def script() -> list[ClientRequest]:
    built: list[ClientRequest] = []
    for turn in range(5):
        stream = bool(turn % 2)
        for reported in REPORTED:
            built += [
                say(reported, key="k", stream=stream, now=float(turn))
                for say in (chat_request, claude_request)
            ]
        built.append(chat_request("call", tools=[TOOL], stream=stream, now=float(turn)))
        built.append(chat_request("form", response_format=FORM, stream=stream, now=float(turn)))
        built.append(
            raw_request(
                "/v1/responses",
                {"model": "gpt-4o", "input": f"turn {turn}", "stream": stream},
                now=float(turn),
            )
        )
        built.append(
            raw_request(
                f"/v1beta/models/gemini-2.5-flash:{'streamGenerateContent' if stream else 'generateContent'}",
                {"contents": [{"role": "user", "parts": [{"text": "variety"}]}]},
                query="alt=sse" if stream else "",
                now=float(turn),
            )
        )
    return built


def within(session: str, requested: ClientRequest) -> ClientRequest:
    return replace(requested, headers={**requested.headers, "x-mockllm-session": session})


def seen(received: ClientResponse) -> Any:
    """All that a client could see: head, moments, bytes."""
    return (
        received.status,
        received.headers,
        received.delay,
        received.timed_bytes,
        (received.planned.seed_token, received.planned.id_seed),
    )


@pytest.mark.parametrize("seed", [0, 11])
def test_other_requests_do_not_change_a_sessions_run(seed: int) -> None:
    game = VirtualServer(RULES, seed=seed)
    alone = [seen(game.respond(within("mine", each))) for each in script()]

    game = VirtualServer(RULES, seed=seed)
    noise = script()
    noisy: list[Any] = []
    for (
        each
    ) in noise:  # earlier requests of others: responses are cached, limits reached, sequences at their end
        game.respond(within("early", each))
    for number, each in enumerate(script()):
        for other in ("a", "b", "c")[: number % 4]:
            game.respond(within(other, noise[-number]))
        game.respond(noise[number // 2])  # without a session
        noisy.append(seen(game.respond(within("mine", each))))
    # What is cached, and found by the texts before it, was planned for the first one.
    assert [each[:-1] for each in noisy] == [each[:-1] for each in alone]


def test_api_keys_of_one_session_count_separately() -> None:
    rules = "rules: [{per: api_key, choose: [a, b, c], delay: [1s, 9s], pace: {itl: [1ms, 9ms]}}]"
    alone = [
        seen(each) for each in map(VirtualServer(rules).respond, [chat_request(key="k", stream=True)] * 9)
    ]
    game, mixed = VirtualServer(rules), []
    for number in range(9):
        for other in range(number):
            game.respond(chat_request(key=f"other {other}", stream=True))
        mixed.append(seen(game.respond(chat_request(key="k", stream=True))))
    assert mixed == alone
