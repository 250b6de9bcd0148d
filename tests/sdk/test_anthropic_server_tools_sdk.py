"""Server tools, paused turns, containers and context management: what Anthropic's packages read and send back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import anthropic
import pytest
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from pydantic import TypeAdapter

from mockllm.testing.environment import variables
from tests.live import Live
from tests.live import live as serve

SCENARIO: Final = """
rules:
  - name: paused
    match: {user: pause}
    per: api_key
    sequence:
      - reply: {parts: [One moment., server_tools: [{web_search: rain}]], finish_reason: paused}
      - reply: {server_tools: [{web_search: {query: rain, sources: ["https://a.example"]}}], text: It rains.}
  - name: all
    reply:
      parts:
        - server_tools:
            - web_search: {query: "{{ user }}", sources: [{url: "https://a.example", title: A, page_age: 1 day ago}]}
            - web_search: {query: again, error: max_uses_exceeded}
            - web_fetch: {url: "https://a.example", text: hello, title: A}
            - web_fetch: {url: "https://a.example", error: url_not_accessible}
            - code_interpreter: {code: print(1), logs: "1", files: [file_1]}
            - bash: {command: ls, stdout: a, files: [file_1]}
            - bash: {command: ls, error: unavailable}
            - text_editor: {command: create, path: a.txt, text: hi}
            - text_editor: {command: view, path: a.txt, text: hi}
            - text_editor: {command: str_replace, path: a.txt, old: hi, new: ho}
            - text_editor: {command: view, path: b.txt, error: file_not_found}
            - tool_search: {query: weather, tools: [get_weather]}
            - advisor: Ship it.
            - mcp: {server: deep, tool: ask, arguments: {q: 1}, output: {n: 42}}
            - mcp: {server: deep, tool: ask, error: broken}
            - mcp_tools: {server: deep, tools: [{name: ask}]}
        - text: Done.
          citations: ["https://a.example"]
