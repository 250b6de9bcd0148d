"""VCR cassettes and HAR files: the same request gets the same bytes."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import base64
import gzip
import json
from typing import Any, Final

import pytest

from mockllm.recordings.import_file import NotImported
from tests.language.virtual_server import VirtualServer, cases, raw_request
from tests.recordings.sample_files import (
    ANSWER,
    BODY,
    HAR,
    HEADERS,
    KEY,
    SSE,
    URL,
    again,
    take,
    vcrpy,
)

RUBY = f"""---
http_interactions:
- request:
    method: post
    uri: {URL}
    body:
      encoding: UTF-8
      string: '{json.dumps(BODY)}'
    headers:
      Authorization:
      - Bearer {KEY}
  response:
    status:
      code: 200
      message: OK
    headers:
      Content-Type:
      - application/json
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        {base64.b64encode(ANSWER.encode()).decode()}
  recorded_at: Fri, 20 Nov 2026 10:00:00 GMT
recorded_with: VCR 6.3.1
"""
GO = {
    "interactions": [
        {
            "request": {"method": "POST", "url": URL, "body": json.dumps(BODY), "headers": {}},
            "response": {"code": 200, "body": ANSWER, "headers": HEADERS, "duration": "1.5s"},
        }
    ]
}


@cases(
    "name, data, took",
    [
        ("vcrpy in JSON", "a.json", vcrpy({"string": ANSWER}), 0),
        ("vcrpy with a body as text", "a.json", vcrpy(ANSWER), 0),
        (
            "vcrpy with base64",
            "a.json",
            vcrpy({"base64_string": base64.b64encode(ANSWER.encode()).decode()}),
            0,
        ),
        (
            "vcrpy in YAML",
            "a.yaml",
            f"interactions:\n- {json.dumps(vcrpy({'string': ANSWER})['interactions'][0])}",
            0,
        ),
        ("VCR for Ruby, with a binary body", "a.yml", RUBY, 0),
        ("go-vcr", "a.json", GO, 1.5),
        ("HAR", "a.har", HAR, 1.5),
    ],
)
def test_same_request_gets_the_same_bytes(name: str, data: object, took: float) -> None:
    result = take(data, name)
    cassette = again(result)
    assert cassette.bytes == ANSWER.encode()
    assert cassette.headers["content-type"] == "application/json"
    assert cassette.took == took
    assert "set-cookie" not in cassette.headers
    assert result.count == 1


def test_compressed_body_stays_compressed() -> None:
    data = gzip.compress(SSE.encode(), mtime=0)
    cassette = vcrpy({"base64_string": base64.b64encode(data).decode()}, headers={"Content-Encoding": ["gzip"], "content-type": ["text/event-stream"]})  # fmt: skip
    result = take(cassette)
    packed = raw_request("/v1/chat/completions", BODY, headers={"accept-encoding": "gzip"})
    assert again(result, packed).bytes == data
    assert again(result).bytes == SSE.encode()
    assert f"# Compressed (gzip). Its text:\n        #   {SSE.splitlines()[0]}\n        #\n" in result.text


def test_decompressed_body_has_no_content_encoding() -> None:
    result = take(vcrpy({"string": ANSWER}, headers={"content-encoding": ["br"], "x": ["1"]}))
    assert "content-encoding" not in again(result).headers
    assert "content-encoding (br) is left out" in result.notes[0]


def test_har_without_bodies_is_reported() -> None:
    entry = json.loads(json.dumps(HAR))
    entry["log"]["entries"][0]["response"]["content"] = {"size": 5}
    assert "the response's body was not saved" in take(entry).notes[0]
    entry["log"]["entries"][0]["response"]["content"] = {"encoding": "base64", "text": "aGk="}
    assert again(take(entry)).bytes == b"hi"


def test_har_without_the_request_body_is_reported() -> None:
    entry = json.loads(json.dumps(HAR))
    entry["log"]["entries"][0]["request"] |= {"postData": {}, "bodySize": 44}
    (note,) = take(entry).notes
    assert note.endswith("the request's body was not saved, so only a request without a body is found")


def test_har_with_a_size_that_is_no_number_is_imported() -> None:
    entry = json.loads(json.dumps(HAR))
    entry["log"]["entries"][0]["request"] |= {"postData": {}, "bodySize": "44"}
    assert not any("was not saved" in note for note in take(entry).notes)


@pytest.mark.parametrize("url", ["blob:https://app.example/1", "data:text/plain,hi", "about:blank"])
def test_har_entry_of_the_browser_is_left_out(url: str) -> None:
    har = json.loads(json.dumps(HAR))
    entry = har["log"]["entries"][0]
    har["log"]["entries"].append(entry | {"request": {"url": url}})
    result = take(har)
    assert (result.count, len(result.notes)) == (1, 1)
    assert result.notes[0].endswith("this request never leaves the browser, so it is left out")


def test_old_cassette_with_anchors_and_python_tags_loads() -> None:
    text = f"""
