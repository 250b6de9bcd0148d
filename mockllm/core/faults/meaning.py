"""Faults of what an answer says: cut short, refused, empty, with calls that nobody can follow, with counts that
are wrong or not there.

Each is well-formed on the wire, in the form that the provider's own model would give it: they change the reply
before a dialect encodes it. What is not in the answer (a call, a JSON text) is not made up to be broken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.faults.base import Needs, NotApplicable, ReplyFault, ReplyFaultContext, fault
from mockllm.core.json.codec import JSONDecodeError, dumps, loads
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
from mockllm.core.reply.truncation import cut_chunks, cut_fraction, resaid, tokens_of
from mockllm.core.request.request import Request, Tool
from mockllm.core.schema_values.violations import WAYS, Way, checker, invalid_value
from mockllm.core.tokens import split
from mockllm.core.values.types import Drawable, Probability, Templated

BREAKS: Final = NotApplicable("the answer breaks off with an error of its own")


class ReplyPosition(BaseModel):
    """How much of an answer is said before something ends it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    chunks: Templated[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="So many chunks, of each choice."
    )
    fraction: Drawable[Probability] | None = Field(
        default=None,
        description="This part of the characters of its texts and calls; thinking before it is said whole.",
    )

    @model_validator(mode="after")
    def one(self) -> ReplyPosition:
        if (self.chunks is None) == (self.fraction is None):
            raise PydanticCustomError("after", "write after: {chunks: 3} or after: {fraction: 50%}")
        return self


HALF: Final = ReplyPosition.model_construct(fraction=0.5)


# --- how an answer ends --------------------------------------------------------------------------


class EndingFault(ReplyFault):
    """One that changes how each choice ends. A reply that breaks off by itself has no end to change."""

    def apply_to_reply(self, reply: Reply, told: ReplyFaultContext) -> Reply | NotApplicable:
        if reply.broken is not None:
            return BREAKS
        choices: list[Choice] = []
        for choice in reply.choices:
            ended = self.ended(choice)
            if isinstance(ended, NotApplicable):
                return ended
            choices.append(ended)
        return _recounted(reply, tuple(choices))

    def ended(self, choice: Choice) -> Choice | NotApplicable:
        """The choice with its other end."""
        raise NotImplementedError  # pragma: no cover - abstract


class CuttingFault(EndingFault):
    """One that cuts each choice short."""

    shown: ClassVar[bool] = True
    after: ReplyPosition = Field(default=HALF, description="How much is said before it.")

    def ended(self, choice: Choice) -> Choice | NotApplicable:
        if self.after.chunks is None:
            assert self.after.fraction is not None
            return self.cut(cut_fraction(choice, self.after.fraction))
        short = cut_chunks(choice, self.after.chunks)
        if short is None:
            return NotApplicable(f"the answer has fewer than {self.after.chunks} chunks")
        return self.cut(short)

    def cut(self, choice: Choice) -> Choice:
        """What has been cut, with its finish reason."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("content_filter")
class ContentFilter(CuttingFault):
    """The provider's content filter ends the answer in the middle of what it says."""

    category: Harm = Field(
        default="violence", description="What the filter found, where the protocol says what it was."
    )

    def cut(self, choice: Choice) -> Choice:
        return replace(choice, finish="content_filter", stopped_by=None, flagged=self.category)


@fault("length_stop")
class LengthStop(CuttingFault):
    """The answer is cut short as if it had reached its maximum of tokens, in mid-word or mid-call."""

    def cut(self, choice: Choice) -> Choice:
        return replace(choice, finish="length", stopped_by=None)


@fault("refusal")
class Refuse(EndingFault):
    """The model refuses: in place of its text and calls stand the words of a refusal."""

    text: Templated[str] = Field(
        default="I'm sorry, but I can't help with that.", description="What it says instead."
    )

    def ended(self, choice: Choice) -> Choice | NotApplicable:
        thought = tuple(part for part in choice.parts if type(part) is Thinking)
        said = Refusal(tuple(split(self.text)))
        return replace(choice, parts=(*thought, said), finish="refusal", stopped_by=None)


@fault("empty_answer")
class EmptyAnswer(EndingFault):
    """The model says nothing at all, and ends as if all were well."""

    finish_reason: Finish = Field(
        default="stop", description="How it ends: `length` is thinking that took all tokens."
    )

    def ended(self, choice: Choice) -> Choice | NotApplicable:
        if not choice.parts and choice.finish == self.finish_reason:
            return NotApplicable("the answer is empty already")
        return Choice((), self.finish_reason)


