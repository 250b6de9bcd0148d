"""No file contains a key, wherever a request or a response has it."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest

from mockllm.cli.units import private_text
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.rendering.recorded_websocket import RecordedMessage
from mockllm.recordings.interaction import Interaction, RecordedRequest, RecordedResponse
from mockllm.recordings.scenario_writer import RequestParser, scenario
from tests.language.virtual_server import cases
from tests.recordings.divided_bodies import array, stream
from tests.recordings.sample_files import BODY, take

AZURE = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
"""A key that does not look like one: only its position shows it."""
PATH = "/v1/chat/completions"


def written(
    *,
    requested: dict[str, str] | None = None,
    query: str = "",
    body: Any = BODY,
    headers: dict[str, str] | None = None,
    answer: bytes = b"",
    private: Sequence[str] = (),
    path: str = PATH,
) -> str:
    """The file of one exchange. The response repeats the key, for that is where it would be missed."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    frames = (RecordedFrame(0.0, answer[:7]), RecordedFrame(0.1, answer[7:]))
    request = RecordedRequest("POST", path, query, tuple((requested or {}).items()), raw)
    (text,), *_ = scenario(
        [Interaction(request, RecordedResponse(200, tuple((headers or {}).items()), frames), PATH)],
        "x",
        RequestParser(private=private),
    )
    return text


def test_file_has_no_password_that_arguments_divide() -> None:
    text = written(answer=stream(r'{"u": "https:\/\/ann:hunt', r'er2@host\/x"}', member="arguments"))
    assert "hunt" not in text
    assert "er2" not in text


def test_file_has_no_key_that_events_divide() -> None:
    text = written(answer=stream("sk-proj-abcdef", "ghijkl123456"))
    assert "abcdef" not in text
    assert "ghijkl" not in text


@cases(
    "recording",
    [
        ("a response", {"answer": b'{"text": "/home/ann/shop"}'}),
        ("a response with escapes", {"answer": b'{"text": "\\/home\\/ann\\/shop"}'}),
        ("two events", {"answer": stream("in /ho", "me/ann/shop")}),
        ("a path of Windows", {"answer": b'{"text": "C:\\\\Users\\\\ann"}'}),
        ("letters as they are", {"answer": '{"text": "M\u00fcller"}'.encode()}),
        ("letters as numbers", {"answer": b'{"text": "M\\u00fcller"}'}),
        ("a header", {"headers": {"x-folder": "/home/ann"}}),
        ("a request", {"body": {**BODY, "user": "/home/ann"}}),
        ("a path of a request", {"path": "/v1/home/ann/chat"}),
        ("an encoded query", {"query": "alt=%2Fhome%2Fann"}),
    ],
)
def test_private_text_is_in_no_file(recording: dict[str, Any]) -> None:
    text = written(**recording, private=["/home/ann", "C:\\Users\\ann", "M\u00fcller"])
    assert "ann" not in text
    assert "ller" not in text
    assert text != written(**recording)


def test_private_text_needs_three_characters() -> None:
    assert private_text("ann") == "ann"
    assert private_text(" ann\r\n") == "ann"
    for short in ("an", " an\n"):
        with pytest.raises(ValueError, match="at least 3 characters, found 'an'"):
            private_text(short)


ECHO = json.dumps({"error": {"message": f"Incorrect API key provided: {AZURE}."}}).encode()


@cases(
    "recording",
    [
        ("OpenAI's header", {"requested": {"Authorization": f"Bearer {AZURE}"}}),
        ("a header without a scheme", {"requested": {"authorization": AZURE}}),
        ("Azure's header", {"requested": {"api-key": AZURE}}),
        ("Anthropic's header", {"requested": {"x-api-key": AZURE}}),
        ("Google's header", {"requested": {"X-Goog-Api-Key": AZURE}}),
        ("a gateway's own header", {"requested": {"x-portkey-api-key": AZURE}}),
        ("a cookie among others", {"requested": {"Cookie": f"theme=dark; session={AZURE}; a=b"}}),
        ("the query", {"query": f"alt=sse&key={AZURE}"}),
        ("the query, as another parameter", {"query": f"api-version=1&access_token={AZURE}"}),
        ("a field of the body", {"body": {**BODY, "api_key": AZURE}}),
        ("a field of a form", {"body": f"grant_type=refresh_token&client_secret={AZURE}".encode()}),
        ("a field of a form, encoded", {"body": f"a=b&refresh_token=%30{AZURE[1:]}".encode()}),
        (
            "a field of a form after a text with blanks",
            {
                "body": f"prompt=a b&api_key={AZURE}".encode(),
                "requested": {"Content-Type": "application/x-www-form-urlencoded"},
            },
        ),
        (
            "a field of a multipart body",
            {
                "body": f'--X\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n{AZURE}\r\n--X--'.encode(),
                "requested": {"Content-Type": "multipart/form-data; boundary=X"},
            },
        ),
        ("a URL in a form", {"body": f"file_url=https%3A%2F%2Fuser%3A{AZURE}%40x%2Fa.wav".encode()}),
        ("a URL in the body", {"body": {**BODY, "file_url": f"https://x/a?key={AZURE}"}}),
        (
            "a header in the body",
            {"body": {**BODY, "tools": [{"type": "mcp", "headers": {"Authorization": f"Bearer {AZURE}"}}]}},
        ),
        ("a field of JSON in a text of the body", {"body": {**BODY, "x": json.dumps({"api_key": AZURE})}}),
        ("a field deep in the body", {"body": {**BODY, "tools": [{"mcp": {"authorization": AZURE}}]}}),
        ("a cookie that the answer sets", {"headers": {"Set-Cookie": f"__cf_bm={AZURE}; path=/; HttpOnly"}}),
        ("a token that the answer gives", {"headers": {"x-session-token": AZURE}}),
    ],
)
def test_key_known_by_its_position_is_masked(recording: dict[str, Any]) -> None:
    text = written(**{"answer": ECHO, "headers": {"x-echo": f"you sent {AZURE}"}, **recording})
    assert AZURE not in text
    assert "*" * len(AZURE) in text.replace("\n", "")


