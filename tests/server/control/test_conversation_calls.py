"""A request of the journal as turns and events, as a program, and found by a text in its bodies."""

from __future__ import annotations

import ast
import contextlib
import gzip
import socket
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mockllm.core.json.codec import Json
from tests.server.control.live_server import EXAMPLE, Steered, listed, steered
from tests.server.test_websocket_recorder import opened, turn
from tests.waiting import until

STREAM = """
  - name: stream
    match: {user: {contains: stream}}
    reply: {chunks: [One, " two", " three"]}
    pace: {ttft: 10ms, itl: 20ms}
"""
FILE = EXAMPLE.replace("modifiers:", f"{STREAM.lstrip(chr(10))}modifiers:")
CALLED = {"name": "f", "arguments": "{}"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}
HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "hello"}, IMAGE]},
    {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": CALLED}]},
    {"role": "tool", "tool_call_id": "c", "content": "done"},
]  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    with steered(tmp_path, {"a.yaml": FILE}) as built:
        yield built


def conversation(server: Steered) -> dict[str, Any]:
    id = listed(server, "?limit=1")[0]["id"]
    found: dict[str, Any] = server.call("GET", f"/api/requests/{id}/conversation").json
    return found


def test_conversation_has_turns_and_response(server: Steered) -> None:
    server.ask(messages=HISTORY)
    found = conversation(server)
    assert found["system"] == "Be brief."
    assert [(turn["role"], [part["kind"] for part in turn["parts"]]) for turn in found["turns"]] == [
        ("user", ["text", "image"]),
        ("assistant", ["call"]),
        ("tool", ["result"]),
    ]
    assert found["turns"][1]["parts"][0]["arguments"] == {}
    assert (found["response"]["text"], found["response"]["finish"]) == ("Hello you.", "stop")
    assert found["events"] == []


def test_events_have_planned_and_real_times(server: Steered) -> None:
    server.ask("stream", stream=True)
    found = conversation(server)
    assert found["response"]["text"] == "One two three"
    chunks = [each for each in found["events"] if each["kind"] == "chunk"]
    assert [round(each["planned"], 3) for each in chunks] == [0.01, 0.03, 0.05]
    assert all(each["planned"] <= each["at"] + 1e-6 for each in chunks)


def test_cached_stream_has_no_bytes_of_a_fault(server: Steered) -> None:
    for _ in range(3):  # the third response is from the cache
        server.ask("stream", stream=True)
    kinds = [each["kind"] for each in conversation(server)["events"]]
    assert kinds.count("chunk") == 3
    assert not {"raw", "cut", "error"} & {*kinds}


def test_cut_stream_has_events_that_were_not_sent(server: Steered) -> None:
    server.call("POST", "/api/rules", {"modifiers": [{"faults": [{"close": {"after": {"chunks": 1}}}]}]})
    with contextlib.suppress(HTTPException):
        server.ask("stream", stream=True)
    events = conversation(server)["events"]
    cut = [each["kind"] for each in events].index("cut")
    assert [each["kind"] for each in events[:cut]].count("chunk") == 1
    assert events[cut]["text"] == "close"
    assert all(each["at"] is not None for each in events[: cut + 1])
    assert [each["at"] for each in events[cut + 1 :]] == [None] * (len(events) - cut - 1)


@pytest.mark.parametrize(
    ("fault", "marked"),
    [({"stall": {"for": "20ms"}}, " two"), ("duplicate", "One"), ("no_terminator", "stop")],
)
def test_events_name_the_fault_that_changed_them(server: Steered, fault: Json, marked: str) -> None:
    server.call("POST", "/api/rules", {"modifiers": [{"faults": [fault]}]})
    server.ask("stream", stream=True)
    (found,) = (each for each in conversation(server)["events"] if each["fault"])
    assert found["fault"] == (fault if isinstance(fault, str) else "stall")
    assert marked in found["text"]


def test_request_of_no_protocol_has_no_turns(server: Steered) -> None:
    server.call("GET", "/nothing/here")
    assert conversation(server)["turns"] == []


def test_key_is_in_no_turn_and_no_program(server: Steered) -> None:
    server.ask("hello sk-s3cret")
    id = listed(server)[0]["id"]
    for path in ("conversation", "code"):
        got = server.call("GET", f"/api/requests/{id}/{path}")
        assert got.status == 200
        assert "sk-s3cret" not in got.text


def test_program_without_an_sdk_uses_httpx(server: Steered) -> None:
    server.call("GET", "/v1/models", headers={"authorization": "Bearer sk-1", "x-mine": "y"})
    id = listed(server)[0]["id"]
    python = server.call("GET", f"/api/requests/{id}/code?origin=http://h:1").json["python"]
    assert "import httpx" in python
    assert "'http://h:1/v1/models'" in python
    assert "'x-mine': 'y'" in python
    assert "sk-1" not in python


