"""Conversations and reasoning that must come back, with the openai package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest

from tests.live import live as serve

SCENARIO: Final = """
rules:
  - name: think
    match: {tools: look, tool_result: {exists: false}}
    reply: {thinking: Hm., tool_calls: [{name: look, arguments: {}}]}
  - {name: seen, match: {tools: look}, reply: Seen.}
  - {name: counted, reply: "Turn {{ turn }}."}
"""
LOOK: Final[list[Any]] = [{"type": "function", "name": "look", "parameters": {}, "strict": False}]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    file = tmp_path_factory.mktemp("conversations") / "conversations.yaml"
    file.write_text(SCENARIO)
    with (
        serve(file) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as client,
    ):
        yield client


def _texts(client: openai.OpenAI, id: str) -> list[str]:
    items: list[Any] = list(client.conversations.items.list(id, order="asc", limit=2))
    return [item.content[0].text for item in items]


def test_conversation_collects_input_and_output(client: openai.OpenAI) -> None:
    conversation = client.conversations.create(
        metadata={"topic": "tea"}, items=[{"type": "message", "role": "user", "content": "first"}]
    )
    for text, stream in (("second", False), ("third", True)):
        response: Any = client.responses.create(
            model="m", input=text, conversation=conversation.id, stream=stream
        )
        if stream:
            assert list(response)[-1].type == "response.completed"
    expected = ["first", "second", "Turn 1.", "third", "Turn 2."]
    assert _texts(client, conversation.id) == expected
    first = client.conversations.items.list(conversation.id, limit=1)
    assert (first.data[0].role, first.has_more) == ("assistant", True)  # type: ignore[union-attr]


def test_conversation_items_are_added_read_and_deleted(client: openai.OpenAI) -> None:
    conversation = client.conversations.create()
    added = client.conversations.items.create(
        conversation.id,
        items=[{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}],
    )
    assert (added.first_id, added.last_id) == (added.data[0].id, added.data[1].id)
    one: Any = client.conversations.items.retrieve(added.data[0].id or "", conversation_id=conversation.id)
    assert one.content[0].text == "one"
    deleted = client.conversations.items.delete(added.data[0].id or "", conversation_id=conversation.id)
    assert deleted.id == conversation.id
    assert _texts(client, conversation.id) == ["two"]
    with pytest.raises(openai.NotFoundError, match="Item with id"):
        client.conversations.items.retrieve("msg_1", conversation_id=conversation.id)


def test_conversation_is_updated_and_deleted(client: openai.OpenAI) -> None:
    conversation = client.conversations.create(metadata={"a": "1"})
    assert client.conversations.update(conversation.id, metadata={"b": "2"}).metadata == {"b": "2"}
    assert client.conversations.retrieve(conversation.id).metadata == {"b": "2"}
    assert client.conversations.delete(conversation.id).deleted
    with pytest.raises(openai.NotFoundError, match="Conversation with id"):
        client.conversations.retrieve(conversation.id)


@pytest.mark.parametrize(
    ("items", "param"), [([{"role": "user"}], "items[0].content"), ([{}] * 21, "items")], ids=["item", "many"]
)
def test_invalid_items_are_refused(client: openai.OpenAI, items: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.conversations.create(items=items)
    assert raised.value.param == param


def _stateless(client: openai.OpenAI, items: list[Any]) -> str:
    return client.responses.create(model="gpt-5", input=items, tools=LOOK, store=False).output_text


def test_encrypted_reasoning_must_come_back(client: openai.OpenAI) -> None:
    user: Any = {"role": "user", "content": "look"}
    first = client.responses.create(
        model="gpt-5", input=[user], tools=LOOK, store=False, include=["reasoning.encrypted_content"]
    )
    reasoning, call = (item.to_dict() for item in first.output)
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "a cat"}
    assert _stateless(client, [user, reasoning, call, result]) == "Seen."
    with pytest.raises(openai.BadRequestError, match="without its required 'reasoning' item"):
        _stateless(client, [user, call, result])
    changed = {**reasoning, "encrypted_content": "gAAAAABchanged"}
    with pytest.raises(openai.BadRequestError) as raised:
        _stateless(client, [user, changed, call, result])
    assert raised.value.code == "invalid_encrypted_content"
    bare = {name: value for name, value in reasoning.items() if name != "encrypted_content"}
    with pytest.raises(openai.NotFoundError, match="Items are not persisted"):
        _stateless(client, [user, bare, call, result])


def test_stored_reasoning_comes_back_without_its_content(client: openai.OpenAI) -> None:
    user: Any = {"role": "user", "content": "look"}
    first = client.responses.create(model="gpt-4o", input=[user], tools=LOOK)
    reasoning, call = (item.to_dict() for item in first.output)
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "a cat"}
    assert _stateless(client, [user, reasoning, call, result]) == "Seen."