"""
TYPES: Final = [
    *["server_tool_use", "web_search_tool_result"] * 2,
    *["server_tool_use", "web_fetch_tool_result"] * 2,
    *("server_tool_use", "code_execution_tool_result"),
    *["server_tool_use", "bash_code_execution_tool_result"] * 2,
    *["server_tool_use", "text_editor_code_execution_tool_result"] * 4,
    *("server_tool_use", "tool_search_tool_result", "server_tool_use", "advisor_tool_result"),
    *["mcp_tool_use", "mcp_tool_result"] * 2,
    *("mcp_tool_listing", "text"),
]
HI: Final[Any] = {"role": "user", "content": "Paris"}
MCP: Final[Any] = [{"type": "url", "name": "deep", "url": "https://mcp.example"}]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("anthropic") / "tools.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


Client = anthropic.Anthropic | anthropic.AnthropicBedrock | anthropic.AnthropicFoundry


@pytest.fixture(params=["anthropic", "bedrock", "foundry"])
def client(tools: Live, request: pytest.FixtureRequest) -> Iterator[Any]:
    built: Client
    if request.param == "bedrock":
        built = anthropic.AnthropicBedrock(
            base_url=tools.url, aws_region="us-east-1", api_key="b", max_retries=0
        )
    elif request.param == "foundry":
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables(tools.url).items():
                patch.setenv(name, value)
            built = anthropic.AnthropicFoundry(max_retries=0)
    else:
        built = anthropic.Anthropic(base_url=tools.url, api_key="a", max_retries=0)
    with built as entered:
        yield entered


def create(client: Any, *turns: Any, **fields: Any) -> Any:
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    return client.beta.messages.create(model=model, max_tokens=100, messages=list(turns), **fields)


def test_server_tools_are_typed_blocks(client: Any) -> None:
    message = create(client, HI, mcp_servers=MCP)
    TypeAdapter(BetaMessage).validate_python(message.to_dict())
    assert [block.type for block in message.content] == TYPES
    content = message.content
    assert content[0].input == {"query": "Paris"}
    assert (content[1].content[0].title, content[1].content[0].page_age) == ("A", "1 day ago")
    assert content[3].content.error_code == "max_uses_exceeded"
    assert content[5].content.content.source.data == "hello"
    assert content[7].content.error_code == "url_not_accessible"
    assert (content[9].content.stdout, content[9].content.content[0].file_id) == ("1", "file_1")
    assert content[11].content.return_code == 0
    assert content[17].content.content == "hi"
    assert content[19].content.lines == ["-hi", "+ho"]
    assert content[21].content.error_code == "file_not_found"
    assert content[23].content.tool_references[0].tool_name == "get_weather"
    assert content[25].content.text == "Ship it."
    assert (content[27].is_error, content[27].content[0].text) == (False, '{"n":42}')
    assert content[29].is_error
    assert content[30].tools[0].name == "ask"
    assert content[31].citations[0].url == "https://a.example"
    counts = message.usage.server_tool_use
    assert (counts.web_search_requests, counts.web_fetch_requests) == (1, 1)
    assert message.container.expires_at.tzinfo is not None


def test_streamed_server_tools_are_the_same_blocks(client: Any) -> None:
    whole = create(client, HI)
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    with client.beta.messages.stream(model=model, max_tokens=100, messages=[HI]) as stream:
        for event in stream:
            if event.type in ("content_block_start", "content_block_delta", "message_start"):
                TypeAdapter(BetaRawMessageStreamEvent).validate_python(event.to_dict())
        message = stream.get_final_message()
    assert [block.type for block in message.content] == [block.type for block in whole.content]
    assert message.content[0].input == {"query": "Paris"}
    assert message.content[27].content[0].text == '{"n":42}'
    assert message.usage.server_tool_use.web_search_requests == 1


@pytest.mark.parametrize("form", ["objects", "dicts"])
def test_own_content_is_accepted_as_history(client: Any, form: str) -> None:
    turns: list[Any] = [HI]
    for _ in range(2):
        message = create(client, *turns)
        content = message.content if form == "objects" else [block.to_dict() for block in message.content]
        turns += [{"role": "assistant", "content": content}, HI]
    assert len(create(client, *turns).content) == len(TYPES)


def test_paused_turn_goes_on_where_it_was(client: Any) -> None:
    requested: Any = {"role": "user", "content": "pause"}
    first = create(client, requested)
    second = create(client, requested, {"role": "assistant", "content": first.content})
    assert (first.stop_reason, second.stop_reason) == ("pause_turn", "end_turn")
    assert second.content[0].tool_use_id == first.content[-1].id
    assert second.content[-1].text == "It rains."


def test_use_without_its_result_is_refused(client: Any) -> None:
    use = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    with pytest.raises(
        anthropic.BadRequestError, match="without a corresponding `web_search_tool_result` block"
    ):
        create(client, HI, {"role": "assistant", "content": [use]}, HI)


def test_context_edits_and_container_are_reported(client: Any) -> None:
    turns: list[Any] = [HI]
    for number in range(4):
        call = {"type": "tool_use", "id": f"t{number}", "name": "get", "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "one two three four"}
        turns += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    edit = {"type": "clear_tool_uses_20250919", "trigger": {"type": "tool_uses", "value": 2}}
    skills = [{"type": "anthropic", "skill_id": "pdf", "version": "1"}]
    message = create(
        client,
        *turns,
        context_management={"edits": [edit]},
        container={"id": "container_1", "skills": skills},
        tools=[{"type": "code_execution_20250825", "name": "code_execution"}],
    )
    (applied,) = message.context_management.applied_edits
    assert (applied.type, applied.cleared_tool_uses) == ("clear_tool_uses_20250919", 1)
    assert (message.container.id, message.container.skills[0].skill_id) == ("container_1", "pdf")


def test_foundry_raises_the_errors_of_its_gateway(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("denied") / "denied.yaml"
    file.write_text("rules: [{error: authentication}]")
    with serve(file) as server:
        base = f"{server.url}/azure/anthropic/"
        with (
            anthropic.AnthropicFoundry(base_url=base, azure_ad_token_provider=lambda: "t") as client,
            pytest.raises(anthropic.AuthenticationError, match="invalid subscription key"),
        ):
            create(client, HI)
