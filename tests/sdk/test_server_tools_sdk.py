"""Tools that OpenAI runs, as parts of a reply: what the openai package reads, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest
from openai.types import responses as openai_responses

from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_required_fields_sdk import require

SCENARIO: Final = """
rules:
  - name: approved
    match: {model: approve}
    reply:
      server_tools: [{mcp: {server: deep, tool: ask, arguments: {q: 1}, approval: true, output: {n: 42}}}]
      text: It is 42.
  - name: all
    reply:
      parts:
        - server_tools:
            - web_search: "weather in {{ user }}"
            - web_search: {query: again, sources: ["https://a.example"]}
            - web_search: {open: "https://a.example"}
            - web_search: {open: "https://a.example", find: rain}
            - file_search: {query: q, results: [{filename: a.txt, text: hello}]}
            - code_interpreter: {code: print(1), logs: "1", images: ["https://a.example/1.png"]}
            - code_interpreter: {code: pass, container: cntr_1}
            - mcp_tools: {server: deep, tools: [{name: ask}]}
            - mcp: {server: deep, tool: ask, arguments: "{}", output: "yes"}
            - mcp: {server: deep, tool: ask, error: broken}
            - computer: {actions: [{type: click, x: 1, y: 2, button: left}], id: call_1}
            - computer: {actions: [{type: wait}, {type: screenshot}], safety_checks: [{id: s, code: c}]}
        - images: [{data: AAAA}]
        - Done.
"""
INCLUDE: Final[list[Any]] = [
    "web_search_call.action.sources",
    "file_search_call.results",
    "code_interpreter_call.outputs",
]
TYPES: Final = [
    *["web_search_call"] * 4,
    "file_search_call",
    *["code_interpreter_call"] * 2,
    "mcp_list_tools",
    *["mcp_call"] * 2,
    *["computer_call"] * 2,
    "image_generation_call",
    "message",
]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("tools") / "tools.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


@pytest.fixture
def client(tools: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{tools.url}/v1", api_key="k", max_retries=0) as client:
        yield client


def test_server_tools_are_output_items(client: openai.OpenAI) -> None:
    output: Any = client.responses.create(model="m", input="Paris", include=INCLUDE).output
    assert [item.type for item in output] == TYPES
    assert len({item.id for item in output}) == len(output)
    assert output[0].action.query == "weather in Paris"
    assert output[1].action.sources[0].url == "https://a.example"
    assert [item.action.type for item in output[2:4]] == ["open_page", "find_in_page"]
    assert (output[4].queries, output[4].results[0].filename) == (["q"], "a.txt")
    assert [each.type for each in output[5].outputs] == ["logs", "image"]
    assert (output[6].container_id, output[6].outputs) == ("cntr_1", [])
    assert output[7].tools[0].name == "ask"
    assert [(item.status, item.output) for item in output[8:10]] == [("completed", "yes"), ("failed", None)]
    assert (output[10].call_id, output[10].action.type) == ("call_1", "click")
    assert [action.type for action in output[11].actions] == ["wait", "screenshot"]
    assert output[11].pending_safety_checks[0].id == "s"
    assert output[12].result == "AAAA"


def test_details_are_left_out_where_no_one_includes_them(client: openai.OpenAI) -> None:
    output: Any = client.responses.create(model="m", input="Paris").output
    assert (output[1].action.sources, output[4].results, output[5].outputs) == (None, None, None)


def test_streamed_server_tools_are_the_same_items(client: openai.OpenAI) -> None:
    with client.responses.stream(model="m", input="Paris", include=INCLUDE) as stream:
        types = [event.type for event in stream]
        output: Any = stream.get_final_response().output
    whole = client.responses.create(model="m", input="Paris", include=INCLUDE).output
    assert [item.type for item in output] == [item.type for item in whole]
    assert types.count("response.mcp_call.failed") == types.count("response.mcp_call.completed") == 1
    assert "response.image_generation_call.generating" in types


@pytest.mark.parametrize("include", [[], INCLUDE], ids=["plain", "included"])
def test_server_tools_have_required_fields(client: openai.OpenAI, include: list[Any]) -> None:
    whole = client.responses.create(model="m", input="Paris", include=include)
    require(openai_responses.Response, whole.to_dict())
    for event in client.responses.create(model="m", input="Paris", include=include, stream=True):
        require(openai_responses.ResponseStreamEvent, event.to_dict())


@pytest.mark.parametrize("include", [[], INCLUDE], ids=["plain", "included"])
def test_added_item_is_empty(client: openai.OpenAI, include: list[Any]) -> None:
    stream = client.responses.create(model="m", input="Paris", include=include, stream=True)
    added: list[Any] = [event.item for event in stream if event.type == "response.output_item.added"]
    assert (added[4].queries, added[4].results) == ([], None)
    assert (added[5].code, added[5].outputs) == ("", [] if include else None)
    assert (added[7].tools, added[8].arguments, added[8].output) == ([], "", None)


@pytest.mark.parametrize(("approve", "types"), [(True, ["mcp_call", "message"]), (False, ["message"])])
@pytest.mark.parametrize("stateful", [True, False])
def test_mcp_call_waits_for_approval(
    client: openai.OpenAI, approve: bool, types: list[str], stateful: bool
) -> None:
    first = client.responses.create(model="approve", input="go")
    (requested,) = first.output
    assert requested.type == "mcp_approval_request"
    answer: Any = {"type": "mcp_approval_response", "approval_request_id": requested.id, "approve": approve}
    if stateful:
        second = client.responses.create(model="approve", previous_response_id=first.id, input=[answer])
    else:
        items = [{"role": "user", "content": "go"}, requested.to_dict(), answer]
        second = client.responses.create(model="approve", input=items)
    output: Any = second.output
    assert [item.type for item in output] == types
    if approve:
        assert (output[0].approval_request_id, output[0].output) == (requested.id, '{"n":42}')
    later: Any = client.responses.create(
        model="approve", previous_response_id=second.id, input="again"
    ).output
    assert [item.type for item in later] == ["mcp_approval_request"]


def test_other_calls_leave_server_tools_out_with_a_note(tools: Live, client: openai.OpenAI) -> None:
    chat = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Paris"}])
    assert chat.choices[0].message.content == "Done."
    tools.line(lambda line: "server_tools left out" in line)
