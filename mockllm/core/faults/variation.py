"""Legal forms of a response that few clients see: nothing is broken, and a good client has the same result."""

from typing import ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault, NotApplicable, fault
from mockllm.core.rendering.plan import Framing, HeadLayout, Plan


@fault("header_form", "variation")
class HeaderForm(Fault):
    """The names of the headers are in another case, or the headers in another order."""

    case: Literal["usual", "lower", "upper"] = Field(
        default="lower", description="The case of the names; HTTP ignores it."
    )
    order: Literal["usual", "reversed"] = Field(default="usual", description="The order of the headers.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        form = HeadLayout(self.case, self.order == "reversed")
        return replace(plan, delivery=replace(plan.delivery, head_layout=form))


@fault("no_space", "variation")
class NoSpace(Fault):
    """The fields of events have no space behind the colon (`data:{…}`), which the standard allows."""

    needs_stream: ClassVar[bool] = True

    def apply_to_plan(self, plan: Plan) -> Plan:
        dense = _DENSE.get(plan.framing)
        if dense is None:
            raise NotApplicable("the response is not a stream of server-sent events")
        return replace(plan, framing=dense)


_DENSE: Final = {Framing.SSE: Framing.SSE_DENSE, Framing.SSE_CRLF: Framing.SSE_DENSE_CRLF}