def test_program_sends_no_header_of_a_compressed_body(server: Steered) -> None:
    """The journal has the body without its encoding."""
    headers = {"content-encoding": "gzip", "content-type": "application/json", "x-mine": "y"}
    server.call("POST", "/nothing/here", gzip.compress(b'{"a": 1}'), headers)
    tree, _ = program(server)
    texts = {str(value).lower() for value in literals(tree)}
    assert {"x-mine", "content-type"} <= texts
    assert not {"content-encoding", "gzip"} & texts


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"host": "localhost:4010"}, "http://localhost:4010/v1"),
        ({"host": "[::1]:4010"}, "http://[::1]:4010/v1"),
        ({"host": "localhost", "x-forwarded-proto": "https"}, "https://localhost/v1"),
    ],
)
def test_program_calls_the_address_of_the_call(server: Steered, headers: dict[str, str], base: str) -> None:
    server.ask("hello")
    id = listed(server)[0]["id"]
    python = server.call("GET", f"/api/requests/{id}/code", headers=headers).json["python"]
    assert f"base_url='{base}'" in python


def test_host_with_code_gets_no_program(server: Steered) -> None:
    server.ask("hello")
    id = listed(server)[0]["id"]
    got = server.call("GET", f"/api/requests/{id}/code", headers={"host": 'localhost:1/"+evil()+"'})
    assert (got.status, "base_url" in got.text) == (403, False)


HOSTILE = """a"+str(print("INJECTED"))+'+b\\${c}`d`$(e)"""


def program(server: Steered) -> tuple[ast.Module, set[str]]:
    """The program of the last request, and what it calls."""
    id = listed(server, "?limit=1")[0]["id"]
    tree = ast.parse(server.call("GET", f"/api/requests/{id}/code").json["python"])
    return tree, {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def literals(tree: ast.AST) -> list[Any]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]


SDK_CALLS = {"openai.OpenAI", "client.chat.completions.create", "print"}


def test_texts_of_client_in_sdk_program_are_literals(server: Steered) -> None:
    body = {"model": f"{HOSTILE}\n", "messages": [{"role": "user", HOSTILE: "\n"}], "user": HOSTILE}
    headers = {"x-mockllm-session": "a.b~c"}
    server.call("POST", f"/openai/deployments/{HOSTILE}/chat/completions?api-version=1", body, headers)
    tree, called = program(server)
    assert called == SDK_CALLS
    base = f"http://127.0.0.1:{server.port}/openai/deployments/{HOSTILE}"
    assert {base, f"{HOSTILE}\n", HOSTILE, "a.b~c"} <= {*literals(tree)}


def test_field_that_is_no_keyword_is_in_extra_body(server: Steered) -> None:
    others: dict[str, Any] = {
        "a=1); print(2": HOSTILE,
        "class": 1,
        "x-y": 2,
        "extra_body": {"z": 3},
        "\ufb01": 4,
    }
    server.ask("hello", **others)
    tree, called = program(server)
    assert called == SDK_CALLS
    (create,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.keywords) > 2)
    values = {keyword.arg: ast.literal_eval(keyword.value) for keyword in create.keywords}
    assert values == {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "hello"}],
        "extra_body": others,
    }


def test_texts_of_client_in_httpx_program_are_literals(server: Steered) -> None:
    headers = {"x-mine": HOSTILE, "x-'": "y"}
    server.call("POST", f"/nothing/{HOSTILE}?q={HOSTILE}", f"{HOSTILE}\n", headers)
    tree, called = program(server)
    assert called == {"httpx.request", "print"}
    url = f"http://127.0.0.1:{server.port}/nothing/{HOSTILE}?q={HOSTILE}"
    assert {url, HOSTILE, f"{HOSTILE}\n", "x-'"} <= {*literals(tree)}


def test_bytes_that_are_no_request_have_no_program(server: Steered) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(b"no request\r\n\r\n")
        while client.recv(65536):
            pass
    (entry,) = listed(server)
    got = server.call("GET", f"/api/requests/{entry['id']}/code")
    assert got.status == 404
    assert got.json["detail"] == f"Request {entry['id']} has no path, so no program can send it again."


def test_request_over_a_websocket_is_not_sent_again(server: Steered) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with opened(url) as socket:
        turn(socket, "hello")
    server.ask("hello")
    until(lambda: len(listed(server)) == 3)
    entries = {(entry["method"], entry["status"]): entry["id"] for entry in listed(server)}
    plain = entries.pop(("POST", 200))
    assert entries.keys() == {("GET", 101), ("WS response.create", 200)}
    for id in entries.values():
        sent = server.call("POST", f"/api/requests/{id}/send", {"server": url})
        code = server.call("GET", f"/api/requests/{id}/code")
        assert (sent.status, code.status) == (409, 409)
        reason = f"Request {id} came over a WebSocket, so no HTTP request can send it again."
        assert sent.json["detail"] == code.json["detail"] == reason
    assert server.call("GET", f"/api/requests/{plain}/code").status == 200


def test_text_is_found_in_bodies_and_streams(server: Steered) -> None:
    server.ask("hello Zoë")
    server.ask("stream", stream=True)
    server.ask("nothing matches this")
    for text, count in (("zoë", 1), ("ONE TWO TH", 1), ("gpt-4o", 3), ("absent", 0), ("sk-s3cret", 0)):
        assert len(listed(server, f"?text={quote(text)}")) == count, text
    lines = server.call("GET", "/api/requests/export?text=hello").text.splitlines()
    assert len(lines) == 2  # also the near miss that names the rule
