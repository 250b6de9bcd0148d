"""`load.batch`: the times of responses that one server generates together, and its mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.virtual_server import (
    NOW,
    ClientRequest,
    ClientResponse,
    VirtualServer,
    diagnostics_of,
    raw_request,
)

RULES = "rules: [{reply: {text: {tokens: 5}}, pace: {ttft: 9s, itl: 9s}}]\n"
BATCH = """modifiers:
  - name: server
    load: {batch: {slots: 2, prefill: {base: 1s, tokens_per_second: 100}, itl: {1: 100ms, 2: 300ms}}}
"""


def generate(prompt: str = "hi", *, at: float = 0.0, stream: bool = True, **fields: Any) -> ClientRequest:
    body = {"model": "m", "prompt": prompt, "max_tokens": 11, "ignore_eos": True, "stream": stream, **fields}
    return raw_request("/vllm/v1/completions", body, now=NOW + at)


def chat(prompt: str, *, at: float = 0.0) -> ClientRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], "max_tokens": 1}
    return raw_request("/vllm/v1/chat/completions", body, now=NOW + at)


def duration(response: ClientResponse) -> float:
    return response.events[-1].at


def note(response: ClientResponse) -> str:
    return next(note for note in response.planned.notes if note.startswith("batch: "))


def test_times_of_a_batch_replace_those_of_the_pace() -> None:
    server = VirtualServer(RULES + BATCH)
    alone, beside = server.respond(generate()), server.respond(generate())
    first = [next(event.at for event in each.events if event.data) for each in (alone, beside)]
    assert first == pytest.approx([1.01, 1.02])  # one token of prompt each, one prompt after another
    assert [duration(alone), duration(beside)] == pytest.approx([1.01 + 1, 1.02 + 3])
    assert note(beside) == "batch: 2 running, first token after 1020ms, itl 300ms"


def test_third_request_waits_for_a_slot() -> None:
    server = VirtualServer(RULES + BATCH)
    for _ in range(2):
        server.respond(generate())
    third = server.respond(generate(at=1.0))
    assert third.planned.plan.delay == pytest.approx(1.01)  # the first ends at 2.01
    assert "delayed 1.01s by a limit or load" in third.planned.notes


def test_slot_of_a_client_that_left_is_free() -> None:
    server = VirtualServer(RULES + BATCH)
    slots = [server.respond(generate()).planned.slot for _ in range(2)]
    assert slots[0] is not None
    slots[0].release()
    assert server.respond(generate()).planned.plan.delay == 0


def test_full_queue_of_a_batch_is_an_overload() -> None:
    server = VirtualServer(RULES + BATCH.replace("slots: 2", "slots: 1, queue: 1"))
    assert [server.respond(generate()).status for _ in range(3)] == [200, 200, 503]


def test_not_streamed_response_takes_as_long() -> None:
    whole = VirtualServer(RULES + BATCH).respond(generate(stream=False))
    assert sum(
        step.seconds for step in whole.planned.plan.steps if hasattr(step, "seconds")
    ) == pytest.approx(2.01)


def test_longer_chunks_take_as_long_as_their_tokens() -> None:
    text = RULES.replace("itl: 9s", "chunk_size: 5 tokens") + BATCH
    request = generate(ignore_eos=False, max_tokens=99)
    assert duration(VirtualServer(text).respond(request)) == pytest.approx(1.01)
    text = RULES.replace("itl: 9s", "chunk_size: 2 tokens") + BATCH
    assert duration(VirtualServer(text).respond(request)) == pytest.approx(1.01 + 0.3)


def test_prefix_of_earlier_prompt_takes_no_time() -> None:
    batch = "batch: {prefill: {tokens_per_second: 100}, kv_cache: {tokens: 5000}}"
    server = VirtualServer(f"rules: [{{reply: x}}]\nmodifiers: [{{load: {{{batch}}}}}]")
    prompt = "one two three four five six seven eight nine ten " * 100
    first, again = server.respond(chat(prompt)), server.respond(chat(prompt, at=100.0))
    other = server.respond(chat("Something else. " + prompt, at=200.0))
    assert " cached" not in note(first) + note(other)
    place = again.planned.continuous_batch_times
    assert place is not None
    assert place.cached % 16 == 0
    assert place.cached > 800
    assert place.ttft is not None
    assert place.ttft < 0.5


def test_embeddings_take_part_without_prefixes() -> None:
    server = VirtualServer("modifiers: [{load: {batch: {slots: 1, kv_cache: {tokens: 100}}}}]")
    body = json.dumps({"model": "m", "input": "hi"}).encode()
    assert server.respond(ClientRequest("/vllm/v1/embeddings", body)).status == 200


def test_two_batches_delay_a_request_for_the_longer_wait() -> None:
    text = RULES + BATCH + "  - {name: gate, load: {batch: {slots: 1, itl: 1s}}}\n"
    server = VirtualServer(text)
    server.respond(generate())
    second = server.respond(generate())
    assert second.planned.plan.delay == pytest.approx(2.01)


def test_same_requests_get_the_same_times() -> None:
    sent = [generate(at=number / 3) for number in range(12)]
    seen = [[each.respond(one).events for one in sent] for each in (VirtualServer(RULES + BATCH),) * 1]
    again = [[each.respond(one).events for one in sent] for each in (VirtualServer(RULES + BATCH),) * 1]
    assert seen == again


@pytest.mark.parametrize(
    ("batch", "mistake"),
    [
        ("batch: {}", "modifiers[0].load.batch: a batch needs slots, prefill, itl or kv_cache"),
        ("batch: {itl: 5ms, queue: 3}", "load.batch: a queue needs slots or kv_cache"),
        ("batch: {slots: 0}", "load.batch.slots: expected a number of 1 or more"),
        ("batch: {itl: {}}", "load.batch.itl: "),
        ("batch: {itl: {many: 5ms}}", "load.batch.itl.many: expected a whole number"),
        ("batch: {itl: [5ms]}", "load.batch.itl: "),
        ("batch: {slots: 2}, max_inflight: 3", "load: max_inflight does not go with batch"),
    ],
)
def test_mistake_in_a_batch_is_named(batch: str, mistake: str) -> None:
    (found,) = diagnostics_of(f"modifiers:\n  - load: {{{batch}}}")
    assert mistake in found


@pytest.mark.parametrize("itl", ["50ms", "{1: 50ms}", '{"1": 50ms}'])
def test_one_time_between_tokens_holds_for_all(itl: str) -> None:
    server = VirtualServer(f"{RULES}modifiers: [{{load: {{batch: {{itl: {itl}}}}}}}]")
    assert [duration(server.respond(generate())) for _ in range(2)] == pytest.approx([9.5, 9.5])


def test_invalid_request_does_not_occupy_a_batch() -> None:
    batch = (
        "batch: {slots: 1, queue: 0, itl: 100ms, prefill: {tokens_per_second: 100}, kv_cache: {tokens: 5000}}"
    )
    server = VirtualServer(f"{RULES}modifiers: [{{load: {{{batch}}}}}]")
    prompt = "one two three four five six seven eight nine ten " * 100
    refused = server.respond(generate(prompt, temperature="hot"))
    assert (refused.status, refused.planned.continuous_batch_times) == (400, None)
    assert not any(note.startswith("batch: ") for note in refused.planned.notes)
    valid = server.respond(generate(prompt)).planned
    assert (valid.plan.delay, valid.continuous_batch_times is None) == (0.0, False)
    assert valid.continuous_batch_times is not None
    assert valid.continuous_batch_times.cached == 0


def test_invalid_request_waits_for_a_slot_and_takes_none() -> None:
    server = VirtualServer(RULES + BATCH.replace("slots: 2", "slots: 1"))
    server.respond(generate())
    refused = server.respond(generate(temperature="hot"))
    second = server.respond(generate())
    assert [refused.status, second.status] == [400, 200]
    assert refused.planned.plan.delay == pytest.approx(second.planned.plan.delay) == pytest.approx(2.01)
