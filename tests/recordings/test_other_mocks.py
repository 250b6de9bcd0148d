"""Fixtures of aimock and mappings of WireMock become rules."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockllm.core.quantities.parse import parse_duration
from tests.language.virtual_server import VirtualServer, cases, chat_request, claude_request, raw_request
from tests.recordings.sample_files import (
    BODY,
    KEY,
    take,
    warnings_of,
)

AIMOCK: dict[str, Any] = {
    "fixtures": [
        {"match": {"userMessage": "colour", "model": "gpt-4o"}, "response": {"content": "Teal {{ x }}"}, "latency": 20},
        {"match": {"userMessage": "once", "sequenceIndex": 0}, "response": {"content": "first"}},
        {"match": {"toolName": "look"}, "response": {"toolCalls": [{"name": "look", "arguments": '{"a": 1}', "id": "c1"}]}},
        {"match": {"toolCallId": "c1"}, "response": {"content": {"a": 1}, "reasoning": "Hm.", "finishReason": "stop", "model": "m"}},
        {"match": {"userMessage": "fail"}, "response": {"error": {"message": "No.", "type": "t"}, "status": 429}},
        {"match": {"endpoint": "chat", "responseFormat": "json_object"}, "response": {"content": "{}"}, "chunkSize": 5},
        {"match": {"userMessage": "an x"}, "response": {"embedding": [1, 0.5]}},
        {"match": {"predicate": "…"}, "response": {"content": "cut"}},
        {"match": {"userMessage": "cut"}, "response": {"content": "cut", "audio": 1}, "truncateAfterChunks": 1, "chaos": {}},
        {"response": {"content": "rest", "toolCalls": [{"name": "f", "arguments": "{"}]}, "disconnectAfterMs": 50},
    ]
}  # fmt: skip


def test_aimock_fixtures_become_rules() -> None:
    result = take(AIMOCK, "fixtures.json")
    game = VirtualServer(result.text)
    assert game.respond(chat_request("Which colour?", stream=True)).text == "Teal {{ x }}"
    assert [
        game.respond(item).text for item in (claude_request("once more"), chat_request("Which colour?"))
    ] == [
        "first",
        "Teal {{ x }}",
    ]
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    assert game.respond(chat_request(tools=tools)).calls == [("look", {"a": 1})]
    assert game.respond(chat_request("do fail")).status == 429
    embedded = game.respond(raw_request("/v1/embeddings", {"model": "m", "input": "an x"}))
    assert json.loads(embedded.bytes)["data"][0]["embedding"] == [1, 0.5]
    assert [note.partition(": ")[2] for note in result.notes] == [
        "predicate is not imported, and neither is its fixture", "audio is not imported",
        "chaos is not imported",
    ]  # fmt: skip
    assert result.notes[0].startswith("fixtures.json:1:")


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
                "jsonBody": {"a": 1, "nested": [[{"b": 2}]]},
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


def test_wiremock_mappings_become_rules() -> None:
    result = take(WIREMOCK, "mappings.json")
    assert KEY not in result.text
    rest = {"mappings": WIREMOCK["mappings"][:3]}
    game = VirtualServer(take(rest).text)
    response = game.respond(raw_request("/v1/chat/completions", BODY, headers={"x-a": "1"}))
    assert response.json == {"a": 1, "nested": [[{"b": 2}]]}
    assert (response.status, response.took, response.headers["x"]) == (201, 1.5, "1, 2")
    assert response.headers["x-api-key"] == "REDACTED"
    assert "set-cookie" not in response.headers
    assert game.respond(raw_request("/v1/chat/completions", {"model": "other"})).bytes == b"{{ x }}"
    output = " | ".join(note.partition(": ")[2] for note in result.notes)
    for name in (
        "scenarioName",
        "authorization: keys",
        "this condition",
        "this pattern",
        "is not JSON",
        "transformers",
        "the query of a url",
        "cookies",
        "copy __files/a.json",
    ):
        assert name in output
    assert take(WIREMOCK["mappings"][1]).count == 1


def test_numbers_of_fixtures_become_valid_settings() -> None:
    numbers = {"latency": 1_234_567, "chunkSize": True, "disconnectAfterMs": 1e308}
    result = take({"fixtures": [{"match": {}, "response": {"content": "x"}, **numbers}]})
    assert 'itl: "1234567ms"' in result.text
    assert [note.partition(": ")[2] for note in result.notes] == [
        "chunkSize is not imported",
        "disconnectAfterMs is not imported",
    ]
    VirtualServer(result.text)


@cases("name", [("above", "../../etc/passwd"), ("absolute", "/etc/passwd"), ("none", "")])
def test_wiremock_file_outside_of_its_folder_is_reported(name: str) -> None:
    mapping = {"request": {"url": "/a"}, "response": {"bodyFileName": name, "fixedDelayMilliseconds": 10**13}}
    result = take(mapping)
    assert [note.partition(": ")[2] for note in result.notes] == [
        "bodyFileName is not imported",
        "fixedDelayMilliseconds is not imported",
    ]
    VirtualServer(result.text)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0ms"), (20, "20ms"), (0.04, "0.04ms"), (0.00001, "0.00001ms"), (12.3456, "12.3456ms"), (-0.0, "0.0ms"),
     (1_000_049, "1000049ms"), (31_536_000_000, "31536000000ms"), (1_234_567.5, "1234567.5ms")],
)  # fmt: skip
def test_imported_wait_loses_no_digit(value: float, written: str) -> None:
    fixture = {"match": {"userMessage": "a"}, "response": {"content": "b"}}
    aimock = take({"fixtures": [{**fixture, "latency": value, "disconnectAfterMs": value}]})
    assert aimock.text.count(f'"{written}"') == 2
    mapping = {"request": {"urlPath": "/v1/x"}, "response": {"fixedDelayMilliseconds": value}}
    wiremock = take({"mappings": [mapping]}).text
    assert f'delay: "{written}"' in wiremock
    VirtualServer(aimock.text), VirtualServer(wiremock)  # both are scenarios
    assert parse_duration(written) == pytest.approx(value / 1000, rel=1e-12)


@pytest.mark.parametrize(
    ("response", "body"),
    [
        ({"body": {"a": True}}, b'{"a":true}'), ({"body": [1, None]}, b"[1,null]"), ({"body": False}, b"false"),
        ({"body": 1.5}, b"1.5"), ({"body": "a"}, b"a"), ({"body": None}, b""), ({"jsonBody": {"a": [True]}}, b'{"a":[true]}'),
        ({"jsonBody": "a"}, b'"a"'), ({"jsonBody": None}, b"null"), ({"jsonBody": 3}, b"3"),
    ],
)  # fmt: skip
def test_wiremock_body_has_the_json_of_its_value(response: dict[str, Any], body: bytes) -> None:
    game = VirtualServer(take({"request": {"url": "/a"}, "response": response}).text)
    assert game.respond(raw_request("/a")).bytes == body


@pytest.mark.parametrize("name", ["k" * 990, "k" * 1025, "a b" * 400], ids=len)
@pytest.mark.parametrize(
    "value",
    [1, "x", "a\nb\n", {"b": [1]}, [{"k" * 1025: 1}], [[{"k" * 1025: [2]}]]],
    ids=["number", "text", "lines", "object", "list", "nested"],
)
def test_long_key_of_a_response_is_imported(name: str, value: Any) -> None:
    game = VirtualServer(take({"request": {"url": "/a"}, "response": {"jsonBody": {name: value}}}).text)
    assert json.loads(game.respond(raw_request("/a")).bytes) == {name: value}


@pytest.mark.parametrize("operator", ["equalTo", "contains", "matches"])
@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (3, "3"), (1.5, "1.5"), ("True", "True")]
)
def test_wiremock_value_is_compared_as_json_text(operator: str, value: Any, text: str) -> None:
    conditions = {"headers": {"x-a": {operator: value}}, "queryParameters": {"q": {operator: value}}}
    game = VirtualServer(take({"request": {"url": "/a", **conditions}, "response": {"body": "found"}}).text)
    assert game.respond(raw_request("/a", query=f"q={text}", headers={"x-a": text})).bytes == b"found"
    assert game.respond(raw_request("/a", query="q=other", headers={"x-a": text})).status == 404


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ({"urlPath": "/together/v1/chat/completions"}, "/together/v1/chat/completions"),
        ({"urlPattern": "/together/v1/.*"}, "/together/v1/chat/completions"),
        ({"url": "/openai/deployments/d/chat/completions"}, "/openai/deployments/d/chat/completions"),
        ({"url": "/other/v1/chat"}, "/other/v1/chat"),
    ],
)
def test_wiremock_path_has_the_provider_of_its_prefix(url: dict[str, str], sent: str, tmp_path: Path) -> None:
    result = take({"request": {"method": "POST", **url}, "response": {"body": "found"}})
    game = VirtualServer(result.text)
    assert game.respond(raw_request(sent, BODY)).bytes == b"found"
    assert game.respond(raw_request("/v1/chat/completions", BODY)).bytes != b"found"
    assert warnings_of(result, tmp_path) == []
