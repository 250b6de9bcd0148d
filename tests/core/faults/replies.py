"""Replies and requests with tools for tests of meaning faults, and the result of a fault."""

from __future__ import annotations

from random import Random
from typing import Any

from mockllm.core.faults import FAULTS, ReplyFault, ReplyFaultContext
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.reply.reply import (
    Choice,
    Finish,
    Part,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from mockllm.core.request.request import Request, Tool
from mockllm.core.request.response_parameters import Format
from tests.core.faults.plans import refusal

SCHEMA: dict[str, Json] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK = ToolCall("look", ('{"city":', '"Paris"}'))
FIND = ToolCall("find", ('{"city":"Rome"}',))
USAGE = Usage(20, 9, reasoning=3)
TEXT = Text(("One", " two", " three", " four"))
THOUGHT = Thinking(("Hm", "m."))


class Requested(Request):
    """A request that offers tools and may ask for a form."""

    def __init__(self, *tools: Tool, expected: Format | None = None) -> None:
        super().__init__(method="POST", path="/", headers={})
        vars(self).update(tools=tools, response_format=expected or Format())


OFFER = Requested(Tool("look", SCHEMA), Tool("find", SCHEMA), Tool("say", kind="custom"), Tool("free"))
FORM = Requested(expected=Format("schema", "city", SCHEMA))


def fault(name: str, **settings: Any) -> ReplyFault:
    built = FAULTS[name].model_validate(settings)
    assert isinstance(built, ReplyFault)
    return built


def reply(*parts: Part, finish: Finish = "stop", usage: Usage = USAGE) -> Reply:
    return Reply((Choice(parts, finish),), usage)


def apply_fault(
    name: str,
    content: Reply,
    request: Request = OFFER,
    *,
    streamed: bool = True,
    seed: int = 0,
    plan: Any = None,
    **settings: Any,
) -> Reply:
    telling = ReplyFaultContext(request, streamed, Random(seed), plan or _plan)
    return fault(name, **settings).apply_in_context(content, telling)


def _plan(content: Reply) -> Plan:
    """A protocol that reports all counts."""
    return Plan(ResponseHead(200, ()), (EventStep(repr(content.usage).encode(), 0, "body"),))


def choice(name: str, content: Reply, request: Request = OFFER, **more: Any) -> Choice:
    """The first choice that is left."""
    return apply_fault(name, content, request, **more).choices[0]


def reason(name: str, content: Reply, request: Request = OFFER, **more: Any) -> str:
    return refusal(lambda: apply_fault(name, content, request, **more))


def is_json(text: str) -> bool:
    try:
        loads(text)
    except JSONDecodeError:
        return False
    return True
