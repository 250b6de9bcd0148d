"""What other tools have recorded, as scenario files: it is found by its hash, and comes back byte for byte."""

# ruff: noqa: E501 - cases stand on one line each

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.main import main
from mockllm.core.json import dumps
from mockllm.recordings.importing import Imported, imported
from mockllm.recordings.material import Material, NotImported
from mockllm.recordings.writing import Reader
from mockllm.testing.examples import Suite
from tests.language.playing import Ask, Game, Heard, ask, chat, claude, table
from tests.recordings.replaying import replayed
from tests.testing.suites import results

KEY = "sk-" + "a1B2" * 8
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Name a colour."}]}
ANSWER = '{"choices": [{"index": 0, "message": {"role": "assistant", "content": "Teal ${x} é"}}]}'
SSE = 'data: {"choices":[{"index":0,"delta":{"content":"Teal"}}]}\n\ndata: [DONE]\n\n'
URL = "https://api.openai.com/v1/chat/completions"
SENT = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}", "Cookie": "session=private"}
HEADERS = {
    "content-type": "application/json",
    "set-cookie": "a=private",
    "content-length": "5",
    "x-request-id": "r1",
}


def take(data: object, name: str = "recorded.json", **more: Any) -> Imported:
    raw = data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else dumps(data)
    return imported(Material(name, raw), Reader(), **more)


def again(found: Imported, asked: Ask | None = None) -> Heard:
    for secret in (KEY, "private"):
        assert secret not in found.text
    return Game(found.text).hear(asked or ask("/v1/chat/completions", BODY))


def vcrpy(body: object, **response: object) -> dict[str, Any]:
    request = {
        "method": "POST",
        "uri": URL,
        "body": json.dumps(BODY),
        "headers": {k: [v] for k, v in SENT.items()},
    }
    answer = {
        "status": {"code": 200, "message": "OK"},
        "headers": {k: [v] for k, v in HEADERS.items()},
        "body": body,
    }
    return {"version": 1, "interactions": [{"request": request, "response": {**answer, **response}}]}


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
HAR = {
    "log": {
        "entries": [
            {
                "request": {
                    "method": "POST",
                    "url": URL,
                    "headers": [{"name": name, "value": value} for name, value in SENT.items()],
                    "postData": {"text": json.dumps(BODY)},
                },
                "response": {
                    "status": 200,
                    "headers": [{"name": name, "value": value} for name, value in HEADERS.items()],
                    "content": {"text": ANSWER, "size": len(ANSWER)},
                },
                "timings": {"wait": 1500},
            }
        ]
    }
}
LOG = {"request": BODY, "response": json.loads(ANSWER), "latency_ms": 1500, "status": 200}
LINES = f"{json.dumps(LOG)}\n\n{json.dumps({**LOG, 'request': {**BODY, 'model': 'other'}})}\n"