@cases(
    "answer",
    [
        ("a token", json.dumps({"access_token": AZURE, "echo": AZURE})),
        ("a token in camel case", json.dumps({"refreshToken": AZURE})),
        ("a secret of arguments", json.dumps({"arguments": json.dumps({"password": AZURE}), "echo": AZURE})),
        ("a secret deep in it", json.dumps({"apps": [{"client_secret": AZURE}]})),
        ("an event", f'data: {{"result": {{"apiKey": "{AZURE}"}}}}\n\n'),
        ("a line", f'{{"a": 1}}\n{{"password": "{AZURE}"}}\n'),
    ],
)
def test_key_known_by_its_field_in_response_is_masked(answer: str) -> None:
    text = written(answer=answer.encode())
    assert AZURE not in text
    assert "*" * len(AZURE) in text.replace("\n", "")


@cases(
    "answer",
    [
        ("a URL", '{"url": "https://ann:hunter2@host/x"}'),
        ("slashes in escapes", '{"url": "https:\\/\\/ann:hunter2@host\\/x"}'),
        ("letters in escapes", '{"url": "https://ann:hunter2\\u00fc@host"}'),
        ("marks in escapes", '{"url": "https\\u003a\\u002f\\u002fann\\u003ahunter2\\u0040host"}'),
        ("the name of a field", '{"https:\\/\\/ann:hunter2@host": 1}'),
        ("an event", 'data: {"a": ["see https:\\/\\/ann:hunter2@host\\/x"]}\n\n'),
        ("an array of items", '[{"a": "https:\\/\\/ann:hunter2@host"}\n,\r\n{"a": 1}'),
        (
            "with escapes and without",
            '{"a": "https://ann:hunter2@host", "b": "https:\\/\\/ann:hunter2@host"}',
        ),
        ("the same name twice", '{"a": "https://ann:hunter2@host", "a": "https:\\/\\/ann:hunter2@host"}'),
        ("beside a line of text", '# https://ann:hunter2@host\n{"a": "https:\\/\\/ann:hunter2@host"}\n'),
        ("escapes in an argument", r'{"arguments": "{\"u\": \"https:\\/\\/ann:hunter2@host\"}"}'),
        ("letters of an argument", r'{"arguments": "{\"u\": \"https:\\u002f/ann:hunter2\\u0040host\"}"}'),
        ("a password in the encoding of URLs", '{"a": "https:\\/\\/ann:hunter2%40x%u00e9\\u00fc@host"}'),
        ("a mark of the password in escapes", '{"a": "https://ann:x@y\\u0040hunter2@host"}'),
    ],
)
def test_password_of_url_in_response_is_masked(answer: str) -> None:
    text = written(answer=answer.encode())
    assert "hunter2" not in "".join(text.split())
    assert "host" in text


def test_text_with_line_ends_is_not_the_password_of_a_url() -> None:
    text = written(
        answer=rb'{"arguments": "{\"t\": \"https://host\\nuser: mail:ann@host \\\"\"}", "b": "://a\nb:c@d"}'
    )
    assert "****" not in text


def test_file_has_no_key_that_items_divide() -> None:
    text = written(answer=array("sk-proj-abcdef", "ghijkl123456"))
    assert "abcdef" not in text
    assert "ghijkl" not in text


@pytest.mark.parametrize("other", ["", "wss://ann:hunter2@host"])
def test_password_of_url_in_message_of_socket_is_masked(other: str) -> None:
    data = rb'{"type": "session.updated", "url": "wss:\/\/ann:hunter2@host\/x", "b": "%s"}' % other.encode()
    response = RecordedResponse(101, (), (), (RecordedMessage(0.0, data=data),))
    recorded = Interaction(RecordedRequest("GET", "/v1/realtime", "", (), b""), response, "a.har:1:1")
    (text,), *_ = scenario([recorded], "x", RequestParser())
    assert "session.updated" in text
    assert "hunter2" not in text


