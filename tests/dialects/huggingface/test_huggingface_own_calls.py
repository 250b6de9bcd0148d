"""The calls of Hugging Face's inference servers: what is read and refused, and what a response has."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.dialects.huggingface import provider as huggingface
from mockllm.dialects.huggingface.text_embeddings import FeatureExtractionRequest
from mockllm.dialects.huggingface.text_generation import STREAM_LAYOUT, TextGenerationRequest
from mockllm.dialects.neutral_request import NeutralRequest
from tests.language.virtual_server import raw_request, respond_once

SCENARIO = """
rules:
  - match: {user: full}
    reply: {choices: [{text: One two., tool_calls: [{name: look}]}, {text: other}]}
  - {match: {user: ended}, reply: {text: One, finish_reason: {raw: odd}}}
  - {match: {user: refuse}, reply: {refusal: No.}}
  - {match: {user: cut}, reply: {chunks: [One, {error: rate_limit}]}}
  - {match: {user: key}, error: authentication}
  - {match: {user: slow}, error: {type: timeout, status: 504}}
  - {match: {api: embeddings, user: fixed, model: a/b}, reply: {embedding: [0.6, 0.8]}}
  - {match: {api: text_generation}, reply: One two three four}
"""


def post(path: str, body: Json) -> Any:
    return respond_once(SCENARIO, raw_request(f"/huggingface{path}", body))


def answer(path: str, body: Json) -> tuple[int, Any]:
    sent = post(path, body)
    return sent.status, sent.json


def generated(text: str, **parameters: Json) -> Any:
    return answer("/generate", {"inputs": text, "parameters": parameters})


def test_text_is_the_first_choices() -> None:
    assert generated("full") == (200, {"generated_text": "One two."})
    assert generated("refuse") == (200, {"generated_text": "No."})
    assert generated("full", return_full_text=True)[1]["generated_text"] == "fullOne two."


def test_text_at_a_models_address_is_in_a_list() -> None:
    assert answer("/models/a/b", {"inputs": "full"}) == (200, [{"generated_text": "One two."}])


@pytest.mark.parametrize(
    ("text", "parameters", "reason"),
    [
        ("full", {}, "eos_token"),
        ("any", {"max_new_tokens": 1}, "length"),
        ("any", {"stop": [" three"]}, "stop_sequence"),
        ("any", {"stop_sequences": [" three"]}, "stop_sequence"),
        ("ended", {}, "odd"),
    ],
)
def test_details_have_the_finish_reason(text: str, parameters: dict[str, Json], reason: str) -> None:
    _, body = generated(text, details=True, **parameters)
    assert body["details"]["finish_reason"] == reason


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/generate", {}, "inputs"),
        ("/generate", {"inputs": "x", "parameters": 3}, "parameters"),
        ("/generate", {"inputs": "x", "parameters": {"max_new_tokens": 0}}, "max_new_tokens"),
        ("/generate", [], "object"),
        ("/embed", {"inputs": []}, "inputs"),
        ("/rerank", {"query": "x"}, "inputs"),
        ("/similarity", {"inputs": {"source_sentence": "x"}}, "inputs"),
    ],
)
def test_wrong_request_is_refused(path: str, body: Json, word: str) -> None:
    status, error = answer(path, body)
    assert (status, error["error_type"]) == (422, "validation")
    assert word in error["error"]


def test_errors_have_text_and_type() -> None:
    assert generated("slow")[0] == 504
    status, error = generated("key")
    assert (status, set(error)) == (401, {"error"})


def test_stream_ends_with_text_and_details() -> None:
    sent = post("/generate_stream", {"inputs": "any"})
    *first, last = [loads(line[5:]) for line in sent.bytes.split(b"\n\n") if line]
    assert "".join(event["token"]["text"] for event in first) == last["generated_text"]
    assert last["details"]["finish_reason"] == "eos_token"
    sent = post("/generate_stream", {"inputs": "cut"})
    last = loads(sent.bytes.split(b"\n\n")[-2][5:])
    assert last["error_type"] == "overloaded"


def decoded(body: bytes) -> Any:
    dialect: Any = huggingface.PROVIDER.call("text_generation").dialect
    return dialect.decode(Plan(ResponseHead(200, ()), (EventStep(body, 0, "body"),)))


def test_response_is_decoded() -> None:
    assert decoded(b'[{"generated_text": "a"}]').text == "a"
    assert decoded(b'{"generated_text": "a"}').text == "a"
    assert decoded(b'{"error": "no", "error_type": "overloaded"}').error["message"] == "no"
    ended = decoded(b'{"token": {"text": ""}, "details": {"finish_reason": "length"}}')
    assert ended.finish == "length"
    assert decoded(b'{"other": 1}') is None


def test_built_request_names_the_model_in_its_path() -> None:
    dialect: Any = huggingface.PROVIDER.call("text_generation").dialect
    built = dialect.build_request(NeutralRequest(model="a/b", user="x", max_tokens=3, api_key="k"))
    assert built.path == "/huggingface/models/a/b"
    assert built.body == {"inputs": "x", "parameters": {"max_new_tokens": 3}, "stream": False}
    assert built.headers["authorization"] == "Bearer k"
    assert "authorization" not in dialect.build_request(NeutralRequest()).headers


FEATURES = "/hf-inference/models/a/b/pipeline/feature-extraction"


def test_features_of_one_text_are_one_vector() -> None:
    assert len(answer(FEATURES, {"inputs": "a", "dimensions": 5})[1]) == 5
    assert [len(each) for each in answer(FEATURES, {"inputs": ["a", "b", 3]})[1]] == [384, 384]
    assert [len(each) for each in answer("/embed", {"inputs": "a"})[1]] == [384]
    assert answer(FEATURES, {"inputs": "fixed"})[1] == [0.6, 0.8]
    assert answer(FEATURES, {"inputs": ["fixed"]})[1] == [[0.6, 0.8]]


def test_request_is_read() -> None:
    request = FeatureExtractionRequest(method="POST", path="/embed", headers={}, raw=b'{"inputs": "one two"}')
    assert (request.user, request.input_tokens > 0, request.model) == ("one two", True, None)


def test_stream_form_names_the_places_of_an_event() -> None:
    event: Any = {"token": {"text": "a"}, "details": {"finish_reason": "length"}}
    assert STREAM_LAYOUT.text(event) is not None
    assert [place.ended for place in STREAM_LAYOUT.finishes(event)] == [True]
    assert (STREAM_LAYOUT.text({}), list(STREAM_LAYOUT.finishes({}))) == (None, [])
    dialect: Any = huggingface.PROVIDER.call("text_generation").dialect
    raw = b'{"inputs": "x", "parameters": {"return_full_text": true}}'
    request = TextGenerationRequest(method="POST", path="/generate", headers={}, raw=raw)
    assert dialect.event_layout(request) is STREAM_LAYOUT
    assert dialect.encoding_key(request) == (False, "x", False)


def test_similar_sentences_have_higher_scores() -> None:
    inputs: Json = {"source_sentence": "blue sky", "sentences": ["the blue sky", "cats eat fish"]}
    _, (near, far) = answer("/models/m/pipeline/sentence-similarity", {"inputs": inputs})
    assert near > far


def test_texts_are_ranked() -> None:
    body: Json = {"query": "blue sky", "texts": ["cats eat fish", "the blue sky"]}
    _, ranked = answer("/rerank", body)
    assert [set(each) for each in ranked] == [{"index", "score"}] * 2
    assert [each["index"] for each in ranked] == [1, 0]
    _, ranked = answer("/models/m/pipeline/text-ranking", {**body, "return_text": True})
    assert ranked[0]["text"] == "the blue sky"


def test_deepseek_behind_the_router_has_members_of_its_own() -> None:
    path = "/huggingface/together/v1/chat/completions"
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": False}
    found = {
        model: respond_once("rules: [{reply: Hi.}]", raw_request(path, {**body, "model": model})).json
        for model in ("deepseek-ai/DeepSeek-R1", "meta-llama/Llama-4-Scout-17B-16E-Instruct")
    }
    deepseek, llama = found.values()
    assert ("metadata" in deepseek, "cached_tokens" in deepseek["usage"]) == (False, True)
    assert ("metadata" in llama, "cached_tokens" in llama["usage"]) == (True, False)
    assert (deepseek["choices"][0]["seed"] is None, llama["choices"][0]["seed"]) == (False, None)


def test_vectors_of_a_rule_are_not_for_similarities() -> None:
    scenario = "rules: [{match: {path: '**/sentence-similarity'}, reply: {embedding: [1.0, 0.0]}}]"
    inputs: Json = {"source_sentence": "a", "sentences": ["b"]}
    path = "/huggingface/models/m/pipeline/sentence-similarity"
    assert respond_once(scenario, raw_request(path, {"inputs": inputs})).status == 422
