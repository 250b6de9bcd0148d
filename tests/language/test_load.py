"""Waits by `limit`, `load` and the length of the input."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from mockllm.core.rendering.framing import plan_duration
from tests.language.limit_files import HI, limit_file, request_at, statuses
from tests.language.virtual_server import (
    ClientRequest,
    VirtualServer,
    chat_request,
    claude_request,
    models_request,
    raw_request,
    respond_all,
)


def test_leaky_bucket_wait_is_added_to_delay() -> None:
    yaml = limit_file("strategy: leaky-bucket, requests: 2, queue: 2, window: 4s", HI, delay="1s")
    responses = respond_all(yaml, chat_request(), chat_request(), chat_request(), chat_request())
    assert [(each.status, each.took) for each in responses] == [
        (200, 1.0),
        (200, 3.0),
        (200, 5.0),
        (429, 1.0),
    ]
    assert [each.notes for each in responses[:2]] == ["", "delayed 2s by a limit or load"]


def test_load_slot_is_freed_by_each_response() -> None:
    server = VirtualServer(limit_file("strategy: fixed-window, concurrent: 2", HI, per="api_key"))
    first, second, third = (server.respond(chat_request()) for _ in range(3))
    assert statuses([first, second, third]) == [200, 200, 429]
    assert third.headers["retry-after"] == "1"
    assert third.notes == "limited: too many responses in flight, retry after 1s (s/a.yaml:2)"
    assert (third.planned.slot, server.respond(chat_request(key="other")).status) == (None, 200)
    slot = first.planned.slot
    assert slot is not None
    for _ in range(3):
        slot.release()  # a second end has no effect
    assert [server.respond(chat_request()).status for _ in range(2)] == [200, 429]


def test_load_slot_is_freed_by_invalid_request() -> None:
    server = VirtualServer(limit_file("strategy: fixed-window, concurrent: 1"))
    response = server.respond(chat_request(temperature=9))
    assert (response.status, server.respond(chat_request()).status) == (400, 429)
    assert response.planned.slot is not None
    response.planned.slot.release()
    assert server.respond(chat_request()).status == 200


def test_load_slot_is_freed_by_internal_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    server = VirtualServer(limit_file("strategy: fixed-window, concurrent: 1"))

    def fails(speaking: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(server.engine._planner, "plan", fails)
        with pytest.raises(ZeroDivisionError):
            server.respond(chat_request())
    assert server.respond(chat_request()).status == 200


SLOW = "rules: [{reply: {chunks: [a, b, c]}, pace: {ttft: 1s, itl: 1s}}]"
STREAM = chat_request(stream=True)


def loaded(settings: str, rules: str = SLOW, **guard: str) -> str:
    more = "".join(f"{name}: {value}, " for name, value in guard.items())
    return f"{rules}\nmodifiers: [{{name: machine, {more}load: {{{settings}}}}}]"


def streams(*times: float, **more: Any) -> list[ClientRequest]:
    return [request_at(time, chat_request, stream=True, **more) for time in times]


def test_load_above_concurrency_slows_every_wait() -> None:
    responses = respond_all(loaded("concurrency: 2, slowdown: 3"), *streams(0, 0, 0, 0))
    assert [each.took for each in responses] == [3.0, 3.0, 6.0, 9.0]
    assert responses[3].chunk_times == [3.0, 6.0, 9.0]


def test_load_does_not_count_ended_responses() -> None:
    responses = respond_all(loaded("concurrency: 1"), *streams(0, 2.9, 3.0))
    assert [each.took for each in responses] == [3.0, 6.0, 6.0]
    assert respond_all(loaded("concurrency: 1"), *streams(0, 3.0))[1].took == 3.0


def test_load_slows_non_streaming_response() -> None:
    assert [each.took for each in respond_all(loaded("concurrency: 1"), chat_request(), chat_request())] == [
        3.0,
        6.0,
    ]


def test_load_queues_then_refuses() -> None:
    responses = respond_all(loaded("max_inflight: 1, queue: 2"), *streams(0, 1, 2, 2, 9.5))
    assert statuses(responses) == [200, 200, 200, 503, 200]
    assert [each.delay for each in responses] == [0.0, 2.0, 4.0, 0.0, 0.0]
    assert [each.planned.error for each in responses][3] == "overloaded"
    assert responses[3].notes == "overloaded: no capacity (s/a.yaml:2)"
    assert responses[3].rule == "machine"


def test_load_refusal_of_anthropic_is_529() -> None:
    responses = respond_all(loaded("max_inflight: 1"), STREAM, claude_request())
    assert (responses[1].status, responses[1].json["error"]["type"]) == (529, "overloaded_error")


HELD = "rules: [{reply: hi, hold: {name: x, at_most: 5s}}]"


@pytest.mark.parametrize("settings", ["max_inflight: 1", "batch: {slots: 1, queue: 0, itl: 1ms}"])
def test_load_counts_a_held_response(settings: str) -> None:
    server = VirtualServer(loaded(settings, HELD))
    held = server.engine.respond(read(server, chat_request())).slot
    assert server.respond(request_at(4.0)).status == 503
    assert held is not None
    held.release()
    assert server.respond(request_at(4.0)).status == 200


@pytest.mark.parametrize("settings", ["max_inflight: 1, queue: 1", "batch: {slots: 1, itl: 1ms}"])
def test_queue_waits_for_the_latest_end_of_a_hold(settings: str) -> None:
    responses = respond_all(loaded(settings, HELD), *streams(0, 1))
    assert [each.delay for each in responses] == pytest.approx([0.0, 4.0], abs=0.01)


def test_load_counts_a_response_until_it_ends() -> None:
    server = VirtualServer(loaded("max_inflight: 1"))
    read_slowly = server.engine.respond(read(server, STREAM)).slot
    assert server.respond(request_at(3.5)).status == 503
    assert read_slowly is not None
    read_slowly.release()
    assert server.respond(request_at(3.5)).status == 200


def test_load_is_separate_for_each_key() -> None:
    responses = respond_all(
        loaded("max_inflight: 1", per="api_key"), *streams(0, key="a"), *streams(0, key="b")
    )
    assert statuses(responses) == [200, 200]


def test_load_slot_is_freed_by_disconnect() -> None:
    server = VirtualServer(loaded("max_inflight: 1"))
    slot = server.respond(STREAM).planned.slot
    assert server.respond(STREAM).status == 503
    assert slot is not None
    slot.release()
    assert server.respond(STREAM).status == 200


def test_load_does_not_queue_behind_hang() -> None:
    rules = (
        "rules: [{match: {user: hang}, reply: hi, faults: [{silence: {after: {chunks: 1}}}]}, {reply: hi}]"
    )
    server = VirtualServer(loaded("max_inflight: 1, queue: 5", rules))
    hangs = server.engine.respond(read(server, chat_request("hang", stream=True)))
    assert plan_duration(hangs.plan) == inf
    assert server.respond(request_at(1e6)).status == 503
    assert hangs.slot is not None
    hangs.slot.release()
    assert server.respond(request_at(1e6)).status == 200


def read(server: VirtualServer, sent: ClientRequest) -> Any:
    return server.engine.read(sent.method, sent.path, "", {}, sent.body, sent.client, sent.now)


def test_load_refusal_charges_no_limit() -> None:
    yaml = f"""
        {SLOW}
        modifiers:
          - {{name: machine, load: {{max_inflight: 1}}}}
          - {{name: quota, limit: {{strategy: after-n, requests: 2}}}}
        """
    responses = respond_all(yaml, *streams(0, 0, 0, 3, 6))
    assert statuses(responses) == [200, 503, 503, 200, 429]
    assert responses[1].headers["x-ratelimit-remaining-requests"] == "1"


def test_load_after_leaky_bucket_counts_at_start_time() -> None:
    yaml = f"""
        {SLOW}
        modifiers:
          - {{load: {{max_inflight: 1, queue: 1}}}}
          - {{limit: {{strategy: leaky-bucket, requests: 1, queue: 9, window: 4s}}}}
        """
    responses = respond_all(yaml, *streams(0, 0, 0))
    assert [each.delay for each in responses] == [
        0.0,
        4.0,
        8.0,
    ]  # each leaves the bucket when the previous response has ended


def test_delayed_request_holds_back_no_other_of_a_batch() -> None:
    yaml = """
        rules: [{reply: hi}]
        modifiers:
          - {per: api_key, limit: {strategy: leaky-bucket, requests: 1, queue: 5, window: 3s}}
          - load: {batch: {slots: 64, queue: 0, prefill: {tokens_per_second: 1000, base: 0s}}}
        """
    sent = [request_at(at, chat_request, key=key) for at, key in ((0, "a"), (0.5, "a"), (1, "b"), (2, "c"))]
    responses = respond_all(yaml, *sent)
    assert [(each.status, each.delay) for each in responses] == [
        (200, delay) for delay in (0.0, 2.5, 0.0, 0.0)
    ]
    first, _, *others = (each.took for each in responses)
    assert others == [first, first]


BUSY = """
    use: [vllm]
    rules:
      - {match: {path: /version}, http: {body: mine}}
    modifiers:
      - {load: {max_inflight: 1}}
      - {load: {batch: {slots: 1, queue: 0}}}
    """
IMAGE = {"model": "gpt-image-1", "prompt": "a cat"}
TEXTS = {"model": "text-embedding-3-small", "input": "hi"}
BUSY_STATUS: dict[str, tuple[ClientRequest, int]] = {
    "chat": (chat_request(), 503),
    "embeddings": (raw_request("/v1/embeddings", TEXTS), 503),
    "moderations": (raw_request("/v1/moderations", {"input": "hi"}), 503),
    "images": (raw_request("/v1/images/generations", IMAGE), 503),
    "rule": (raw_request("/vllm/version", method="GET"), 503),
    "probe": (raw_request("/vllm/health", method="GET"), 200),
    "models": (models_request(), 200),
    "files": (raw_request("/v1/files", method="GET"), 200),
    "tokenize": (raw_request("/vllm/tokenize", {"model": "m", "prompt": "hi"}), 200),
}


@pytest.mark.parametrize(("sent", "status"), BUSY_STATUS.values(), ids=list(BUSY_STATUS))
def test_load_counts_requests_that_use_a_model(sent: ClientRequest, status: int) -> None:
    server = VirtualServer(BUSY)
    server.respond(STREAM)
    assert server.respond(sent).status == status


def test_limit_beside_a_load_counts_calls_without_a_model() -> None:
    yaml = f"{HI}\nmodifiers: [{{load: {{max_inflight: 1}}, limit: {{strategy: after-n, requests: 2}}}}]"
    server = VirtualServer(yaml)
    probe = server.respond(models_request())
    assert (probe.status, probe.planned.slot) == (200, None)
    assert [server.respond(each).status for each in (STREAM, models_request())] == [200, 429]


@pytest.mark.parametrize("match", ["api: models", "path: /v1/models", "any: [{path: /v1/*}]"])
def test_load_counts_a_call_that_its_match_names(match: str) -> None:
    server = VirtualServer(loaded("max_inflight: 1", HI, match=f"{{{match}}}"))
    assert [server.respond(models_request()).status for _ in range(2)] == [200, 503]


def test_several_loads_multiply_slowdown() -> None:
    yaml = f"{SLOW}\nmodifiers: [{{load: {{concurrency: 1}}}}, {{load: {{concurrency: 1, slowdown: 3}}}}]"
    assert [each.took for each in respond_all(yaml, STREAM, STREAM)] == [3.0, 18.0]


# --- ttft by input ---------------------------------------------------------------------------


def test_ttft_grows_with_input() -> None:
    rules = "rules: [{reply: a b, pace: {ttft: {base: 1s, per_input_token: 10ms}, itl: 1s}}]"
    long = "word " * 100
    short_, long_, again = respond_all(
        rules,
        chat_request("hi", stream=True),
        chat_request(long, stream=True),
        chat_request("hi", stream=True),
    )
    assert short_.chunk_times == again.chunk_times
    assert long_.chunk_times[0] == pytest.approx(short_.chunk_times[0] + 0.85, abs=0.1)
    whole = respond_all(rules, chat_request(long))[0]
    assert whole.took == long_.took


def test_ttft_of_cached_tokens_is_separate() -> None:
    rules = """
        rules:
          - reply: {text: a, usage: {input_tokens: 1000, cached_tokens: 900}}
            pace: {ttft: {per_input_token: 10ms, cached: 1ms}}
        """
    assert respond_all(rules, STREAM)[0].chunk_times == [1.9]


def test_ttft_by_input_has_maximum() -> None:
    rules = "rules: [{reply: a, pace: {ttft: {per_input_token: 1s}}}]"
    assert respond_all(rules, chat_request("word " * 100, stream=True), max_wait=5.0)[0].chunk_times == [5.0]
