"""OpenAI's prompt caches: steps of 128 tokens up to GPT-5.5, breakpoints from GPT-5.6 on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.prompt_cache_clients import CachingClient, cached_tokens, words
from tests.language.virtual_server import ClientRequest, raw_request

LONG = words(300)


def turns(*texts: str, system: str = LONG) -> list[dict[str, Any]]:
    """Return a system message, and texts of user and assistant in turn."""
    roles = ("user", "assistant")
    return [
        {"role": "system", "content": system},
        *({"role": roles[number % 2], "content": text} for number, text in enumerate(texts)),
    ]


def test_second_request_with_same_beginning_reads() -> None:
    client = CachingClient()
    first, second = (client.chat(messages=turns(text)) for text in ("one", "two"))
    assert cached_tokens(first) == 0
    assert 1024 <= cached_tokens(second) < second["prompt_tokens"]
    assert cached_tokens(second) % 128 == 0


@pytest.mark.parametrize(
    ("prompt", "cached"), [(1420, 1280), (1586, 1536), (1542, 1408), (2973, 1920), (9299, 8448)]
)
def test_as_many_steps_as_recorded_are_read(prompt: int, cached: int) -> None:
    """Each recorded prompt shares about as many tokens with an earlier one as its usage says."""
    client = CachingClient()
    shared, rest = words(cached // 9 + 3), prompt - cached
    for number in range(2):
        usage = client.chat(messages=turns(words(rest // 9, f"{number} "), system=shared))
    assert abs(usage["prompt_tokens"] - prompt) < 60
    assert cached_tokens(usage) % 128 == 0
    assert abs(cached_tokens(usage) - cached) <= 128


def test_beginning_of_one_long_message_is_shared() -> None:
    client = CachingClient()
    document = words(300)
    for question in ("Who?", "Why?"):
        usage = client.chat(messages=[{"role": "user", "content": document + question}])
    assert cached_tokens(usage) >= 2304


def test_prompt_below_1024_tokens_is_not_cached() -> None:
    client = CachingClient()
    usages = [client.chat(messages=turns("hi", system=words(112))) for _ in range(2)]
    assert 1000 < usages[1]["prompt_tokens"] < 1024
    assert [cached_tokens(usage) for usage in usages] == [0, 0]


def test_shared_beginning_below_1024_tokens_is_not_read() -> None:
    client = CachingClient()
    shared = words(100)
    usages = [client.chat(messages=turns(words(200, f"{n} "), system=shared)) for n in range(2)]
    assert [cached_tokens(usage) for usage in usages] == [0, 0]


def test_conversation_reads_more_with_each_turn() -> None:
    client = CachingClient()
    texts = [words(40, f"{number} ") for number in range(7)]
    counts = [cached_tokens(client.chat(messages=turns(*texts[:end]))) for end in (1, 3, 5, 7)]
    assert counts[0] == 0
    assert counts == sorted(set(counts))
    assert all(count % 128 == 0 for count in counts)


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ("input_tokens: 4000", 2688),
        ("output_tokens: 7", 2688),
        ("input_tokens: 1500", 1500),
        ("cached_tokens: 7", 7),
        ("cache_write_tokens: 7", 0),
    ],
)
def test_reply_that_states_other_counts_reads(usage: str, cached: int) -> None:
    client = CachingClient(
        f"rules: [{{reply: {{text: x, usage: {{{usage}}}}}}}]\nmodifiers: [{{cache: true}}]"
    )
    assert [cached_tokens(client.chat(messages=turns("one"))) for _ in range(2)][1] == cached


@pytest.mark.parametrize("model", ["gpt-3.5-turbo", "gpt-4", "gpt-4-turbo", "gpt-4-0613", "o1-mini"])
def test_older_models_have_no_cache(model: str) -> None:
    client = CachingClient()
    prompt = [{"role": "user", "content": LONG}]  # o1-mini refuses system messages
    usages = [client.chat(model=model, messages=prompt) for _ in range(2)]
    assert [cached_tokens(usage) for usage in usages] == [0, 0]


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "gpt-5", "o3", "gpt-5.2", "a-model"])
def test_newer_and_unknown_models_have_one(model: str) -> None:
    client = CachingClient()
    usages = [client.chat(model=model, messages=turns("hi")) for _ in range(2)]
    assert cached_tokens(usages[1]) >= 2304


def test_caches_of_models_and_keys_are_separate() -> None:
    client = CachingClient()
    client.chat(messages=turns("hi"))
    assert cached_tokens(client.chat(model="gpt-4o-mini", messages=turns("hi"))) == 0
    assert cached_tokens(client.chat(key="other", messages=turns("hi"))) == 0
    assert cached_tokens(client.chat(messages=turns("hi"))) > 0


def test_prompt_cache_key_separates_caches() -> None:
    client = CachingClient()
    client.chat(messages=turns("hi"), prompt_cache_key="a")
    assert cached_tokens(client.chat(messages=turns("hi"), prompt_cache_key="b")) == 0
    assert cached_tokens(client.chat(messages=turns("hi"), prompt_cache_key="a")) > 0


@pytest.mark.parametrize(
    ("model", "retention", "after", "hit"),
    [
        ("gpt-4o", None, 299, True),
        ("gpt-4o", None, 301, False),
        ("gpt-5", "in_memory", 301, False),
        ("gpt-5", "24h", 3700, True),
        ("gpt-5", "24h", 90_000, False),
        ("gpt-5.4", None, 3700, True),
        ("gpt-5.6", None, 1799, True),
        ("gpt-5.6", None, 1801, False),
    ],
)
def test_retention_decides_how_long(model: str, retention: str | None, after: float, hit: bool) -> None:
    client = CachingClient()
    body: dict[str, Any] = {"model": model, "messages": turns("hi")}
    if retention is not None:
        body["prompt_cache_retention"] = retention
    client.chat(**body)
    assert (cached_tokens(client.chat(after, **body)) > 0) is hit


def test_used_entry_ends_an_hour_after_it_was_written() -> None:
    client = CachingClient()
    counts = [cached_tokens(client.chat(at, messages=turns("hi"))) for at in range(0, 3800, 200)]
    assert counts.index(0, 1) == 3600 // 200


@pytest.mark.parametrize("part", ["tools", "response_format", "system"])
def test_change_before_the_turns_misses(part: str) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
    schema = {"name": "s", "schema": {"type": "object", "properties": {}}}
    body: dict[str, Any] = {"messages": turns("hi"), "tools": [tool], "tool_choice": "none"}
    changes: dict[str, Any] = {
        "tools": {"tools": [tool, {"type": "function", "function": {"name": "find"}}]},
        "response_format": {"response_format": {"type": "json_schema", "json_schema": schema}},
        "system": {"messages": turns("hi", system="Now: " + LONG)},
    }
    client = CachingClient()
    client.chat(**body)
    assert cached_tokens(client.chat(**body, temperature=0.5)) > 0
    assert cached_tokens(client.chat(**{**body, **changes[part]})) == 0


def test_breakpoint_at_the_end_is_written_and_read() -> None:
    """Recorded of GPT-5.6: 4,012 of 4,020 tokens written, then the same number read."""
    client = CachingClient()
    first, second = (client.chat(model="gpt-5.6-sol", messages=turns("hi")) for _ in range(2))
    written = first["prompt_tokens_details"]["cache_write_tokens"]
    assert first["prompt_tokens"] - 8 <= written < first["prompt_tokens"]
    assert cached_tokens(second) == written
    assert second["prompt_tokens_details"]["cache_write_tokens"] == 0


def test_each_turn_reads_what_the_last_one_wrote() -> None:
    client = CachingClient()
    texts = [f"text {number}" for number in range(7)]
    before = 0
    for end in (1, 3, 5, 7):
        usage = client.chat(model="gpt-5.6", messages=turns(*texts[:end]))
        assert cached_tokens(usage) == before
        before += usage["prompt_tokens_details"]["cache_write_tokens"]


def test_other_question_needs_a_breakpoint_of_its_own() -> None:
    """A prefix without a breakpoint is not found: GPT-5.6 does not fall back to a shorter one."""
    client = CachingClient()
    for text in ("one", "two"):
        assert cached_tokens(client.chat(model="gpt-5.6", messages=turns(text))) == 0
    part = {"type": "text", "text": LONG, "prompt_cache_breakpoint": {"mode": "explicit"}}
    counts = [
        cached_tokens(client.chat(model="gpt-5.6", messages=turns(text, system=[part])))  # type: ignore[arg-type]
        for text in ("one", "two")
    ]
    assert counts[1] > 1024


def test_explicit_mode_writes_no_breakpoint_at_the_end() -> None:
    client = CachingClient()
    body: dict[str, Any] = {"model": "gpt-5.6", "prompt_cache_options": {"mode": "explicit"}}
    usages = [client.chat(messages=turns("hi"), **body) for _ in range(2)]
    assert [cached_tokens(usage) for usage in usages] == [0, 0]
    assert usages[0]["prompt_tokens_details"]["cache_write_tokens"] == 0


def test_responses_read_what_earlier_responses_wrote() -> None:
    client = CachingClient()
    first = client.responses(instructions=LONG, input="one")
    second = client.responses(instructions=LONG, input="two", previous_response_id=first["id"])
    assert cached_tokens(first["usage"]) == 0
    assert cached_tokens(second["usage"]) >= 2304
    assert second["usage"]["input_tokens_details"]["cache_write_tokens"] == 0


def test_items_with_and_without_their_ids_are_the_same() -> None:
    client = CachingClient()
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": LONG}]}
    client.responses(input=[item])
    usage = client.responses(input=[{**item, "id": "msg_1", "status": "completed"}])["usage"]
    assert cached_tokens(usage) >= 2304


def test_stream_has_the_counts_in_its_usage() -> None:
    client = CachingClient()
    body = {"model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True}}
    for hit in (False, True):
        events = client.post("/v1/chat/completions", {**body, "messages": turns("hi")}).events
        usage = events[-2].json["usage"]
        assert (cached_tokens(usage) > 0) is hit


def test_azure_has_the_same_cache() -> None:
    client = CachingClient()
    path = "/openai/deployments/gpt-4o/chat/completions"
    usages = []
    for _ in range(2):
        response = client.server.respond(azure_request(path))
        usages.append(response.json["usage"])
    assert cached_tokens(usages[0]) == 0
    assert cached_tokens(usages[1]) >= 2304


def azure_request(path: str) -> ClientRequest:
    return raw_request(
        path, {"messages": turns("hi")}, query="api-version=2024-10-21", headers={"api-key": "k"}
    )
