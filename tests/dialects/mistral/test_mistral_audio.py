"""Mistral's transcriptions and speech."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.media.audio import make_audio, wav_seconds
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.mistral import provider as mistral
from mockllm.dialects.mistral.transcription import MistralAudioRequest
from tests.dialects.mistral.stored_requests import create, ended, upload
from tests.dialects.openai.media.forms import form_request
from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    VirtualServer,
    raw_request,
    respond_once,
)

TRANSCRIPTIONS = "/mistral/v1/audio/transcriptions"
SPEECH = "/mistral/v1/audio/speech"
RULES = """
rules:
  - match: {api: transcriptions, model: spoken}
    reply: {text: One two. Three., usage: {input_tokens: 30, output_tokens: 5}}
  - match: {api: transcriptions, model: speakers}
    reply:
      transcript:
        language: de
        segments: [{text: Guten Tag., speaker: agent}, {text: Hallo., start: 3s, end: 4s, speaker: caller}]
  - match: {api: transcriptions, model: odd}
    reply: {text: Hi., extras: {openai: {segments: null, note: x}}}
  - match: {api: [transcriptions, speech], model: broken}
    error: rate_limit
  - match: {api: transcriptions, model: cut}
    reply: {chunks: [One, {error: overloaded}]}
  - match: {api: speech, model: fixed}
    reply: {audio: {data: AAAA}}
