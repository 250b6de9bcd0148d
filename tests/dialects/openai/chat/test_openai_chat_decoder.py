"""Decoding of responses that only OpenAI has: several choices, free-text tools, and streams without usage."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice, Reply, Text, ToolCall, Usage
from mockllm.dialects.decoded_response import DecodedToolCall
from mockllm.dialects.openai.chat.dialect import CHAT
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat

USAGE = Usage(3, 2)
CUSTOM: Json = {"type": "custom", "custom": {"name": "run"}}


def test_decode_reads_first_choice_and_all_chunks() -> None:
    choices = (Choice((Text(("a", "b")),)), Choice((Text(("c",)), ToolCall("look", ("{}",))), "tool_calls"))
    decoded = CHAT.decode(CHAT.encode_stream(Reply(choices, USAGE), chat(n=2, stream=True), IDENTITY))
    assert decoded is not None
    assert (decoded.text, decoded.finish, decoded.calls) == ("ab", "stop", ())
    assert decoded.chunks == ("a", "c", "b", "{}")


def test_decode_of_stream_without_usage_has_no_usage() -> None:
    decoded = CHAT.decode(
        CHAT.encode_stream(Reply((Choice((Text(("a",)),)),), USAGE), chat(stream=True), IDENTITY)
    )
    assert decoded is not None
    assert decoded.usage is None


def test_decode_reads_free_text_of_custom_tools() -> None:
    reply = Reply((Choice((ToolCall("run", ("ls ", "-l")),), "tool_calls"),), USAGE)
    for stream in (False, True):
        request = chat(tools=[CUSTOM], stream=stream)
        decoded = CHAT.decode((CHAT.encode_stream if stream else CHAT.encode_body)(reply, request, IDENTITY))
        assert decoded is not None
        assert decoded.calls == (DecodedToolCall("run", "ls -l"),)


def test_decode_of_empty_response_has_text_without_chunks() -> None:
    decoded = CHAT.decode(
        CHAT.encode_stream(Reply((Choice((Text(()),)),), USAGE), chat(stream=True), IDENTITY)
    )
    assert decoded is not None
    assert (decoded.text, decoded.chunks) == ("", ())
