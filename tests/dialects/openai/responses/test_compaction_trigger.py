"""A request that ends with a compaction trigger, as Codex sends it: one sealed item, whatever the rule replies."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Choice, Reply, Text, ToolCall
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.responses.object import SEALED_PREFIX
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.responses.responses_requests import responses
from tests.language.virtual_server import VirtualServer, raw_request

TRIGGER: Json = {"type": "compaction_trigger"}
USER: Json = {"role": "user", "content": "Write a program."}
CALL = Reply(
    (Choice((Text(("I run it.",)), ToolCall("run", ('{"x": 1}',))), "tool_calls", raw_finish="odd"),)
)


def test_streamed_compaction_is_one_sealed_item() -> None:
    plan = RESPONSES.encode_stream(CALL, responses(input=[USER, TRIGGER]), IDENTITY)
    events = [loads(step.payload) for step in plan.steps if isinstance(step, EventStep)]
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created", "in_progress", "output_item.added", "compaction.compacting", "output_item.done", "completed",
    ]  # fmt: skip
    added, done = events[2]["item"], events[4]["item"]
    assert added == {"id": done["id"], "type": "compaction"}
    assert done["id"].startswith("cmp_")
    assert done["encrypted_content"].startswith(SEALED_PREFIX)
    assert events[3]["item_id"] == done["id"]
    assert events[5]["response"]["output"] == [done]


def test_whole_compaction_is_one_sealed_item() -> None:
    plan = RESPONSES.encode_body(CALL, responses(input=[USER, TRIGGER]), IDENTITY)
    assert isinstance(plan.steps[0], EventStep)
    body = loads(plan.steps[0].payload)
    assert [item["type"] for item in body["output"]] == ["compaction"]
    assert (body["status"], body["incomplete_details"]) == ("completed", None)


@pytest.mark.parametrize("input", ["hi", [], [USER], [TRIGGER, USER], [3]])
def test_trigger_elsewhere_compacts_nothing(input: Json) -> None:
    assert not responses(input=input).compacts


def test_trigger_is_no_turn_and_hides_no_result() -> None:
    call: Json = {"type": "function_call", "call_id": "c", "name": "run", "arguments": "{}"}
    result: Json = {"type": "function_call_output", "call_id": "c", "output": "done"}
    request = responses(input=[USER, call, result, TRIGGER])
    assert request.turn == 2
    assert [part.name for part in request.tool_results] == ["run"]


def test_cached_response_is_not_sent_for_a_trigger() -> None:
    server = VirtualServer("rules: [{reply: Hi.}]")

    def types(*input: Json) -> list[str]:
        body = {"model": "gpt-5.5", "input": list(input)}
        output: list[dict[str, str]] = server.respond(raw_request("/v1/responses", body)).json["output"]
        return [item["type"] for item in output]

    for _ in range(3):
        assert types(USER) == ["message"]
        assert types(USER, TRIGGER) == ["compaction"]
