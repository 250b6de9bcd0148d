"""Own responses to long texts, and prompts of many blocks: deferred, and the same bytes."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.engine import Engine, PlannedResponse
from mockllm.engine.engine_request import EngineRequest
from tests.engine.test_deferred_response import body, chat, deferred
from tests.language.virtual_server import VirtualServer


def _embedded(text: str) -> dict[str, Any]:
    return {"texts": [text], "input_type": "search_document"}


def _compared(sentence: str, count: int) -> dict[str, Any]:
    return {"inputs": {"source_sentence": "a", "sentences": [sentence] * count}}


@pytest.mark.parametrize(
    ("path", "short", "long"),
    [
        ("/vllm/tokenize", {"prompt": "a b "}, {"prompt": "a b " * 20_001}),
        (
            "/v1/moderations",
            {"input": "kill"},
            {"input": ["I would not kill it, and I would not eat it."] * 2_048},
        ),
        (
            "/mistral/v1/moderations",
            {"input": "kill"},
            {"input": ["I would not kill it, and I would not eat it."] * 2_048},
        ),
        ("/api/embed", {"input": "a"}, {"input": "a b " * 50_000}),
        ("/cohere/v2/embed", _embedded("a"), _embedded("a b " * 25_000)),
        (
            "/cohere/v2/rerank",
            {"query": "a", "documents": ["b"]},
            {"query": "a", "documents": ["a b " * 50_000]},
        ),
        ("/huggingface/similarity", _compared("a", 2), _compared("a", 20)),
        ("/huggingface/similarity", _compared("a", 2), _compared("a b " * 25_000, 2)),
        ("/huggingface/rerank", {"query": "a", "texts": ["a"]}, {"query": "a", "texts": ["a b "] * 20}),
    ],
)
def test_own_response_to_long_texts_is_deferred(path: str, short: Any, long: Any) -> None:
    at_once, later = (VirtualServer("validation: off\nrules: []").engine for _ in range(2))
    for own in (at_once, later):
        assert isinstance(own.begin_response(chat(own, path, **short)), PlannedResponse)
    expected = at_once.respond(chat(at_once, path, **long))
    assert body(deferred(later, chat(later, path, **long))) == body(expected)


def test_lookup_of_many_blocks_in_prompt_cache_is_deferred() -> None:
    cached = {"reply": "hello", "cache": True}
    at_once, later = (VirtualServer(dumps({"rules": [cached]}).decode()).engine for _ in range(2))

    def sent(engine: Engine, count: int) -> EngineRequest:
        block = {"type": "text", "text": "one of many blocks"}
        last = {**block, "cache_control": {"type": "ephemeral"}}
        messages = [{"role": "user", "content": [*[block] * count, last]}]
        body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages}
        return engine.read("POST", "/v1/messages", "", {}, dumps(body), "", 0.0)

    for own in (at_once, later):
        assert isinstance(own.begin_response(sent(own, 500)), PlannedResponse)
    for _ in range(2):
        expected = at_once.respond(sent(at_once, 2_500))
        assert body(deferred(later, sent(later, 2_500))) == body(expected)
