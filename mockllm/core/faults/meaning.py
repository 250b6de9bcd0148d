"""Faults of a response's content: cut short, refused, empty, with invalid tool calls, or with wrong or missing usage.

Each response is well-formed, in the form of the provider's own model: these faults change the reply before a dialect
encodes it. They break only calls and JSON texts that the response has.
"""

from typing import Annotated, ClassVar, Final, Self

from msgspec.structs import replace
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.faults.base import OWN_ERROR, NotApplicable, ReplyFault, ReplyFaultContext, fault
from mockllm.core.reply.reply import Choice, Finish, Harm, Refusal, Reply, Thinking
from mockllm.core.reply.truncation import cut_chunks, cut_fraction, part_tokens
from mockllm.core.tokens import split
from mockllm.core.values.strict_model import StrictModel
from mockllm.core.values.types import Drawable, Probability, Templated


class ReplyPosition(StrictModel):
    """How much of a response comes before its end."""

    chunks: Templated[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="So many chunks, of each choice that has them."
    )
    fraction: Drawable[Probability] | None = Field(
        default=None,
        description="This part of the characters of its texts and calls; thinking before it is complete.",
    )

    @model_validator(mode="after")
    def one(self) -> Self:
        if (self.chunks is None) == (self.fraction is None):
            raise PydanticCustomError("after", "write after: {chunks: 3} or after: {fraction: 50%}")
        return self


HALF: Final = ReplyPosition.model_construct(fraction=0.5)


class EndingFault(ReplyFault):
    """A fault that changes how each choice ends, and leaves a choice that it cannot change. It does not apply to a
    reply that ends with an error."""

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply:
        if reply.failure is not None:
            raise NotApplicable(OWN_ERROR)
        choices: list[Choice] = []
        reasons: list[NotApplicable] = []
        for choice in reply.choices:
            try:
                choices.append(self.end(choice))
            except NotApplicable as reason:
                choices.append(choice)
                reasons.append(reason)
        if reasons and len(reasons) == len(choices):
            raise reasons[0]
        return _recounted(reply, tuple(choices))

    def end(self, choice: Choice) -> Choice:
        """Return the choice with the fault's end. Raise NotApplicable."""
        raise NotImplementedError  # pragma: no cover - abstract


class CuttingFault(EndingFault):
    """A fault that cuts each choice short."""

    applies_after_supported_reply: ClassVar[bool] = True
    after: ReplyPosition = Field(default=HALF, description="How much comes before it.")

    def end(self, choice: Choice) -> Choice:
        if self.after.chunks is None:
            assert self.after.fraction is not None
            return self.finish(cut_fraction(choice, self.after.fraction))
        short = cut_chunks(choice, self.after.chunks)
        if short is None:
            raise NotApplicable(f"the response has fewer than {self.after.chunks} chunks")
        return self.finish(short)

    def finish(self, choice: Choice) -> Choice:
        """Return the cut choice with its finish reason."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("content_filter", "meaning")
class ContentFilter(CuttingFault):
    """The provider's content filter ends the response in the middle of its content."""

    category: Harm = Field(
        default="violence", description="The category that the filter reports, where the protocol has one."
    )

    def finish(self, choice: Choice) -> Choice:
        filtered = replace(choice, finish="content_filter", raw_finish=None)
        return replace(filtered, stopped_by=None, flagged=self.category)


@fault("length_stop", "meaning")
class LengthStop(CuttingFault):
    """The response is cut short as if it had reached its maximum of tokens, within a word or a call."""

    def finish(self, choice: Choice) -> Choice:
        return replace(choice, finish="length", stopped_by=None, raw_finish=None)


@fault("refusal", "meaning")
class Refuse(EndingFault):
    """The model refuses: a refusal replaces its text and calls."""

    text: Templated[str] = Field(
        default="I'm sorry, but I can't help with that.", description="The text of the refusal."
    )

    def end(self, choice: Choice) -> Choice:
        thinking = tuple(part for part in choice.parts if type(part) is Thinking)
        refusal = Refusal(tuple(split(self.text)))
        refused = replace(choice, finish="refusal", stopped_by=None, raw_finish=None)
        return replace(refused, parts=(*thinking, refusal))


@fault("empty_answer", "meaning")
class EmptyAnswer(EndingFault):
    """The response has no content, and ends normally."""

    finish_reason: Finish = Field(
        default="stop", description="How it ends: `length` means that thinking took all tokens."
    )

    def end(self, choice: Choice) -> Choice:
        if not choice.parts and choice.finish == self.finish_reason:
            raise NotApplicable("the response is empty already")
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
