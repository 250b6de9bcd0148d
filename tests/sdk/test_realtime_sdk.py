"""The realtime protocol with the openai package: sessions, texts, audio, tools, VAD, interruption, errors, faults."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest
from openai.types.realtime import RealtimeServerEvent
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_required_fields_sdk import require

SCENARIO: Final = """
rules:
  - name: heard
    match: {api: transcription}
    sequence: [{http: {body: "What is the weather?"}}, {http: {body: Stop that.}}]
  - {name: call, match: {tools: look, tool_result: {exists: false}}, reply: {tool_calls: [{name: look}]}}
  - {name: seen, match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - {name: weather, match: {user: {contains: weather}}, reply: It is sunny., pace: {itl: 30s}}
  - {name: limited, match: {user: limit}, error: rate_limit}
  - {name: cut, match: {user: cut}, reply: one two, faults: [{close: {after: {chunks: 1}, code: 1011}}]}
  - {name: short, match: {user: short}, reply: {text: One, finish_reason: length}}
  - {name: refused, match: {user: refuse}, reply: {refusal: No.}}
  - {name: closed, match: {api: handshake, headers: {x-closed: "1"}}, error: authentication}
  - {name: echo, match: {user: {regex: .}}, reply: "{{ user }}! Turn {{ turn }}."}
"""
TONE: Final = base64.b64encode(
    b"".join(struct.pack("<h", int(8000 * math.sin(place / 5))) for place in range(24 * 400))
).decode()
"""400 ms of a sound."""
SILENCE: Final = base64.b64encode(b"\0" * 48 * 700).decode()
"""700 ms."""
LOOK: Final[Any] = {"type": "function", "name": "look", "parameters": {}}


class Talk:
    """A connection, and what a test reads from it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.started = self.until("session.created")[-1]

    def until(self, type: str) -> list[Any]:
        """The events up to one of this type, or to an error."""
        events = []
        for event in self.connection:
            require(RealtimeServerEvent, event.to_dict())
            events.append(event)
            if event.type in (type, "error"):
                break
        return events

    def configure(self, **session: Any) -> Any:
        self.connection.session.update(session={"type": "realtime", **session})
        return self.until("session.updated")[-1].session

    def say(self, text: str) -> Any:
        """The last event of the response to a text."""
        content = [{"type": "input_text", "text": text}]
        self.connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        self.connection.response.create()
        return self.until("response.done")[-1]

    def hear(self, *audio: str) -> None:
        for part in audio:
            self.connection.input_audio_buffer.append(audio=part)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("realtime") / "realtime.yaml"
    file.write_text(SCENARIO)
    with serve(file) as running:
        yield running


@pytest.fixture
def talk(server: Live, request: pytest.FixtureRequest) -> Iterator[Talk]:
    """A connection in a separate session, so that the transcripts begin anew."""
    url = f"{server.url}/s/{abs(hash(request.node.name))}/v1"
    with (
        openai.OpenAI(base_url=url, api_key="k") as client,
        client.realtime.connect(model="gpt-realtime", max_retries=0) as connection,
    ):
        yield Talk(connection)


def _types(events: list[Any]) -> list[str]:
    return [event.type for event in events]


def test_session_begins_with_defaults_and_is_updated(talk: Talk) -> None:
    session = talk.started.session
    assert (session.model, session.output_modalities) == ("gpt-realtime", ["audio"])
    assert session.audio.input.turn_detection.type == "server_vad"
    updated = talk.configure(instructions="Be brief.", audio={"output": {"voice": "cedar"}})
    assert (updated.instructions, updated.audio.output.voice) == ("Be brief.", "cedar")
    assert updated.audio.input.turn_detection.silence_duration_ms == 500


def test_text_turns_build_a_conversation(talk: Talk) -> None:
    talk.configure(output_modalities=["text"])
    for turn, text in enumerate(("one", "two"), 1):
        response = talk.say(text).response
        assert response.status == "completed"
        assert response.output[0].content[0].text == f"{text}! Turn {turn}."
        assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_spoken_response_has_audio_and_transcript(talk: Talk) -> None:
    talk.connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    )
    talk.connection.response.create()
    events = talk.until("response.done")
    deltas = [event.delta for event in events if event.type == "response.output_audio_transcript.delta"]
    audio = b"".join(
        base64.b64decode(event.delta) for event in events if event.type == "response.output_audio.delta"
    )
    assert "".join(deltas) == "hi! Turn 1."
    assert audio == b"\0" * (48 * 60 * len("hi! Turn 1."))
    (done,) = (event for event in events if event.type == "response.output_audio_transcript.done")
    assert done.transcript == "hi! Turn 1."


