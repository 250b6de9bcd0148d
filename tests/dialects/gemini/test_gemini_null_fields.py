"""Null fields of Google's messages, which count as absent, as in the JSON form of `protobuf`."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request import divided_bodies
from mockllm.core.request.divided_bodies import BODIES
from mockllm.core.request.messages import CallPart, MediaPart, OtherPart
from mockllm.core.request.prompt_tokens import MEDIA_TOKENS
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.gemini.dialects import EMBEDDINGS
from mockllm.dialects.gemini.generate import GENERATE
from mockllm.dialects.gemini.generate_request import GenerateRequest
from tests.dialects.gemini.generate_requests import generate, of_bytes
from tests.dialects.gemini.test_gemini_embeddings import embeddings_body, embeddings_request
from tests.language.virtual_server import raw_request, respond_once

NO_DATA: Json = {
    "functionCall": None,
    "functionResponse": None,
    "inlineData": None,
    "fileData": None,
    "thoughtSignature": None,
}
PNG: Json = {"mimeType": "image/png", "data": "AAAA"}
FILE: Json = {"mimeType": "image/png", "fileUri": "https://a.example/cat.png"}
HI: Json = {"role": "user", "parts": [{**NO_DATA, "text": "hi"}]}
CALL: Json = {"role": "model", "parts": [{**NO_DATA, "functionCall": {"name": "look", "args": None}}]}
RESULT: Json = {
    "role": "user",
    "parts": [{**NO_DATA, "text": None, "functionResponse": {"name": "look", "response": {}}}],
}
TURNS: Json = {"role": "model", "parts": [{**NO_DATA, "text": "So."}]}
SCHEMA: Json = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}


def contents(*entries: Json, model: str = "gemini-2.5-flash") -> GenerateRequest:
    return generate({"contents": list(entries)}, model=model)


@pytest.mark.parametrize("entries", [[HI], [HI, TURNS, HI], [HI, CALL, RESULT, TURNS, HI]])
@pytest.mark.parametrize("divided", [False, True])
def test_null_members_of_parts_pass_the_check(
    entries: list[Json], divided: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if divided:
        monkeypatch.setattr(divided_bodies, "MIN_DIVIDED_BYTES", 0)
        BODIES.clear()
    request = of_bytes(dumps({"contents": entries}), model="gemini-2.5-flash")
    assert GENERATE.check(request) is None


@pytest.mark.parametrize("divided", [False, True])
def test_part_with_null_members_only_is_refused(divided: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if divided:
        monkeypatch.setattr(divided_bodies, "MIN_DIVIDED_BYTES", 0)
        BODIES.clear()
    for _ in range(2):  # then only the turns are checked
        assert GENERATE.check(of_bytes(dumps({"contents": [HI]}))) is None
    empty: Json = {"role": "user", "parts": [{**NO_DATA, "text": None}]}
    failure = GENERATE.check(of_bytes(dumps({"contents": [HI, TURNS, empty]})))
    assert failure is not None
    assert "contents[2].parts[0].data: required oneof field 'data'" in str(failure.message)


def test_null_response_begins_a_turn_for_signatures() -> None:
    unsigned: Json = {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]}
    request = contents(HI, unsigned, RESULT, TURNS, HI, model="gemini-3-pro-preview")
    assert GENERATE.check(request) is None


def test_null_text_begins_no_turn_for_signatures() -> None:
    unsigned: Json = {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]}
    failure = GENERATE.check(contents(HI, unsigned, RESULT, model="gemini-3-pro-preview"))
    assert failure is not None
    assert "missing a thought_signature" in str(failure.message)


def test_null_members_leave_the_kind_of_a_part() -> None:
    parts: list[Json] = [
        {"inlineData": None, "fileData": FILE},
        {"inlineData": None, "functionCall": {"name": "look", "args": None}},
        {"text": None, "executableCode": {"code": "1"}},
    ]
    (message,) = contents({"role": "user", "parts": parts}).messages
    assert message.parts == (MediaPart("image"), CallPart(None, "look", {}), OtherPart("executableCode"))


def test_null_media_have_no_tokens() -> None:
    inner: Json = {"name": "look", "response": {}, "parts": [{"fileData": None, "inlineData": PNG}]}
    request = contents(
        {"role": "user", "parts": [{"text": "hi", "inlineData": None, "fileData": None}]},
        {"role": "user", "parts": [{"inlineData": None, "fileData": FILE}, {"functionResponse": inner}]},
    )
    assert request.media == (("IMAGE", 2 * MEDIA_TOKENS),)
    assert [part for message in request.messages for part in message.parts].count(MediaPart("image")) == 2


def test_null_signature_is_no_returned_thought() -> None:
    assert contents(HI, TURNS, HI).thinking_returned is False


def test_null_json_schema_leaves_the_own_schema() -> None:
    declared: Json = {"name": "look", "parametersJsonSchema": None, "parameters": SCHEMA}
    config: Json = {
        "responseMimeType": "application/json",
        "responseJsonSchema": None,
        "responseSchema": SCHEMA,
    }
    request = generate(tools=[{"functionDeclarations": [declared]}], generationConfig=config)
    assert request.response_format == Format("schema", None, SCHEMA)
    assert [tool.schema for tool in request.tools] == [SCHEMA]


def test_array_with_null_items_is_refused() -> None:
    schema: Json = {"type": "ARRAY", "items": None}
    failure = GENERATE.check(generate(generationConfig={"responseSchema": schema}))
    assert failure is not None
    assert "response_schema.items: missing field." in str(failure.message)


def test_null_content_to_embed_is_refused() -> None:
    failure = EMBEDDINGS.check(embeddings_request("embedContent", {"content": None}))
    assert failure is not None
    assert "content is not specified" in str(failure.message)


def test_null_setting_of_embedding_leaves_that_of_config() -> None:
    body: Json = {
        "content": {"parts": [{"text": "hello"}]},
        "outputDimensionality": None,
        "embedContentConfig": {"outputDimensionality": 4},
    }
    assert len(embeddings_body("embedContent", body)["embedding"]["values"]) == 4


JOB: dict[str, Json] = {
    "displayName": "mine",
    "model": "publishers/google/models/gemini-2.5-flash",
    "inputConfig": {
        "instancesFormat": "bigquery",
        "gcsSource": None,
        "bigquerySource": {"inputUri": "bq://project.data.in"},
    },
    "outputConfig": {
        "predictionsFormat": "bigquery",
        "gcsDestination": None,
        "bigqueryDestination": {"outputUri": "bq://project.data.out"},
    },
}


def test_null_source_of_batch_job_leaves_the_other_one() -> None:
    path = "/v1/projects/p/locations/us-central1/batchPredictionJobs"
    created = respond_once("rules: [{reply: Hi.}]", raw_request(path, JOB))
    assert (created.status, created.json["displayName"]) == (200, "mine")
