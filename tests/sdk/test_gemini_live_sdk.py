"""The Live protocol with google-genai, which opens WebSockets over TLS only."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final

import pytest
from google import genai
from google.genai import errors, types

from tests.process import serving
from tests.sdk.gemini_clients import gemini, vertex

MODEL: Final = "gemini-live-2.5-flash"
SCENARIO: Final = """
mockllm: 1
rules:
  - name: heard
    match: {api: transcription}
    sequence: [{http: {body: "What is the weather?"}}, {http: {body: Stop that.}}]
  - {name: call, match: {tools: look, tool_result: {exists: false}}, reply: {tool_calls: [{name: look}]}}
  - {name: seen, match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - {name: weather, match: {user: {contains: weather}}, reply: It is sunny., pace: {itl: 30s}}
  - {name: limited, match: {user: limit}, error: rate_limit}
  - {name: cut, match: {user: cut}, reply: one two, faults: [{close: {after: {chunks: 1}, code: 1011, reason: gone}}]}
  - {name: away, match: {user: away}, reply: {text: Bye., extras: {gemini: {goAway: {timeLeft: 9s}}}}}
  - {name: echo, match: {user: {regex: .}}, reply: "{{ user }}! Turn {{ turn }}."}
"""
TONE: Final = b"".join(struct.pack("<h", int(8000 * math.sin(place / 5))) for place in range(16 * 400))
"""400 ms of a sound."""
SILENCE: Final = b"\0" * 32 * 700
"""700 ms."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The address of a server with HTTPS, whose CA the clients trust."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "live.yaml").write_text(SCENARIO)
    with (
        serving("--tls-self-signed", cwd=folder, MOCKLLM_TLS_DIR=str(folder / "tls")) as process,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SSL_CERT_FILE", str(folder / "tls" / "ca.pem"))
        yield SimpleNamespace(url=f"https://localhost:{process.port}")


Built = Callable[[Any], genai.Client]
built = pytest.mark.parametrize("built", [gemini, vertex], ids=["gemini", "vertex"])


def talk(built: Built, server: Any, act: Callable[[Any], Awaitable[Any]], **config: Any) -> Any:
    """What a session does."""

    async def running() -> Any:
        async with (
            built(server).aio as client,
            client.live.connect(model=MODEL, config={"response_modalities": ["TEXT"], **config}) as session,  # type: ignore[arg-type]
        ):
            return await asyncio.wait_for(act(session), 60)

    return asyncio.run(running())


async def reported(session: Any, text: str) -> list[types.LiveServerMessage]:
    """The messages of the turn to a text."""
    await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text=text)]))
    return [message async for message in session.receive()]


def text(messages: list[types.LiveServerMessage]) -> str:
    return "".join(message.text or "" for message in messages)


@built
def test_turns_build_a_conversation(server: Any, built: Built) -> None:
    async def act(session: Any) -> None:
        for turn, user in enumerate(("one", "two"), 1):
            messages = await reported(session, user)
            assert text(messages) == f"{user}! Turn {turn}."
            usage = messages[-1].usage_metadata
            assert usage is not None
            assert (usage.total_token_count or 0) > (usage.prompt_token_count or 0) > 0

    talk(built, server, act)


@built
def test_speech_is_transcribed_and_its_response_interrupted(server: Any, built: Built) -> None:
    async def act(session: Any) -> list[types.LiveServerMessage]:
        for audio in (TONE, SILENCE):
            await session.send_realtime_input(audio=types.Blob(data=audio, mime_type="audio/pcm;rate=16000"))
        messages: list[types.LiveServerMessage] = []
        async for message in session.receive():
            messages.append(message)
            if message.server_content and message.server_content.model_turn:
                await session.send_realtime_input(
                    audio=types.Blob(data=TONE, mime_type="audio/pcm;rate=16000")
                )
        return messages

    settings: dict[str, Any] = {"input_audio_transcription": {}, "output_audio_transcription": {}}
    session = f"live-{built.__name__}"
    messages = talk(
        built,
        SimpleNamespace(url=f"{server.url}/s/{session}"),
        act,
        response_modalities=["AUDIO"],
        **settings,
    )
    content = [message.server_content for message in messages if message.server_content]
    received = [each.input_transcription for each in content if each.input_transcription]
    transcriptions = [each.output_transcription for each in content if each.output_transcription]
    assert [each.text for each in received] == ["What is the weather?"]
    assert [each.text for each in transcriptions] == ["It"]
    assert messages[0].data is None
    assert messages[1].data == b"\0" * 48 * 60 * 2
    assert [each.interrupted for each in content][-2:] == [True, None]
    assert content[-1].turn_complete


@built
def test_call_gets_its_result(server: Any, built: Built) -> None:
    async def act(session: Any) -> list[types.LiveServerMessage]:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="go")]))
        messages = []
        async for message in session.receive():
            messages.append(message)
            for call in (message.tool_call and message.tool_call.function_calls) or ():
                result = types.FunctionResponse(id=call.id, name=call.name, response={"output": "a cat"})
                await session.send_tool_response(function_responses=[result])
        return messages

    messages = talk(built, server, act, tools=[{"function_declarations": [{"name": "look"}]}])
    assert text(messages) == "I see a cat."


def test_session_is_resumed_and_an_unknown_handle_refused(server: Any) -> None:
    async def act(session: Any) -> str:
        await reported(session, "one")
        update = (await session._receive()).session_resumption_update
        return str(update.new_handle)

    handle = talk(gemini, server, act, session_resumption={})

    async def again(session: Any) -> str:
        await session._receive()  # the first handle of the new session
        return text(await reported(session, "two"))

    assert talk(gemini, server, again, session_resumption={"handle": handle}) == "two! Turn 2."
    with pytest.raises(errors.APIError, match="Requested entity was not found") as refused:
        talk(gemini, server, again, session_resumption={"handle": "unknown"})
    assert refused.value.code == 1008


@pytest.mark.parametrize(
    ("user", "code", "reason"), [("limit", 1011, "You exceeded your current quota"), ("cut", 1011, "gone")]
)
def test_error_and_fault_close_the_socket(server: Any, user: str, code: int, reason: str) -> None:
    with pytest.raises(errors.APIError, match=reason) as refused:
        talk(gemini, server, lambda session: reported(session, user))
    assert refused.value.code == code


def test_server_says_that_it_goes_away(server: Any) -> None:
    messages = talk(gemini, server, lambda session: reported(session, "away"))
    assert messages[0].go_away is not None
    assert (messages[0].go_away.time_left, text(messages)) == ("9s", "Bye.")


def test_activity_of_the_client_interrupts(server: Any) -> None:
    async def act(session: Any) -> str:
        await session.send_client_content(
            turns=types.Content(role="user", parts=[types.Part(text="the weather")])
        )
        async for message in session.receive():
            if message.text:
                await session.send_realtime_input(activity_start=types.ActivityStart())
        await session.send_realtime_input(text="typed")
        return text([message async for message in session.receive()])

    settings = {"realtime_input_config": {"automatic_activity_detection": {"disabled": True}}}
    assert talk(gemini, server, act, **settings) == "typed! Turn 2."
