"""Prompt caches of Gemini, Vertex AI, Bedrock and vendors: the same prompt twice, and the counts in their fields."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.tokens import estimate
from tests.engine.prompt_cache_clients import SENTENCE, CachingClient, block, words

LONG = words(300)
TOKENS = estimate(LONG)
POINT = {"cachePoint": {"type": "default"}}
VERTEX = "/v1/projects/p/locations/us-central1/publishers"


def converse(text: str, ttl: str | None = None) -> dict[str, Any]:
    point = {"cachePoint": {"type": "default", **({} if ttl is None else {"ttl": ttl})}}
    return {
        "system": [{"text": text}, point],
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
    }


def contents(*texts: str, system: str = LONG) -> dict[str, Any]:
    roles = ("user", "model")
    return {
        "systemInstruction": {"parts": [{"text": system}]},
        "contents": [{"role": roles[n % 2], "parts": [{"text": text}]} for n, text in enumerate(texts)],
    }


def usages(path: str, *bodies: Any, headers: Any = None, at: float = 0.0) -> list[Any]:
    client = CachingClient()
    answers = [client.post(path, body, n * at, headers=headers).json for n, body in enumerate(bodies)]
    return [answer.get("usage") or answer["usageMetadata"] for answer in answers]


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("gemini-2.5-flash", 1024),
        ("gemini-2.5-pro", 4096),
        ("gemini-3-flash-preview", 1024),
        ("gemini-3-pro-preview", 4096),
    ],
)
def test_gemini_reads_from_the_minimum_on(model: str, minimum: int) -> None:
    path = f"/v1beta/models/{model}:generateContent"
    for sentences, hit in ((minimum // 9 - 10, False), (minimum // 9 + 10, True)):
        bodies = [contents(text, system=words(sentences)) for text in ("one", "two")]
        first, second = usages(path, *bodies, headers={"x-goog-api-key": "k"})
        assert "cachedContentTokenCount" not in first
        assert ("cachedContentTokenCount" in second) is hit
    assert minimum <= second["cachedContentTokenCount"] < second["promptTokenCount"]
    assert second["cacheTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": second["cachedContentTokenCount"]}
    ]


def test_gemini_reads_more_with_each_turn() -> None:
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    texts = [words(20, f"{n} ") for n in range(5)]
    bodies = [contents(*texts[:end]) for end in (1, 3, 5)]
    counts = [usage.get("cachedContentTokenCount", 0) for usage in usages(path, *bodies)]
    assert counts[0] == 0
    assert counts[1] < counts[2]


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "gemini-1.5-pro"])
def test_older_gemini_has_no_implicit_cache(model: str) -> None:
    path = f"/v1beta/models/{model}:generateContent"
    assert "cachedContentTokenCount" not in usages(path, contents("a"), contents("a"))[1]


def test_changed_tools_of_gemini_miss() -> None:
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    tools = {"tools": [{"functionDeclarations": [{"name": "look", "description": "Looks."}]}]}
    same, other = usages(path, contents("a"), contents("a"), contents("a") | tools)[1:]
    assert "cachedContentTokenCount" in same
    assert "cachedContentTokenCount" not in other


def test_vertex_caches_gemini_and_claude() -> None:
    gemini = usages(f"{VERTEX}/google/models/gemini-2.5-flash:generateContent", contents("a"), contents("b"))
    assert gemini[1]["cachedContentTokenCount"] >= 1024
    body = {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 9,
        "system": [block(LONG)],
        "messages": [{"role": "user", "content": "hi"}],
    }
    claude = usages(f"{VERTEX}/anthropic/models/claude-sonnet-4-5@20250929:rawPredict", body, body)
    assert claude[0]["cache_creation_input_tokens"] == claude[1]["cache_read_input_tokens"] > 1024


def test_converse_writes_and_then_reads_up_to_a_cache_point() -> None:
    """Recorded of Claude Haiku 4.5: 7,351 tokens written and then read, 10 beside them."""
    path = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
    text = words(817)
    first, second = usages(path, converse(text), converse(text))
    written = first["cacheWriteInputTokens"]
    assert abs(written - 7351) < 30
    assert first["cacheDetails"] == [{"inputTokens": written, "ttl": "5m"}]
    assert first["inputTokens"] <= 10
    assert (second["cacheReadInputTokens"], second["cacheWriteInputTokens"]) == (written, 0)
    assert first["totalTokens"] == second["totalTokens"]


def test_converse_writes_for_an_hour() -> None:
    path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    first, second = usages(path, converse(LONG, "1h"), converse(LONG, "1h"), at=3000.0)
    assert first["cacheDetails"] == [{"inputTokens": first["cacheWriteInputTokens"], "ttl": "1h"}]
    assert second["cacheReadInputTokens"] > 0


def test_converse_without_cache_point_reports_zero() -> None:
    path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    body = {"system": [{"text": LONG}], "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    assert [usage["cacheReadInputTokens"] for usage in usages(path, body, body)] == [0, 0]


@pytest.mark.parametrize("place", ["tools", "message", "nova"])
def test_cache_points_of_converse(place: str) -> None:
    model = "amazon.nova-pro-v1%3A0" if place == "nova" else "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0"
    spec = {"name": "look", "description": LONG, "inputSchema": {"json": {"type": "object"}}}
    body: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    if place == "tools":
        body["toolConfig"] = {"tools": [{"toolSpec": spec}, POINT]}
    else:
        body["messages"][0]["content"] = [{"text": LONG}, POINT, {"text": "hi"}]
    client = CachingClient()
    path = f"/model/{model}/converse"
    counts = [client.post(path, body).json["usage"] for _ in range(2)]
    assert counts[1]["cacheReadInputTokens"] == counts[0]["cacheWriteInputTokens"] > 1000


def test_models_of_bedrock_without_a_cache_count_nothing() -> None:
    path = "/model/meta.llama3-8b-instruct-v1%3A0/converse"
    assert all("cacheReadInputTokens" not in usage for usage in usages(path, converse(LONG), converse(LONG)))


def test_invoke_counts_as_claude_does() -> None:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "system": [block(LONG)],
        "messages": [{"role": "user", "content": "hi"}],
    }
    path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"
    first, second = usages(path, body, body)
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] > 1024


def openai_count(usage: Any) -> int:
    count: int = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    return count


@pytest.mark.parametrize(
    ("path", "model", "step"),
    [
        ("/deepseek/chat/completions", "deepseek-chat", 128),
        ("/mistral/v1/chat/completions", "mistral-small-latest", 64),
        ("/xai/v1/chat/completions", "grok-4", 64),
        ("/groq/openai/v1/chat/completions", "openai/gpt-oss-20b", 128),
        ("/cerebras/v1/chat/completions", "gpt-oss-120b", 128),
        ("/openrouter/api/v1/chat/completions", "openai/gpt-4o", 128),
        ("/openrouter/api/v1/chat/completions", "deepseek/deepseek-chat", 128),
    ],
)
@pytest.mark.parametrize("sentences", [130, 300])
def test_vendor_reads_in_its_steps(path: str, model: str, step: int, sentences: int) -> None:
    def body(text: str) -> dict[str, Any]:
        system = {"role": "system", "content": words(sentences)}
        return {"model": model, "messages": [system, {"role": "user", "content": text}]}

    first, second = usages(path, body("one"), body("two"))
    assert openai_count(first) == 0
    assert estimate(SENTENCE * sentences) - 2 * step < openai_count(second) < second["prompt_tokens"]
    assert openai_count(second) % step == 0


@pytest.mark.parametrize(("prompt", "hit"), [(976, 896), (563, 512), (496, 384), (376, 256), (189, 128)])
def test_deepseek_counts_hits_and_misses(prompt: int, hit: int) -> None:
    """Recorded: these tokens of these prompts were hits, all multiples of 128."""
    shared, rest = words(hit // 9 + 2), max(prompt - hit, 20)

    def body(text: str) -> dict[str, Any]:
        padding = "x" * 1024  # a body of fewer bytes is not looked up
        system = {"role": "system", "content": shared}
        turns = [system, {"role": "user", "content": text + words(rest // 9)}]
        return {"model": "deepseek-chat", "messages": turns, "user": padding}

    usage = usages("/deepseek/chat/completions", body("one"), body("two"))[1]
    assert usage["prompt_cache_hit_tokens"] % 128 == 0
    assert abs(usage["prompt_cache_hit_tokens"] - hit) <= 128
    assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == usage["prompt_cache_hit_tokens"]


def test_openrouter_counts_the_writes_of_gpt_5_6() -> None:
    body = {"model": "openai/gpt-5.6-sol", "messages": [{"role": "user", "content": words(440)}]}
    first, second = usages("/openrouter/api/v1/chat/completions", body, body)
    written = first["prompt_tokens_details"]["cache_write_tokens"]
    assert first["prompt_tokens"] - 8 <= written < first["prompt_tokens"]
    assert openai_count(second) == written


@pytest.mark.parametrize("path", ["/together/v1/chat/completions", "/openrouter/api/v1/chat/completions"])
def test_vendors_whose_cache_is_unknown_count_nothing(path: str) -> None:
    body = {"model": "qwen/qwen3", "messages": [{"role": "user", "content": LONG}]}
    assert openai_count(usages(path, body, body)[1]) == 0


def test_cached_content_of_gemini_is_counted_by_itself() -> None:
    client = CachingClient()
    held = {"model": "models/gemini-2.5-flash", "contents": contents(LONG)["contents"]}
    name = client.post("/v1beta/cachedContents", held).json["name"]
    body = {"cachedContent": name, "contents": contents(words(300, "now "))["contents"]}
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    counts = [client.post(path, body).json["usageMetadata"]["cachedContentTokenCount"] for _ in range(2)]
    assert counts[0] == counts[1] > 1024