"""
WAV = make_audio("wav", 3.0, "x")


def transcribed(model: str = "spoken", file: bytes = WAV, **fields: Any) -> ClientResponse:
    return respond_once(RULES, form_request(TRANSCRIPTIONS, {"file": ("a.wav", file)}, model=model, **fields))


def say(**fields: Json) -> ClientResponse:
    return respond_once(RULES, raw_request(SPEECH, {"input": "Hello there.", **fields}))


def test_transcript_has_text_language_and_usage() -> None:
    body = transcribed().json
    assert (body["model"], body["text"], body["language"]) == ("spoken", "One two. Three.", "en")
    assert body["segments"] == []
    counts = ("prompt_tokens", "completion_tokens", "total_tokens", "prompt_audio_seconds")
    assert [body["usage"][name] for name in counts] == [30, 5, 35, 3]
    assert transcribed("voxtral-mini-latest", language="fr").json["language"] == "fr"


def test_segments_are_sentences_or_words() -> None:
    sentences = transcribed(timestamp_granularities="segment").json["segments"]
    assert [segment["text"] for segment in sentences] == ["One two.", "Three."]
    assert sentences[0] == {"type": "transcription_segment", "text": "One two.", "start": 0, "end": 1.71}
    words = transcribed(timestamp_granularities=["segment", "word"]).json["segments"]
    assert [segment["text"] for segment in words] == ["One", "two.", "Three."]


def test_diarized_segments_have_speakers() -> None:
    segments = transcribed("speakers", diarize="true").json["segments"]
    assert [(each["speaker_id"], each["start"]) for each in segments] == [("agent", 0), ("caller", 3)]
    assert "speaker_id" not in transcribed("speakers", timestamp_granularities="segment").json["segments"][0]


def test_stream_has_language_text_segments_and_whole() -> None:
    sent = transcribed("speakers", stream="true", diarize="true")
    events = [event.json for event in sent.events]
    assert [event.name for event in sent.events] == [event["type"] for event in events]
    names = list(dict.fromkeys(event["type"] for event in events))
    assert names == [
        "transcription.language", "transcription.text.delta", "transcription.segment", "transcription.done",
    ]  # fmt: skip
    assert events[0]["audio_language"] == "de"
    deltas = [event["text"] for event in events if event["type"] == "transcription.text.delta"]
    assert "".join(deltas) == events[-1]["text"] == "Guten Tag. Hallo."
    assert {**events[-1], "type": None} == {**transcribed("speakers", diarize="true").json, "type": None}
    first = next(event for event in events if event["type"] == "transcription.segment")
    assert (first["text"], first["speaker_id"]) == ("Guten Tag.", "agent")


def test_extras_of_reply_replace_members() -> None:
    assert transcribed("odd").json["note"] == "x"
    sent = transcribed("odd", stream="true", timestamp_granularities="word").events[-1].json
    assert (sent["segments"], sent["note"]) == (None, "x")


def test_stored_audio_counts() -> None:
    server = VirtualServer(RULES)
    id = upload(server, WAV, name="a.wav", purpose="audio").json["id"]
    sent = {"model": "spoken", "file_id": id}
    body = server.respond(raw_request(TRANSCRIPTIONS, sent)).json
    assert body["usage"]["prompt_audio_seconds"] == 3
    address = {"model": "spoken", "file_url": "https://a.example/a.mp3"}
    assert server.respond(raw_request(TRANSCRIPTIONS, address)).json["usage"]["prompt_audio_seconds"] == 1


def test_urlencoded_form_is_read() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    granularities = "timestamp_granularities=segment&timestamp_granularities=word"
    body = (
        f"model=spoken&file_url=https%3A%2F%2Fa.example&diarize=true&temperature=1&{granularities}".encode()
    )
    sent = respond_once(RULES, ClientRequest(TRANSCRIPTIONS, body, headers=headers)).json
    assert [segment["text"] for segment in sent["segments"]] == ["One", "two.", "Three."]
    assert sent["segments"][0]["speaker_id"] == "A"


def test_journal_has_requests_without_a_file_whole() -> None:
    def uploads(kind: str) -> bool:
        headers = {"content-type": kind}
        return MistralAudioRequest(method="POST", path="/", headers=headers, raw=b"").has_uploaded_file

    kinds = ("multipart/form-data; boundary=x", "application/json", "application/x-www-form-urlencoded")
    assert [uploads(kind) for kind in kinds] == [True, False, False]


def test_job_transcribes() -> None:
    server = VirtualServer(RULES)
    request: Json = {"custom_id": "a", "body": {"file_url": "https://a.example/a.mp3"}}
    id = create(server, endpoint="/v1/audio/transcriptions", model="spoken", requests=[request]).json["id"]
    (line,) = ended(server, id)["outputs"]
    assert line["response"]["body"]["text"] == "One two. Three."


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"file_url": "x"}, 400, "model"),
        ({"model": "m"}, 400, "file"),
        ({"model": "m", "file_id": "x"}, 404, "No such file: x"),
        ({"model": "m", "file_url": 3}, 400, "file_url"),
        ({"model": "m", "file_url": "x", "file_id": "y"}, 400, "Only one of"),
        ({"model": "m", "file": 5}, 400, "a form uploads"),
        ({"model": "m", "file_url": "x", "diarize": "yes"}, 400, "diarize"),
        ({"model": "m", "file_url": "x", "timestamp_granularities": ["page"]}, 400, "page"),
        ([], 400, "object"),
    ],
)
def test_wrong_transcription_is_refused(fields: Json, status: int, word: str) -> None:
    refused = respond_once(RULES, raw_request(TRANSCRIPTIONS, fields))
    assert (refused.status, refused.json["raw_status_code"]) == (status, status)
    assert word in refused.json["message"]


def test_form_has_one_source_which_is_uploaded() -> None:
    assert transcribed().status == 200
    assert "Only one of" in transcribed(file_url="https://a.example/a.mp3").json["message"]
    sent = form_request(TRANSCRIPTIONS, {}, model="spoken", file="text")
    assert "a form uploads" in respond_once(RULES, sent).json["message"]


def test_rule_faults_audio() -> None:
    assert (transcribed("broken").status, transcribed("broken").json["code"]) == (429, "1300")
    assert say(model="broken").status == 429
    assert transcribed("cut").status == 503
    last = transcribed("cut", stream="true").events[-1].json
    assert (last["object"], last["code"]) == ("error", "3800")


def test_speech_is_whole_or_streamed() -> None:
    audio = b64decode(say(response_format="wav").json["audio_data"])
    assert wav_seconds(audio) == pytest.approx(0.72)
    events = say(response_format="wav", stream=True).events
    *deltas, done = [event.json for event in events]
    assert b"".join(b64decode(event["audio_data"]) for event in deltas) == audio
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    assert (done["type"], events[-1].name) == ("speech.audio.done", "speech.audio.done")
    assert done["usage"]["total_tokens"] > 0
    assert say(model="fixed").json == {"audio_data": "AAAA"}


def test_input_of_speech_has_a_bound() -> None:
    assert say(input="a" * 4096).status == 200
    refused = say(input="a" * 4097, response_format="wav")
    assert (refused.status, "4096" in refused.json["message"]) == (400, True)


@pytest.mark.parametrize("fields", [{"input": None}, {"response_format": "aac"}, {"stream": 3}, {"input": 3}])
def test_wrong_speech_is_refused(fields: dict[str, Json]) -> None:
    assert say(**fields).status == 400
    assert respond_once(RULES, raw_request(SPEECH, [])).status == 400


def decoded(id: str, *events: bytes) -> Any:
    dialect: Any = mistral.PROVIDER.call(id).dialect
    plan = Plan(ResponseHead(200, ()), tuple(EventStep(event, 0, "body") for event in events))
    return dialect.decode(plan)


def test_audio_responses_are_decoded() -> None:
    assert decoded("transcriptions", transcribed().bytes).text == "One two. Three."
    assert decoded("speech", say().bytes).text is None
    assert decoded("speech", b'{"detail": "no"}').error == {"detail": "no"}
    assert decoded("speech", b"3") is None
    dialect: ReplyDialect = mistral.PROVIDER.call("transcriptions").dialect  # type: ignore[assignment]
    assert dialect.decode(transcribed(stream="true").planned.plan).text == "One two. Three."  # type: ignore[union-attr]


def test_layout_has_the_text_of_a_delta() -> None:
    request = form_request(TRANSCRIPTIONS, {"file": ("a.wav", WAV)}, model="spoken", stream="true")
    events = [event.json for event in respond_once(RULES, request).events]
    dialect: ReplyDialect = mistral.PROVIDER.call("transcriptions").dialect  # type: ignore[assignment]
    layout = dialect.event_layout(Request(method="POST", path=TRANSCRIPTIONS, headers={}))
    places = [layout.text(event) for event in events]
    assert [place is not None for place in places] == [
        event["type"] == "transcription.text.delta" for event in events
    ]
    assert any(places)
