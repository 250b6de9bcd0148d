"""A realtime session without a socket: its conversation, audio, responses and errors."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from mockllm.dialects.openai.provider import REALTIME
from mockllm.dialects.openai.realtime import conversation
from mockllm.dialects.openai.realtime import session as realtime
from mockllm.dialects.openai.realtime.dialect import RealtimeRequest
from tests.dialects.virtual_socket import VirtualSocket

RULES = """
rules:
  - {name: heard, match: {api: transcription, model: scripted}, http: {body: Stop that.}}
  - {name: call, match: {tools: look, tool_result: {exists: false}}, reply: {tool_calls: [{name: look, id: c1}]}}
  - {name: seen, match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - {name: limited, match: {user: limit}, error: rate_limit}
  - {name: broken, match: {user: broken}, reply: {chunks: [One, {error: server_error}]}}
  - {name: unended, match: {user: unended}, reply: One, faults: [no_finish]}
  - {name: short, match: {user: short}, reply: {text: One, finish_reason: length}}
  - {name: mixed, match: {user: mixed}, reply: {parts: [{thinking: Hm.}, {refusal: No.}, two]}, pace: {itl: 1s}}
  - {name: echo, reply: "{{ user }}! Turn {{ turn }}."}
"""
SOUND, QUIET = (b64encode(data * 24 * 700).decode() for data in (b"\x00\x20", b"\0\0"))


class RealtimeSocket(VirtualSocket):
    def __init__(self, query: str = "model=m", rules: str = RULES) -> None:
        super().__init__(rules, "/v1/realtime", query)

    def configure(self, **session: Any) -> Any:
        return self.send({"type": "session.update", "session": session})[-1]["session"]

    def add(self, text: str, **more: Any) -> list[Any]:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        return self.send(
            {"type": "conversation.item.create", "item": {**item, **more.pop("own", {})}, **more}
        )

    def respond(self, **response: Any) -> list[Any]:
        return self.send({"type": "response.create", "response": response})

    def say(self, text: str) -> Any:
        self.add(text)
        return self.respond()[-1]["response"]

    def hear(self, *audio: str, after: float = 0.0) -> list[Any]:
        return [
            event
            for part in audio
            for event in self.send({"type": "input_audio_buffer.append", "audio": part}, after)
        ]


def names(events: list[Any]) -> list[str]:
    return [event["type"] for event in events]


def test_session_is_created_with_the_model_of_its_address() -> None:
    (created,) = RealtimeSocket().opening
    assert (created["type"], created["session"]["model"]) == ("session.created", "m")
    assert RealtimeSocket("").opening[0]["session"]["model"] == realtime.DEFAULT_REALTIME_MODEL


def test_update_changes_only_what_it_names() -> None:
    opened = RealtimeSocket()
    session = opened.configure(id="other", audio={"output": {"voice": "ash"}}, tools=[{"name": "f"}])
    assert session["id"] == opened.opening[0]["session"]["id"]
    assert session["audio"]["output"]["format"]["type"] == "audio/pcm"
    assert (
        opened.configure(audio={"input": {"turn_detection": None}})["audio"]["input"]["turn_detection"]
        is None
    )
    assert opened.configure(audio=7)["audio"] == 7


def test_ids_of_events_all_differ() -> None:
    opened = RealtimeSocket()
    ids = [event["event_id"] for event in [*opened.opening, *opened.add("a"), *opened.respond()]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_response_is_an_item_of_the_conversation(modality: str) -> None:
    opened = RealtimeSocket()
    opened.configure(output_modalities=[modality])
    first = opened.say("a")
    kind = ("output_audio", "transcript") if modality == "audio" else ("output_text", "text")
    assert first["output"][0]["content"] == [{"type": kind[0], kind[1]: "a! Turn 1."}]
    assert opened.say("b")["output"][0]["content"][0][kind[1]] == "b! Turn 2."
    assert first["usage"]["output_token_details"]["audio_tokens"] == (
        first["usage"]["output_tokens"] if modality == "audio" else 0
    )


def test_response_outside_of_conversation_leaves_it_unchanged() -> None:
    opened = RealtimeSocket()
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
    done = opened.respond(conversation="none", input=[item], output_modalities=["text"])[-1]["response"]
    assert (done["conversation_id"], done["output"][0]["content"][0]["text"]) == (None, "x! Turn 1.")
    assert opened.say("y")["output"][0]["content"][0]["transcript"] == "y! Turn 1."


def test_tool_call_gets_its_output() -> None:
    opened = RealtimeSocket()
    opened.configure(tools=[{"type": "function", "name": "look", "parameters": {}}])
    (call,) = opened.say("look")["output"]
    assert (call["type"], call["call_id"], call["arguments"]) == ("function_call", "c1", "{}")
    output = {"type": "function_call_output", "call_id": "c1", "output": "a cat"}
    opened.send({"type": "conversation.item.create", "item": output})
    assert opened.respond()[-1]["response"]["output"][0]["content"][0]["transcript"] == "I see a cat."


@pytest.mark.parametrize(
    ("text", "status", "details"),
    [
        ("limit", "failed", "rate_limit_exceeded"),
        ("broken", "failed", "server_error"),
        ("short", "incomplete", "max_output_tokens"),
    ],
)
def test_response_without_success_states_the_reason(text: str, status: str, details: str) -> None:
    response = RealtimeSocket().say(text)
    assert response["status"] == status
    assert details in (
        response["status_details"].get("reason"),
        *response["status_details"].get("error", {}).values(),
    )


def test_response_without_its_end_leaves_the_session_usable() -> None:
    opened = RealtimeSocket()
    opened.add("unended")
    assert names(opened.respond())[-1] != "response.done"
    assert opened.say("a")["status"] == "completed"


def test_refusal_is_a_text_and_thinking_is_left_out() -> None:
    output = RealtimeSocket().say("mixed")["output"]
    assert [item["content"][0]["transcript"] for item in output] == ["No.", "two"]


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_cancelled_response_has_what_was_sent(modality: str) -> None:
    opened = RealtimeSocket()
    opened.configure(output_modalities=[modality])
    opened.held.add("response.create")
    opened.add("mixed")
    opened.respond()
    assert opened.respond()[-1]["error"]["code"] == "conversation_already_has_active_response"
    (done,) = opened.send({"type": "response.cancel"}, after=1.5)
    output = done["response"]["output"]
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert [item["status"] for item in output] == ["completed", "incomplete"]


def test_cancelled_call_stays_a_call() -> None:
    opened = RealtimeSocket()
    opened.configure(tools=[{"type": "function", "name": "look", "parameters": {}}])
    opened.held.add("response.create")
    opened.add("look")
    opened.respond()
    opened.session.ended(realtime.RESPONSE, -1.0)
    assert opened.send({"type": "response.cancel"})[0]["error"]["code"] == "response_cancel_not_active"


def test_speech_is_an_item_with_its_transcript() -> None:
    opened = RealtimeSocket("model=scripted")
    opened.configure(audio={"input": {"transcription": {"model": "whisper-1"}}})
    events = opened.hear(SOUND, QUIET)
    assert names(events)[:6] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert events[-1]["response"]["output"][0]["content"][0]["transcript"] == "Stop that.! Turn 1."


def test_speech_interrupts_unless_it_may_not() -> None:
    for interrupt in (True, False):
        opened = RealtimeSocket()
        detection = {"type": "server_vad", "interrupt_response": interrupt, "create_response": False}
        opened.configure(audio={"input": {"turn_detection": detection}})
        opened.held.add("response.create")
        opened.add("mixed")
        opened.respond()
        events = opened.hear(SOUND, after=0.5)
        assert names(events) == ["input_audio_buffer.speech_started"] + ["response.done"] * interrupt
        if interrupt:
            assert events[-1]["response"]["status_details"]["reason"] == "turn_detected"
        assert "response.created" not in names(opened.hear(QUIET))


def test_audio_is_committed_by_hand_without_detection() -> None:
    opened = RealtimeSocket("model=scripted")
    opened.configure(audio={"input": {"turn_detection": None}})
    assert opened.hear(SOUND, QUIET) == []
    opened.held.add("transcription")
    assert names(opened.send({"type": "input_audio_buffer.commit"}))[0] == "input_audio_buffer.committed"
    assert opened.respond() == []
    assert opened.respond()[0]["error"]["code"] == "conversation_already_has_active_response"
    assert names(opened._perform(opened.session.ended("transcription", None)))[0] == "response.created"


def test_transcript_of_a_deleted_item_is_dropped() -> None:
    opened = RealtimeSocket("model=scripted")
    opened.held.add("transcription")
    opened.hear(SOUND)
    (item,) = {event["item_id"] for event in opened.hear(QUIET) if "item_id" in event}
    opened.send({"type": "conversation.item.delete", "item_id": item})
    assert opened._respond("WS transcription", b"{}", "transcription").steps == ()


def test_cleared_audio_is_not_committed() -> None:
    opened = RealtimeSocket()
    opened.hear(SOUND)
    assert names(opened.send({"type": "input_audio_buffer.clear"})) == ["input_audio_buffer.cleared"]
    (error,) = opened.send({"type": "input_audio_buffer.commit"})
    assert error["error"]["code"] == "input_audio_buffer_commit_empty"
    assert names(opened.send({"type": "output_audio_buffer.clear"})) == ["output_audio_buffer.cleared"]


def test_items_are_read_truncated_and_deleted() -> None:
    opened = RealtimeSocket()
    id = opened.say("hello")["output"][0]["id"]
    (truncated,) = opened.send(
        {"type": "conversation.item.truncate", "item_id": id, "content_index": 0, "audio_end_ms": 120}
    )
    assert truncated["audio_end_ms"] == 120
    (read,) = opened.send({"type": "conversation.item.retrieve", "item_id": id})
    assert read["item"]["content"][0]["transcript"] == "he"
    user = opened.add("x")[0]["item"]["id"]
    opened.send(
        {"type": "conversation.item.truncate", "item_id": user, "content_index": 0, "audio_end_ms": 0}
    )
    (gone,) = opened.send({"type": "conversation.item.delete", "item_id": id})
    assert gone["item_id"] == id


def test_items_are_inserted_behind_others() -> None:
    opened = RealtimeSocket()
    previous = [
        opened.add(id, own={"id": id}, **({} if before is None else {"previous_item_id": before}))[0]
        for id, before in (("a", None), ("b", None), ("c", "root"), ("d", "a"), ("e", ""))
    ]
    assert [event["previous_item_id"] for event in previous] == [None, "a", None, "a", "b"]


def test_conversation_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_ITEMS", 3)
    opened = RealtimeSocket()
    for place in range(5):
        opened.add("x", own={"id": str(place)})
    (error,) = opened.send({"type": "conversation.item.retrieve", "item_id": "0"})
    assert error["error"]["code"] == "item_not_found"


def test_conversation_has_a_bound_on_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_CONVERSATION", 1000)
    opened = RealtimeSocket()
    for place in range(3):
        opened.add("x" * 400, own={"id": str(place)})
    codes = [
        opened.send({"type": "conversation.item.retrieve", "item_id": id})[0].get("error", {}).get("code")
        for id in "012"
    ]
    assert codes == ["item_not_found", "item_not_found", None]
    opened.add("x" * 4000, own={"id": "large"})
    assert "error" not in opened.send({"type": "conversation.item.retrieve", "item_id": "large"})[0]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no json", "invalid_json"),
        (b'{"type": "input_audio_buffer.clear"}', "invalid_event"),
        ("[]", "missing_required_parameter"),
        ({}, "missing_required_parameter"),
        ({"type": 7}, "invalid_value"),
        ({"type": "nope"}, "invalid_value"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value"),
        ({"type": "input_audio_buffer.append", "audio": 7}, "invalid_value"),
        ({"type": "conversation.item.create"}, "missing_required_parameter"),
        ({"type": "conversation.item.retrieve"}, "item_not_found"),
        ({"type": "conversation.item.delete"}, "item_not_found"),
        ({"type": "conversation.item.truncate"}, "item_not_found"),
    ],
)
def test_mistaken_message_is_an_error(message: Any, code: str) -> None:
    (error,) = RealtimeSocket().send(message)
    assert (error["type"], error["error"]["code"]) == ("error", code)


@pytest.mark.parametrize(
    ("message", "param", "got"),
    [
        ({"type": "conversation.item.create", "item": {"type": "message", "id": []}}, "item.id", "an array"),
        (
            {"type": "session.update", "session": {"audio": {"input": {"format": {"type": {}}}}}},
            "session.audio.input.format.type",
            "an object",
        ),
        (
            {"type": "session.update", "session": {"audio": {"output": {"format": {"type": 7}}}}},
            "session.audio.output.format.type",
            "an integer",
        ),
    ],
)
def test_name_that_is_no_text_is_an_error(message: Any, param: str, got: str) -> None:
    opened = RealtimeSocket()
    (error,) = opened.send(message)
    expected = f"Invalid type for '{param}': expected a string, but got {got} instead."
    assert (error["error"]["code"], error["error"]["param"]) == ("invalid_type", param)
    assert error["error"]["message"] == expected
    assert opened.say("one")["status"] == "completed"


@pytest.mark.parametrize("id", [None, ""])
def test_item_without_a_name_gets_one(id: str | None) -> None:
    opened = RealtimeSocket()
    name = opened.add("one", own={"id": id})[0]["item"]["id"]
    (found,) = opened.send({"type": "conversation.item.retrieve", "item_id": name})
    assert found["item"]["id"] == name


@pytest.mark.parametrize("type", ["realtime", None, []])
def test_transcription_session_stays_one(type: Any) -> None:
    opened = RealtimeSocket("intent=transcription")
    (error,) = opened.send({"type": "session.update", "session": {"type": type}})
    # two public reports
    expected = "Passing a realtime session update event to a transcription session is not allowed."
    assert (error["error"]["param"], error["error"]["message"]) == ("session.type", expected)
    (error,) = opened.respond()
    assert "A transcription session has no responses." in error["error"]["message"]


def test_unknown_event_gets_the_types_that_exist() -> None:
    (error,) = RealtimeSocket().send({"type": "nope", "event_id": "mine"})
    expected = "Invalid value: 'nope'. Supported values are: 'session.update', 'session.close', "
    assert error["error"]["message"].startswith(expected)
    assert error["error"]["message"].endswith("'response.create', and 'response.cancel'.")
    assert (error["error"]["param"], error["error"]["event_id"]) == ("type", "mine")


@pytest.mark.parametrize(("format", "quiet"), [("audio/pcmu", b"\xff"), ("audio/pcma", b"\xd5")])
def test_telephone_audio_is_detected(format: str, quiet: bytes) -> None:
    opened = RealtimeSocket()
    opened.configure(audio={"input": {"format": {"type": format}}, "output": {"format": {"type": format}}})
    sound, silence = (b64encode(byte * 8 * 700).decode() for byte in (b"\x10", quiet))
    assert opened.hear(silence) == []
    assert names(opened.hear(sound)) == ["input_audio_buffer.speech_started"]
    assert names(opened.hear(silence))[0] == "input_audio_buffer.speech_stopped"


@pytest.mark.parametrize("side", ["input", "output"])
def test_pcm_format_without_rate_is_refused(side: str) -> None:
    opened = RealtimeSocket()
    path = f"session.audio.{side}.format.rate"
    (error,) = opened.send(
        {"type": "session.update", "session": {"audio": {side: {"format": {"type": "audio/pcm"}}}}}
    )
    assert error["error"]["message"] == f"Missing required parameter: '{path}'."
    assert (error["error"]["code"], error["error"]["param"]) == ("missing_required_parameter", path)
    assert opened.configure(audio={side: {"format": {"type": "audio/pcm", "rate": 24000}}})


def test_settings_of_another_type_do_no_harm() -> None:
    opened = RealtimeSocket()
    opened.configure(audio={"input": 7, "output": {"format": 7}})
    assert opened.hear(SOUND) == []
    item = {"type": "message", "role": "user", "content": "text"}
    opened.send({"type": "conversation.item.create", "item": item})
    assert opened.respond(max_output_tokens=9)[-1]["response"]["max_output_tokens"] == 9


def test_realtime_reply_without_stream_has_its_events() -> None:
    streamed, whole = (
        RealtimeSocket(rules=f"rules: [{{reply: Hi., stream: {stream}}}]").respond()
        for stream in ("true", "false")
    )
    assert names(whole) == names(streamed)
    assert whole[-1]["response"]["output"][0]["content"][0]["transcript"] == "Hi."


def test_realtime_request_is_never_in_background() -> None:
    plan = RealtimeSocket()._respond("WS response.create", b"{}", "response.create")
    assert REALTIME.decode(plan) is not None
    assert not RealtimeRequest(method="WS", path="/", headers={}, raw=b'{"background": true}').background
