"""`replay`: what was recorded comes back byte for byte, at its own times; or says itself in any protocol."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence

import pytest

from mockllm.core.rendering.framing import framed
from tests.language.playing import Game, Heard, ask, chat, claude, first, mistakes, models, table


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
def test_what_leaves_is_what_was_recorded(frames: list[str]) -> None:
    heard = first(rule(streamed(frames)), chat(stream=True))
    assert heard.bytes == "".join(frames).encode()
    assert (heard.status, heard.headers["content-type"]) == (200, "text/event-stream")
    assert heard.streamed


@table(
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
def test_every_framing_is_left_as_it_was(kind: str, body: str) -> None:
    found = first(rule({"headers": {"content-type": kind}, "frames": [body]}), chat(stream=True))
    assert found.bytes == body.encode()


def test_bytes_that_are_no_text() -> None:
    data = bytes(range(256))
    replay = {"headers": {}, "frames": [{"base64": base64.b64encode(data).decode()}], "status": 418}
    heard = first(rule(replay))
    assert (heard.bytes, heard.status) == (data, 418)


def test_a_file_holds_the_body() -> None:
    text = json.dumps({"rules": [{"replay": {"file": "body.txt", "headers": {"x-a": "{{ no template }}"}}}]})
    heard = first({"a.yaml": text, "body.txt": "as it is {{ user }}"})
    assert heard.bytes == b"as it is {{ user }}"
    assert heard.headers["x-a"] == "{{ no template }}"


@table(
    "timing, delay, moments, took",
    [
        ("as recorded", "recorded", 0.1, [0.1, 0.2, 0.3], 0.3),
        ("twice as fast", "2x", 0.05, [0.05, 0.1, 0.15], 0.15),
        ("at once", "none", 0, [0, 0, 0], 0),
    ],
)
def test_timing(timing: str, delay: float, moments: list[float], took: float) -> None:
    heard = first(rule({**timed(), "timing": timing}), chat(stream=True))
    assert (heard.delay, heard.moments, heard.took) == (delay, moments, took)
    assert heard.bytes == STREAM.encode()


def test_a_frame_without_a_time_comes_with_the_one_before() -> None:
    heard = first(rule(streamed([{"at": "1s", "data": "a"}, "b"])), chat(stream=True))
    assert [at for at, _ in heard.written] == [1.0, 1.0]


PACE = {"pace": {"ttft": "1s", "itl": "2s"}}


def test_pace_acts_where_it_has_no_times_of_its_own() -> None:
    assert first(rule({**timed(), "timing": "none"}, **PACE), chat(stream=True)).moments == [1, 3, 5]
    assert first(rule(timed(), **PACE), chat(stream=True)).moments == [0.1, 0.2, 0.3]
    assert first(rule(whole(timing="none"), **PACE)).took == 3  # two tokens
    assert first(rule({**whole("?"), "timing": "none"}, **PACE)).took == 0
    assert first(rule(whole(), **PACE)).took == 0.3


def test_modifiers_apply() -> None:
    file = json.loads(rule(timed()))
    file["modifiers"] = [{"headers": {"x-more": "yes"}, "delay": "1s"}]
    heard = first(json.dumps(file), chat(stream=True))
    assert heard.headers["x-more"] == "yes"
    assert heard.moments == [1.1, 1.2, 1.3]


@table(
    "fault, chunks",
    [
        ("a chunk is left out", {"drop": {"at": {"chunk": 2}}}, ["Hel", "you"]),
        ("a chunk comes twice", {"duplicate": {"at": {"chunk": 1}}}, ["Hel", "Hel", "lo ", "you"]),
        ("the end is missing", {"close": {"after": {"chunks": 1}}}, ["Hel"]),
    ],
)
def test_faults_find_their_chunks(fault: object, chunks: list[str]) -> None:
    answer = Game(rule(timed(), faults=[fault])).engine
    asked = chat(stream=True)
    request = answer.read("POST", asked.path, "", {}, asked.body, "", 0.0)
    given = answer.respond(request)
    assert given.notes == ()
    said = b"".join(item for item in framed(given.plan) if isinstance(item, bytes)).decode()
    assert [word for word in ("Hel", "lo ", "you") for _ in range(said.count(word))] == chunks


def test_a_whole_answer_breaks_where_a_chunk_was_said() -> None:
    engine = Game(rule(whole(), faults=[{"close": {"after": {"chunks": 1}}}])).engine
    asked = chat()
    given = engine.respond(engine.read("POST", asked.path, "", {}, asked.body, "", 0.0))
    sent = b"".join(item for item in framed(given.plan) if isinstance(item, bytes))
    assert sent.endswith(b'"content": "Hello')


# --- packed ------------------------------------------------------------------------------------------

GZIP = {"accept-encoding": "gzip, deflate"}


def packed(*texts: str, coding: str = "gzip") -> dict[str, object]:
    data = gzip.compress("".join(texts).encode())
    frames = [{"base64": base64.b64encode(part).decode()} for part in (data[:40], data[40:])]
    return {"headers": {"content-type": "text/event-stream", "Content-Encoding": coding}, "frames": frames}


def test_a_packed_recording_is_sent_as_it_was_to_who_takes_it() -> None:
    heard = first(rule(packed(STREAM)), chat(stream=True, headers=GZIP))
    assert heard.headers["content-encoding"] == "gzip"
    assert heard.bytes == b"".join(base64.b64decode(f["base64"]) for f in packed(STREAM)["frames"])  # type: ignore[attr-defined]


def test_and_unpacked_to_who_does_not() -> None:
    for headers in ({}, {"accept-encoding": "identity"}, {"accept-encoding": "gzip;q=0"}):
        heard = first(rule(packed(STREAM)), chat(stream=True, headers=headers))
        assert "content-encoding" not in heard.headers
        assert heard.bytes == STREAM.encode()


def test_what_cannot_be_unpacked_stays() -> None:
    for coding in ("br", "deflate"):
        heard = first(rule(packed(STREAM, coding=coding)), chat(stream=True))
        assert heard.headers["content-encoding"] == coding


def test_faults_are_played_on_what_it_says_and_packed_again() -> None:
    replay = packed(STREAM)
    heard = first(rule(replay, faults=[{"drop": {"at": {"chunk": 2}}}]), chat(stream=True, headers=GZIP))
    assert heard.headers["content-encoding"] == "gzip"
    assert gzip.decompress(heard.bytes).decode() == STREAM.replace(event("lo "), "")


def test_a_plain_recording_may_be_packed_for_who_asks() -> None:
    replay = {**timed(), "gzip": True}
    heard = first(rule(replay), chat(stream=True, headers=GZIP))
    assert gzip.decompress(heard.bytes) == STREAM.encode()
    assert heard.took == 0.3
    assert first(rule(replay), chat(stream=True)).bytes == STREAM.encode()


# --- what it says ------------------------------------------------------------------------------------


def said(replay: dict[str, object], asked: object = None) -> Heard:
    return first(rule({**replay, "as": "reply"}), asked or claude())  # type: ignore[arg-type]


def test_it_answers_any_protocol() -> None:
    heard = said(whole())
    assert heard.text == "Hello you"
    assert heard.json["type"] == "message"
    assert heard.json["usage"]["input_tokens"] == 7
    streamed_too = said(whole(), claude(stream=True))
    assert streamed_too.text == "Hello you"


def test_a_stream_keeps_its_chunks_and_their_times() -> None:
    heard = said(timed(), claude(stream=True))
    assert (heard.chunks, heard.moments) == (["Hel", "lo ", "you"], [0.1, 0.2, 0.3])
    assert said(timed()).text == "Hello you"


def test_calls_thinking_and_refusals_are_said() -> None:
    message = {
        "role": "assistant", "content": None, "reasoning_content": "Hm.",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}],
    }  # fmt: skip
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    heard = said(whole(body))
    assert heard.calls == [("look", {"a": 1})]
    assert "Hm." in heard.bytes.decode()
    refusal = {"role": "assistant", "content": None, "refusal": "No."}
    body = json.dumps({"choices": [{"index": 0, "message": refusal, "finish_reason": "stop"}]})
    assert said(whole(body), chat()).choice["message"]["refusal"] == "No."


def test_an_error_is_that_error_in_any_protocol() -> None:
    body = json.dumps({"error": {"message": "Too many.", "type": "requests", "code": "rate_limit_exceeded"}})
    heard = said(whole(body, status=429))
    assert (heard.status, heard.message) == (429, "Too many.")
    assert heard.json["error"]["type"] == "rate_limit_error"
    assert said(whole("<html>", status=503)).status == 503


def test_a_packed_recording_is_heard_too() -> None:
    assert said(packed(STREAM), claude()).text == "Hello you"
    assert said(packed(STREAM, coding="br"), claude()).status == 400


def test_it_is_heard_once_for_all_who_ask() -> None:
    game = Game(rule({**whole(), "as": "reply"}))
    assert [game.hear(claude(text)).text for text in ("a", "b")] == ["Hello you", "Hello you"]
    game = Game(rule(whole()))
    assert [game.hear(chat(text)).bytes for text in ("a", "b")] == [BODY.encode()] * 2


def test_what_no_protocol_says_is_told() -> None:
    heard = said(whole("[1]"))
    assert heard.status == 400
    assert "no answer of a model" in heard.message


def test_a_call_that_generates_nothing_has_no_reply() -> None:
    file = json.loads(rule({**whole(), "as": "reply"}, match={"api": "models"}))
    heard = first(json.dumps(file), models())
    assert heard.status == 400


def test_calls_of_a_recording_are_remembered() -> None:
    call = {"id": "call_9", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    assert first(rule(whole(body))).answer.issued == {"call_9": "look"}


def test_other_calls_are_replayed_too() -> None:
    file = rule(whole('{"data": []}'), match={"path": "/v1/models"})
    assert first(file, models()).bytes == b'{"data": []}'
    assert first(rule(whole("hi"), match={"path": "/nowhere"}), ask("/nowhere")).bytes == b"hi"


def test_many_recordings_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.engine.replay.MAX_CACHED_RECORDINGS", 1)
    rules = [
        {"match": {"user": text}, "replay": {**whole(BODY.replace("you", text)), **more}}
        for text, more in (("a", {}), ("b", {}), ("c", {"as": "reply"}), ("d", {"as": "reply"}))
    ]  # fmt: skip
    game = Game(json.dumps({"rules": rules}))
    for text in "abcdabcd":
        assert game.hear(chat(text)).text == f"Hello {text}"


# --- mistakes ----------------------------------------------------------------------------------------


@table(
    "replay, message",
    [
        ("neither", {}, "one of frames and file"),
        ("both", {"frames": [], "file": "x"}, "one of frames and file"),
        ("a frame of nothing", {"frames": [{"at": "1s"}]}, "one of data and base64"),
        ("no base64", {"frames": [{"base64": "?"}]}, "this is not base64"),
        ("a time without a unit", {"frames": [{"at": 5, "data": ""}]}, "unit"),
        ("frames in no order", {"frames": [{"at": "2s", "data": ""}, {"at": "1s", "data": ""}]}, "frame 2"),
        ("an unknown timing", {"frames": [], "timing": "fast"}, "expected recorded, none or a speed"),
        ("no speed", {"frames": [], "timing": "0x"}, "expected recorded, none or a speed"),
        ("a header of framing", {"frames": [], "headers": {"content-length": "1"}}, "set by the server"),
        ("a header of two lines", {"frames": [], "headers": {"x": "a\nb"}}, "one line"),
        ("a file that is not there", {"file": "none.txt"}, "none.txt"),
        ("an unknown key", {"frames": [], "speed": 2}, "speed"),
    ],
)
def test_mistakes(replay: object, message: str) -> None:
    found = mistakes(json.dumps({"rules": [{"replay": replay}]}))
    assert len(found) == 1
    assert message in found[0]
