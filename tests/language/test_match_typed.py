"""`match` on what a person typed: `typed`, `similar`; on returned thinking, and on fields of a form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.dialects.neutral_request import NeutralRequest
from tests.language.virtual_server import (
    NOW,
    ClientRequest,
    VirtualServer,
    cases,
    chat_request,
    diagnostics_of,
    raw_request,
    respond_once,
    rule_names,
)
from tests.wire_events import CALLS

REMINDED = "<system-reminder>Say hello.</system-reminder>\nrefund my order"
RULES = "rules: [{name: yes, match: {%s}, reply: a}, {name: no, reply: b}]"


def test_typed_ignores_what_agents_add() -> None:
    rules = RULES % "typed: refund my order"
    assert rule_names(rules, chat_request(REMINDED), chat_request("hello")) == ["yes", "no"]
    assert rule_names(RULES % "typed: {contains: hello}", chat_request(REMINDED)) == ["no"]
    assert rule_names(RULES % "user: {contains: hello}", chat_request(REMINDED)) == ["yes"]


def test_template_has_the_typed_text() -> None:
    assert respond_once('rules: [{reply: "{{ typed }}"}]', chat_request(REMINDED)).text == "refund my order"


@cases(
    "text, rule",
    [
        ("equal", "refund my order", "yes"),
        ("with a frame", REMINDED, "yes"),
        ("nearly", "I want a refund for my order", "yes"),
        ("another", "What is the weather?", "no"),
        ("long", "refund " * 100_000, "no"),
    ],
)
def test_similar_compares_vectors(text: str, rule: str) -> None:
    rules = RULES % "similar: {to: refund my order, at_least: 0.6}"
    assert rule_names(rules, chat_request(text)) == [rule]


def test_similar_is_the_cosine_of_an_embeddings_call() -> None:
    texts = ["refund my order", "I want a refund for my order"]
    requested = raw_request("/v1/embeddings", {"model": "text-embedding-3-small", "input": texts})
    one, other = (item["embedding"] for item in respond_once("rules: []", requested).json["data"])
    cosine = sum(a * b for a, b in zip(one, other, strict=True))
    for at_least, rule in ((cosine - 0.001, "yes"), (cosine + 0.001, "no")):
        rules = RULES % f"similar: {{to: {texts[0]}, at_least: {at_least}}}"
        assert rule_names(rules, chat_request(texts[1])) == [rule]


def test_near_miss_of_similar_names_the_similarity() -> None:
    rules = "rules: [{name: yes, match: {similar: {to: refund my order, at_least: 0.9}}, reply: a}]"
    assert (
        "the similarity is 0.66" in respond_once(rules, chat_request("I want a refund for my order")).message
    )
    assert "similar to" in respond_once(rules, chat_request([])).message


def test_similar_without_a_number_is_a_mistake() -> None:
    (mistake,) = diagnostics_of(RULES % "similar: {to: a}")
    assert 'missing key "at_least"' in mistake
    assert "expected a number of 1 or less" in diagnostics_of(RULES % "similar: {to: a, at_least: 60}")[0]


# --- thinking ----------------------------------------------------------------------------------------

CALL = {"type": "tool_use", "id": "1", "name": "look", "input": {}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
RETURNED: dict[str, tuple[str, list[Any], Any, Any]] = {
    "openai-chat": (
        "messages",
        [{"role": "user", "content": "hi"}],
        {"role": "assistant", "content": "a", "reasoning_content": "Hm."},
        {"role": "assistant", "content": "a"},
    ),
    "openai-responses": (
        "input",
        [{"role": "user", "content": "hi"}, {"type": "function_call", "call_id": "1", "name": "a"}],
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"role": "assistant", "content": "a"},
    ),
    "anthropic-messages": (
        "messages",
        [{"role": "user", "content": "hi"}],
        {"role": "assistant", "content": [THOUGHT, CALL]},
        {"role": "assistant", "content": [CALL]},
    ),
    "gemini-generate": (
        "contents",
        [{"role": "user", "parts": [{"text": "hi"}]}],
        {"role": "model", "parts": [{"functionCall": {"name": "a"}, "thoughtSignature": "s"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "a"}}]},
    ),
    "bedrock-converse": (
        "messages",
        [{"role": "user", "content": [{"text": "hi"}]}],
        {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"text": "a"}]},
        {"role": "assistant", "content": [{"text": "a"}]},
    ),
    "bedrock-invoke": (
        "messages",
        [{"role": "user", "content": "hi"}],
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}, CALL]},
        {"role": "assistant", "content": [CALL]},
    ),
    "ollama-native_chat": (
        "messages",
        [{"role": "user", "content": "hi"}],
        {"role": "assistant", "content": "a", "thinking": "Hm."},
        {"role": "assistant", "content": "a"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", RETURNED)
def test_thinking_returned_by_protocol(call: str) -> None:
    field, before, thought, plain = RETURNED[call]
    rules = """
        validation: off
        rules:
          - {name: "yes", match: {thinking_returned: true}, reply: a}
          - {name: "no", match: {thinking_returned: false}, reply: a}
          - {name: first, reply: a}
        """
    wire = CALLS[call].build_request(NeutralRequest())
    path, _, query = wire.path.partition("?")
    user = before[0]
    requested = [
        ClientRequest(
            path, json.dumps({**wire.body, field: messages}).encode(), query=query, headers=wire.headers
        )
        for messages in ([*before, thought], [*before, plain, user], before[:1])
    ]
    assert rule_names(rules, *requested) == ["yes", "no", "first"]


# --- forms -------------------------------------------------------------------------------------------

UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n'
)


def test_form_field_is_matched_on_a_path() -> None:
    rules = """
        rules:
          - name: heard
            match: {path: /v1/assistants/uploads, form: {model: whisper-1, file: {ends_with: .wav}}}
            http: {body: {text: Hello.}}
        """
    head = {"content-type": "multipart/form-data; boundary=b"}
    server = VirtualServer(rules)
    requested = ClientRequest("/v1/assistants/uploads", UPLOAD, headers=head, now=NOW)
    assert server.respond(requested).json == {"text": "Hello."}
    other = ClientRequest("/v1/assistants/uploads", UPLOAD.replace(b"whisper-1", b"other"), headers=head)
    assert server.respond(other).status == 501


@pytest.mark.parametrize(("model", "text"), [("whisper-1", "One."), ("other", "Two.")])
def test_rules_on_different_fields_of_a_form_are_distinct(model: str, text: str) -> None:
    rules = """
        rules:
          - {name: by-model, match: {form: {model: whisper-1}}, reply: One.}
          - {name: by-file, match: {form: {file: {ends_with: .wav}}}, reply: Two.}
        """
    head = {"content-type": "multipart/form-data; boundary=b"}
    upload = UPLOAD.replace(b"whisper-1", model.encode())
    requested = ClientRequest("/v1/audio/transcriptions", upload, headers=head, now=NOW)
    assert VirtualServer(rules).respond(requested).json["text"] == text