def test_tool_call_and_its_output_end_with_text(talk: Talk) -> None:
    talk.configure(tools=[LOOK], output_modalities=["text"])
    (call,) = talk.say("look").response.output
    assert (call.type, call.name, call.arguments) == ("function_call", "look", "{}")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "a cat"}
    talk.connection.conversation.item.create(item=output)
    talk.connection.response.create()
    assert talk.until("response.done")[-1].response.output[0].content[0].text == "I see a cat."


def test_speech_is_transcribed_and_gets_a_response(talk: Talk) -> None:
    talk.configure(audio={"input": {"transcription": {"model": "whisper-1"}}})
    talk.hear(SILENCE, TONE, SILENCE)
    events = talk.until("response.output_audio.delta")
    assert _types(events)[:7] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
    ]
    assert (events[0].audio_start_ms, events[1].audio_end_ms) == (400, 1600)
    assert events[5].transcript == "What is the weather?"
    assert len({event.item_id for event in events[:3]}) == 1


def test_speech_interrupts_a_response(talk: Talk) -> None:
    talk.configure(audio={"input": {"transcription": None}})
    talk.hear(TONE, SILENCE)
    talk.until("response.output_audio.delta")
    talk.hear(TONE)
    done = talk.until("response.done")[-1].response
    assert (done.status, done.status_details.reason) == ("cancelled", "turn_detected")
    assert (done.output[0].status, done.output[0].content[0].transcript) == ("incomplete", "It")
    talk.hear(SILENCE)
    assert talk.until("response.done")[-1].response.output[0].content[0].transcript == "Stop that.! Turn 2."


def test_audio_without_turn_detection_waits_for_its_commit(talk: Talk) -> None:
    talk.configure(audio={"input": {"turn_detection": None}}, output_modalities=["text"])
    talk.hear(TONE, SILENCE)
    talk.connection.input_audio_buffer.commit()
    talk.connection.response.create()
    events = talk.until("response.output_text.delta")
    assert "input_audio_buffer.speech_started" not in _types(events)
    assert events[-1].delta == "It"


def test_cancelled_response_is_done(talk: Talk) -> None:
    talk.connection.response.create(response={"input": [_user("weather")], "conversation": "none"})
    talk.until("response.output_audio.delta")
    talk.connection.response.cancel()
    done = talk.until("response.done")[-1].response
    assert (done.status, done.status_details.reason) == ("cancelled", "client_cancelled")
    assert done.conversation_id is None
    assert talk.say("next").response.output[0].content[0].transcript == "next! Turn 1."


def _user(text: str) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


@pytest.mark.parametrize(
    ("text", "status", "reason"), [("limit", "failed", None), ("short", "incomplete", "max_output_tokens")]
)
def test_response_that_fails_or_ends_early_says_why(
    talk: Talk, text: str, status: str, reason: str | None
) -> None:
    response = talk.say(text).response
    assert (response.status, response.status_details.reason) == (status, reason)
    if status == "failed":
        assert response.status_details.error.code == "rate_limit_exceeded"


def test_unmatched_request_is_a_failed_response_with_near_misses(talk: Talk) -> None:
    talk.connection.response.create()
    error = talk.until("response.done")[-1].response.status_details.error
    assert error.message.startswith("No rule matched this request.")