def _recounted(reply: Reply, choices: tuple[Choice, ...]) -> Reply:
    """The reply with other choices; its usage counts the tokens that came or went."""
    (before, thought), (after, thinks) = _tokens(reply.choices), _tokens(choices)
    usage = reply.usage
    output = max(usage.output - before + after, 0)
    reasoning = min(max(usage.reasoning - thought + thinks, 0), output)
    return replace(reply, choices=choices, usage=replace(usage, output=output, reasoning=reasoning))


def _tokens(choices: tuple[Choice, ...]) -> tuple[int, int]:
    """The tokens of all parts, and those that are thinking."""
    counts = [(tokens_of(part), type(part) is Thinking) for choice in choices for part in choice.parts]
    return sum(tokens for tokens, _ in counts), sum(tokens for tokens, thinking in counts if thinking)


# --- calls and JSON ------------------------------------------------------------------------------


class CallFault(ReplyFault):
    """One that breaks the answer's tool calls."""

    shown: ClassVar[bool] = True
    call: Templated[Annotated[int, Field(ge=1)]] | None = Field(
        default=None,
        description="Which of the answer's calls, counted from 1; all of them where none is named.",
    )

    @property
    def needs(self) -> Needs:
        return "call"

    def apply_to_reply(self, reply: Reply, told: ReplyFaultContext) -> Reply | NotApplicable:
        broken = _parts(reply, lambda part, number: self._called(part, number, told))
        if not isinstance(broken, NotApplicable):
            return broken
        calls = max((len(choice.calls) for choice in reply.choices), default=0)
        if not calls:
            return NotApplicable("the answer calls no tool")
        if self.call is not None and self.call > calls:
            return NotApplicable(f"the answer has only {calls} call{'s' if calls != 1 else ''}")
        return broken

    def _called(self, part: Part, number: int, told: ReplyFaultContext) -> Part | NotApplicable:
        if type(part) is Call and self.call in (None, number):
            return self.called(part, told)
        return NotApplicable("")

    def called(self, call: Call, told: ReplyFaultContext) -> Call | NotApplicable:
        """The call, broken."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("bad_tool_arguments")
class BadToolArguments(CallFault):
    """The arguments of a tool call are no JSON."""

    how: Literal["invalid", "truncated"] = Field(
        default="invalid", description="With a slip of the pen in them, or broken off in the middle."
    )

    def called(self, call: Call, told: ReplyFaultContext) -> Call | NotApplicable:
        if _kind(told.request, call) == "custom":
            return NotApplicable(f"{call.name} takes free text, which is never invalid")
        said = joined_text(call.chunks) or "{}"
        if not _is_json(said):
            return NotApplicable(f"the arguments of {call.name} are no JSON already")
        if self.how == "truncated":
            return replace(call, chunks=resaid(call.chunks, said[: max(1, len(said) // 2)]))
        slips = [slip for make in SLIPS if not _is_json(slip := make(said))]
        return replace(call, chunks=resaid(call.chunks, told.random.choice(slips)))


SLIPS: Final[tuple[Callable[[str], str], ...]] = (
    lambda said: f"{said[:-1]},{said[-1:]}",
    lambda said: said.replace('"', "'"),
    lambda said: said.replace('":', '"', 1),
    lambda said: f"{said};",
)
"""A comma too many (in the middle of a number or a word that stands alone it breaks that), quotes that are none,
a colon left out, a stray semicolon: what models write. The last breaks any JSON."""


@fault("unknown_tool")
class UnknownTool(CallFault):
    """The model calls a tool that nobody offered."""

    tool: Templated[str] | None = Field(
        default=None, description="What it calls; by default the called tool's name with `_v2` behind it."
    )

    def called(self, call: Call, told: ReplyFaultContext) -> Call | NotApplicable:
        offered = {tool.name for tool in told.request.tools}
        if self.tool is not None and self.tool in offered:
            return NotApplicable(f"the request offers a tool called {self.tool}")
        name = self.tool or f"{call.name}_v2"
        while name in offered:
            name += "_v2"
        return replace(call, name=name)


@fault("wrong_schema")
class WrongSchema(ReplyFault):
    """Tool arguments, or else the JSON text of structured output, break the schema that the request gave."""

    shown: ClassVar[bool] = True
    how: Way | Literal["any"] = Field(
        default="any",
        description="A field left out, of another type, with a value that is not allowed, or one too many; "
        "`any` is the first that breaks the schema.",
    )

    def apply_to_reply(self, reply: Reply, told: ReplyFaultContext) -> Reply | NotApplicable:
        calls = any(choice.calls for choice in reply.choices)
        if not calls and told.request.response_format.kind != "schema":
            return NotApplicable("the answer calls no tool, and the request asks for no schema")
        kind = Call if calls else Text
        made = _parts(
            reply, lambda part, _: self._part(part, told) if type(part) is kind else NotApplicable("")
        )
        return NotApplicable("the answer has no text") if made == NotApplicable("") else made

    def _part(self, part: Any, told: ReplyFaultContext) -> Part | NotApplicable:
        if type(part) is Call:
            tool = _offered(told.request, part)
            if tool is None or tool.schema is None or tool.kind == "custom":
                return NotApplicable(f"the request has no schema for {part.name}")
            what, said, schema = (
                f"the arguments of {part.name}",
                joined_text(part.chunks) or "{}",
                tool.schema,
            )
        else:
            said = joined_text(part.chunks) if part.whole is None or told.streamed else part.whole
            what, schema = "the text", told.request.response_format.schema
        made = self._misfit(what, said, schema, told)
        if isinstance(made, NotApplicable):
            return made
        pieces = resaid(part.chunks, made)
        return replace(part, chunks=pieces) if type(part) is Call else Text(pieces)

    def _misfit(self, what: str, said: str, schema: Any, told: ReplyFaultContext) -> str | NotApplicable:
        """What is said instead."""
        try:
            value, holds = loads(said), checker(schema).holds
        except JSONDecodeError:
            return NotApplicable(f"{what} is no JSON" if what == "the text" else f"{what} are no JSON")
        except ValueError as error:
            return NotApplicable(f"the schema cannot be used: {error}")
        if not holds(value):
            return NotApplicable(f"{what} break{'s' if what == 'the text' else ''} the schema already")
        ways = WAYS if self.how == "any" else (self.how,)
        made = invalid_value(value, holds, ways, told.random)
        if made is None:
            asked = "nothing" if self.how == "any" else f"nothing of this way ({self.how})"
            return NotApplicable(f"the schema forbids {asked}")
        return dumps(made).decode()


def _parts(reply: Reply, change: Callable[[Part, int], Part | NotApplicable]) -> Reply | NotApplicable:
    """The reply with those parts changed that can be; `change` is given each with its number among the calls of
    its choice. The first reason where none can."""
    reason = NotApplicable("")
    changed = False
    choices = []
    for choice in reply.choices:
        parts: list[Part] = []
        number = 0
        for part in choice.parts:
            number += type(part) is Call
            made = change(part, number)
            if isinstance(made, NotApplicable):
                reason = reason if reason.reason else made
                parts.append(part)
            else:
                changed = True
                parts.append(made)
        choices.append(replace(choice, parts=tuple(parts)))
    return replace(reply, choices=tuple(choices)) if changed else reason


def _offered(request: Request, call: Call) -> Tool | None:
    return next((tool for tool in request.tools if tool.name == call.name), None)


def _kind(request: Request, call: Call) -> str | None:
    tool = _offered(request, call)
    return None if tool is None else tool.kind


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except JSONDecodeError:
        return False
    return True


# --- usage ---------------------------------------------------------------------------------------


class UsageFault(ReplyFault):
    """One that changes what the answer tells of its tokens. Where the protocol tells nothing of it (a stream
    that was not asked to), nothing is played."""

    shown: ClassVar[bool] = True

    def apply_to_reply(self, reply: Reply, told: ReplyFaultContext) -> Reply | NotApplicable:
        changed = reply.with_usage(self.counted(reply.usage))
        if told.plan(changed) == told.plan(reply):
            return NotApplicable("the answer does not tell it")
        return changed

    def counted(self, usage: Usage) -> Usage:
        """The usage with the fault in it."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("no_usage")
