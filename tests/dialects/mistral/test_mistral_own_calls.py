"""Mistral's own calls: what is read and refused, and what a response has."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.dialects.mistral import provider as mistral
from mockllm.dialects.mistral.classifiers import CATEGORIES, MistralModerations
from mockllm.dialects.mistral.fim import FimRequest
from mockllm.dialects.mistral.ocr import Ocr
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.openai.classified_texts import MAX_READ
from tests.language.virtual_server import raw_request, respond_once

SCENARIO = """
rules:
  - match: {api: fim}
    reply: {thinking: Hm., text: "return", tool_calls: [{name: look}]}
  - match: {api: ocr, model: refused}
    reply: {refusal: No., extras: {openai: {document_annotation: x}}}
  - {match: {api: [moderations, chat_moderations], user: odd}, error: server_error}
  - {match: {api: ocr, model: broken}, error: server_error}
  - {match: {api: ocr, model: cut}, reply: {chunks: [{error: overloaded}]}}
"""


def post(path: str, **fields: Json) -> tuple[int, Any]:
    sent = respond_once(SCENARIO, raw_request(f"/mistral/v1/{path}", fields))
    return sent.status, sent.json


def test_fim_has_text_alone() -> None:
    status, body = post("fim/completions", model="codestral-latest", prompt="def f():", suffix="x")
    assert status == 200
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "return", "tool_calls": None}


@pytest.mark.parametrize(
    ("path", "fields", "word"),
    [
        ("fim/completions", {"prompt": "x"}, "model"),
        ("fim/completions", {"model": "m"}, "prompt"),
        ("fim/completions", {"model": "m", "prompt": 3}, "prompt"),
        ("moderations", {"input": "x"}, "model"),
        ("moderations", {"model": "m"}, "input"),
        ("moderations", {"model": "m", "input": 3}, "no text"),
        ("moderations", {"model": 3, "input": "x"}, "model"),
        ("chat/moderations", {"model": "m", "input": []}, "no text"),
        ("ocr", {"model": "m"}, "document"),
        ("ocr", {"document": 3}, "document"),
        ("ocr", {"document": {"type": "sound"}}, "sound"),
    ],
)
def test_wrong_request_is_refused(path: str, fields: dict[str, Json], word: str) -> None:
    status, body = post(path, **fields)
    if path == "fim/completions":
        assert (status, word in body["detail"][0]["loc"]) == (422, True)
    else:
        assert (status, word in body["message"]) == (400, True)


@pytest.mark.parametrize("path", ["fim/completions", "moderations", "ocr"])
def test_body_without_json_object_is_refused(path: str) -> None:
    assert respond_once(SCENARIO, raw_request(f"/mistral/v1/{path}", [])).status == 400


def test_fim_reads_no_messages_field() -> None:
    raw = b'{"prompt":"a","suffix":"b","messages":[{"role":"user","content":"c"}]}'
    request = FimRequest(method="POST", path="/v1/fim/completions", headers={}, raw=raw)
    assert request.user == "b"


def test_messages_of_fim_are_prompt_and_suffix() -> None:
    request = FimRequest(
        method="POST", path="/v1/fim/completions", headers={}, raw=b'{"prompt":"a","suffix":"b"}'
    )
    assert [message.text for message in request.messages] == ["a", "b"]
    assert (request.user, request.input_tokens > 0) == ("b", True)


def test_built_request_of_fim_has_its_path() -> None:
    built = mistral.PROVIDER.call("fim").dialect.build_request(NeutralRequest(user="x"))  # type: ignore[attr-defined]
    assert built.path == "/mistral/v1/fim/completions"
    assert built.body == {"model": "codestral-latest", "prompt": "x"}


TURNS: list[Json] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url"}]},
    {"role": 3, "content": "I will kill you."},
    {"role": "tool", "content": "x@y.example"},
]


@pytest.mark.parametrize(
    ("conversation", "flagged"),
    [
        (TURNS[:3], ["violence_and_threats"]),
        ([TURNS, []], ["pii"]),
        ({"messages": TURNS}, ["pii"]),
        ([{"messages": TURNS[:2]}, {"other": 1}], []),
    ],
)
def test_last_message_of_conversation_is_moderated(conversation: Json, flagged: list[str]) -> None:
    status, body = post("chat/moderations", model="mistral-moderation-latest", input=conversation)
    assert status == 200
    (result,) = body["results"]
    assert [name for name, value in result["categories"].items() if value] == flagged


def test_rule_matches_classified_texts() -> None:
    assert post("moderations", model="m", input="odd")[0] == 500
    assert post("chat/moderations", model="m", input=[{"role": "user", "content": "odd"}])[0] == 500


def test_classification_has_scores_of_labels() -> None:
    _, body = post("classifications", model="c", input=["a", "b"])
    assert [set(each["label"]["scores"]) for each in body["results"]] == [{"positive", "negative"}] * 2
    _, body = post("chat/classifications", model="c", input=[TURNS])
    assert len(body["results"]) == 1


def test_ocr_without_rule_has_requested_pages() -> None:
    document: Json = {"type": "image_url", "image_url": "https://a.example/a.png"}
    status, body = post("ocr", document=document, pages=[1, "x", 4])
    assert status == 200
    assert [page["index"] for page in body["pages"]] == [1, 4]
    assert (body["model"], body["usage_info"]["pages_processed"]) == ("mistral-ocr-latest", 2)


def test_ocr_of_a_rule_has_its_text_and_extras() -> None:
    document: Json = {"document_url": "https://a.example/a.pdf"}
    _, body = post("ocr", model="refused", document=document)
    assert (body["pages"][0]["markdown"], body["document_annotation"]) == ("No.", "x")
    assert post("ocr", model="broken", document=document)[0] == 500
    assert post("ocr", model="cut", document=document)[0] >= 200


def decoded(body: bytes) -> Any:
    dialect = mistral.PROVIDER.call("ocr").dialect
    assert isinstance(dialect, Ocr)
    return dialect.decode(Plan(ResponseHead(200, ()), (EventStep(body, 0, "body"),)))


def test_response_of_ocr_is_decoded() -> None:
    assert decoded(b'{"pages": [{"markdown": "a"}, 3]}').text == "a\f"
    assert decoded(b'{"object": "error", "message": "no"}').error["message"] == "no"
    assert decoded(b'{"detail": "no"}').error == {"detail": "no"}
    assert decoded(b'{"other": 1}') is None


def test_ocr_without_document_has_no_message() -> None:
    request = Ocr.request_class(method="POST", path="/v1/ocr", headers={}, raw=b"{}")
    assert request.messages == ()


def test_ocr_has_a_body_where_a_stream_is_requested() -> None:
    _, body = post("ocr", document={"document_url": "x"}, stream=True)
    assert len(body["pages"]) == 1


def test_classifier_reads_so_many_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def result(text: str) -> dict[str, Json]:
        read.append(text)
        return {}

    monkeypatch.setattr(MistralModerations, "result", staticmethod(result))
    post("moderations", model="m", input=["a " * MAX_READ, "kill"])
    assert len(read[0]) + len(read[1]) <= MAX_READ + 1
    assert read[1] == "kill"


def test_address_of_mail_is_sought_in_bounded_parts() -> None:
    # a part without a bound is tried from each dot to the end of the text
    assert "[\\w.]+" not in CATEGORIES["pii"]
    _, body = post("moderations", model="m", input=["write to ann.b@mail.example.com", "a." * 5_000])
    assert [result["categories"]["pii"] for result in body["results"]] == [True, False]
