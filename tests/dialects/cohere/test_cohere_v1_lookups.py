"""Calls of version 1 that generate nothing: tokens, labels, models and keys."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.tokens import estimate
from mockllm.dialects.cohere.v1_classify import (
    ALWAYS_READ,
    LONG_READ,
    MAX_CHARACTERS,
    TUNED_LABELS,
    CohereClassifyRequest,
)
from mockllm.dialects.cohere.v1_models import DEFAULTS, KNOWN
from mockllm.dialects.cohere.v1_tokens import LONG_LIST, LONG_TEXT, MAX_TEXT, MAX_TOKENS
from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    VirtualServer,
    raw_request,
    respond_once,
)

RULES = """
rules:
  - {match: {api: chat, model: my-command}, reply: x}
  - {match: {api: embeddings, model: embed-mine}, reply: {embedding: [1]}}
"""
EXAMPLES = [
    {"text": "Wire me the money now", "label": "spam"},
    {"text": "You won a prize, send money", "label": "spam"},
    {"text": "Notes of the weekly meeting", "label": "mail"},
    {"text": "The meeting is at noon", "label": "mail"},
]
CALLS: dict[str, Any] = {
    "tokenize": {"text": "hi", "model": "m"},
    "detokenize": {"tokens": [1], "model": "m"},
    "classify": {"inputs": ["hi"], "examples": EXAMPLES},
}


def post(call: str, body: Any, scenario: str = "rules: []") -> ClientResponse:
    return respond_once(scenario, raw_request(f"/cohere/v1/{call}", body))


def get(query: str = "", model: str = "") -> ClientRequest:
    return ClientRequest(f"/cohere/v1/models{model}", method="GET", query=query)


def listed(query: str = "", scenario: str = RULES) -> Any:
    response = respond_once(scenario, get(query))
    assert response.status == 200
    return response.json


def names(query: str = "") -> list[str]:
    return [model["name"] for model in listed(query)["models"]]


# --- tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "tokenize me! :D",
        "größer ☃ 雪だるま",
        "\U0001f600" * 99,
        " \n\t",
        "\x00",
        "0A" * 99,
        "é" * LONG_TEXT,
    ],
)
def test_detokenized_text_is_the_tokenized_text(text: str) -> None:
    tokens = post("tokenize", {"text": text, "model": "m"}).json
    assert len(tokens["tokens"]) == len(tokens["token_strings"])
    assert post("detokenize", {"tokens": tokens["tokens"], "model": "m"}).json["text"] == text


def test_tokens_are_as_many_as_usages_count() -> None:
    text = "Where is the order that I sent you a week ago?"
    body = post("tokenize", {"text": text, "model": "m"}).json
    assert list(body) == ["tokens", "token_strings", "meta"]
    assert len(body["tokens"]) == estimate(text)
    assert "".join(body["token_strings"]) == text
    assert body["meta"] == {"api_version": {"version": "1"}}


@pytest.mark.parametrize(
    "text", ["\U0001f600" * MAX_TEXT, "0A" * (MAX_TEXT // 2), "0A\U0001f600 ." * (MAX_TEXT // 5)]
)
def test_tokens_of_the_longest_text_become_it_again(text: str) -> None:
    numbers = post("tokenize", {"text": text, "model": "m"}).json["tokens"]
    assert len(numbers) < MAX_TOKENS
    assert post("detokenize", {"tokens": numbers, "model": "m"}).json["text"] == text


def test_thread_plans_long_tokens() -> None:
    engine = VirtualServer("rules: []").engine

    def takes_long(call: str, body: Any) -> bool:
        sent = raw_request(f"/cohere/v1/{call}", body)
        return engine.read("POST", sent.path, "", {}, sent.body, "", 0.0).planning_takes_long

    assert not takes_long("tokenize", {"text": "a" * LONG_TEXT})
    assert takes_long("tokenize", {"text": "a" * (LONG_TEXT + 1)})
    assert not takes_long("detokenize", {"tokens": [1] * LONG_LIST})
    assert takes_long("detokenize", {"tokens": [1] * (LONG_LIST + 1)})
    assert not takes_long("classify", CALLS["classify"])
    assert takes_long("classify", {"inputs": ["a" * (LONG_READ + 1)]})
    labels = [{"text": "a", "label": str(number)} for number in range(100)]
    assert takes_long("classify", {"inputs": ["a"] * 96, "examples": labels})


# --- labels --------------------------------------------------------------------------------------


def test_label_has_the_most_words_in_common() -> None:
    body = post("classify", {"inputs": ["Send the money", "When is the meeting?"], "examples": EXAMPLES}).json
    first, second = body["classifications"]
    assert (first["prediction"], second["prediction"]) == ("spam", "mail")
    assert list(first["labels"]) == ["spam", "mail"]
    assert (
        first["labels"]["spam"]["confidence"] == first["confidence"] > first["labels"]["mail"]["confidence"]
    )
    assert (first["confidences"], first["predictions"]) == ([first["confidence"]], ["spam"])
    assert (first["input"], first["classification_type"]) == ("Send the money", "single-label")
    assert sum(label["confidence"] for label in first["labels"].values()) == pytest.approx(1)
    assert len({body["id"], first["id"], second["id"]}) == 3
    assert body["meta"] == {"api_version": {"version": "1"}, "billed_units": {"classifications": 2}}


def test_label_without_words_in_common_is_always_the_same() -> None:
    bodies = [
        post("classify", {"inputs": [text], "examples": EXAMPLES}).json["classifications"][0]
        for text in ("x", "x", "y", "z", "v", "w")
    ]
    assert bodies[0]["labels"] == bodies[1]["labels"] != bodies[2]["labels"]
    assert {body["prediction"] for body in bodies} == {"spam", "mail"}


@pytest.mark.parametrize("more", [{"model": "tuned"}, {"preset": "p"}, {"model": "tuned", "examples": []}])
def test_tuned_model_needs_no_examples(more: Any) -> None:
    (found,) = post("classify", {"inputs": ["hi"], **more}).json["classifications"]
    assert list(found["labels"]) == list(TUNED_LABELS)


def test_long_text_is_read_from_its_start_or_its_end() -> None:
    text = "money" + " x" * MAX_CHARACTERS + " meeting"
    found = {
        truncate: post("classify", {"inputs": [text], "examples": EXAMPLES, "truncate": truncate}).json
        for truncate in ("END", "START", None)
    }
    assert [body["classifications"][0]["prediction"] for body in found.values()] == ["spam", "mail", "spam"]


def test_many_texts_share_what_is_read() -> None:
    def share(count: int) -> int:
        return CohereClassifyRequest(
            method="POST",
            path="",
            headers={},
            raw=b'{"inputs":["a"],"examples":[%s]}' % b",".join([b'{"text":"a","label":"b"}'] * count),
        ).share

    assert share(2) == MAX_CHARACTERS
    assert ALWAYS_READ < share(1000) < MAX_CHARACTERS
    assert share(2500) == ALWAYS_READ


def test_response_with_too_many_labels_is_refused() -> None:
    examples = [{"text": "a", "label": f"{number % 50}{'x' * 300}"} for number in range(100)]
    answer = post("classify", {"inputs": ["a"] * 96, "examples": examples})
    assert answer.status == 400
    assert "would echo more than" in answer.json["message"]


# --- refusals ------------------------------------------------------------------------------------


def few(count: int) -> list[dict[str, str]]:
    return [*EXAMPLES, {"text": "a", "label": "l" * count}]


@pytest.mark.parametrize(
    ("call", "change", "message"),
    [
        ("tokenize", {"text": None}, "parameter text is of another type"),
        ("tokenize", {"text": ""}, "text must have from 1 to 65536"),
        ("tokenize", {"text": "a" * (MAX_TEXT + 1)}, "text must have from 1 to 65536"),
        ("tokenize", {"model": 3}, "parameter model is of another type"),
        ("detokenize", {"tokens": "1"}, "parameter tokens is of another type"),
        ("detokenize", {"tokens": [1.5]}, "tokens must be a list of at most"),
        ("detokenize", {"tokens": [True]}, "tokens must be a list of at most"),
        ("detokenize", {"tokens": [-1]}, "tokens must be a list of at most"),
        ("detokenize", {"tokens": [2**63]}, "tokens must be a list of at most"),
        ("detokenize", {"tokens": [1] * (MAX_TOKENS + 1)}, "tokens must be a list of at most"),
        ("classify", {"inputs": "hi"}, "parameter inputs is of another type"),
        ("classify", {"inputs": []}, "inputs must not be empty"),
        ("classify", {"inputs": ["a"] * 97}, "total number of inputs must be at most 96 - received 97"),
        ("classify", {"inputs": ["a", ""]}, "each input must be a non-empty string"),
        ("classify", {"inputs": ["a", 3]}, "each input must be a non-empty string"),
        ("classify", {"truncate": "MIDDLE"}, "truncate must be one of NONE, START, END"),
        ("classify", {"truncate": []}, "truncate must be one of NONE, START, END"),
        ("classify", {"truncate": "NONE", "inputs": ["a" * 2049]}, "at most 2048 characters"),
        ("classify", {"examples": None}, "examples is required without a fine-tuned model"),
        ("classify", {"examples": "x", "model": "m"}, "examples is required without a fine-tuned model"),
        ("classify", {"examples": EXAMPLES * 626}, "must be at most 2500 - received 2504"),
        ("classify", {"examples": [*EXAMPLES, 3]}, "each example must have a text and a label"),
        ("classify", {"examples": [*EXAMPLES, {"text": "a", "label": 3}]}, "must have a text and a label"),
        ("classify", {"examples": few(9)}, "label lllllllll must have at least 2 examples"),
        ("classify", {"examples": few(999)}, f"label {'l' * 100} must have at least 2 examples"),
    ],
)  # fmt: skip
def test_wrong_request_is_refused(call: str, change: Any, message: str) -> None:
    answer = post(call, {**CALLS[call], **change})
    assert answer.status == 400
    assert message in answer.json["message"]
    assert list(answer.json) == ["message"]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("tokenize", "text"),
        ("tokenize", "model"),
        ("detokenize", "tokens"),
        ("detokenize", "model"),
        ("classify", "inputs"),
    ],
)
def test_missing_field_is_refused(call: str, field: str) -> None:
    body = {name: value for name, value in CALLS[call].items() if name != field}
    assert post(call, body).json == {"message": f"invalid request: {field} is required"}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", [None, "[]", "{"])
def test_unreadable_body_is_refused(call: str, body: Any) -> None:
    answer = post(call, body)
    assert answer.status == 400
    assert list(answer.json) == ["message"]


WRONG: Any = ["", 3, [], [3], [[]], {"a": 1}, None, "x" * 3000, ["", "a" * 9], [{"text": 3}], -1, 2**70]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("validation", ["off", "lenient", "strict"])
def test_wrong_field_gets_no_error_of_the_server(call: str, validation: str) -> None:
    server = VirtualServer(f"validation: {validation}\nrules: [{{reply: x}}]")
    for field in (*CALLS[call], "truncate", "examples"):
        for value in WRONG:
            status = server.respond(raw_request(f"/cohere/v1/{call}", {**CALLS[call], field: value})).status
            assert status == 200 if validation != "strict" else status in (200, 400)
    assert server.respond(raw_request(f"/cohere/v1/{call}", {})).status == (
        400 if validation == "strict" else 200
    )


# --- models --------------------------------------------------------------------------------------


def test_list_begins_with_the_models_of_the_rules() -> None:
    body = listed()
    assert [model["name"] for model in body["models"]] == ["my-command", "embed-mine", *KNOWN]
    assert "next_page_token" not in body
    command, embed = body["models"][:2]
    assert command["endpoints"] == ["generate", "chat", "summarize"]
    assert embed["endpoints"] == ["embed", "classify"]
    assert (embed["features"], embed["sampling_defaults"], embed["default_endpoints"]) == (None, None, [])


def test_pages_of_the_list_make_the_whole() -> None:
    first = listed("page_size=5.0")
    second = listed(f"page_size=1000&page_token={first['next_page_token']}")
    assert len(first["models"]) == 5
    assert first["models"] + second["models"] == listed()["models"]
    assert listed("page_token=999")["models"] == []


def test_list_is_filtered_by_endpoint() -> None:
    assert names("endpoint=rerank") == [name for name in KNOWN if name.startswith("rerank")]
    assert names("endpoint=classify") == ["embed-mine", *(name for name in KNOWN if name.startswith("embed"))]
    assert names("endpoint=rate") == []
    assert "my-command" not in names("endpoint=embed&default_only=false")


@pytest.mark.parametrize("endpoint", DEFAULTS)
def test_endpoint_has_one_default(endpoint: str) -> None:
    (model,) = listed(f"endpoint={endpoint}&default_only=true")["models"]
    assert model["name"] == DEFAULTS[endpoint]
    assert endpoint in model["default_endpoints"]
    assert endpoint in model["endpoints"]


@pytest.mark.parametrize(
    "name", ["command-a-03-2025", "rerank-v3.5", "rerank-next", "mine/tuned-ft", "a" * 999]
)
def test_any_model_has_a_description(name: str) -> None:
    model = respond_once("rules: []", get("page_size=0", f"/{name}")).json
    assert (model["name"], model["tokenizer_url"], model["is_deprecated"]) == (name, None, False)
    assert model["context_length"] > 0
    assert list(model) == [
        "name", "is_deprecated", "endpoints", "finetuned", "context_length", "tokenizer_url", "default_endpoints",
        "features", "sampling_defaults",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("page_size=0", "page_size must be from 1 to 1000"),
        ("page_size=1001", "page_size must be from 1 to 1000"),
        ("page_size=nan", "page_size must be from 1 to 1000"),
        ("page_size=-1", "page_size must be from 1 to 1000"),
        ("page_size=99999999999", "page_size must be from 1 to 1000"),
        ("page_token=x", "page_token is invalid"),
        ("page_token=", "page_token is invalid"),
        ("endpoint=sing", "endpoint must be one of chat, embed"),
        ("default_only=true", "default_only is only valid when endpoint is provided"),
    ],
)
def test_wrong_query_is_refused_or_has_no_effect(query: str, message: str) -> None:
    answer = respond_once("rules: []", get(query))
    assert (answer.status, list(answer.json)) == (400, ["message"])
    assert message in answer.json["message"]
    assert respond_once("validation: off\nrules: [{reply: x}]", get(query)).status == 200


def test_strict_models_are_those_of_the_list() -> None:
    strict = "models: strict\nrules: [{reply: x}]"
    assert post("tokenize", {"text": "hi", "model": "command-r-08-2024"}, strict).status == 200
    assert post("tokenize", {"text": "hi", "model": "gone"}, strict).status == 404
    assert respond_once(strict, get(model="/gone")).json["message"].startswith("model 'gone' not found")


# --- keys and rules ------------------------------------------------------------------------------


def test_any_key_is_valid() -> None:
    sent = ClientRequest("/cohere/v1/check-api-key", b"", headers={"authorization": "Bearer k"})
    body = respond_once("rules: []", sent).json
    assert list(body) == ["valid", "organization_id", "owner_id"]
    assert body["valid"] is True
    assert respond_once("rules: []", ClientRequest("/cohere/v1/check-api-key", b"")).json == {"valid": False}


@pytest.mark.parametrize(
    ("match", "call", "body"),
    [
        ("{api: tokenize, user: hi}", "tokenize", CALLS["tokenize"]),
        ("{api: detokenize, model: m}", "detokenize", CALLS["detokenize"]),
        ("{api: classify, user: hi}", "classify", CALLS["classify"]),
        ("{api: check_api_key}", "check-api-key", {}),
    ],
)
def test_rule_names_the_call(match: str, call: str, body: Any) -> None:
    answer = post(call, body, f"rules: [{{match: {match}, error: authentication}}]")
    assert (answer.status, list(answer.json)) == (401, ["message"])


def test_rule_names_the_models() -> None:
    rules = "rules: [{match: {api: models, model: gone}, error: model_not_found}]"
    assert respond_once(rules, get(model="/gone")).status == 404
    assert respond_once(rules, get()).status == 200
