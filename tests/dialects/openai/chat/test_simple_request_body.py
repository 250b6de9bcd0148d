"""Bodies that the check of a chat request accepts at once: the whole check accepts each of them, too."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.openai.chat import check
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.chat.simple_request_body import simple_request_body

ODD: list[Json] = [None, 0, -1, 1, 1.5, 2, 3, 1e9, True, False, "", "x", [], {}, [None], 10_000_000]
MODELS = (
    "gpt-4o",
    "o1-mini",
    "o1",
    "o3-mini",
    "o4-mini",
    "gpt-5",
    "gpt-5.1",
    "gpt-5.6-luna",
    "gpt-5-chat-latest",
    "claude",
    "",
)
ROLES = ("user", "assistant", "system", "developer", "tool", "function", "robot")


def value(random: Random, *usual: Json) -> Json:
    return random.choice(usual if random.random() < 0.9 else ODD)


def message(random: Random) -> Json:
    members = {"role": value(random, *ROLES[:4]), "content": value(random, "Hello.")}
    if random.random() < 0.05:
        members["role"] = random.choice(ROLES)
    if random.random() < 0.05:
        members["name"] = "ann"
    return members


def body(random: Random) -> dict[str, Json]:
    fields: dict[str, Json] = {
        "model": value(random, *MODELS),
        "messages": value(random, [message(random) for _ in range(random.choice([1, 1, 2, 3, 9, 0]))]),
    }
    optional: dict[str, Json] = {
        "stream": value(random, True, False),
        "temperature": value(random, 0, 1, 0.7, 2),
        "top_p": value(random, 0, 1, 0.5),
        "max_tokens": value(random, 1, 500),
        "metadata": value(random, {}, {"a": "b"}, {"a": 1}, {"a": "b" * 513}),
        "seed": value(random, 1),
        "messages_": [],
    }
    return fields | {name: each for name, each in optional.items() if random.random() < 0.3}


def read(body: dict[str, Json]) -> ChatRequest:
    path = "/v1/chat/completions"
    return ChatRequest(method="POST", path=path, headers={}, raw=dumps(body), provider="openai")


def test_plain_bodies_pass_the_whole_check(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(1)
    bodies = [body(random) for _ in range(20_000)]
    plain = [each for each in bodies if simple_request_body(each) is not None]
    assert len(plain) > 1_000
    assert {name for each in plain for name in each} == {
        "model", "messages", "stream", "temperature", "top_p", "max_tokens", "metadata",
    }  # fmt: skip
    monkeypatch.setattr(ChatRequest, "simple_body", None)
    for each in plain:
        assert check.check(read(each)) is None, each


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_are_plain_where_the_model_has_their_role(role: str) -> None:
    messages: Json = [{"role": role, "content": "Be brief."}, {"role": "user", "content": "Hi."}]
    assert simple_request_body({"model": "gpt-4o", "messages": messages})
    assert simple_request_body({"model": "gpt-4o", "messages": messages, "temperature": 0})
    assert simple_request_body({"model": "o1-mini", "messages": messages}) is None


@pytest.mark.parametrize("count", [0, 9])
def test_body_with_no_or_many_messages_is_not_plain(count: int) -> None:
    messages: Json = [{"role": "user", "content": "Hi."}] * count
    assert simple_request_body({"model": "gpt-4o", "messages": messages}) is None
