"""Which of OpenAI's calls a body without a path is sent to."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.calls_of_bodies import is_completions_body, is_embeddings_body, is_responses_body


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ({"model": "gpt-4o", "input": "hi"}, "responses"),
        ({"model": "text-embedding-3-small", "input": "hi"}, "embeddings"),
        ({"model": "m", "input": "hi", "dimensions": 3}, "embeddings"),
        ({"model": "m", "input": "hi", "encoding_format": "float"}, "embeddings"),
        ({"model": 7, "input": "hi"}, "responses"),
        ({"model": "text-embedding-3-small"}, ""),
        ({"prompt": {"id": "pmpt_1"}}, "responses"),
        ({"prompt": "Once"}, "completions"),
        ({"prompt": None}, "completions"),
        ({"messages": []}, ""),
    ],
)
def test_bare_body_is_of_one_call(body: dict[str, Json], calls: str) -> None:
    found = {
        "embeddings": is_embeddings_body(body),
        "responses": is_responses_body(body),
        "completions": is_completions_body(body),
    }
    assert [call for call, is_its_body in found.items() if is_its_body] == calls.split()
