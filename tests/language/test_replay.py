"""`replay`: a recorded response byte for byte with its times, or as a reply in any protocol."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence

import pytest

from mockllm.core.rendering.framing import framed
from tests.language.virtual_server import (
    ClientResponse,
    VirtualServer,
    cases,
    chat_request,
    claude_request,
    diagnostics_of,
    models_request,
    raw_request,
    respond_once,
)


def event(text: str) -> str:
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}) + "\n\n"


OPEN = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
DONE = "data: [DONE]\n\n"
STREAM = OPEN + event("Hel") + event("lo ") + event("you") + DONE
BODY = json.dumps(
    {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello you"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    },
    indent=1,
)


def rule(replay: object, **more: object) -> str:
    """A file with one rule, as JSON: it is YAML too."""
    return json.dumps({"validation": "off", "rules": [{"name": "recorded", "replay": replay, **more}]})


def streamed(frames: Sequence[object], **more: object) -> dict[str, object]:
    return {"headers": {"content-type": "text/event-stream"}, "frames": frames, **more}


def timed() -> dict[str, object]:
    texts = [OPEN + event("Hel"), event("lo "), event("you") + DONE]
    return streamed([{"at": f"{100 * (n + 1)}ms", "data": text} for n, text in enumerate(texts)])


def whole(text: str = BODY, **more: object) -> dict[str, object]:
    return {
        "headers": {"content-type": "application/json"},
        "frames": [{"at": "300ms", "data": text}],
        **more,
    }


# --- bytes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frames",
    [
        [STREAM],
        [STREAM[:100], STREAM[100:101], STREAM[101:]],
        [STREAM.replace("\n", "\r\n")],
        ["data:no space\n\n: comment\n\nid: 1\ndata: x\n\nretry: 5\n\n" + event("a")],
        [STREAM[:-9]],
        ["no event at all"],
        ["é", "€ data: \n\n\n\n\n", ""],
        ["event: a\ndata: 1\n\nevent: message_stop\ndata: {}\n\n"],
    ],
    ids=["events", "cut in events", "CRLF", "other fields", "no end", "no events", "odd", "named events"],
)
def test_replay_sends_recorded_bytes(frames: list[str]) -> None:
    response = respond_once(rule(streamed(frames)), chat_request(stream=True))
    assert response.bytes == "".join(frames).encode()
    assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")
    assert response.streamed


@cases(
    "kind, body",
    [
        ("newline-delimited JSON", "application/x-ndjson", '{"a":1}\n{"b":2}\nrest'),
        ("an array as Google sends it", "application/json", '[{\n"a": 1\n}\n,\r\n{"b":2}\n]'),
        ("an array that is cut", "application/json", '[{"a":1}\n,\r\n{"b"'),
        ("an array in a form of its own", "application/json", '[{"a":1},{"b":2}]'),
        ("an array that goes on", "application/json", '[{"a":1}\n]\n'),
        ("an empty array", "application/json", "[]"),
        ("frames of AWS", "application/vnd.amazon.eventstream", "binary"),
        ("no body", "text/plain", ""),
    ],
)
def test_replay_leaves_framing(kind: str, body: str) -> None:
    result = respond_once(
        rule({"headers": {"content-type": kind}, "frames": [body]}), chat_request(stream=True)
    )
    assert result.bytes == body.encode()


def test_replay_binary_bytes() -> None:
    data = bytes(range(256))
    replay = {"headers": {}, "frames": [{"base64": base64.b64encode(data).decode()}], "status": 418}
    response = respond_once(rule(replay))
    assert (response.bytes, response.status) == (data, 418)


def test_replay_file_is_body() -> None:
    text = json.dumps({"rules": [{"replay": {"file": "body.txt", "headers": {"x-a": "{{ no template }}"}}}]})
    response = respond_once({"a.yaml": text, "body.txt": "as it is {{ user }}"})
    assert response.bytes == b"as it is {{ user }}"
    assert response.headers["x-a"] == "{{ no template }}"


@cases(
    "timing, delay, chunk_times, took",
    [
        ("as recorded", "recorded", 0.1, [0.1, 0.2, 0.3], 0.3),
        ("twice as fast", "2x", 0.05, [0.05, 0.1, 0.15], 0.15),
        ("at once", "none", 0, [0, 0, 0], 0),
    ],
)
def test_replay_timing(timing: str, delay: float, chunk_times: list[float], took: float) -> None:
    response = respond_once(rule({**timed(), "timing": timing}), chat_request(stream=True))
    assert (response.delay, response.chunk_times, response.took) == (delay, chunk_times, took)
    assert response.bytes == STREAM.encode()


def test_replay_frame_without_time_follows_previous() -> None:
    responses = respond_once(rule(streamed([{"at": "1s", "data": "a"}, "b"])), chat_request(stream=True))
    assert [at for at, _ in responses.timed_bytes] == [1.0, 1.0]


PACE = {"pace": {"ttft": "1s", "itl": "2s"}}


def test_replay_without_times_is_paced() -> None:
    assert respond_once(
        rule({**timed(), "timing": "none"}, **PACE), chat_request(stream=True)
    ).chunk_times == [
        1,
        3,
        5,
    ]
    assert respond_once(rule(timed(), **PACE), chat_request(stream=True)).chunk_times == [0.1, 0.2, 0.3]
    assert respond_once(rule(whole(timing="none"), **PACE)).took == 3  # two tokens
    assert respond_once(rule({**whole("?"), "timing": "none"}, **PACE)).took == 0
    assert respond_once(rule(whole(), **PACE)).took == 0.3


def test_replay_has_modifiers() -> None:
    file = json.loads(rule(timed()))
    file["modifiers"] = [{"headers": {"x-more": "yes"}, "delay": "1s"}]
    response = respond_once(json.dumps(file), chat_request(stream=True))
    assert response.headers["x-more"] == "yes"
    assert response.chunk_times == [1.1, 1.2, 1.3]


@cases(
    "fault, chunks",
    [
        ("a chunk is left out", {"drop": {"at": {"chunk": 2}}}, ["Hel", "you"]),
        ("a chunk comes twice", {"duplicate": {"at": {"chunk": 1}}}, ["Hel", "Hel", "lo ", "you"]),
        ("the end is missing", {"close": {"after": {"chunks": 1}}}, ["Hel"]),
    ],
)
def test_replay_faults_find_chunks(fault: object, chunks: list[str]) -> None:
    answer = VirtualServer(rule(timed(), faults=[fault])).engine
    sent = chat_request(stream=True)
    request = answer.read("POST", sent.path, "", {}, sent.body, "", 0.0)
    options = answer.respond(request)
    assert options.notes == ()
    respond_as_reply = b"".join(item for item in framed(options.plan) if isinstance(item, bytes)).decode()
    assert [key for key in ("Hel", "lo ", "you") for _ in range(respond_as_reply.count(key))] == chunks


def test_replay_non_streaming_fault_is_at_chunk() -> None:
    engine = VirtualServer(rule(whole(), faults=[{"close": {"after": {"chunks": 1}}}])).engine
    client_request = chat_request()
    options = engine.respond(engine.read("POST", client_request.path, "", {}, client_request.body, "", 0.0))
    sent = b"".join(item for item in framed(options.plan) if isinstance(item, bytes))
    assert sent.endswith(b'"content": "Hello')


# --- gzip ------------------------------------------------------------------------------------------

GZIP = {"accept-encoding": "gzip, deflate"}


def packed(*texts: str, coding: str = "gzip") -> dict[str, object]:
    data = gzip.compress("".join(texts).encode(), mtime=0)
    frames = [{"base64": base64.b64encode(part).decode()} for part in (data[:40], data[40:])]
    return {"headers": {"content-type": "text/event-stream", "Content-Encoding": coding}, "frames": frames}


def test_replay_gzip_is_sent_if_accepted() -> None:
    response = respond_once(rule(packed(STREAM)), chat_request(stream=True, headers=GZIP))
    assert response.headers["content-encoding"] == "gzip"
    assert response.bytes == b"".join(base64.b64decode(f["base64"]) for f in packed(STREAM)["frames"])  # type: ignore[attr-defined]


def test_replay_gzip_is_decompressed_if_not_accepted() -> None:
    for headers in ({}, {"accept-encoding": "identity"}, {"accept-encoding": "gzip;q=0"}):
        responses = respond_once(rule(packed(STREAM)), chat_request(stream=True, headers=headers))
        assert "content-encoding" not in responses.headers
        assert responses.bytes == STREAM.encode()


def test_replay_unknown_encoding_is_unchanged() -> None:
    for coding in ("br", "deflate"):
        response = respond_once(rule(packed(STREAM, coding=coding)), chat_request(stream=True))
        assert response.headers["content-encoding"] == coding


def test_replay_gzip_beyond_maximum_is_sent_compressed() -> None:
    replay = packed("\0" * ((32 << 20) + 1))
    response = respond_once(rule(replay), chat_request(stream=True))
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.bytes) < 50_000
    assert respond_once(rule({**replay, "as": "reply"}), chat_request()).status == 400


def test_replay_gzip_faults_are_applied_and_recompressed() -> None:
    replay = packed(STREAM)
    response = respond_once(
        rule(replay, faults=[{"drop": {"at": {"chunk": 2}}}]), chat_request(stream=True, headers=GZIP)
    )
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(response.bytes).decode() == STREAM.replace(event("lo "), "")


def test_replay_plain_recording_can_be_compressed() -> None:
    replay = {**timed(), "gzip": True}
    response = respond_once(rule(replay), chat_request(stream=True, headers=GZIP))
    assert gzip.decompress(response.bytes) == STREAM.encode()
    assert response.took == 0.3
    assert respond_once(rule(replay), chat_request(stream=True)).bytes == STREAM.encode()


# --- as a reply ------------------------------------------------------------------------------------


def respond_as_reply(replay: dict[str, object], sent: object = None) -> ClientResponse:
    return respond_once(rule({**replay, "as": "reply"}), sent or claude_request())  # type: ignore[arg-type]


def test_replay_as_reply_serves_any_protocol() -> None:
    response = respond_as_reply(whole())
    assert response.text == "Hello you"
    assert response.json["type"] == "message"
    assert response.json["usage"]["input_tokens"] == 7
    streamed_too = respond_as_reply(whole(), claude_request(stream=True))
    assert streamed_too.text == "Hello you"


def test_replay_as_reply_has_chunks_and_times() -> None:
    response = respond_as_reply(timed(), claude_request(stream=True))
    assert (response.chunks, response.chunk_times) == (["Hel", "lo ", "you"], [0.1, 0.2, 0.3])
    assert respond_as_reply(timed()).text == "Hello you"


def test_replay_as_reply_has_calls_thinking_refusals() -> None:
    message = {
        "role": "assistant", "content": None, "reasoning_content": "Hm.",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}],
    }  # fmt: skip
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    responses = respond_as_reply(whole(body))
    assert responses.calls == [("look", {"a": 1})]
    assert "Hm." in responses.bytes.decode()
    refusal = {"role": "assistant", "content": None, "refusal": "No."}
    body = json.dumps({"choices": [{"index": 0, "message": refusal, "finish_reason": "stop"}]})
    assert respond_as_reply(whole(body), chat_request()).choice["message"]["refusal"] == "No."


def test_replay_as_reply_error_in_any_protocol() -> None:
    body = json.dumps({"error": {"message": "Too many.", "type": "requests", "code": "rate_limit_exceeded"}})
    response = respond_as_reply(whole(body, status=429))
    assert (response.status, response.message) == (429, "Too many.")
    assert response.json["error"]["type"] == "rate_limit_error"
    assert respond_as_reply(whole("<html>", status=503)).status == 503


def test_replay_as_reply_reads_gzip() -> None:
    assert respond_as_reply(packed(STREAM), claude_request()).text == "Hello you"
    assert respond_as_reply(packed(STREAM, coding="br"), claude_request()).status == 400


def test_replay_as_reply_is_decoded_once() -> None:
    server = VirtualServer(rule({**whole(), "as": "reply"}))
    assert [server.respond(claude_request(text)).text for text in ("a", "b")] == ["Hello you", "Hello you"]
    server = VirtualServer(rule(whole()))
    assert [server.respond(chat_request(text)).bytes for text in ("a", "b")] == [BODY.encode()] * 2


def test_replay_as_reply_undecodable_is_noted() -> None:
    responses = respond_as_reply(whole("[1]"))
    assert responses.status == 400
    assert "no protocol decodes the recording" in responses.message


def test_replay_as_reply_of_other_call_is_error() -> None:
    file = json.loads(rule({**whole(), "as": "reply"}, match={"api": "models"}))
    response = respond_once(json.dumps(file), models_request())
    assert response.status == 400


def test_replay_stores_calls() -> None:
    call = {"id": "call_9", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    assert respond_once(rule(whole(body))).planned.tools_by_call_id == {"call_9": "look"}


def test_replay_of_non_generating_call() -> None:
    file = rule(whole('{"data": []}'), match={"path": "/v1/models"})
    assert respond_once(file, models_request()).bytes == b'{"data": []}'
    assert respond_once(rule(whole("hi"), match={"path": "/nowhere"}), raw_request("/nowhere")).bytes == b"hi"


def test_replay_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.engine.replay.MAX_CACHED_RECORDINGS", 1)
    rules = [
        {"match": {"user": text}, "replay": {**whole(BODY.replace("you", text)), **more}}
        for text, more in (("a", {}), ("b", {}), ("c", {"as": "reply"}), ("d", {"as": "reply"}))
    ]  # fmt: skip
    server = VirtualServer(json.dumps({"rules": rules}))
    for text in "abcdabcd":
        assert server.respond(chat_request(text)).text == f"Hello {text}"


# --- errors ----------------------------------------------------------------------------------------


@cases(
    "replay, message",
    [
        ("neither", {}, "one of frames, file and messages"),
        ("both", {"frames": [], "file": "x"}, "one of frames, file and messages"),
        ("a frame of nothing", {"frames": [{"at": "1s"}]}, "one of data and base64"),
        ("no base64", {"frames": [{"base64": "?"}]}, "this is not base64"),
        ("a time without a unit", {"frames": [{"at": 5, "data": ""}]}, "unit"),
        ("frames in no order", {"frames": [{"at": "2s", "data": ""}, {"at": "1s", "data": ""}]}, "frame 2"),
        ("a message of nothing", {"messages": [{"at": "1s"}]}, "one of data, base64 and close"),
        ("a message of two", {"messages": [{"data": "", "base64": ""}]}, "one of data, base64 and close"),
        (
            "messages in no order",
            {"messages": [{"at": "2s", "data": ""}, {"at": "1s", "data": ""}]},
            "message 2",
        ),
        ("messages as a reply", {"messages": [], "as": "reply"}, "cannot be replayed as a reply"),
        ("an unknown timing", {"frames": [], "timing": "fast"}, "expected recorded, none or a speed"),
        ("no speed", {"frames": [], "timing": "0x"}, "expected recorded, none or a speed"),
        ("a header of framing", {"frames": [], "headers": {"content-length": "1"}}, "set by the server"),
        ("a header of two lines", {"frames": [], "headers": {"x": "a\nb"}}, "one line"),
        ("a file that is not there", {"file": "none.txt"}, "none.txt"),
        ("an unknown key", {"frames": [], "speed": 2}, "speed"),
    ],
)
def test_bad_replay_has_diagnostic(replay: object, message: str) -> None:
    result = diagnostics_of(json.dumps({"rules": [{"replay": replay}]}))
    assert len(result) == 1
    assert message in result[0]
