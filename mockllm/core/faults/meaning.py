"""Faults of a response's content: cut short, refused, empty, with invalid tool calls, or with wrong or missing usage.

Each response is well-formed, in the form of the provider's own model: these faults change the reply before a dialect
encodes it. They break only calls and JSON texts that the response has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.faults.base import Needs, NotApplicable, ReplyFault, ReplyFaultContext, fault
from mockllm.core.faults.fault_points import too_few
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.reply.reply import (
    Call,
    Choice,
    Finish,
    Harm,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    Usage,
    joined_text,
)
from mockllm.core.reply.truncation import cut_chunks, cut_fraction, part_tokens, rechunked
from mockllm.core.request.request import Request, Tool
from mockllm.core.schema_values.violations import (
    VIOLATION_KINDS,
    BudgetedCheck,
    ViolationKind,
    invalid_value,
)
from mockllm.core.tokens import split
from mockllm.core.values.types import Drawable, Probability, Templated

BROKEN: Final = NotApplicable("the reply itself ends with an error")


class ReplyPosition(BaseModel):
    """How much of a response comes before its end."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    chunks: Templated[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="So many chunks, of each choice."
    )
    fraction: Drawable[Probability] | None = Field(
        default=None,
        description="This part of the characters of its texts and calls; thinking before it is complete.",
    )

    @model_validator(mode="after")
    def one(self) -> ReplyPosition:
        if (self.chunks is None) == (self.fraction is None):
            raise PydanticCustomError("after", "write after: {chunks: 3} or after: {fraction: 50%}")
        return self


HALF: Final = ReplyPosition.model_construct(fraction=0.5)


class EndingFault(ReplyFault):
    """A fault that changes how each choice ends. It does not apply to a reply that ends with an error."""

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply | NotApplicable:
        if reply.failure is not None:
            return BROKEN
        choices: list[Choice] = []
        for choice in reply.choices:
            ended = self.end(choice)
            if isinstance(ended, NotApplicable):
                return ended
            choices.append(ended)
        return _recounted(reply, tuple(choices))

    def end(self, choice: Choice) -> Choice | NotApplicable:
        """Return the choice with the fault's end."""
        raise NotImplementedError  # pragma: no cover - abstract


class CuttingFault(EndingFault):
    """A fault that cuts each choice short."""

    uses_supported_reply: ClassVar[bool] = True
    after: ReplyPosition = Field(default=HALF, description="How much comes before it.")

    def end(self, choice: Choice) -> Choice | NotApplicable:
        if self.after.chunks is None:
            assert self.after.fraction is not None
            return self.finish(cut_fraction(choice, self.after.fraction))
        short = cut_chunks(choice, self.after.chunks)
        if short is None:
            return NotApplicable(f"the response has fewer than {self.after.chunks} chunks")
        return self.finish(short)

    def finish(self, choice: Choice) -> Choice:
        """Return the cut choice with its finish reason."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("content_filter")
class ContentFilter(CuttingFault):
    """The provider's content filter ends the response in the middle of its content."""

    category: Harm = Field(
        default="violence", description="The category that the filter reports, where the protocol has one."
    )

    def finish(self, choice: Choice) -> Choice:
        filtered = replace(choice, finish="content_filter", raw_finish=None)
        return replace(filtered, stopped_by=None, flagged=self.category)


@fault("length_stop")
class LengthStop(CuttingFault):
    """The response is cut short as if it had reached its maximum of tokens, within a word or a call."""

    def finish(self, choice: Choice) -> Choice:
        return replace(choice, finish="length", stopped_by=None, raw_finish=None)


@fault("refusal")
class Refuse(EndingFault):
    """The model refuses: a refusal replaces its text and calls."""

    text: Templated[str] = Field(
        default="I'm sorry, but I can't help with that.", description="The text of the refusal."
    )

    def end(self, choice: Choice) -> Choice | NotApplicable:
        thinking = tuple(part for part in choice.parts if type(part) is Thinking)
        refusal = Refusal(tuple(split(self.text)))
        refused = replace(choice, finish="refusal", stopped_by=None, raw_finish=None)
        return replace(refused, parts=(*thinking, refusal))


