"""The request's hash: the same for the same question, however it is written."""

from __future__ import annotations

import pytest

from mockllm.core.hash import request_hash
from tests.core.asking import ask

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def test_it_is_stable_across_releases() -> None:
    assert request_hash(ask(BODY)) == "567513c5d9c94ac4cb1e8ddf89398fbc8d6a4778bc96ef96b244cdd7469fd37e"


@pytest.mark.parametrize(
    "other",
    [
        ask({"messages": BODY["messages"], "model": "gpt-4o"}),
        ask({**BODY, "user": "u-1", "metadata": {"run": "7"}, "safety_identifier": "s", "seed": 3}),
        ask({**BODY, "prompt_cache_key": "k", "previous_response_id": "resp_1"}),
        ask(BODY, headers={"x-run": "1"}, session="s", query_string="trace=1"),
    ],
    ids=["keys in another order", "who asks", "what came before", "transport"],
)
def test_the_same_question_has_the_same_hash(other: object) -> None:
    assert request_hash(other) == request_hash(ask(BODY))  # type: ignore[arg-type]


def test_different_questions_have_different_hashes() -> None:
    asked = [
        ask(BODY),
        ask({**BODY, "model": "gpt-4"}),
        ask({**BODY, "temperature": 0}),
        ask(BODY, path="/v1/other"),
        ask(BODY, method="PUT"),
        ask(BODY, provider="azure"),
        ask(BODY, query_string="alt=sse"),
        ask(None),
        ask(raw=b"not JSON"),
        ask(raw=b"nor this"),
        ask([1]),
        ask(raw=b"null"),
    ]
    assert len({request_hash(request) for request in asked}) == len(asked)


def test_it_never_raises() -> None:
    deep = b"[" * 600 + b"]" * 600
    assert request_hash(ask(raw=deep)) != request_hash(ask(raw=b"[" + deep + b"]"))
    assert request_hash(ask(BODY, path="/a\udcff")) != request_hash(ask(BODY, path="/a"))