def test_refusal_is_spoken(talk: Talk) -> None:
    assert talk.say("refuse").response.output[0].content[0].transcript == "No."


def test_items_are_retrieved_truncated_and_deleted(talk: Talk) -> None:
    item = talk.say("hello").response.output[0]
    items = talk.connection.conversation.item
    items.truncate(item_id=item.id, content_index=0, audio_end_ms=300)
    assert talk.until("conversation.item.truncated")[-1].audio_end_ms == 300
    items.retrieve(item_id=item.id)
    assert talk.until("conversation.item.retrieved")[-1].item.content[0].transcript == "hello"
    items.delete(item_id=item.id)
    assert talk.until("conversation.item.deleted")[-1].item_id == item.id
    items.retrieve(item_id=item.id)
    assert talk.until("error")[-1].error.code == "item_not_found"


def test_items_are_inserted_where_they_are_wanted(talk: Talk) -> None:
    items = talk.connection.conversation.item
    previous = []
    for id, before in (("a", None), ("b", None), ("c", "root"), ("d", "a")):
        place: Any = {} if before is None else {"previous_item_id": before}
        items.create(item={**_user(id), "id": id}, **place)
        previous.append(talk.until("conversation.item.done")[-1].previous_item_id)
    assert previous == [None, "a", None, "a"]
    items.create(item={**_user("e"), "id": "e"}, previous_item_id="nowhere")
    assert talk.until("error")[-1].error.code == "item_create_invalid_previous_item_id"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "nope"}, "invalid_value"),
        ({"type": "response.cancel"}, "response_cancel_not_active"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value"),
        ({"type": "input_audio_buffer.append"}, "invalid_value"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
        ({"type": "conversation.item.create", "item": {}}, "missing_required_parameter"),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_not_found"),
        ({"type": "conversation.item.truncate", "item_id": "x"}, "item_not_found"),
    ],
)
def test_mistaken_message_is_an_error_with_its_id(talk: Talk, message: Any, code: str) -> None:
    talk.connection.send({**message, "event_id": "mine"})
    error = talk.until("error")[-1].error
    assert (error.code, error.event_id) == (code, "mine")
    assert talk.say("still here").response.status == "completed"


def test_second_response_at_a_time_is_an_error(talk: Talk) -> None:
    talk.connection.response.create(response={"input": [_user("weather")]})
    talk.until("response.output_audio.delta")
    talk.connection.response.create()
    assert talk.until("error")[-1].error.code == "conversation_already_has_active_response"


def test_cleared_audio_is_no_item(talk: Talk) -> None:
    talk.hear(TONE)
    talk.connection.input_audio_buffer.clear()
    talk.until("input_audio_buffer.cleared")
    talk.connection.input_audio_buffer.commit()
    assert talk.until("error")[-1].error.code == "input_audio_buffer_commit_empty"


@pytest.mark.parametrize("format", ["audio/pcmu", "audio/pcma"])
def test_telephone_audio_is_detected_and_sent(talk: Talk, format: str) -> None:
    talk.configure(
        audio={"input": {"format": {"type": format}}, "output": {"format": {"type": format}}},
    )
    quiet = b"\xff" if format == "audio/pcmu" else b"\xd5"
    sound, silence = (base64.b64encode(byte * 8 * 700).decode() for byte in (b"\x10", quiet))
    talk.hear(silence, sound, silence)
    audio = talk.until("response.output_audio.delta")[-1].delta
    assert base64.b64decode(audio) == quiet * 8 * 60 * len("It")


def test_faults_end_the_socket_with_their_code(talk: Talk) -> None:
    with pytest.raises(ConnectionClosedError) as raised:
        talk.say("cut")
    assert raised.value.rcvd is not None
    assert raised.value.rcvd.code == 1011


def test_handshake_is_refused_by_a_rule(server: Live) -> None:
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client,
        pytest.raises(InvalidStatus) as raised,
        client.realtime.connect(model="m", extra_headers={"x-closed": "1"}, max_retries=0),
    ):
        pass
    assert raised.value.response.status_code == 401