interactions:
- request: &asked
    body: !!python/unicode '{json.dumps(BODY)}'
    headers: {{}}
    method: !!python/unicode POST
    uri: {URL}
  response: {{body: {{string: !!python/unicode 'one'}}, headers: {{}}, status: {{code: 200, message: OK}}}}
- request: *asked
  response: {{body: {{string: !!binary dHdv}}, headers: {{}}, status: {{code: 200, message: OK}}}}
version: 1
"""
    game = VirtualServer(take(text, "old.yaml").text)
    assert [game.respond(raw_request("/v1/chat/completions", BODY)).bytes for _ in range(2)] == [
        b"one",
        b"two",
    ]


def test_har_request_without_response_is_reported() -> None:
    entry = json.loads(json.dumps(HAR))
    lost = json.loads(json.dumps(entry["log"]["entries"][0]))
    lost["response"]["status"] = 0
    entry["log"]["entries"].insert(0, lost)
    result = take(json.dumps(entry, indent=1), "a.har")
    assert result.count == len(entry["log"]["entries"]) - 1
    (note,) = (item for item in result.notes if "has no response" in item)
    assert note.startswith("a.har:")


SOCKET_HAR: Final[dict[str, Any]] = {
    "request": {"method": "GET", "url": "wss://api.openai.com/v1/realtime?model=m", "headers": [
        {"name": "Upgrade", "value": "websocket"}, {"name": "Authorization", "value": "Bearer x"}]},
    "response": {"status": 101, "headers": []},
    "_webSocketMessages": [
        {"type": "receive", "time": 1000.5, "opcode": 1, "data": '{"type":"session.created"}'},
        {"type": "send", "time": 1001.0, "opcode": 2, "data": "/wEC"},
        {"type": "receive", "time": 1000.9, "opcode": 1, "data": "late"},
    ],
}  # fmt: skip


def test_har_of_a_websocket_is_a_replay_of_messages() -> None:
    result = take(json.dumps({"log": {"entries": [SOCKET_HAR]}}), "a.har")
    assert "match: {path: /v1/realtime, hash: " in result.text
    assert '- at: 0ms\n          data: "{\\"type\\":\\"session.created\\"}"' in result.text
    assert "- at: 500ms\n          from: client\n          base64: |-\n            /wEC" in result.text
    assert '- at: 500ms\n          data: "late"' in result.text
    assert '"headers": {"upgrade": "websocket"}' in result.text


def test_har_message_without_data_is_refused() -> None:
    entry = {**SOCKET_HAR, "_webSocketMessages": [{"type": "send", "time": 1}]}
    with pytest.raises(NotImported, match="expected a message with type, time and data"):
        take(json.dumps({"log": {"entries": [entry]}}), "a.har")


def test_base64_with_other_letters_is_refused() -> None:
    with pytest.raises(NotImported, match=r"recorded\.json:1:\d+: this is not base64"):
        take(vcrpy({"base64_string": "\u00e9"}))


def test_har_message_beyond_a_year_has_no_time() -> None:
    entry = HAR["log"]["entries"][0]
    sent = [{"type": "receive", "time": time, "opcode": 1, "data": "{}"} for time in (0, 1e300)]
    opened = {**entry, "response": {"status": 101}, "_webSocketMessages": sent}
    result = take({"log": {"entries": [opened]}})
    assert "replayed without times" in result.notes[0]
    assert result.text.count("at: 0ms") == 2