class NoUsage(UsageFault):
    """The answer does not say how many tokens it used."""

    how: Literal["missing", "null"] = Field(
        default="missing", description="The usage is not there at all, or null."
    )

    def counted(self, usage: Usage) -> Usage:
        return replace(usage, told=self.how)


Tokens = Templated[int] | None


@fault("wrong_usage")
class WrongUsage(UsageFault):
    """The answer's token counts do not add up. What is not given stays true, the total too; where nothing is
    given, the output counts ten times."""

    input_tokens: Tokens = Field(default=None, description="What is told of the input.")
    output_tokens: Tokens = Field(default=None, description="What is told of the output.")
    total_tokens: Tokens = Field(default=None, description="What is told of both together.")
    cached_tokens: Tokens = Field(default=None, description="How many of the input came from a cache.")
    reasoning_tokens: Tokens = Field(default=None, description="How many of the output were thinking.")

    def counted(self, usage: Usage) -> Usage:
        names = {
            "input": self.input_tokens,
            "output": self.output_tokens,
            "stated": self.total_tokens,
            "cached_read": self.cached_tokens,
            "reasoning": self.reasoning_tokens,
        }
        given: dict[str, Any] = {name: tokens for name, tokens in names.items() if tokens is not None}
        return replace(usage, **{"stated": usage.total, **(given or {"output": 10 * max(usage.output, 1)})})
