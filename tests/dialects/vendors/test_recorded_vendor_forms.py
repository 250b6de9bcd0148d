"""Members that single vendors send in every recording of 2026: usage, deltas and the ends of streams."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Choice, Finish, Part, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.providers import generating_dialect
from mockllm.dialects.router import RouteMatch, find_route
from tests.dialects.openai.chat.chat_requests import IDENTITY

CALL = ToolCall("f", ("{}",))


def request(**fields: Json) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    return ChatRequest(method="POST", path="/", headers={}, raw=dumps(body))


def body(vendor: str, *parts: Part, **fields: Json) -> Json:
    dialect = generating_dialect(vendor, "chat")
    assert dialect is not None
    (step,) = dialect.encode_body(Reply((Choice(parts),)), request(**fields), IDENTITY).steps
    assert isinstance(step, EventStep)
    return loads(step.payload)


def stream(vendor: str, *parts: Part, **fields: Json) -> list[bytes]:
    dialect = generating_dialect(vendor, "chat")
    assert dialect is not None
    plan = dialect.encode_stream(Reply((Choice(parts),)), request(stream=True, **fields), IDENTITY)
    return [data for data, _ in events(plan)]


def chunks(vendor: str, *parts: Part, **fields: Json) -> list[Json]:
    return [loads(data) for data in stream(vendor, *parts, **fields) if data != b"[DONE]"]


def choices(found: list[Json]) -> list[Json]:
    return [choice for chunk in found for choice in chunk["choices"]]


@pytest.mark.parametrize(
    ("vendor", "member"),
    [("mistral", "service_tier"), ("xai", "cost_in_usd_ticks"), ("together", "cached_tokens")],
)
def test_usage_has_the_vendors_own_member(vendor: str, member: str) -> None:
    assert member in body(vendor, Text(("a",)))["usage"]
    last = next(chunk for chunk in reversed(chunks(vendor, Text(("a",)))) if chunk.get("usage"))
    assert member in last["usage"]


def test_every_mistral_chunk_behind_the_first_is_padded() -> None:
    assert ["p" in chunk for chunk in chunks("mistral", Text(("a", "b")))] == [False, True, True, True]


@pytest.mark.parametrize(("model", "seeded"), [("openai/gpt-oss-120b", True), ("groq/compound", False)])
def test_groq_body_has_a_seed_but_of_compound_models(model: str, seeded: bool) -> None:
    assert ("seed" in body("groq", Thinking(("a",)), model=model)["x_groq"]) is seeded


def test_groq_finish_chunk_has_the_usage() -> None:
    with_usage = chunks("groq", Text(("a",)), stream_options={"include_usage": True})
    assert with_usage[-2]["usage"] == with_usage[-2]["x_groq"]["usage"] == with_usage[-1]["usage"]
    assert with_usage[-1]["service_tier"] == "on_demand"
    assert "usage" in chunks("groq", Text(("a",)))[-1]


def test_xai_call_delta_has_no_content() -> None:
    assert [set(choice["delta"]) for choice in choices(chunks("xai", CALL))] == [
        {"role", "tool_calls"},
        set(),
    ]


def test_together_text_delta_has_no_calls() -> None:
    assert set(choices(chunks("together", Text(("a",))))[0]["delta"]) == {"token_id", "role", "content"}


TOGETHER = "openai/gpt-oss-120b"


def test_together_stream_of_a_newer_model_has_reasoning() -> None:
    found = chunks("together", Thinking(("t",)), Text(("a",)), CALL, model=TOGETHER)
    deltas = [choice["delta"] for choice in choices(found)]
    assert all(delta["role"] == "assistant" and delta["token_id"] is None for delta in deltas)
    assert [delta["reasoning"] for delta in deltas] == [None, "t", None, None, None, None]
    assert [choice["text"] for choice in choices(found)] == ["", "", "a", "", "", ""]
    assert deltas[4]["tool_calls"] == [
        {"id": None, "index": 0, "type": "function", "function": {"name": None, "arguments": "{}"}}
    ]
    assert ["usage" in chunk for chunk in found] == [False, *[True] * 6]
    assert set(found[-1]["usage"]) == {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "reasoning_tokens",
    }


def test_together_body_of_a_newer_model_names_its_weights() -> None:
    found = body("together", Thinking(("t",)), CALL, model=TOGETHER)
    assert found["metadata"] == {"weight_version": "default"}
    assert found["choices"][0]["seed"] is None
    assert found["choices"][0]["message"]["content"] == ""


def test_together_counts_cached_tokens_of_a_newer_model() -> None:
    dialect = generating_dialect("together", "chat")
    assert dialect is not None
    reply = Reply((Choice((Text(("a",)),)),), usage=Usage(4, 3, cache_read=2))
    (step,) = dialect.encode_body(reply, request(model=TOGETHER), IDENTITY).steps
    assert isinstance(step, EventStep)
    assert loads(step.payload)["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}


def test_cerebras_stream_ends_with_usage_and_times() -> None:
    found = chunks("cerebras", Text(("a",)), CALL)
    assert choices(found)[0]["delta"] == {"role": "assistant"}
    assert ["finish_reason" in choice for choice in choices(found)] == [False, False, False, False, True]
    assert [{"usage", "time_info"} <= set(chunk) for chunk in found] == [False, False, False, False, True]
    assert choices(found)[3]["delta"]["tool_calls"][0]["type"] == "function"


def test_cerebras_gemma_counts_tokens_of_images() -> None:
    usage = body("cerebras", Text(("a",)), model="gemma-4-31b")["usage"]
    assert (usage["image_tokens"], usage["completion_tokens_details"]) == (0, {"reasoning_tokens": 0})


def test_cerebras_llama_counts_no_details_of_tokens() -> None:
    usage = body("cerebras", Text(("a",)), model="llama3.1-8b")["usage"]
    assert list(usage) == ["prompt_tokens", "completion_tokens", "total_tokens"]


def test_cerebras_has_probabilities_only_where_requested() -> None:
    assert "logprobs" not in body("cerebras", Text(("a",)))["choices"][0]
    assert body("cerebras", Text(("a",)), logprobs=True)["choices"][0]["logprobs"]["content"]
    assert "content" not in body("cerebras", CALL)["choices"][0]["message"]


def test_perplexity_chunks_have_role_and_usage_and_no_end() -> None:
    found = chunks("perplexity", Text(("a", "b")))
    assert [choice["delta"]["content"] for choice in choices(found)] == ["a", "b", ""]
    assert all(choice["delta"]["role"] == "assistant" for choice in choices(found))
    assert ["finish_reason" in choice for choice in choices(found)] == [False, False, True]
    assert all("usage" in chunk for chunk in found)
    assert stream("perplexity", Text(("a",)))[-1] != b"[DONE]"


def test_zai_chunks_have_role_and_late_finish_reason() -> None:
    found = chunks("zai", Thinking(("t",)), Text(("a",)), CALL)
    assert [set(choice["delta"]) for choice in choices(found)] == [
        {"role", "reasoning_content"},
        {"role", "content"},
        {"tool_calls"},
        {"role", "content"},
    ]
    assert ["finish_reason" in choice for choice in choices(found)] == [False, False, False, True]
    assert not any("request_id" in chunk for chunk in found)


def test_zai_serves_the_base_of_its_coding_plan() -> None:
    match = find_route("POST", "/zai/api/coding/paas/v4/chat/completions", {})
    assert isinstance(match, RouteMatch)
    assert match.dialect is generating_dialect("zai", "chat")


def test_groq_stream_of_calls_alone_opens_with_null() -> None:
    """Recorded in July 2026."""
    opening = [choices(chunks("groq", *parts))[0]["delta"] for parts in ((CALL,), (Text(("a",)), CALL))]
    assert [delta["content"] for delta in opening] == [None, ""]


def test_mistral_streams_calls_in_one_chunk() -> None:
    """Recorded in July and August 2026."""
    found = choices(chunks("mistral", Text(("a",)), CALL, CALL))
    calls = [choice["delta"].get("tool_calls", []) for choice in found]
    assert [[call["index"] for call in each] for each in calls if each] == [[0, 1]]
    assert found[-1]["finish_reason"] is not None


@pytest.mark.parametrize(
    ("parts", "finish", "contents"),
    [
        ((Text(("a", "b")),), "length", ["", "a", "b"]),
        ((Text(("a", "b")),), "stop", ["", "a", "b", ""]),
        ((Text(()),), "length", ["", ""]),
        ((Text(("a",)), CALL), "length", ["", "a", None]),
    ],
    ids=["cut", "whole", "empty", "before a call"],
)
def test_cut_text_of_mistral_ends_with_its_finish_reason(
    parts: tuple[Part, ...], finish: Finish, contents: list[str | None]
) -> None:
    """Recorded in July and August 2026."""
    dialect = generating_dialect("mistral", "chat")
    assert dialect is not None
    plan = dialect.encode_stream(Reply((Choice(parts, finish),)), request(stream=True), IDENTITY)
    found = choices([loads(data) for data, _ in events(plan) if data != b"[DONE]"])
    assert [choice["delta"].get("content") for choice in found] == contents
    assert [choice["finish_reason"] for choice in found] == [None] * (len(found) - 1) + [finish]


def test_perplexity_counts_the_cost_in_the_last_chunk() -> None:
    """Recorded in July and August 2026."""
    costs = [chunk["usage"]["cost"] for chunk in chunks("perplexity", Text(("a",)))]
    assert ["request_cost" in cost for cost in costs] == [False, True]


def test_deepseek_has_probabilities_of_its_reasoning() -> None:
    """Recorded in August 2026."""
    parts, wanted = (Thinking(("t",)), Text(("a",))), {"logprobs": True, "top_logprobs": 2}
    lists = body("deepseek", *parts, **wanted)["choices"][0]["logprobs"]
    assert {name: [token["token"] for token in tokens] for name, tokens in lists.items()} == {
        "content": ["a"],
        "reasoning_content": ["t"],
    }
    assert list(body("deepseek", Text(("a",)), **wanted)["choices"][0]["logprobs"]) == ["content"]
    assert body("deepseek", CALL, **wanted)["choices"][0]["logprobs"] is None
    streamed = choices(chunks("deepseek", *parts, CALL, **wanted))
    sent = [choice["logprobs"] for choice in streamed if choice["logprobs"]]
    assert sent == [{"reasoning_content": lists["reasoning_content"]}, {"content": lists["content"]}]
