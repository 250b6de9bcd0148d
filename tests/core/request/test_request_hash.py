"""The request's hash: the same for the same question, however it is written."""

from __future__ import annotations

import pytest

from mockllm.core.request.request_keys import (
    cached_older_hash,
    hash_input_json,
    hash_of,
    older_hash,
    request_hash,
)
from tests.core.json_requests import json_request

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def test_request_hash_is_stable_across_releases() -> None:
    assert (
        request_hash(json_request(BODY)) == "567513c5d9c94ac4cb1e8ddf89398fbc8d6a4778bc96ef96b244cdd7469fd37e"
    )


@pytest.mark.parametrize(
    "other",
    [
        json_request({"messages": BODY["messages"], "model": "gpt-4o"}),
        json_request({**BODY, "user": "u-1", "metadata": {"run": "7"}, "safety_identifier": "s", "seed": 3}),
        json_request({**BODY, "prompt_cache_key": "k", "previous_response_id": "resp_1"}),
        json_request(BODY, headers={"x-run": "1"}, session="s", query_string="trace=1"),
    ],
    ids=["keys in another order", "who asks", "what came before", "transport"],
)
def test_request_hash_is_equal_for_equal_requests(other: object) -> None:
    assert request_hash(other) == request_hash(json_request(BODY))  # type: ignore[arg-type]


def test_request_hash_differs_for_different_requests() -> None:
    requests = [
        json_request(BODY),
        json_request({**BODY, "model": "gpt-4"}),
        json_request({**BODY, "temperature": 0}),
        json_request(BODY, path="/v1/other"),
        json_request(BODY, method="PUT"),
        json_request(BODY, provider="azure"),
        json_request(BODY, query_string="alt=sse"),
        json_request(None),
        json_request(raw=b"not JSON"),
        json_request(raw=b"nor this"),
        json_request([1]),
        json_request(raw=b"null"),
    ]
    assert len({request_hash(request) for request in requests}) == len(requests)


def test_request_hash_never_raises() -> None:
    deep = b"[" * 600 + b"]" * 600
    assert request_hash(json_request(raw=deep)) != request_hash(json_request(raw=b"[" + deep + b"]"))
    assert request_hash(json_request(BODY, path="/a\udcff")) != request_hash(json_request(BODY, path="/a"))


POEM = {
    "model": "gpt-4o-mini",
    "messages": [
        {
            "role": "system",
            "content": "You are a poetic assistant, skilled in explaining complex programming concepts with "
            "creative flair.",
        },
        {
            "role": "user",
            "content": "Compose a poem that explains the concept of recursion in programming.",
        },
    ],
    "stream": True,
}


def test_older_hash_covers_body_and_provider() -> None:
    expected = "daa5badeb5cfabcb85b36bb0d6d8daa2a63536329f3c48e654137a6b3dc8c3d6"
    assert older_hash(json_request(POEM, provider="azure")) == expected
    assert (
        older_hash(json_request(dict(reversed(POEM.items())), provider="azure", path="/elsewhere"))
        == expected
    )
    assert older_hash(json_request(POEM)) != expected


def test_older_hash_of_other_body_is_none() -> None:
    assert older_hash(json_request([1])) is None
    assert older_hash(json_request(raw=b"not JSON")) is None
    assert older_hash(json_request(raw=b'{"a": ' + b"[" * 600 + b"]" * 600 + b"}")) is None


def test_request_hash_leaves_out_volatile_fields() -> None:
    request, other = json_request({**BODY, "run": 1}), json_request({**BODY, "run": 2})
    assert request_hash(request) != request_hash(other)
    request.volatile = other.volatile = frozenset({"run"})
    assert request_hash(request) == request_hash(other) == request_hash(json_request(BODY))


def test_cached_hash_is_computed_once_on_demand() -> None:
    request = json_request(BODY)
    assert request.computed_hash is None
    assert hash_of(request) == request_hash(request) == request.computed_hash
    assert hash_of(request) is hash_of(request)
    assert cached_older_hash(request) == older_hash(request)
    assert cached_older_hash(request) is cached_older_hash(request)


def test_hash_input_json_is_redacted() -> None:
    key = "sk-" + "a1" * 20
    body = b'{"model": "m", "api_key": "hidden", "text": "use %b now"}' % key.encode()
    request = json_request(raw=body, headers={"authorization": f"Bearer {key}"})
    assert hash_input_json(request).endswith(
        '"body":{"model":"m","api_key":"REDACTED","text":"use REDACTED now"}}'
    )
    deep = b"[" * 600 + b"]" * 600
    assert '"body"' not in hash_input_json(json_request(raw=deep))
