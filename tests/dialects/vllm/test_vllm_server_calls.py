"""The calls of vLLM's own server, and the provider whose paths need no prefix."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.token_numbers import text_of_tokens, token_numbers
from mockllm.core.tokens import estimate
from tests.dialects.test_long_batches import is_deferred
from tests.language.virtual_server import (
    ClientRequest,
    VirtualServer,
    diagnostics_of,
    models_request,
    raw_request,
    respond_once,
)

ROOT = "provider: vllm\nrules: [{reply: x}]"
LOAD, UNLOAD = "/vllm/v1/load_lora_adapter", "/vllm/v1/unload_lora_adapter"
SQL: Json = {"lora_name": "sql", "lora_path": "/adapters/sql"}


def get(path: str) -> ClientRequest:
    return raw_request(path, method="GET")


def post(path: str, body: Json) -> Json:
    return respond_once("rules: []", raw_request(f"/vllm{path}", body)).json


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/ping"])
def test_health_has_no_body(path: str) -> None:
    sent = respond_once("rules: []", get(f"/vllm{path}"))
    assert (sent.status, sent.bytes) == (200, b"")


def test_version_and_load_are_objects() -> None:
    assert respond_once("rules: []", get("/vllm/version")).json.keys() == {"version"}
    assert respond_once("rules: []", get("/vllm/load")).json == {"server_load": 0}


def test_model_has_its_root_and_length() -> None:
    (card,) = respond_once("rules: []", get("/vllm/v1/models")).json["data"]
    assert card["root"] == card["id"]
    assert (card["owned_by"], card["parent"], card["max_model_len"]) == ("vllm", None, 131_072)
    assert card["permission"][0]["object"] == "model_permission"


# --- tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "Hi", "A few words, and a few more.", "größer ☃ 雪だるま " * 9, " " * 80]
)
def test_detokenize_returns_the_tokenized_text(text: str) -> None:
    numbers = post("/tokenize", {"prompt": text})["tokens"]
    assert post("/detokenize", {"tokens": numbers})["prompt"] == text
    assert all(0 <= number < 2**53 for number in numbers)


def test_tokenize_counts_as_the_usage_does() -> None:
    text = "Where is the order that I sent you a week ago? " * 20
    counted = post("/tokenize", {"prompt": text, "return_token_strs": True})
    assert counted["count"] == len(counted["tokens"]) == estimate(text)
    assert "".join(counted["token_strs"]) == text
    assert counted["max_model_len"] == 131_072
    usage = post("/v1/completions", {"model": "m", "prompt": text, "max_tokens": 1})
    assert usage["error"]["type"] == "NotFoundError"  # no rule


def test_tokenize_of_any_text_needs_few_values() -> None:
    sent = respond_once(
        "rules: []", raw_request("/vllm/tokenize", {"prompt": "a b " * 12_500}), max_generated=10
    )
    assert sent.status == 200
    assert sent.json["count"] == len(sent.json["tokens"])


def test_tokenize_renders_messages() -> None:
    messages: Json = [{"role": "user", "content": "Where is my order, please? I have waited."}]
    with_prompt = post("/tokenize", {"messages": messages})["tokens"]
    assert text_of_tokens(with_prompt).endswith("<|im_start|>assistant\n")
    without = post("/tokenize", {"messages": messages, "add_generation_prompt": False})["tokens"]
    assert text_of_tokens(without).endswith("I have waited.<|im_end|>\n")


def test_tokenize_takes_messages_beside_a_null_prompt() -> None:
    messages: Json = [{"role": "user", "content": "Where is my order?"}]
    body = {"messages": messages, "return_token_strs": True}
    assert post("/tokenize", {**body, "prompt": None}) == post("/tokenize", body)
    assert post("/tokenize", {"prompt": "hi", "messages": None}) == post("/tokenize", {"prompt": "hi"})


def test_a_part_of_the_tokens_is_a_part_of_the_text() -> None:
    numbers = token_numbers("Hello there, how are you?")
    assert "Hello there, how are you?".startswith(text_of_tokens(numbers[:3]))


def test_detokenize_marks_unknown_numbers() -> None:
    assert post("/detokenize", {"tokens": [0, 7, 9999]})["prompt"] == "\N{REPLACEMENT CHARACTER}" * 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tokenize", {}),
        ("/tokenize", {"prompt": 3}),
        ("/tokenize", {"messages": 3}),
        ("/tokenize", {"prompt": None, "messages": None}),
        ("/tokenize", "{"),
        ("/detokenize", {}),
        ("/detokenize", {"tokens": [-1]}),
        ("/detokenize", {"tokens": ["a"]}),
        ("/detokenize", {"tokens": [2**63]}),
        ("/detokenize", {"tokens": [1] * 131_073}),
    ],
)
def test_unusable_tokens_are_refused(path: str, body: Json) -> None:
    sent = respond_once("rules: []", raw_request(f"/vllm{path}", body))
    assert sent.status == 400
    assert sent.json["error"]["type"] == "BadRequestError"


@pytest.mark.parametrize(("count", "deferred"), [(3, False), (20_000, True)])
def test_thread_makes_the_text_of_many_tokens(count: int, deferred: bool) -> None:
    sent = raw_request("/vllm/detokenize", {"tokens": token_numbers("a" * count, count)})
    assert is_deferred(VirtualServer("rules: []"), sent) is deferred


# --- adapters ------------------------------------------------------------------------------------


def test_loaded_adapter_is_a_model_until_it_is_unloaded() -> None:
    server = VirtualServer("rules: []")
    assert b"'sql' added" in server.respond(raw_request(LOAD, SQL)).bytes
    listed = server.respond(get("/vllm/v1/models")).json["data"]
    assert [card["id"] for card in listed][1:] == ["sql"]
    assert (listed[1]["root"], listed[1]["parent"]) == ("/adapters/sql", listed[0]["id"])
    assert server.respond(get("/vllm/v1/models/sql")).json["id"] == "sql"
    assert server.respond(raw_request(LOAD, {**SQL, "load_inplace": True})).status == 200
    again = server.respond(raw_request(LOAD, SQL))
    assert (again.status, again.json["error"]["type"]) == (400, "InvalidUserInput")
    assert b"'sql' removed" in server.respond(raw_request(UNLOAD, SQL)).bytes
    assert len(server.respond(get("/vllm/v1/models")).json["data"]) == 1
    gone = server.respond(raw_request(UNLOAD, SQL))
    assert (gone.status, gone.json["error"]["type"]) == (404, "NotFoundError")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LOAD, {}),
        (LOAD, {"lora_name": "a"}),
        (LOAD, {"lora_name": "a" * 600, "lora_path": "b"}),
        (UNLOAD, {}),
        (LOAD, "{"),
    ],
)
def test_incomplete_adapter_is_refused(path: str, body: Json) -> None:
    assert respond_once("rules: []", raw_request(path, body)).status == 400


def test_unvalidated_adapter_gets_a_response() -> None:
    server = VirtualServer("validation: off\nrules: [{reply: x}]")
    assert server.respond(raw_request(LOAD, {})).status == 200
    assert server.respond(raw_request(UNLOAD, {})).status == 200
    assert len(server.respond(get("/vllm/v1/models")).json["data"]) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LOAD, SQL),
        ("/vllm/tokenize", {"prompt": "hi"}),
        ("/vllm/detokenize", {"tokens": [1]}),
        ("/vllm/load", None),
    ],
)
def test_leniently_validated_call_gets_a_response(path: str, body: Json) -> None:
    server = VirtualServer("validation: lenient\nrules: [{reply: x}]")
    sent = get(path) if body is None else raw_request(path, body)
    assert server.respond(sent).status == 200


def test_rule_matches_the_model_of_detokenize() -> None:
    rules = "rules: [{match: {model: m, api: detokenize}, error: overloaded}]"
    assert respond_once(rules, raw_request("/vllm/detokenize", {"model": "m", "tokens": [1]})).status == 503
    assert respond_once(rules, raw_request("/vllm/detokenize", {"model": "n", "tokens": [1]})).status == 200


# --- the provider without a prefix ---------------------------------------------------------------


def test_root_provider_has_the_paths_without_a_prefix() -> None:
    assert respond_once(ROOT, models_request()).json["data"][0]["owned_by"] == "vllm"
    assert respond_once(ROOT, get("/version")).status == 200
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert "stop_reason" in respond_once(ROOT, raw_request("/v1/chat/completions", body)).choice


def test_root_provider_leaves_the_paths_of_others() -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    assert respond_once(ROOT, raw_request("/v1/messages", body)).json["type"] == "message"
    assert respond_once(ROOT, get("/openai/v1/models")).json["data"][0]["owned_by"] == "system"


def test_first_file_names_the_root_provider() -> None:
    files = {"a.yaml": "provider: groq\nrules: [{reply: x}]", "b.yaml": ROOT}
    assert respond_once(files, get("/version")).status == 404


def test_unknown_root_provider_is_a_mistake() -> None:
    assert diagnostics_of("provider: vlm\nrules: [{reply: x}]") == [
        'provider: no provider is called "vlm"; did you mean "vllm"?'
    ]


def test_error_of_a_refused_key_is_a_text() -> None:
    sent = raw_request("/vllm/v1/chat/completions", {"model": "m", "messages": []})
    assert respond_once("validation: off\nrules: [{error: authentication}]", sent).json == {
        "error": "Unauthorized"
    }


def test_error_type_is_the_phrase_of_the_status() -> None:
    sent = raw_request("/vllm/v1/chat/completions", {"model": "m", "messages": []})
    error = respond_once("validation: off\nrules: [{error: unavailable}]", sent).json["error"]
    assert (error["type"], error["code"]) == ("Service Unavailable", 503)