@fault("empty_answer")
class EmptyAnswer(EndingFault):
    """The response has no content, and ends normally."""

    finish_reason: Finish = Field(
        default="stop", description="How it ends: `length` means that thinking took all tokens."
    )

    def end(self, choice: Choice) -> Choice | NotApplicable:
        if not choice.parts and choice.finish == self.finish_reason:
            return NotApplicable("the response is empty already")
        return Choice((), self.finish_reason)


def _recounted(reply: Reply, choices: tuple[Choice, ...]) -> Reply:
    """Return the reply with other choices, and with usage for the added or removed tokens."""
    (before, thinking_before), (after, thinking_after) = _tokens(reply.choices), _tokens(choices)
    usage = reply.usage
    output = max(usage.output - before + after, 0)
    reasoning = min(max(usage.reasoning - thinking_before + thinking_after, 0), output)
    return replace(reply, choices=choices, usage=replace(usage, output=output, reasoning=reasoning))


def _tokens(choices: tuple[Choice, ...]) -> tuple[int, int]:
    """Return the tokens of all parts, and of the thinking among them."""
    counts = [(part_tokens(part), type(part) is Thinking) for choice in choices for part in choice.parts]
    return sum(tokens for tokens, _ in counts), sum(tokens for tokens, thinking in counts if thinking)


class CallFault(ReplyFault):
    """A fault of the response's tool calls."""

    uses_supported_reply: ClassVar[bool] = True
    call: Templated[Annotated[int, Field(ge=1)]] | None = Field(
        default=None,
        description="Which of the response's calls, counted from 1; by default all of them.",
    )

    @property
    def needs(self) -> Needs:
        return "call"

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply | NotApplicable:
        result = _change_parts(reply, lambda part, number: self._change(part, number, context))
        if not isinstance(result, NotApplicable):
            return result
        calls = max((len(choice.calls) for choice in reply.choices), default=0)
        if not calls:
            return NotApplicable("the response calls no tool")
        return too_few(calls, "call") if self.call is not None and self.call > calls else result

    def _change(self, part: Part, number: int, context: ReplyFaultContext) -> Part | NotApplicable:
        if type(part) is Call and self.call in (None, number):
            return self.break_call(part, context)
        return NotApplicable("")

    def break_call(self, call: Call, context: ReplyFaultContext) -> Call | NotApplicable:
        """Return the call with the fault."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("bad_tool_arguments")
class BadToolArguments(CallFault):
    """The arguments of a tool call are not JSON."""

    how: Literal["invalid", "truncated"] = Field(
        default="invalid", description="With a typical mistake of a model, or cut in the middle."
    )

    def break_call(self, call: Call, context: ReplyFaultContext) -> Call | NotApplicable:
        tool = _offered_tool(context.request, call)
        if tool is not None and tool.kind == "custom":
            return NotApplicable(f"{call.name} takes free text, which is never invalid")
        text = joined_text(call.chunks) or "{}"
        if not _is_json(text):
            return NotApplicable(f"the arguments of {call.name} are not JSON already")
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


@fault("unknown_tool")
class UnknownTool(CallFault):
    """The model calls a tool that the request does not offer."""

    tool: Templated[str] | None = Field(
        default=None, description="The name in the call; by default the called tool's name followed by `_v2`."
    )

    def break_call(self, call: Call, context: ReplyFaultContext) -> Call | NotApplicable:
        offered = {tool.name for tool in context.request.tools}
        if self.tool is not None and self.tool in offered:
            return NotApplicable(f"the request offers a tool called {self.tool}")
        name = self.tool or f"{call.name}_v2"
        while name in offered:
            name += "_v2"
        return replace(call, name=name)


@fault("wrong_schema")
class WrongSchema(ReplyFault):
    """Tool arguments, or else the JSON text of structured output, violate the schema in the request."""

    uses_supported_reply: ClassVar[bool] = True
    how: ViolationKind | Literal["any"] = Field(
        default="any",
        description="A field is missing, has another type or a value that is not allowed, or is one too many; "
        "`any` is the first of these that violates the schema.",
    )

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply | NotApplicable:
        calls = any(choice.calls for choice in reply.choices)
        if not calls and context.request.response_format.kind != "schema":
            return NotApplicable("the response calls no tool, and the request has no schema for it")
        kind = Call if calls else Text
        result = _change_parts(
            reply, lambda part, _: self._change(part, context) if type(part) is kind else NotApplicable("")
        )
        return NotApplicable("the response has no text") if result == NotApplicable("") else result

    def _change(self, part: Call | Text, context: ReplyFaultContext) -> Part | NotApplicable:
        if isinstance(part, Call):
            tool = _offered_tool(context.request, part)
            if tool is None or tool.schema is None or tool.kind == "custom":
                return NotApplicable(f"the request has no schema for {part.name}")
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
                return NotApplicable(f"{subject} {'violate' if plural else 'violates'} the schema already")
            invalid = invalid_value(value, check.matches, kinds, context.random)
        except JSONDecodeError:
            return NotApplicable(f"{subject} {'are' if plural else 'is'} not JSON")
        except BudgetExceeded as exceeded:
            return NotApplicable(str(exceeded))
        except ValueError as error:
            return NotApplicable(f"the schema cannot be used: {error}")
        if invalid is None:
            kind = "" if self.how == "any" else f" of this kind ({self.how})"
            return NotApplicable(f"the schema forbids nothing{kind}")
        chunks = rechunked(part.chunks, dumps(invalid).decode())
        return replace(part, chunks=chunks) if type(part) is Call else Text(chunks)


def _change_parts(reply: Reply, change: Callable[[Part, int], Part | NotApplicable]) -> Reply | NotApplicable:
    """Return the reply with all parts changed to which `change` applies; the first reason where there is none.

    `change` gets a part and the number of calls in its choice so far.
    """
    reason = NotApplicable("")
    changed = False
    choices = []
    for choice in reply.choices:
        parts: list[Part] = []
        number = 0
        for part in choice.parts:
            number += type(part) is Call
            result = change(part, number)
            if isinstance(result, NotApplicable):
                reason = reason if reason.reason else result
                parts.append(part)
            else:
                changed = True
                parts.append(result)
        choices.append(replace(choice, parts=tuple(parts)))
    return replace(reply, choices=tuple(choices)) if changed else reason


def _offered_tool(request: Request, call: Call) -> Tool | None:
    return next((tool for tool in request.tools if tool.name == call.name), None)


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except JSONDecodeError:
        return False
    return True


class UsageFault(ReplyFault):
    """A fault of the response's usage. It does not apply where the response shows no usage (as a stream for which the
    client did not request it)."""

    uses_supported_reply: ClassVar[bool] = True

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply | NotApplicable:
        changed = reply.with_usage(self.change_usage(reply.usage))
        if context.plan(changed) == context.plan(reply):
            return NotApplicable("the response does not show it")
        return changed

    def change_usage(self, usage: Usage) -> Usage:
        """Return the usage with the fault."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("no_usage")
