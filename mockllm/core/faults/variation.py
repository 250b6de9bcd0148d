"""Legal forms of a response that few clients see: nothing is broken, and a good client has the same result."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault, NotApplicable, ReplyFault, ReplyFaultContext, fault
from mockllm.core.faults.meaning import BROKEN, UsageFault
from mockllm.core.rendering.plan import Framing, HeadForm, Plan
from mockllm.core.reply.reply import Call, Choice, Part, Reply, Text, Usage


@fault("header_form")
class HeaderForm(Fault):
    """The names of the headers are in another case, or the headers in another order."""

    case: Literal["usual", "lower", "upper"] = Field(
        default="lower", description="The case of the names; HTTP ignores it."
    )
    order: Literal["usual", "reversed"] = Field(default="usual", description="The order of the headers.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        form = HeadForm(self.case, self.order == "reversed")
        return replace(plan, delivery=replace(plan.delivery, form=form))


@fault("no_space")
class NoSpace(Fault):
    """The fields of events have no space behind the colon (`data:{…}`), which the standard allows."""

    needs_stream: ClassVar[bool] = True

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        dense = _DENSE.get(plan.framing)
        if dense is None:
            return NotApplicable("the response is not a stream of server-sent events")
        return replace(plan, framing=dense)


_DENSE: Final = {Framing.SSE: Framing.SSE_DENSE, Framing.SSE_CRLF: Framing.SSE_DENSE_CRLF}


@fault("empty_chunks")
class EmptyChunks(ReplyFault):
    """The texts of a stream begin and end with an empty chunk."""

    needs_stream: ClassVar[bool] = True

    at: Literal["both", "first", "last"] = Field(default="both", description="Where the empty chunk is.")

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply | NotApplicable:
        if not any(type(part) is Text for choice in reply.choices for part in choice.parts):
            return NotApplicable("the response has no text")
        choices = (replace(choice, parts=tuple(map(self._padded, choice.parts))) for choice in reply.choices)
        return replace(reply, choices=tuple(choices))

    def _padded(self, part: Part) -> Part:
        if type(part) is not Text:
            return part
        first = ("",) if self.at != "last" else ()
        last = ("",) if self.at != "first" else ()
        return replace(part, chunks=(*first, *part.chunks, *last))


@fault("interleaved_calls")
class InterleavedCalls(ReplyFault):
    """The chunks of parallel tool calls alternate in a stream; each names its call by its index."""

    needs_stream: ClassVar[bool] = True
    uses_supported_reply: ClassVar[bool] = True

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply | NotApplicable:
        if reply.broken is not None:
            return BROKEN
        if not any(_is_parallel(choice) for choice in reply.choices):
            return NotApplicable("the response has no two tool calls in a row")
        choices = tuple(replace(choice, interleaved=True) for choice in reply.choices)
        changed = replace(reply, choices=choices)
        if context.plan(changed) == context.plan(reply):
            return NotApplicable("the protocol sends one call after another")
        return changed


def _is_parallel(choice: Choice) -> bool:
    kinds = [type(part) is Call for part in choice.parts]
    return any(one and other for one, other in pairwise(kinds))


@fault("unasked_usage")
class UnaskedUsage(UsageFault):
    """A stream ends with the token counts, in a chunk without choices, although the client did not ask for them."""

    needs_stream: ClassVar[bool] = True

    def change_usage(self, usage: Usage) -> Usage:
        return replace(usage, unasked=True)
