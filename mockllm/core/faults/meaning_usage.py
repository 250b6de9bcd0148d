"""Faults of meaning in the token counts."""

from typing import Annotated, ClassVar, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import NotApplicable, ReplyFault, ReplyFaultContext, fault
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import MAX_TOKENS, Reply, Usage
from mockllm.core.values.types import Templated


class UsageFault(ReplyFault):
    """A fault of the response's usage. It does not apply where the response shows no usage (as a stream for which the
    client did not request it)."""

    applies_after_supported_reply: ClassVar[bool] = True

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply:
        changed = reply.with_usage(self.change_usage(reply.usage))
        if context.plan(changed) == context.plan(reply):
            raise NotApplicable("the response does not show it")
        return changed

    def change_usage(self, usage: Usage) -> Usage:
        """Return the usage with the fault."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("no_usage", "meaning")
class NoUsage(UsageFault):
    """The response has no token counts."""

    how: Literal["missing", "null"] = Field(default="missing", description="The usage is missing, or null.")

    def change_usage(self, usage: Usage) -> Usage:
        return replace(usage, presence=self.how)


Tokens = Templated[Annotated[int, Field(ge=-MAX_TOKENS, le=MAX_TOKENS)]] | None


@fault("wrong_usage", "meaning")
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
            "cache_read": self.cached_tokens,
            "reasoning": self.reasoning_tokens,
        }
        counts: dict[str, Json] = {name: tokens for name, tokens in names.items() if tokens is not None}
        return replace(usage, **{"stated": usage.total, **(counts or {"output": 10 * max(usage.output, 1)})})
