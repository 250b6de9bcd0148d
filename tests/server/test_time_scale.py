"""`--time-scale`: all times of a scenario by a factor, as clients see them and as verdicts judge them."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.request import urlopen

import anthropic
import openai
import pytest

from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead, WaitStep
from mockllm.testing import MockLLM
from tests.server.test_player import begun
from tests.server.virtual import world
from tests.waiting import PATIENCE, until

MESSAGES: Any = [{"role": "user", "content": "hi"}]
SCALE = 0.01


def chat(client: openai.OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(model="gpt-4o", messages=MESSAGES, **more)


def client_of(server: Any, retries: int = 2) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.openai_url, api_key="x", max_retries=retries)


def refusal(client: openai.OpenAI) -> openai.RateLimitError | None:
    """The error of one request, if it is refused."""
    try:
        chat(client)
    except openai.RateLimitError as error:
        return error
    return None


def test_player_multiplies_every_wait() -> None:
    steps = (EventStep(b"a", 1, "chunk"), WaitStep(10.0, 1), EventStep(b"b", 2, "chunk"))
    plan = Plan(ResponseHead(200, ()), steps, Framing.SSE, delay=5.0)
    clock, deadlines, sink = world()
    start = clock.now
    begun(plan, sink, deadlines, time_scale=SCALE)
    clock.run_until(start + 1.0)
    assert [round(at, 6) for at, _ in sink.writes] == [0.05, 0.15]


def test_delays_and_paces_take_the_scaled_time() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server) as client:
        server.reply("one two three", delay="10s", pace={"ttft": "10s", "itl": "10s"})
        began = time.monotonic()
        assert "".join(c.choices[0].delta.content or "" for c in chat(client, stream=True) if c.choices)
        took = time.monotonic() - began
    assert 0.4 <= took < PATIENCE
    assert 0.4 <= (server.requests[0].took or 0) < PATIENCE


def test_hold_waits_for_the_scaled_time_at_most() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server) as client:
        server.reply("Late.", hold={"name": "gate", "at_most": "20s"})
        began = time.monotonic()
        assert chat(client).choices[0].message.content == "Late."
        assert 0.2 <= time.monotonic() - began < 20


def test_journal_has_all_chunks_of_a_scaled_stream() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server) as client:
        server.reply(
            {"chunks": [f"{number} " for number in range(50)]}, pace={"itl": "1ms"}
        )  # several in a write
        assert list(chat(client, stream=True))
        with urlopen(f"{server.base_url}/api/requests/1", timeout=PATIENCE) as stored:
            chunks = json.load(stored)["response"]["chunks"]
    assert "".join(chunk["text"] for chunk in chunks).endswith("data: [DONE]\n\n")


def test_responses_over_a_socket_take_the_scaled_time() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server) as client:
        server.reply("one two three", delay="20s", pace={"ttft": "20s", "itl": "10s"})
        began = time.monotonic()
        with client.responses.connect() as socket:
            socket.response.create(model="gpt-4o", input="hi")
            assert any(event.type == "response.completed" for event in socket)
        took = time.monotonic() - began
    assert 0.6 <= took < PATIENCE


def test_refusal_states_the_scaled_wait() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server, 0) as client:
        server.error({"type": "rate_limit", "retry_after": "5s"})
        with pytest.raises(openai.RateLimitError) as refused:
            chat(client)
    assert refused.value.response.headers["retry-after-ms"] == "50"
    assert "try again in 50ms" in str(refused.value)


def test_usual_wait_of_a_provider_is_scaled_too() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server, 0) as client:
        server.error("rate_limit")
        with pytest.raises(openai.RateLimitError) as refused:
            chat(client)
    assert refused.value.response.headers["retry-after-ms"] == "5"


def test_limits_recover_and_report_in_scaled_time() -> None:
    limit = {"strategy": "fixed-window", "requests": 1, "window": "300s"}
    with MockLLM(time_scale=SCALE) as server, client_of(server, 0) as client:
        server.reply("Hi")
        server.modifier(limit=limit, per="api_key")
        first = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=MESSAGES)
        refused = until(lambda: refusal(client))  # a busy machine may be a window late
        wait = float(refused.response.headers["retry-after-ms"]) / 1000
        time.sleep(wait)
        assert chat(client).choices
    assert first.headers["x-ratelimit-reset-requests"].endswith("s")
    assert 0.01 < wait <= 3


def test_windows_in_time_pass_in_scaled_time() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server, 0) as client:
        server.reply("after")
        server.reply("before", during={"to": "300s"})
        assert chat(client).choices[0].message.content == "before"
        assert until(lambda: chat(client).choices[0].message.content == "after")


def test_client_that_obeys_scaled_waits_has_recovered() -> None:
    with (
        MockLLM(time_scale=SCALE) as server,
        anthropic.Anthropic(base_url=server.anthropic_url, api_key="x") as client,
    ):
        server.sequence({"error": {"type": "rate_limit", "retry_after": "30s"}, "times": 2}, "At last.")
        began = time.monotonic()
        message = client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=MESSAGES)
        took = time.monotonic() - began
    assert message.content
    assert 0.6 <= took < PATIENCE
    assert server.verdicts.names == ["recovered"]
    assert "30s" in str(server.verdicts[0])


def test_client_that_ignores_scaled_waits_gets_a_verdict() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server, 0) as client:
        server.sequence({"error": {"type": "rate_limit", "retry_after": "1000s"}, "times": 2}, "At last.")
        for _ in range(2):
            with pytest.raises(openai.RateLimitError):
                chat(client)
    assert "retry_after_ignored" in server.verdicts.names


def test_session_has_a_scale_of_its_own() -> None:
    with MockLLM() as server:
        fast, slow = server.session(time_scale=SCALE), server.session()
        for session in (fast, slow):
            session.error({"type": "rate_limit", "retry_after": "5s"})
        stated = []
        for session in (fast, slow):
            with client_of(session, 0) as client, pytest.raises(openai.RateLimitError) as refused:
                chat(client)
            stated.append(refused.value.response.headers["retry-after-ms"])
    assert stated == ["50", "5000"]


@pytest.mark.full
def test_scaled_pace_is_accurate_to_two_milliseconds() -> None:
    with MockLLM(time_scale=SCALE) as server, client_of(server) as client:
        server.reply("word " * 400, pace={"itl": "500ms"})
        late = []
        for _ in range(5):
            arrivals = [time.monotonic() for _ in chat(client, stream=True)]
            delays = sorted(at - arrivals[0] - 0.005 * number for number, at in enumerate(arrivals[:400]))
            late.append(delays[int(len(delays) * 0.99)])
    assert min(late) < 0.02  # the machine is busy with other tests; alone it is below 2 ms
