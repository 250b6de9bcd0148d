"""Conversations in the form of each protocol, right and wrong, and requests that grow with them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

from mockllm.dialects.anthropic.messages_request import MessagesRequest
from mockllm.dialects.gemini.generate_request import GenerateRequest
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.responses.request import ResponsesRequest

ids = st.sampled_from(["a", "b", "c", "an id"])
texts = st.sampled_from(["", "hi", "a JSON", 'é "quoted" [{,]}', " ", "it ends here "])
junk = st.sampled_from([None, 0, 1.5, "text", [], {}, {"role": 5}, {"type": 7}, {"role": "user"}, [[1]], 12])
"""Items that are no turns."""
calls = st.lists(ids, max_size=2)

_picture = {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}
_function = st.builds(
    lambda id: {"id": id, "type": "function", "function": {"name": id, "arguments": "{}"}}, ids
)
chat_turns = st.one_of(
    st.builds(
        lambda role, text: {"role": role, "content": text},
        st.sampled_from(["user", "system", "developer", "x"]),
        texts,
    ),
    st.builds(
        lambda text: {"role": "user", "content": [{"type": "text", "text": text}, _picture]},
        texts,
    ),
    st.builds(
        lambda built: {"role": "assistant", "content": None, "tool_calls": built},
        st.lists(_function, min_size=1, max_size=2),
    ),
    st.builds(lambda id, text: {"role": "tool", "tool_call_id": id, "content": text}, ids, texts),
    st.builds(
        lambda text: {"role": "user", "content": [{"type": "text", "text": text}, {"type": "file", "file": {}}]},
        texts,
    ),
    junk,
)  # fmt: skip
_image = st.just({"type": "image", "source": {"type": "url", "url": "https://a.test/b.png"}})
_block = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, texts),
    st.builds(lambda id: {"type": "tool_use", "id": id, "name": id, "input": {}}, ids),
    st.builds(lambda id, text: {"type": "tool_result", "tool_use_id": id, "content": text}, ids, texts),
    st.builds(
        lambda id, content: {"type": "tool_result", "tool_use_id": id, "content": content},
        ids,
        st.lists(
            st.one_of(st.builds(lambda text: {"type": "text", "text": text}, texts), _image, junk), max_size=3
        ),
    ),
    junk,
)
message_turns = st.one_of(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["user", "assistant", "system", "x"]),
        st.one_of(texts, st.lists(_block, max_size=3)),
    ),
    st.builds(
        lambda built: {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}} for id in built],
        },
        calls,
    ),
    st.builds(
        lambda built: {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id} for id in built]}, calls
    ),
    junk,
)  # fmt: skip
input_items = st.one_of(
    st.builds(
        lambda role, text: {"role": role, "content": text}, st.sampled_from(["user", "assistant"]), texts
    ),
    st.builds(lambda id: {"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"}, ids),
    st.builds(lambda id, text: {"type": "function_call_output", "call_id": id, "output": text}, ids, texts),
    st.builds(lambda id: {"type": "reasoning", "id": id, "summary": []}, ids),
    st.builds(lambda id: {"type": "item_reference", "id": id}, ids),
    st.builds(lambda id: {"type": "x_call_output", "call_id": id}, ids),
    st.just({"type": "web_search_call"}),
    junk,
)
_part = st.one_of(
    st.builds(lambda text: {"text": text}, texts),
    st.builds(lambda id: {"functionCall": {"id": id, "name": id, "args": {"a_b": 1}}}, ids),
    st.builds(lambda id: {"functionResponse": {"id": id, "response": {"output": id}}}, ids),
    st.builds(lambda id: {"functionResponse": {"id": id, "name": id, "response": {"a": [id], "b": 1}}}, ids),
    st.builds(lambda id: {"functionCall": {"name": id, "args": {}}}, ids),
    junk,
)
contents = st.one_of(
    st.builds(
        lambda role, parts: {"role": role, "parts": parts},
        st.sampled_from(["user", "model", "function", "x"]),
        st.lists(_part, max_size=3),
    ),
    junk,
)


class Protocol(NamedTuple):
    """A protocol's class of requests, its path, its turns, and other members of a body."""

    request_class: type[Any]
    path: str
    member: str
    turns: st.SearchStrategy[Any]
    others: st.SearchStrategy[dict[str, Any]]


def _some(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=values)


_schema = {"type": "object", "properties": {"a": {"type": "string"}}}
_functions = [{"type": "function", "function": {"name": "f", "parameters": _schema}}]
_named = [{"name": "f", "input_schema": _schema, "description": "finds"}]
_flat = [{"type": "function", "name": "f", "parameters": _schema}]
_declared = [{"functionDeclarations": [{"name": "f", "parameters": _schema}]}]
models = st.sampled_from(["gpt-4o", "gpt-4o", "gpt-audio", "o1-mini", "gpt-5.6", "claude-haiku-4-5", None, 5])
"""Each restricts something else."""
PROTOCOLS = {
    "chat": Protocol(ChatRequest, "/v1/chat/completions", "messages", chat_turns, _some(
        model=models, tools=st.sampled_from([_functions, [], 7]), n=st.sampled_from([1, 2, 0]),
        messages_=texts, store=st.booleans(), response_format=st.sampled_from([None, {"type": "json_object"}]),
        parallel_tool_calls=st.sampled_from([None, True]),
    )),
    "messages": Protocol(MessagesRequest, "/v1/messages", "messages", message_turns, _some(
        model=models, max_tokens=st.sampled_from([5, 0]), system=texts, tools=st.sampled_from([_named, []]),
        thinking=st.sampled_from([None, {"type": "enabled", "budget_tokens": 2000}]),
    )),
    "responses": Protocol(ResponsesRequest, "/v1/responses", "input", input_items, _some(
        model=models, instructions=texts, tools=st.sampled_from([_flat, []]),
        text=st.sampled_from([None, {"format": {"type": "json_object"}}]),
        previous_response_id=st.sampled_from([None, "resp_1"]), conversation=st.sampled_from([None, "conv_1"]),
    )),
    "generateContent": Protocol(GenerateRequest, "/v1beta/models/g:generateContent", "contents", contents, _some(
        tools=st.sampled_from([_declared, []]), systemInstruction=st.just({"parts": [{"text": "be"}]}),
        generation_config=st.just({"top_p": 1}),
    )),
}  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, protocol: Protocol) -> list[bytes]:
    """Bodies of one conversation: it grows, is repeated, and continues from an earlier point."""
    turns = draw(st.lists(protocol.turns, min_size=1, max_size=7))
    before, after = draw(protocol.others), draw(protocol.others)
    compact = draw(st.booleans())
    built: list[bytes] = []
    for end in draw(st.lists(st.integers(0, len(turns)), min_size=1, max_size=5)):
        rest = draw(st.lists(protocol.turns, max_size=1))
        body = {**before, protocol.member: turns[:end] + rest, **after}
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":") if compact else None)
        built.append(text.encode())
    return built
