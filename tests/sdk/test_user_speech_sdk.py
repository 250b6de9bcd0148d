"""A realtime session whose user speaks by a script: the openai package, and the realtime runner of openai-agents."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest
from agents.realtime import RealtimeAgent, RealtimeRunner

from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_realtime_sdk import Talk
from tests.waiting import PATIENCE

SCENARIO: Final = """
rules:
  - name: idle
    match: {api: handshake, query: {model: idle}}
    reply: {user_speech: [{start: 0s, stop: 1s, transcript: Hi.}]}
  - {match: {model: idle, user: ""}, reply: "Still there?"}
  - {match: {model: idle}, reply: Hello.}
  - name: call
    match: {api: handshake, path: "*/v1/realtime"}
    reply:
      user_speech:
        - {start: 200ms, stop: 1s, transcript: "What is the weather?"}
        - {start: 3s, stop: 4s, transcript: "Stop that."}
  - {name: weather, match: {user: {contains: weather}}, reply: It is sunny., pace: {itl: 1h}}
  - {name: stop, match: {user: {contains: Stop}}, reply: I stop.}
"""
SECOND: Final = b"\0" * 48_000
"""A second of silence."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("speech") / "speech.yaml"
    file.write_text(SCENARIO)
    with serve(file) as running:
        yield running


@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
def test_script_makes_turns_and_interrupts(server: Live, kind: str) -> None:
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client,
        client.realtime.connect(model="gpt-realtime", max_retries=0) as connection,
    ):
        talk = Talk(connection)
        audio = {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": kind}}
        talk.configure(audio={"input": audio})
        second = base64.b64encode(SECOND).decode()
        talk.hear(second, second)
        events = talk.until("response.output_audio.delta")
        assert [event.type for event in events[:7]] == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.completed",
            "response.created",
        ]
        assert (events[0].audio_start_ms, events[1].audio_end_ms) == (0, 1500)
        assert {event.item_id for event in events[:3]} == {events[5].item_id}
        assert events[5].transcript == "What is the weather?"
        talk.hear(second, second)
        done = talk.until("response.done")[-1].response
        assert (done.status, done.status_details.reason) == ("cancelled", "turn_detected")
        talk.hear(second)
        done = talk.until("response.done")[-1].response
        assert (done.status, done.output[0].content[0].transcript) == ("completed", "I stop.")


def test_silence_after_a_response_is_a_timeout(server: Live) -> None:
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client,
        client.realtime.connect(model="idle", max_retries=0) as connection,
    ):
        talk = Talk(connection)
        talk.configure(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}})
        second = base64.b64encode(SECOND).decode()
        talk.hear(second, second)
        first = talk.until("response.done")[-1].response
        assert first.output[0].content[0].transcript == "Hello."
        talk.hear(*[second] * 6)
        events = talk.until("response.done")
        triggered = events[0]
        assert triggered.type == "input_audio_buffer.timeout_triggered"
        assert triggered.audio_end_ms - triggered.audio_start_ms == 5000
        assert events[1].item_id == triggered.item_id
        assert events[-1].response.output[0].content[0].transcript == "Still there?"


async def _speak(url: str) -> tuple[list[str], list[str]]:
    """The texts of both sides that the runner has at the end, and the types of its events."""
    runner = RealtimeRunner(RealtimeAgent(name="Helper", instructions="Help."))
    types: list[str] = []
    texts: list[str] = []
    async with await runner.run(model_config={"url": url, "api_key": "k"}) as session:
        await session.send_audio(SECOND * 2)
        async for event in session:
            if event.type == "audio" and "audio" not in types:
                await session.send_audio(SECOND * 3)
            types.append(event.type)
            if event.type == "history_updated":
                items: list[Any] = [item for item in event.history if item.type == "message"]
                texts = [part.transcript or "" for item in items for part in item.content]
                if "I stop." in texts:
                    break
    return texts, types


def test_runner_is_interrupted_by_the_script(server: Live) -> None:
    url = f"{server.url.replace('http', 'ws', 1)}/v1/realtime?model=gpt-realtime"
    texts, types = asyncio.run(asyncio.wait_for(_speak(url), PATIENCE))
    assert (texts[0], texts[-2:]) == ("What is the weather?", ["Stop that.", "I stop."])
    assert "audio_interrupted" in types
    assert "error" not in types
