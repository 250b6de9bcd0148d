"""Which models each provider is known to have."""

from __future__ import annotations

import pytest

from mockllm.dialects.provider_facts import PROVIDERS, is_known_model


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("openai", "gpt-4o-2024-08-06"),
        ("openai", "text-embedding-3-large"),
        ("openai", "gpt-3.5-turbo-instruct"),
        ("openai", "omni-moderation-latest"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("anthropic", "claude-haiku-4-5"),
        ("anthropic", "claude-opus-5-5"),
        ("gemini", "gemini-2.5-flash"),
        ("gemini", "gemini-embedding-001"),
        ("vertex", "gemini-2.5-flash"),
        ("vertex", "claude-haiku-4-5@20251001"),
        ("groq", "llama-3.3-70b-versatile"),
    ],
)
def test_knows_model_of_provider(provider: str, model: str) -> None:
    assert is_known_model(provider, model)


@pytest.mark.parametrize("provider", [*sorted(PROVIDERS), None])
def test_knows_no_invented_model(provider: str | None) -> None:
    assert not is_known_model(provider, "no-such-model")
    assert not is_known_model(provider, "")


def test_each_has_its_own() -> None:
    assert not is_known_model("openai", "claude-haiku-4-5")
    assert not is_known_model("anthropic", "claude-haiku-4-5@20251001")
    assert not is_known_model("azure", "gpt-4o")