@table(
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
def test_the_same_request_gets_the_same_bytes(name: str, data: object, took: float) -> None:
    found = take(data, name)
    heard = again(found)
    assert heard.bytes == ANSWER.encode()
    assert heard.headers["content-type"] == "application/json"
    assert heard.took == took
    assert "set-cookie" not in heard.headers
    assert found.count == 1


def test_a_log_of_requests() -> None:
    found = take(LINES, "log.jsonl")
    assert found.count == 2
    assert again(found).bytes == dumps(json.loads(ANSWER))
    assert "log.jsonl:1:1: the log tells no path; taken for /v1/chat/completions" in found.notes[0]
    assert again(take(json.dumps(LOG), "one.json", path="/v1/chat/completions")).took == 1.5


@table(
    "entry, asked",
    [
        ("a batch", {"url": "/v1/chat/completions", "method": "POST", "body": BODY, "response": {"status_code": 200, "body": json.loads(ANSWER)}}, None),
        ("bodies as texts", {"path": "/v1/chat/completions", "request_body": json.dumps(BODY), "response_body": ANSWER, "duration": 1}, None),
        ("a request with a body", {"request": {"url": URL, "headers": SENT, "body": BODY}, "response": {"status": 200, "body": ANSWER}}, None),
        ("Anthropic's", {"request": {"anthropic_version": "x", "messages": []}, "response": {"a": 1}}, ask("/v1/messages", {"anthropic_version": "x", "messages": []})),
        ("Google's", {"request": {"contents": []}, "response": {"a": 1}}, ask("/v1beta/models/unknown:generateContent", {"contents": []})),
        ("of responses", {"request": {"input": "x"}, "response": {"a": 1}}, ask("/v1/responses", {"input": "x"})),
        ("of completions", {"request": {"prompt": "x"}, "completion": {"a": 1}}, ask("/v1/completions", {"prompt": "x"})),
    ],
)  # fmt: skip
def test_logs_in_many_forms(entry: object, asked: Ask | None) -> None:
    assert again(take(f"{json.dumps(entry)}\n", "log.jsonl"), asked).status == 200


def test_a_stream_that_was_logged_whole_is_told() -> None:
    entry = {"path": "/v1/chat/completions", "request": {**BODY, "stream": True}, "response": {"a": 1}}
    assert "asked for a stream" in take(json.dumps(entry), "x.jsonl").notes[0]
    text = {**entry, "response": SSE}
    heard = again(take(json.dumps(text), "x.jsonl"), ask("/v1/chat/completions", {**BODY, "stream": True}))
    assert heard.headers["content-type"] == "text/event-stream"


CURL = f"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200 \r\ncontent-type: application/json\r\nset-cookie: private\r\n\r\n{ANSWER}"
CHUNKED = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{ANSWER[:5]}\r\n{len(ANSWER[5:].encode()):x}\r\n{ANSWER[5:]}\r\n0\r\n\r\n"


@table(
    "response, expected, kind",
    [
        ("what curl wrote", CURL, ANSWER, "application/json"),
        ("with chunks", CHUNKED, ANSWER, None),
        ("with chunks undone", CHUNKED.split("5\r\n")[0] + ANSWER, ANSWER, None),
        ("with chunks that end too soon", CHUNKED[:-5], CHUNKED[:-5].partition("\r\n\r\n")[2], None),
        ("JSON alone", ANSWER, ANSWER, "application/json"),
        ("events alone", SSE, SSE, "text/event-stream"),
        ("a text alone", "Hello", "Hello", "text/plain; charset=utf-8"),
    ],
)
def test_an_answer_without_its_request(response: str, expected: str, kind: str | None) -> None:
    request = Material("r.json", dumps(BODY))
    heard = again(take(response, "body", request=request, path="/v1/chat/completions?x=1"))
    assert heard.bytes == expected.encode()
    assert heard.headers.get("content-type") == kind


def test_a_body_that_was_packed_stays_packed_and_is_read_by_all() -> None:
    data = gzip.compress(SSE.encode())
    answer = vcrpy({"base64_string": base64.b64encode(data).decode()}, headers={"Content-Encoding": ["gzip"], "content-type": ["text/event-stream"]})  # fmt: skip
    found = take(answer)
    packed = ask("/v1/chat/completions", BODY, headers={"accept-encoding": "gzip"})
    assert again(found, packed).bytes == data
    assert again(found).bytes == SSE.encode()


def test_a_body_that_the_recorder_unpacked_is_no_longer_said_to_be_packed() -> None:
    found = take(vcrpy({"string": ANSWER}, headers={"content-encoding": ["br"], "x": ["1"]}))
    assert "content-encoding" not in again(found).headers
    assert "content-encoding (br) is left out" in found.notes[0]


def test_a_key_in_an_answer_is_written_over_and_told() -> None:
    said = f'{{"echo": "{KEY}", "cookie": "session=private"}}'
    found = take(vcrpy({"string": said}))
    heard = again(found)
    assert heard.bytes == said.replace(KEY, "*" * len(KEY)).replace("session=private", "*" * 15).encode()
    assert "what looks like a key" in found.notes[0]
    packed = vcrpy(
        {"base64_string": base64.b64encode(gzip.compress(said.encode())).decode()},
        headers={"content-encoding": ["gzip"]},
    )
    assert again(take(packed)).bytes == heard.bytes


def test_a_key_in_a_request_does_not_reach_the_example() -> None:
    body = {**BODY, "note": f"mine is {KEY}"}
    request = {"method": "POST", "uri": URL, "body": json.dumps(body), "headers": {}}
    response = {"status": {"code": 200}, "headers": {}, "body": {"string": "x"}}
    found = take({"interactions": [{"request": request, "response": response}]})
    assert "held a key" in found.text
    assert again(found, ask("/v1/chat/completions", body)).bytes == b"x"


def test_the_same_request_again_is_a_sequence() -> None:
    one, two = vcrpy({"string": "one"}), vcrpy({"string": "two"})
    both = {"interactions": [*one["interactions"], *two["interactions"]]}
    game = Game(take(both).text)
    assert [game.hear(ask("/v1/chat/completions", BODY)).bytes for _ in range(3)] == [b"one", b"two", b"two"]


def test_the_file_tests_itself(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(take(vcrpy({"string": ANSWER})).text, encoding="utf-8")
    assert [result.passed for result in results(tmp_path)] == [True]
    assert isinstance(Suite, type)


@pytest.mark.parametrize(
    "body",
    ["", "\n", "\n\n", " leading\n space\n", "tab\tand\n\ttab", "a\r\nb\r\n\r\n", "trailing \n  \n\n", "# no comment\n",
     "${x} $${y} {{ z }}\n", "\x00\x07\n", "\u2028\n\ufeff\n", "a: b\n- c\n---\n...\n", "'\"\\\n", "é€😀\nx", "no end\nof line"],
)  # fmt: skip
def test_every_text_survives_being_written(body: str) -> None:
    assert again(take(vcrpy({"string": body}))).bytes == body.encode()


# --- other mocks -------------------------------------------------------------------------------------

AIMOCK: dict[str, Any] = {
    "fixtures": [
        {"match": {"userMessage": "colour", "model": "gpt-4o"}, "response": {"content": "Teal {{ x }}"}, "latency": 20},
        {"match": {"userMessage": "once", "sequenceIndex": 0}, "response": {"content": "first"}},
        {"match": {"toolName": "look"}, "response": {"toolCalls": [{"name": "look", "arguments": '{"a": 1}', "id": "c1"}]}},
        {"match": {"toolCallId": "c1"}, "response": {"content": {"a": 1}, "reasoning": "Hm.", "finishReason": "stop", "model": "m"}},
        {"match": {"userMessage": "fail"}, "response": {"error": {"message": "No.", "type": "t"}, "status": 429}},
        {"match": {"endpoint": "chat", "responseFormat": "json_object"}, "response": {"content": "{}"}, "chunkSize": 5},
        {"match": {"inputText": "x"}, "response": {"embedding": [1]}},
        {"match": {"predicate": "…"}, "response": {"content": "cut"}},
        {"match": {"userMessage": "cut"}, "response": {"content": "cut", "audio": 1}, "truncateAfterChunks": 1, "chaos": {}},
        {"response": {"content": "rest", "toolCalls": [{"name": "f", "arguments": "{"}]}, "disconnectAfterMs": 50},
    ]
}  # fmt: skip


def test_fixtures_of_aimock_become_rules() -> None:
    found = take(AIMOCK, "fixtures.json")
    game = Game(found.text)
    assert game.hear(chat("Which colour?", stream=True)).text == "Teal {{ x }}"
    assert [game.hear(each).text for each in (claude("once more"), chat("Which colour?"))] == [
        "first",
        "Teal {{ x }}",
    ]
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    assert game.hear(chat(tools=tools)).calls == [("look", {"a": 1})]
    assert game.hear(chat("do fail")).status == 429
    assert [note.partition(": ")[2] for note in found.notes] == [
        "embedding is not carried over", "predicate is not carried over, nor is its fixture", "audio is not carried over",
        "chaos is not carried over",
    ]  # fmt: skip
    assert found.notes[0].startswith("fixtures.json:1:")


WIREMOCK: dict[str, Any] = {
    "mappings": [
        {
            "priority": 1,
            "name": "kept",
            "request": {
                "method": "POST",
                "urlPath": "/v1/chat/completions",
                "headers": {
                    "x-a": {"equalTo": "1", "caseInsensitive": True},
                    "authorization": {"equalTo": KEY},
                },
                "queryParameters": {"q": {"absent": True}, "z": {"before": "now"}},
                "bodyPatterns": [
                    {"matchesJsonPath": "$.messages"},
                    {"matchesJsonPath": "$..content"},
                    {"matchesJsonPath": "$["},
                    {"equalToJson": '{"model": "gpt-4o"}', "ignoreExtraElements": True},
                    {"equalToJson": "{"},
                    {"contains": "colour"},
                    {"matches": "x"},
                    {"equalToXml": "<a/>"},
                ],
            },
            "response": {
                "status": 201,
                "statusMessage": "Created",
                "headers": {
                    "Content-Type": "a/b",
                    "Set-Cookie": "private",
                    "X-Api-Key": KEY,
                    "x": ["1", "2"],
                },
                "jsonBody": {"a": 1},
                "fixedDelayMilliseconds": 1500,
                "transformers": ["response-template"],
            },
            "scenarioName": "s",
        },
        {
            "request": {"method": "ANY", "urlPattern": "/v1/chat/.*"},
            "response": {"status": 200, "body": "{{ x }}"},
        },
        {"request": {"url": "/elsewhere?x=1", "cookies": {}}, "response": {"fault": "EMPTY_RESPONSE"}},
        {"request": {"bodyPatterns": [{"matches": "nothing"}]}, "response": {"bodyFileName": "a.json"}},
    ]
}


def test_mappings_of_wiremock_become_rules() -> None:
    found = take(WIREMOCK, "mappings.json")
    assert KEY not in found.text
    rest = {"mappings": WIREMOCK["mappings"][:3]}
    game = Game(take(rest).text)
    heard = game.hear(ask("/v1/chat/completions", BODY, headers={"x-a": "1"}))
    assert (heard.status, heard.json, heard.took, heard.headers["x"]) == (201, {"a": 1}, 1.5, "1, 2")
    assert heard.headers["x-api-key"] == "REDACTED"
    assert "set-cookie" not in heard.headers
    assert game.hear(ask("/v1/chat/completions", {"model": "other"})).bytes == b"{{ x }}"
    told = " | ".join(note.partition(": ")[2] for note in found.notes)
    for word in (
        "scenarioName",
        "authorization: keys",
        "this condition",
        "this pattern",
        "holds no JSON",
        "transformers",
        "the query of a url",
        "cookies",
        "copy __files/a.json",
    ):
        assert word in told
    assert take(WIREMOCK["mappings"][1]).count == 1


# --- mistakes ----------------------------------------------------------------------------------------


@table(
    "name, data, message",
    [
        ("nothing known", "a.json", {"a": 1}, "a.json:1:1: expected a VCR cassette"),
        ("no YAML", "a.yaml", "a: [", "a.yaml:2:1: a key or a value is missing"),
        ("an empty file", "a.yaml", "", "there is nothing in it"),
        ("an empty cassette", "a.json", {"interactions": []}, "it holds no answered request"),
        ("no uri", "a.json", '{"interactions": [\n{"request": {}, "response": {}}]}', "a.json:2:1: expected a request"),
        ("no status", "a.json", {"interactions": [{"request": {"uri": "/x"}, "response": {}}]}, "no status code"),
        ("no base64", "a.json", vcrpy({"base64_string": "?"}), "this is not base64"),
        ("no url in a HAR", "a.har", {"log": {"entries": [{}]}}, "expected a request with a url"),
        ("an answer that never came", "a.har", {"log": {"entries": [{"request": {"url": "/"}, "response": {"status": 0}}]}}, "no answered request"),
        ("a line that is no JSON", "a.jsonl", '{"response": 1}\n{', "a.jsonl:1:1"),
        ("a line that is cut", "a.jsonl", f"{json.dumps(LOG)}\n{{", "a.jsonl:2:"),
        ("a line that is no object", "a.jsonl", f"{json.dumps(LOG)}\n[]", "a.jsonl:2:1: expected an object"),
        ("a line without a path", "a.jsonl", '{"request": {"x": 1}, "response": {}}', "give --path"),
        ("what curl wrote alone", "a.txt", CURL, "give --request"),
        ("an exchange without its request", "a.json", {"response": {"status": 200, "body": ""}}, "--request and --path"),
        ("a fixture without an answer", "a.json", {"fixtures": [AIMOCK["fixtures"][0], {}]}, "expected a fixture"),
        ("a mapping without an answer", "a.json", {"mappings": [{}]}, "expected a mapping"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_told_with_its_place(name: str, data: object, message: str) -> None:
    with pytest.raises(NotImported) as raised:
        take(data, name)
    assert message in str(raised.value)


def test_a_saved_page_without_bodies_is_told() -> None:
    entry = json.loads(json.dumps(HAR))
    entry["log"]["entries"][0]["response"]["content"] = {"size": 5}
    assert "the answer's body was not saved" in take(entry).notes[0]
    entry["log"]["entries"][0]["response"]["content"] = {"encoding": "base64", "text": "aGk="}
    assert again(take(entry)).bytes == b"hi"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["import", *arguments])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette, request, body = tmp_path / "a b.json", tmp_path / "r.json", tmp_path / "body.txt"
    cassette.write_bytes(dumps(vcrpy({"string": ANSWER}, headers={"content-encoding": ["br"]})))
    request.write_bytes(dumps(BODY))
    body.write_text(SSE, encoding="utf-8")
    out = tmp_path / "out"
    assert run(str(cassette), str(cassette), "--out", str(out)) == 0
    assert sorted(each.name for each in out.iterdir()) == ["a-b-2.yaml", "a-b.yaml"]
    told = capsys.readouterr()
    assert told.out == ""
    assert "1 imported" in told.err
    assert "note: " in told.err
    assert run("--request", str(request), "--path", "/v1/chat/completions", "--response", str(body)) == 0
    assert Game(capsys.readouterr().out).hear(ask("/v1/chat/completions", BODY)).bytes == SSE.encode()
    assert run(str(request), "--out", str(out)) == 1
    assert run() == 2
    assert run("nothing-there.json") == 2
    assert run(str(body), str(body), "--request", str(request)) == 2
    assert run(str(body), "--request", str(request)) == 1
    assert run(str(body), "--request", str(request), "--path", "v1") == 1
    (tmp_path / "file").write_text("")
    capsys.readouterr()
    assert run(str(cassette), "--out", str(tmp_path / "file")) == 1
    assert "mockllm: " in capsys.readouterr().err


# --- recordings of live providers, where they are at hand; else of this server ------------------------

TRANSCRIPTS = Path(__file__).resolve().parents[3] / "shared" / "transcripts"


def test_all_transcripts_come_back_byte_for_byte() -> None:
    files = sorted(TRANSCRIPTS.glob("*/*.json"))
    if not files:
        pytest.skip("0 recordings of live providers at hand; those that this server makes are tested instead")
    bad, reader = [], Reader()
    for file in files:
        recorded = json.loads(file.read_bytes())
        if not recorded.get("request"):
            recorded["request"] = {
                "method": "POST",
                "path": "/v1/chat/completions",
                "body": {"of": file.name},
            }
        elif recorded["request"].get("path") is None:
            recorded["request"] |= {"method": "POST", "path": "/v1/chat/completions"}
        found = imported(Material(file.name, dumps(recorded)), reader)
        verdict = replayed(found.text, recorded)
        if verdict != "same":
            bad.append(f"{file.name}: {verdict}")
    print(f"{len(files)} recordings came back byte for byte, but for {len(bad)}")
    assert bad == []


ASKED: Sequence[tuple[str, Mapping[str, Any], str]] = [
    ("/v1/chat/completions", BODY, ""),
    ("/v1/responses", {"model": "gpt-4o", "input": "hi"}, ""),
    ("/v1/messages", {"model": "claude-x", "max_tokens": 9, "messages": BODY["messages"]}, ""),
    ("/v1beta/models/gemini-x:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}, ""),
    ("/v1beta/models/gemini-x:streamGenerateContent", {"contents": [{"parts": [{"text": "hi"}]}]}, ""),
    ("/v1beta/models/gemini-x:streamGenerateContent", {"contents": [{"parts": [{"text": "hi"}]}]}, "alt=sse"),
    ("/azure/openai/deployments/d/chat/completions", BODY, "api-version=2024-10-21"),
    ("/groq/openai/v1/chat/completions", BODY, ""),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "query"), ASKED, ids=[f"{p}?{q}" for p, _, q in ASKED])
@pytest.mark.parametrize("streamed", [False, True])
def test_what_this_server_says_comes_back_byte_for_byte(
    path: str, body: Mapping[str, Any], query: str, streamed: bool
) -> None:
    sent = {**body, "stream": True} if streamed and "contents" not in body else dict(body)
    asked = ask(path, sent, query=query, headers={"anthropic-version": "2023-06-01"})
    said = Game("rules: [{reply: {text: 'One, two,\n\n three é', thinking: Hm.}}]").hear(asked)
    assert said.status == 200
    recorded = {
        "request": {
            "method": "POST",
            "path": path,
            "query": query,
            "headers": dict(asked.headers),
            "body": sent,
        },
        "response": {"status": said.status, "headers": said.headers, "body": said.bytes.decode()},
    }
    assert replayed(take(recorded).text, recorded) == "same"
