"""The probabilities of tokens in generateContent, where a request includes them."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai.types import LogprobsResult

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice, Part, Refusal, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.gemini.generate import GENERATE
from mockllm.dialects.gemini.generate_request import GenerateRequest
from tests.dialects.gemini.generate_requests import IDENTITY, VERTEX, generate, objects_of


def requesting(top: Json = None, *, stream: bool = False, **more: Any) -> GenerateRequest:
    config: dict[str, Json] = {"responseLogprobs": True} | ({} if top is None else {"logprobs": top})
    return generate(stream=stream, query="alt=sse" if stream else "", generationConfig=config, **more)


def candidates(request: GenerateRequest, *parts: Part, choices: int = 1) -> list[Any]:
    reply = Reply((Choice(parts),) * choices, Usage(5, 9))
    encode = GENERATE.encode_stream if request.stream else GENERATE.encode_body
    plan = encode(GENERATE.supported_reply(reply, request), request, IDENTITY)
    return [candidate for body in objects_of(plan) for candidate in body["candidates"]]


def chosen(candidate: Any) -> list[str]:
    return [entry["token"] for entry in candidate["logprobsResult"]["chosenCandidates"]]


@pytest.mark.parametrize("base", ["/v1beta", VERTEX])
@pytest.mark.parametrize("model", ["gemini-3.5-flash", "gemini-2.0-flash"])
def test_body_has_each_token_and_their_average(base: str, model: str) -> None:
    (candidate,) = candidates(requesting(base=base, model=model), Text(("Hello wor", "ld.")))
    result = candidate["logprobsResult"]
    assert list(result) == ["chosenCandidates"]
    assert chosen(candidate) == ["Hello", " world", "."]
    entries = result["chosenCandidates"]
    assert all(list(entry) == ["token", "tokenId", "logProbability"] for entry in entries)
    assert all(entry["tokenId"] > 0 and entry["logProbability"] < 0 for entry in entries)
    average = sum(entry["logProbability"] for entry in entries) / 3
    assert candidate["avgLogprobs"] == pytest.approx(average)


def test_alternatives_are_as_many_as_requested() -> None:
    request = requesting(2)
    (candidate,) = candidates(request, Text(("Hi there",)))
    result = candidate["logprobsResult"]
    tops = [entry["candidates"] for entry in result["topCandidates"]]
    assert [len(top) for top in tops] == [2, 2]
    assert [top[0] for top in tops] == result["chosenCandidates"]
    assert LogprobsResult.model_validate(result, strict=True).top_candidates


@pytest.mark.parametrize(
    ("top", "expected"), [(99, 20), (-1, None), ("2", 2), (2.0, 2), ("x", None), (0, None)]
)
def test_alternatives_have_a_maximum(top: Json, expected: int | None) -> None:
    (candidate,) = candidates(requesting(top), Text(("Hi",)))
    tops = candidate["logprobsResult"].get("topCandidates")
    assert (tops and len(tops[0]["candidates"])) == expected


@pytest.mark.parametrize(
    "config", [{}, {"logprobs": 2}, {"responseLogprobs": False}, {"responseLogprobs": 1, "logprobs": 2}]
)
@pytest.mark.parametrize("stream", [False, True])
def test_others_have_no_probabilities(config: dict[str, Json], *, stream: bool) -> None:
    request = generate(stream=stream, query="alt=sse" * stream, generationConfig=config)
    for candidate in candidates(request, Text(("Hi",))):
        assert not candidate.keys() & {"avgLogprobs", "logprobsResult"}


def test_only_what_is_sent_as_text_has_probabilities() -> None:
    (candidate,) = candidates(requesting(), Thinking(("Hm.",)), Text(("Well",)), Refusal((" no",)))
    assert chosen(candidate) == ["Well", " no"]
    (candidate,) = candidates(requesting(), ToolCall("look", ("{}",)))
    assert not candidate.keys() & {"avgLogprobs", "logprobsResult"}


def test_calls_alone_have_the_average_that_the_family_always_has() -> None:
    (candidate,) = candidates(requesting(model="gemini-2.0-flash"), ToolCall("look", ("{}",)))
    assert "avgLogprobs" in candidate
    assert "logprobsResult" not in candidate


def test_stream_has_the_tokens_of_each_chunk() -> None:
    parts = (Thinking(("Hm.",)), Text(("Hello", " there you")), ToolCall("look", ("{}",)))
    sent = candidates(requesting(1, stream=True), *parts)
    assert [chosen(each) for each in sent if "logprobsResult" in each] == [["Hello"], [" there", " you"]]
    assert all("topCandidates" in each["logprobsResult"] for each in sent if "logprobsResult" in each)
    assert not any("avgLogprobs" in each for each in sent)
    (whole,) = candidates(requesting(1), *parts)
    streamed = [
        entry for each in sent for entry in each.get("logprobsResult", {}).get("chosenCandidates", ())
    ]
    assert streamed == whole["logprobsResult"]["chosenCandidates"]


def test_empty_chunk_has_no_probabilities() -> None:
    sent = candidates(requesting(stream=True), Text(("",)))
    assert not any("logprobsResult" in each for each in sent)


def test_choices_count_their_tokens_separately() -> None:
    first, second = candidates(requesting(), Text(("a b",)), choices=2)
    assert first["logprobsResult"] == second["logprobsResult"]


def test_encoding_keys_differ_by_probabilities() -> None:
    keys = {GENERATE.encoding_key(request) for request in (generate(), requesting(), requesting(1))}
    assert len(keys) == 3
