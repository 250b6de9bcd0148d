"""Chat at OpenRouter: the members of its chunks, the chunk with the usage, and the reasoning of each maker."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Choice, Part, Refusal, Reply, Text, Thinking, ToolCall
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.providers import generating_dialect
from tests.dialects.openai.chat.chat_requests import IDENTITY


def request(model: str, *, stream: bool) -> ChatRequest:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    return ChatRequest(method="POST", path="/", headers={}, raw=dumps(body))


def chunks(model: str, *parts: Part, unfinished: bool = False) -> list[Json]:
    dialect = generating_dialect("openrouter", "chat")
    assert dialect is not None
    reply = Reply((Choice(parts),), unfinished=unfinished)
    plan = dialect.encode_stream(reply, request(model, stream=True), IDENTITY)
    return [loads(data) for data, _ in events(plan) if data != b"[DONE]"]


def body(model: str, *parts: Part, **extras: Json) -> Json:
    dialect = generating_dialect("openrouter", "chat")
    assert dialect is not None
    reply = Reply((Choice(parts),), extras={"openai": extras})
    (step,) = dialect.encode_body(reply, request(model, stream=False), IDENTITY).steps
    assert isinstance(step, EventStep)
    return loads(step.payload)


def deltas(found: list[Json]) -> list[Json]:
    return [chunk["choices"][0]["delta"] for chunk in found]


@pytest.mark.parametrize("model", ["openai/gpt-4o", "google/gemini-2.5-flash", "moonshotai/kimi-k2", "mine"])
def test_stream_ends_with_a_second_finish_chunk_with_the_usage(model: str) -> None:
    found = chunks(model, Text(("a", "b")))
    assert [delta["content"] for delta in deltas(found)] == ["a", "b", "", ""]
    assert [chunk["choices"][0]["finish_reason"] for chunk in found] == [None, None, "stop", "stop"]
    assert [("usage" in chunk, "service_tier" in chunk) for chunk in found[-2:]] == [
        (False, False),
        (True, True),
    ]


def test_usage_chunk_of_a_cut_stream_has_no_finish_reason() -> None:
    assert chunks("openai/gpt-4o", Text(("a",)), unfinished=True)[-1]["choices"][0]["finish_reason"] is None


def test_gpt_4o_has_a_fingerprint_and_no_tier() -> None:
    for model, tier in (("openai/gpt-4o-mini", None), ("openai/gpt-4.1-mini", "default")):
        found = chunks(model, Text(("a", "b")))
        assert [("system_fingerprint" in chunk) for chunk in found] == [tier is None] * len(found)
        assert found[-1]["service_tier"] == tier
        assert body(model, Text(("a",)))["service_tier"] == tier


def test_chunks_have_neither_fingerprint_nor_logprobs() -> None:
    first = chunks("openai/gpt-5-mini", Text(("a",)))[0]
    assert set(first) == {"id", "object", "created", "model", "provider", "choices"}
    assert set(first["choices"][0]) == {"index", "delta", "finish_reason", "native_finish_reason"}


def test_call_is_the_first_chunk_of_a_stream() -> None:
    first = deltas(chunks("moonshotai/kimi-k2", ToolCall("f", ("{", "}"), "0")))[0]
    assert (first["content"], first["tool_calls"][0]["id"]) == (None, "0")


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("openai/gpt-4.1-mini", ["", "", "{", "}"]),
        ("anthropic/claude-haiku-4.5", ["", "", "{", "}"]),
        ("google/gemini-2.5-flash", ["", "{", "}"]),
    ],
)
def test_calls_of_some_makers_start_with_empty_arguments_twice(model: str, arguments: list[str]) -> None:
    first, *rest = (
        delta["tool_calls"][0]
        for delta in deltas(chunks(model, Text(("a",)), ToolCall("f", ("{", "}"))))
        if "tool_calls" in delta
    )
    assert [call["function"]["arguments"] for call in (first, *rest)] == arguments
    assert {tuple(call) for call in rest} == {("index", "function")}


def test_second_call_of_a_stream_has_its_number_in_each_chunk() -> None:
    found = deltas(chunks("openai/gpt-4o", ToolCall("f", ("{}",)), ToolCall("g", ("{}",))))
    assert [delta["tool_calls"][0]["index"] for delta in found if "tool_calls" in delta] == [0, 0, 0, 1, 1, 1]


def test_chunks_of_a_refusal_have_the_role_and_no_content() -> None:
    found = deltas(chunks("openai/gpt-4o", Refusal(("No", "."))))
    assert found[:2] == [{"content": "", "role": "assistant", "refusal": chunk} for chunk in ("No", ".")]


@pytest.mark.parametrize(
    ("model", "members"),
    [
        ("anthropic/claude-haiku-4.5", [["type", "format", "index", "signature", "text"]]),
        ("google/gemini-3", [["type", "text", "format", "index"], ["type", "format", "index", "id", "data"]]),
        ("openai/gpt-5", [["type", "summary", "format", "index"], ["type", "format", "index", "id", "data"]]),
        ("openai/gpt-oss-120b", [["type", "text", "format", "index"]]),
    ],
)
def test_reasoning_details_follow_the_maker(model: str, members: list[list[str]]) -> None:
    message = body(model, Thinking(("think",)), Text(("a",)))["choices"][0]["message"]
    assert message["reasoning"] == "think"
    assert [list(detail) for detail in message["reasoning_details"]] == members


@pytest.mark.parametrize(
    ("model", "sealed"),
    [
        ("anthropic/claude-haiku-4.5", {"content", "role", "reasoning_details"}),
        ("x-ai/grok-4", {"content", "role", "reasoning", "reasoning_details"}),
    ],
)
def test_streamed_reasoning_ends_with_its_sealed_detail(model: str, sealed: set[str]) -> None:
    thought, seal, text, finish, last = deltas(chunks(model, Thinking(("think",)), Text(("a",))))
    assert (thought["reasoning"], set(seal)) == ("think", sealed)
    assert set(text) == {"content", "role"}
    assert (finish["reasoning"], "reasoning" in last) == (None, False)


def test_streamed_reasoning_without_seal_has_no_further_chunk() -> None:
    thought, finish, _ = deltas(chunks("z-ai/glm-5", Thinking(("think",))))
    assert (thought["reasoning_details"][0]["format"], finish["content"]) == ("unknown", "")


@pytest.mark.parametrize(
    ("model", "provider", "tier"),
    [
        ("anthropic/claude-haiku-4.5", "Amazon Bedrock", None),
        ("google/gemini-2.5-flash", "Google", "default"),
        ("openai/gpt-5.2", "OpenAI", "default"),
    ],
)
def test_body_names_the_provider_and_the_tier_of_the_maker(
    model: str, provider: str, tier: str | None
) -> None:
    found = body(model, Text(("a",)))
    assert (found["provider"], found["service_tier"], found["system_fingerprint"]) == (provider, tier, None)


def test_body_of_gpt_4o_has_a_fingerprint() -> None:
    assert body("openai/gpt-4o-mini", Text(("a",)))["system_fingerprint"].startswith("fp_")


def test_extras_replace_the_members_of_the_maker() -> None:
    found = body("openai/gpt-4o", Text(("a",)), provider="mine", service_tier="flex")
    assert (found["provider"], found["service_tier"]) == ("mine", "flex")


def test_content_beside_calls_alone_is_null() -> None:
    assert body("openai/gpt-4o", ToolCall("f", ("{}",)))["choices"][0]["message"]["content"] is None


def failed_chunk(model: str, failure: Failure, **extras: Json) -> Json:
    """Return the chunk with an error that ends a stream."""
    dialect = generating_dialect("openrouter", "chat")
    assert dialect is not None
    reply = Reply((Choice((Text(("a",)),)),), extras={"openai": extras}, failure=failure)
    plan = dialect.encode_stream(reply, request(model, stream=True), IDENTITY)
    return loads([data for data, _ in events(plan)][-1])


@pytest.mark.parametrize(
    ("model", "extras", "provider"),
    [
        ("anthropic/claude-haiku-4.5", {}, "Amazon Bedrock"),
        ("openai/gpt-4o", {}, "OpenAI"),
        ("mine", {"provider": "Mine"}, "Mine"),
    ],
)
def test_error_in_a_stream_names_one_provider(model: str, extras: dict[str, Json], provider: str) -> None:
    found = failed_chunk(model, Failure("overloaded"), **extras)
    assert (found["provider"], found["error"]["metadata"]["provider_name"]) == (provider, provider)


def test_error_in_a_stream_has_the_metadata_of_a_rule() -> None:
    own = Failure("overloaded", fields={"metadata": {"provider_name": "Own"}})
    assert failed_chunk("z-ai/glm-5", own)["error"]["metadata"] == {"provider_name": "Own"}
    assert "metadata" not in failed_chunk("z-ai/glm-5", Failure("bad_request"))["error"]