def test_keys_in_many_fields_of_response_are_masked() -> None:
    event = 'data: {"access_token": "sessiontoken0000aaaa"}\n\n'
    text = written(answer=(event * 40 + f'data: {{"refresh_token": "{AZURE}"}}\n\n').encode())
    assert AZURE not in text
    keys = [{"api_key": f"{AZURE}{number}"} for number in range(40)]
    assert AZURE not in written(answer=json.dumps({"data": keys}).encode())


def test_usual_fields_of_responses_stay() -> None:
    fields = {"signature": AZURE, "token": f"{AZURE}9", "authorization": "bearer", "max_tokens": 5}
    text = written(answer=json.dumps(fields).encode())
    assert (text.count(AZURE), "****" in text) == (2, False)


def test_longer_of_two_keys_is_masked_first() -> None:
    long = f"{AZURE}-ghijkl"
    text = written(
        requested={"x-api-key": long},
        body={**BODY, "api_key": AZURE},
        answer=json.dumps({"error": long, "secret": AZURE[:20]}).encode(),
    )
    assert "ghijkl" not in text


def test_key_in_compressed_response_is_masked() -> None:
    text = written(
        requested={"api-key": AZURE},
        headers={"content-encoding": "gzip"},
        answer=gzip.compress(ECHO, mtime=0),
    )
    assert "****" in text
    assert "base64" not in text


def test_response_too_long_decompressed_has_note() -> None:
    answer = gzip.compress(ECHO + bytes(32 << 20), mtime=0)
    response = RecordedResponse(200, (("content-encoding", "gzip"),), (RecordedFrame(0.0, answer),))
    recorded = Interaction(RecordedRequest("POST", PATH, "", (), b"{}"), response, "a.har:1:1")
    (note,) = scenario([recorded], "x", RequestParser()).notes
    assert note.endswith(
        "the response has more than 32 MiB without its compression (gzip): it is not searched for keys, and only "
        "clients that accept the compression can read it"
    )


def test_key_in_prompt_is_in_no_example() -> None:
    body = {**BODY, "messages": [{"role": "user", "content": f"My key is {AZURE}."}]}
    text = written(requested={"api-key": AZURE}, body=body, answer=b"{}")
    assert AZURE not in text
    assert "contains a key" in text


def test_signed_url_is_masked() -> None:
    text = written(headers={"location": f"https://x.test/file?sig={AZURE}&sp=r"}, answer=b"{}")
    assert AZURE not in text
    assert "&sp=r" in text


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"key": "source_url"}]},
        {"model": "gpt-5-nano", "prompt_cache_key": "gpt-5-nano"},
        b"no JSON",
        b"",
    ],
)
def test_plain_words_in_key_fields_stay(body: Any) -> None:
    assert "source_url gpt-5-nano" in written(body=body, answer=b"Behind: source_url gpt-5-nano")


@cases(
    "data",
    [
        ("a fixture's answer", {"fixtures": [{"match": {"userMessage": "x"}, "response": {"content": "sk-" + "a1B2" * 8}}]}),
        ("a fixture's condition", {"fixtures": [{"match": {"userMessage": "sk-" + "a1B2" * 8}, "response": {"content": "x"}}]}),
        ("a fixture's error", {"fixtures": [{"match": {}, "response": {"error": {"message": "sk-" + "a1B2" * 8}}}]}),
        ("a fixture's call", {"fixtures": [{"match": {}, "response": {"toolCalls": [{"name": "f", "arguments": {"api_key": "sk-" + "a1B2" * 8}}]}}]}),
        ("a call's arguments in a text", {"fixtures": [{"match": {}, "response": {"toolCalls": [{"name": "f", "arguments": json.dumps({"api_key": "a1B2" * 5})}]}}]}),
        ("a mapping's query", {"mappings": [{"request": {"urlPath": "/x", "queryParameters": {"key": {"equalTo": "sk-" + "a1B2" * 8}}}, "response": {}}]}),
        ("a mapping's condition", {"mappings": [{"request": {"urlPath": "/x", "bodyPatterns": [{"contains": "sk-" + "a1B2" * 8}]}, "response": {}}]}),
        ("a mapping's JSON", {"mappings": [{"request": {"urlPath": "/x", "bodyPatterns": [{"equalToJson": {"k": "sk-" + "a1B2" * 8}}]}, "response": {}}]}),
        ("a mapping's answer", {"mappings": [{"request": {"urlPath": "/x"}, "response": {"jsonBody": {"k": "sk-" + "a1B2" * 8}}}]}),
        ("a mapping's header", {"mappings": [{"request": {"urlPath": "/x", "headers": {"x-other": {"equalTo": "sk-" + "a1B2" * 8}}}, "response": {}}]}),
    ],
)  # fmt: skip
def test_keys_in_files_of_other_mocks_are_masked(data: Any) -> None:
    result = take(data)
    assert "a1B2" not in result.text
    assert any("key" in note for note in result.notes)
