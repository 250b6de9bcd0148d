"""Faults of meaning in tool calls and in the JSON text of structured output."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.faults.base import Needs, NotApplicable, ReplyFault, ReplyFaultContext, fault
from mockllm.core.faults.fault_points import too_few
from mockllm.core.json.codec import JSONDecodeError, dumps, loads
from mockllm.core.reply.reply import Part, Reply, Text, ToolCall, joined_text
from mockllm.core.reply.truncation import rechunked
from mockllm.core.request.request import Request, Tool
from mockllm.core.schema_values.violations import VIOLATION_KINDS, BudgetedCheck, ViolationKind, invalid_value
from mockllm.core.values.types import Templated


class CallFault(ReplyFault):
    """A fault of the response's tool calls."""

    applies_after_supported_reply: ClassVar[bool] = True
    call: Templated[Annotated[int, Field(ge=1)]] | None = Field(
        default=None,
        description="Which of the response's calls, counted from 1; by default all of them.",
    )

    @property
    def needs(self) -> Needs:
        return "call"

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply:
        changed = _change_parts(reply, lambda part, number: self._change(part, number, context))
        if changed is not None:
            return changed
        calls = max((len(choice.tool_calls) for choice in reply.choices), default=0)
        raise too_few(calls, "call") if calls else NotApplicable("the response calls no tool")

    def _change(self, part: Part, number: int, context: ReplyFaultContext) -> Part | None:
        return (
            self.break_tool_call(part, context)
            if type(part) is ToolCall and self.call in (None, number)
            else None
        )

    def break_tool_call(self, call: ToolCall, context: ReplyFaultContext) -> ToolCall:
        """Return the call with the fault. Raise NotApplicable."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("bad_tool_arguments", "meaning")
class BadToolArguments(CallFault):
    """The arguments of a tool call are not JSON."""

    how: Literal["invalid", "truncated"] = Field(
        default="invalid", description="With a typical mistake of a model, or cut in the middle."
    )

    def break_tool_call(self, call: ToolCall, context: ReplyFaultContext) -> ToolCall:
        tool = _offered_tool(context.request, call)
        if tool is not None and tool.kind == "custom":
            raise NotApplicable(f"{call.name} takes free text, which is never invalid")
        text = joined_text(call.chunks) or "{}"
        if not _is_json(text):
            raise NotApplicable(f"the arguments of {call.name} are not JSON already")
        if self.how == "truncated":
            return replace(call, chunks=rechunked(call.chunks, text[: max(1, len(text) // 2)]))
        invalid = [result for mistake in MISTAKES if not _is_json(result := mistake(text))]
        return replace(call, chunks=rechunked(call.chunks, context.random.choice(invalid)))


MISTAKES: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: f"{text[:-1]},{text[-1:]}",
    lambda text: text.replace('"', "'"),
    lambda text: text.replace('":', '"', 1),
    lambda text: f"{text};",
)
"""Typical mistakes of models: an extra comma (which also breaks a single number or word), single quotes, a missing
colon, a stray semicolon. The last one breaks any JSON."""


@fault("unknown_tool", "meaning")
class UnknownTool(CallFault):
    """The model calls a tool that the request does not offer."""

    tool: Templated[str] | None = Field(
        default=None, description="The name in the call; by default the called tool's name followed by `_v2`."
    )

    def break_tool_call(self, call: ToolCall, context: ReplyFaultContext) -> ToolCall:
        offered = {tool.name for tool in context.request.tools}
        if self.tool is not None and self.tool in offered:
            raise NotApplicable(f"the request offers a tool called {self.tool}")
        name = self.tool or f"{call.name}_v2"
        while name in offered:
            name += "_v2"
        return replace(call, name=name)


@fault("wrong_schema", "meaning")
class WrongSchema(ReplyFault):
    """Tool arguments, or else the JSON text of structured output, violate the schema in the request."""

    applies_after_supported_reply: ClassVar[bool] = True
    how: ViolationKind | Literal["any"] = Field(
        default="any",
        description="A field is missing, has another type or a value that is not allowed, or is one too many. "
        "`any` is the first of these that violates the schema.",
    )

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply:
        calls = any(choice.tool_calls for choice in reply.choices)
        if not calls and context.request.response_format.kind != "schema":
            raise NotApplicable("the response calls no tool, and the request has no schema for it")
        kind = ToolCall if calls else Text
        changed = _change_parts(
            reply, lambda part, _: self._change(part, context) if type(part) is kind else None
        )
        if changed is None:
            raise NotApplicable("the response has no text")
        return changed

    def _change(self, part: ToolCall | Text, context: ReplyFaultContext) -> Part:
        if isinstance(part, ToolCall):
            tool = _offered_tool(context.request, part)
            if tool is None or tool.schema is None or tool.kind == "custom":
                raise NotApplicable(f"the request has no schema for {part.name}")
            text, schema = joined_text(part.chunks) or "{}", tool.schema
            subject, plural = f"the arguments of {part.name}", True
        else:
            text = joined_text(part.chunks) if part.whole is None or context.streamed else part.whole
            schema = context.request.response_format.schema
            subject, plural = "the text", False
        kinds = VIOLATION_KINDS if self.how == "any" else (self.how,)
        try:
            value = loads(text)
            check = BudgetedCheck(schema, Budget(context.max_generated, f"a violation for {subject}"))
            if not check.matches(value):
                raise NotApplicable(f"{subject} {'violate' if plural else 'violates'} the schema already")
            invalid = invalid_value(value, check.matches, kinds, context.random)
        except JSONDecodeError:
            raise NotApplicable(f"{subject} {'are' if plural else 'is'} not JSON") from None
        except BudgetExceeded as exceeded:
            raise NotApplicable(str(exceeded)) from None
        except ValueError as error:
            raise NotApplicable(f"the schema cannot be used: {error}") from None
        if invalid is None:
            kind = "" if self.how == "any" else f" of this kind ({self.how})"
            raise NotApplicable(f"the schema forbids nothing{kind}")
        chunks = rechunked(part.chunks, dumps(invalid).decode())
        return replace(part, chunks=chunks) if type(part) is ToolCall else Text(chunks)


def _change_parts(reply: Reply, change: Callable[[Part, int], Part | None]) -> Reply | None:
    """Return the reply with all parts changed to which `change` applies; None where it concerns no part. Raise
    NotApplicable with its first reason where it applies to none.

    `change` gets a part and the number of calls in its choice so far. It returns None for a part that it leaves.
    """
    reason = ""
    changed = False
    choices = []
    for choice in reply.choices:
        parts: list[Part] = []
        number = 0
        for part in choice.parts:
            number += type(part) is ToolCall
            try:
                result = change(part, number)
            except NotApplicable as exception:
                reason, result = reason or str(exception), None
            changed = changed or result is not None
            parts.append(part if result is None else result)
        choices.append(replace(choice, parts=tuple(parts)))
    if not changed and reason:
        raise NotApplicable(reason)
    return replace(reply, choices=tuple(choices)) if changed else None


def _offered_tool(request: Request, call: ToolCall) -> Tool | None:
    return next((tool for tool in request.tools if tool.name == call.name), None)


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except JSONDecodeError:
        return False
    return True
