"""Notes on paths that lack the base of their provider."""

from __future__ import annotations

import pytest

from mockllm.dialects.missing_base_paths import missing_base_path_note

OPENAI = "OpenAI's base URL ends with /v1; a rule with path: /v1/… does not match this request"


@pytest.mark.parametrize(
    ("provider", "path", "note"),
    [
        ("openai", "/chat/completions", OPENAI),
        ("openai", "/v1/chat/completions", None),
        ("openai", "/unknown", None),
        ("anthropic", "/messages", None),
        (None, "/chat/completions", None),
    ],
)
def test_path_without_base_has_a_note(provider: str | None, path: str, note: str | None) -> None:
    assert missing_base_path_note(provider, path) == note