class NoUsage(UsageFault):
    """The response has no token counts."""

    how: Literal["missing", "null"] = Field(default="missing", description="The usage is missing, or null.")

    def change_usage(self, usage: Usage) -> Usage:
        return replace(usage, presence=self.how)


Tokens = Templated[int] | None


@fault("wrong_usage")
class WrongUsage(UsageFault):
    """The response's token counts do not add up. Counts without a setting stay correct, also the total; without any
    setting the output counts ten times."""

    input_tokens: Tokens = Field(default=None, description="The count of the input.")
    output_tokens: Tokens = Field(default=None, description="The count of the output.")
    total_tokens: Tokens = Field(default=None, description="The count of both together.")
    cached_tokens: Tokens = Field(default=None, description="The count of input tokens from a cache.")
    reasoning_tokens: Tokens = Field(default=None, description="The count of output tokens of thinking.")

    def change_usage(self, usage: Usage) -> Usage:
        names = {
            "input": self.input_tokens,
            "output": self.output_tokens,
            "stated": self.total_tokens,
            "cached_read": self.cached_tokens,
            "reasoning": self.reasoning_tokens,
        }
        counts: dict[str, Json] = {name: tokens for name, tokens in names.items() if tokens is not None}
        return replace(usage, **{"stated": usage.total, **(counts or {"output": 10 * max(usage.output, 1)})})
