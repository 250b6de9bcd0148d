"""Null members of Converse's requests, which count as absent, as in AWS's JSON protocol."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.request.messages import CallPart, MediaPart, OtherPart, ResultPart
from mockllm.core.request.request import Message, TextPart
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.bedrock.prompt_cache import CONVERSE_PROMPT
from mockllm.dialects.bedrock.provider import CONVERSE
from tests.dialects.bedrock.bedrock_requests import converse

NO_BLOCK: Json = {"image": None, "cachePoint": None, "toolUse": None, "toolResult": None}
HI: Json = {"role": "user", "content": [{**NO_BLOCK, "text": "hi"}]}
CALL: Json = {
    "role": "assistant",
    "content": [{**NO_BLOCK, "toolUse": {"toolUseId": "t1", "name": "look", "input": {}}}],
}
RESULT: Json = {
    "role": "user",
    "content": [
        {
            **NO_BLOCK,
            "toolResult": {
                "toolUseId": "t1",
                "content": [{"json": None, "image": None, "text": "21"}, {"image": {}, "document": None}],
            },
        }
    ],
}
TOOLS: Json = [{"toolSpec": {"name": "look", "inputSchema": {"json": {}}}}]


@pytest.mark.parametrize("messages", [[HI], [HI, CALL, RESULT]])
def test_null_members_of_blocks_pass_the_check(messages: Json) -> None:
    assert CONVERSE.check(converse(messages=messages, toolConfig={"tools": TOOLS})) is None


def test_null_members_leave_the_kind_of_a_block() -> None:
    other: Json = {"role": "user", "content": [{"text": None, "tomorrow": 1}, {"text": None}]}
    assert converse(messages=[HI, CALL, RESULT, other]).messages == (
        Message("user", (TextPart("hi"),)),
        Message("assistant", (CallPart("t1", "look", {}),)),
        Message("tool", (ResultPart("t1", "look", "21", False), MediaPart("image"))),
        Message("user", (OtherPart("tomorrow"), OtherPart(""))),
    )


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ({"any": None, "auto": {}}, ToolChoice()),
        ({"auto": None, "any": {}}, ToolChoice("any")),
        ({"any": None, "tool": {"name": "look"}}, ToolChoice("named", ("look",))),
    ],
)
def test_null_member_of_tool_choice_chooses_nothing(choice: Json, read: ToolChoice) -> None:
    assert converse(toolConfig={"tools": TOOLS, "toolChoice": choice}).tool_choice == read


@pytest.mark.parametrize("choice", [{"any": {}}, {"auto": None, "any": {}}])
def test_null_choice_beside_a_forced_tool_forces_it(choice: Json) -> None:
    config: Json = {"tools": TOOLS, "toolChoice": choice}
    failure = CONVERSE.check(converse(model="us.anthropic.claude-opus-5-5", toolConfig=config))
    assert failure is not None
    assert "not supported for this model" in str(failure.message)


def test_null_cache_point_is_no_block_and_ends_no_prefix() -> None:
    fields: dict[str, Json] = {"system": [{"text": "Be brief.", "cachePoint": None}, {"cachePoint": {}}]}
    (block,) = CONVERSE_PROMPT.blocks_before_turns(fields)
    assert (block.name, block.lifetime) == ("system[0]", 300.0)
    fields["system"][1]["cachePoint"] = None
    assert [block.lifetime for block in CONVERSE_PROMPT.blocks_before_turns(fields)] == [None, None]
