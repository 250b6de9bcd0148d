"""What the mistralai package makes of Mistral's conversations and agents."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import live as serve
from tests.sdk.loopback import loopback_only

mistralai = pytest.importorskip("mistralai.client")
RunContext = pytest.importorskip("mistralai.extra.run.context").RunContext

__all__ = ["loopback_only"]

SCENARIO = """
mockllm: 1
rules:
  - {match: {user: limit}, error: rate_limit}
  - {match: {user: broken}, reply: {chunks: [One, {error: overloaded}]}}
  - match: {tools: look, tool_result: {exists: false}}
    reply: {thinking: Hm., tool_calls: [{name: look, arguments: {a: 1}}]}
  - {match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - match: {user: search}
    reply: {server_tools: [{web_search: {query: cats}}], text: Cats.}
  - {match: {system: Guide them.}, reply: Guided.}
  - {reply: "{{ user }}! Turn {{ turn }}."}
"""
MODEL = "mistral-small-latest"
LOOK: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("mistral")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as server:
        yield f"{server.url}/mistral"


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Any]:
    with mistralai.Mistral(api_key="key", server_url=url) as client:
        yield client


def test_conversation_is_started_and_continued(client: Any) -> None:
    conversations = client.beta.conversations
    started = conversations.start(model=MODEL, inputs="one", name="Mine", metadata={"a": "b"})
    assert started.outputs[0].content == "one! Turn 1."
    id = started.conversation_id
    appended = conversations.append(conversation_id=id, inputs=[{"role": "user", "content": "two"}])
    assert (appended.conversation_id, appended.outputs[0].content) == (id, "two! Turn 2.")
    assert appended.usage.total_tokens == appended.usage.prompt_tokens + appended.usage.completion_tokens
    shown = conversations.get(conversation_id=id)
    assert (shown.name, shown.model, shown.metadata) == ("Mine", MODEL, {"a": "b"})
    history = conversations.get_history(conversation_id=id).entries
    assert [entry.type for entry in history] == ["message.input", "message.output"] * 2
    messages = conversations.get_messages(conversation_id=id).messages
    assert [message.content for message in messages] == ["one", "one! Turn 1.", "two", "two! Turn 2."]
    restarted = conversations.restart(conversation_id=id, from_entry_id=history[1].id, inputs="three")
    assert restarted.conversation_id != id
    assert restarted.outputs[0].content == "three! Turn 2."
    listed = conversations.list(metadata={"a": "b"})
    assert [each.id for each in listed] == [id]
    conversations.delete(conversation_id=id)
    with pytest.raises(mistralai.errors.SDKError, match="404"):
        conversations.get(conversation_id=id)


def test_conversation_streams_events(client: Any) -> None:
    with client.beta.conversations.start_stream(model=MODEL, inputs="one two") as stream:
        events = [event.data for event in stream]
    assert (
        "".join(event.content for event in events if event.type == "message.output.delta")
        == "one two! Turn 1."
    )
    assert events[-1].usage.completion_tokens > 0
    id = events[0].conversation_id
    with client.beta.conversations.append_stream(conversation_id=id, inputs="three") as stream:
        assert [event.event for event in stream][-1] == "conversation.response.done"
    first = client.beta.conversations.get_history(conversation_id=id).entries[0]
    with client.beta.conversations.restart_stream(conversation_id=id, from_entry_id=first.id) as stream:
        assert next(iter(stream)).data.conversation_id != id


def test_call_gets_its_result(client: Any) -> None:
    started = client.beta.conversations.start(model=MODEL, inputs="hi", tools=[LOOK])
    message, call = started.outputs
    assert message.content[0].thinking[0].text == "Hm."
    assert (call.type, call.name, call.arguments) == ("function.call", "look", '{"a":1}')
    result = mistralai.models.FunctionResultEntry(tool_call_id=call.tool_call_id, result="a cat")
    appended = client.beta.conversations.append(conversation_id=started.conversation_id, inputs=[result])
    assert appended.outputs[0].content == "I see a cat."


def look(a: int) -> str:
    """Look at something."""
    return f"cat {a}"


def test_run_calls_python_functions(url: str) -> None:
    async def run() -> Any:
        async with (
            mistralai.Mistral(api_key="key", server_url=url) as client,
            RunContext(model=MODEL) as context,
        ):
            context.register_func(look)
            return await client.beta.conversations.run_async(run_ctx=context, inputs="hi")

    assert asyncio.run(run()).output_as_text.endswith("I see cat 1.")


def test_tool_of_mistral_is_an_execution(client: Any) -> None:
    started = client.beta.conversations.start(model=MODEL, inputs="search", tools=[{"type": "web_search"}])
    execution, message = started.outputs
    assert (execution.type, execution.name, message.content) == ("tool.execution", "web_search", "Cats.")
    assert started.usage.connectors == {"web_search": 1}
    with client.beta.conversations.start_stream(model=MODEL, inputs="search") as stream:
        kinds = [event.data.type for event in stream]
    assert kinds[1:3] == ["tool.execution.started", "tool.execution.done"]


def test_errors_are_raised(client: Any) -> None:
    with pytest.raises(mistralai.errors.SDKError, match="429"):
        client.beta.conversations.start(model=MODEL, inputs="limit", retries=None)
    with client.beta.conversations.start_stream(model=MODEL, inputs="broken") as stream:
        last = list(stream)[-1].data
    assert (last.type, last.code) == ("conversation.response.error", 3800)


def test_agent_has_versions_and_conversations(client: Any) -> None:
    agents = client.beta.agents
    agent = agents.create(model="mistral-medium-latest", name="Guide", instructions="Guide them.")
    assert (agent.version, agents.get(agent_id=agent.id).name) == (0, "Guide")
    started = client.beta.conversations.start(agent_id=agent.id, inputs="hi")
    assert (started.outputs[0].content, started.outputs[0].agent_id) == ("Guided.", agent.id)
    turns = [{"role": "user", "content": "hi"}]
    assert client.agents.complete(agent_id=agent.id, messages=turns).choices[0].message.content == "Guided."
    with client.agents.stream(agent_id=agent.id, messages=turns) as stream:
        texts = [event.data.choices[0].delta.content for event in stream]
    assert "".join(filter(None, texts)) == "Guided."
    changed = agents.update(agent_id=agent.id, instructions="Follow them.")
    assert (changed.version, changed.versions) == (1, [0, 1])
    assert agents.update_version(agent_id=agent.id, version=0).instructions == "Guide them."
    assert [each.version for each in agents.list_versions(agent_id=agent.id)] == [1, 0]
    assert agents.get_version(agent_id=agent.id, version="1").instructions == "Follow them."
    assert agents.create_version_alias(agent_id=agent.id, alias="live", version=1).version == 1
    assert [each.alias for each in agents.list_version_aliases(agent_id=agent.id)] == ["live"]
    assert agents.get(agent_id=agent.id, agent_version="live").version == 1
    agents.delete_version_alias(agent_id=agent.id, alias="live")
    with pytest.deprecated_call():
        assert [each.id for each in agents.list(name="Guide")] == [agent.id]
    assert [each.id for each in agents.list_pages(page_size=1).result.data] == [agent.id]
    agents.delete(agent_id=agent.id)
    assert agents.list_pages(name="Guide").result.data == []
