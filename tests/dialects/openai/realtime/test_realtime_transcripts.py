"""The transcripts of a realtime session: each goes to the item that it was requested for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.websocket_session import StartResponse
from mockllm.dialects.openai.realtime.session import TRANSCRIBE
from tests.dialects.openai.realtime.test_realtime_session import QUIET, SOUND, RealtimeSocket

COMMIT = '{"type": "input_audio_buffer.commit"}'


def opened_by_hand() -> RealtimeSocket:
    """A session whose client commits the audio, and gets transcripts."""
    opened = RealtimeSocket("model=scripted")
    opened.configure(audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
    return opened


def committed(opened: RealtimeSocket) -> StartResponse:
    """Commit audio, and return the request for its transcript, which has not begun."""
    opened.hear(SOUND)
    *_, request = opened.session.receive(COMMIT, 0.0)
    assert isinstance(request, StartResponse)
    return request


def transcribe(opened: RealtimeSocket, request: StartResponse) -> list[Any]:
    """Return the events of a transcript, and of what follows its end."""
    plan = opened._respond(f"WS {TRANSCRIBE}", request.body, TRANSCRIBE)
    found = [json.loads(payload) for payload, _ in events(plan)]
    return [*found, *opened._perform(opened.session.ended(TRANSCRIBE, None))]


def test_transcripts_of_two_commits_go_to_their_items() -> None:
    opened = opened_by_hand()
    requests = [committed(opened), committed(opened)]
    for request in requests:
        (completed,) = transcribe(opened, request)
        assert completed["type"] == "conversation.item.input_audio_transcription.completed"
        assert completed["item_id"] == json.loads(request.body)["item_id"]
        assert completed["transcript"] == "Stop that."


def test_response_waits_for_all_transcripts() -> None:
    opened = opened_by_hand()
    requests = [committed(opened), committed(opened)]
    assert opened.respond() == []
    assert len(transcribe(opened, requests[0])) == 1
    last = transcribe(opened, requests[1])[-1]
    assert last["response"]["output"][0]["content"][0]["transcript"] == "Stop that.! Turn 1."


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (
            "error: {type: rate_limit, message: Slower.}",
            ("tokens", "rate_limit_exceeded", "Slower."),
        ),
        ("http: {status: 503, body: Busy.}", (None, None, None)),
    ],
)
def test_transcript_that_failed_is_no_word_of_the_user(action: str, error: tuple[str | None, ...]) -> None:
    opened = RealtimeSocket(
        rules=f"rules: [{{match: {{api: transcription}}, {action}}}, {{reply: 'Heard <{{{{ user }}}}>.'}}]"
    )
    opened.configure(audio={"input": {"transcription": {"model": "whisper-1"}}})
    received = opened.hear(SOUND, QUIET)
    (failed,) = (event for event in received if "transcription" in event["type"])
    assert failed["type"] == "conversation.item.input_audio_transcription.failed"
    assert failed["content_index"] == 0
    assert tuple(failed["error"][name] for name in ("type", "code", "message")) == error
    assert received[-1]["response"]["output"][0]["content"][0]["transcript"] == "Heard <>."
    (found,) = opened.send({"type": "conversation.item.retrieve", "item_id": failed["item_id"]})
    assert found["item"]["content"] == [{"type": "input_audio", "transcript": None}]


def test_failed_transcript_is_no_event_without_transcription() -> None:
    opened = RealtimeSocket(rules="rules: [{match: {api: transcription}, error: server_error}, {reply: Hi.}]")
    received = opened.hear(SOUND, QUIET)
    assert not [event for event in received if "transcription" in event["type"]]
    assert received[-1]["response"]["status"] == "completed"
