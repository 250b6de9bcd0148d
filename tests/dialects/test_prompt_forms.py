"""Forms of prompts: the blocks of requests of any JSON, in the order in which a provider reads them."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.prompt_cache.form import PromptBlock, PromptForm
from mockllm.core.prompt_cache.prefix import all_blocks, block_name, prompt_prefixes
from mockllm.dialects.anthropic.messages import Messages
from mockllm.dialects.bedrock.converse import Converse
from mockllm.dialects.gemini.generate import Generate
from mockllm.dialects.openai.chat.dialect import Chat
from mockllm.dialects.openai.responses.dialect import Responses
from tests.engine.prompt_cache_clients import SENTENCE, CachingClient, block, words, written_and_read
from tests.language.virtual_server import VirtualServer, raw_request

DIALECTS: dict[str, Any] = {
    "/v1/messages": Messages,
    "/v1/chat/completions": Chat,
    "/v1/responses": Responses,
    "/v1beta/models/gemini-2.5-flash:generateContent": Generate,
    "/model/anthropic.claude-3/converse": Converse,
}
SERVER = VirtualServer("rules: [{name: any, reply: hi}]")
ODD: list[Any] = [None, 7, "text", [], {}, [7, None, "a", {}, [{}]], {"role": 7}]
FIELDS = (
    "tools",
    "functions",
    "system",
    "instructions",
    "messages",
    "input",
    "contents",
    "systemInstruction",
    "system_instruction",
    "toolConfig",
    "response_format",
    "text",
    "tool_choice",
    "thinking",
    "cache_control",
    "prompt_cache_options",
)


def blocks_of(path: str, body: Any) -> list[PromptBlock]:
    sent = raw_request(path, body, headers={"anthropic-version": "2023-06-01"})
    request = SERVER.engine.read(sent.method, sent.path, "", dict(sent.headers), sent.body, "", 0.0)
    form: PromptForm = DIALECTS[path].prompt_form
    blocks = list(all_blocks(request, form))
    prefixes = prompt_prefixes(request, form)
    whole = [end for end in (*prefixes.before_turns.ends, *prefixes.turns.ends) if end.ends_block]
    assert len(whole) == len(prefixes.block_digests()) == len(blocks)
    assert [block_name(request, form, number) for number in range(len(blocks))] == [b.name for b in blocks]
    assert block_name(request, form, len(blocks)) == "the end"
    return blocks


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("value", ODD, ids=str)
def test_form_reads_any_json(path: str, value: Any) -> None:
    for field in FIELDS:
        blocks_of(path, {field: value})
    for turns in ("messages", "input", "contents"):
        content = {"role": "user", "content": value, "parts": value, "tool_calls": value}
        blocks_of(path, {turns: [value, content, {"type": "message", **content}]})
    blocks_of(path, {"toolConfig": {"tools": value, "toolChoice": value}})


def test_chat_has_tools_format_and_parts_of_messages() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    body = {
        "tools": [{"type": "function", "function": {"name": "look"}}],
        "response_format": {"type": "json_object"},
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, "b"]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "done"},
        ],
    }
    assert [each.name for each in blocks_of("/v1/chat/completions", body)] == [
        "tools[0] (look)",
        "response_format",
        "messages[0] (system)",
        "messages[1].content[0] (user)",
        "messages[1].content[1] (user)",
        "messages[2] (assistant)",
        "messages[3] (tool)",
        "messages[3] (tool)",
    ]


def test_responses_have_tools_format_instructions_and_items() -> None:
    body = {
        "tools": [{"type": "function", "name": "look"}, {"type": "web_search"}],
        "text": {"format": {"type": "json_object"}},
        "instructions": "Be kind.",
        "input": [
            {"type": "message", "role": "user", "content": "a"},
            {"role": "user", "content": [{"type": "input_text", "text": "b"}]},
            {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
        ],
    }
    assert [each.name for each in blocks_of("/v1/responses", body)] == [
        "tools[0] (look)",
        "tools[1] (web_search)",
        "text.format",
        "instructions",
        "input[0] (user)",
        "input[1].content[0] (user)",
        "input[2] (function_call)",
    ]


def test_mark_in_the_result_of_a_tool_is_a_breakpoint() -> None:
    result = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [block("a"), {"type": "text", "text": "b"}],
    }
    blocks = blocks_of("/v1/messages", {"messages": [{"role": "user", "content": [result]}]})
    assert blocks[0].lifetime == 300.0
    assert b"cache_control" not in blocks[0].content


def test_mark_that_is_only_a_text_is_no_breakpoint() -> None:
    client = CachingClient()
    assert written_and_read(client.messages(system="cache_control " + words(300))) == (0, 0)


def test_breakpoint_before_the_minimum_caches_nothing() -> None:
    client = CachingClient()
    usage = client.messages(system=[block("short")], messages=[{"role": "user", "content": words(300)}])
    assert written_and_read(usage) == (0, 0)


def segment_ends(text: str) -> list[bytes]:
    sent = raw_request("/v1/chat/completions", {"messages": [{"role": "user", "content": text}]})
    request = SERVER.engine.read(sent.method, sent.path, "", {}, sent.body, "", 0.0)
    ends = prompt_prefixes(request, Chat.prompt_form).turns.ends
    assert [end.tokens for end in ends] == sorted(end.tokens for end in ends)
    return [end.digest for end in ends if not end.ends_block]


@pytest.mark.parametrize("sentences", [1, 11, 1000, 8000])
def test_long_blocks_have_prefixes_at_the_same_places(sentences: int) -> None:
    text = SENTENCE * sentences
    before = segment_ends(text)
    assert segment_ends(text + " and more")[: len(before)] == before
