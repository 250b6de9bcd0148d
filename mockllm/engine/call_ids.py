"""The ids of the calls in a response, which a client's results repeat without the tools' names."""

from __future__ import annotations

from typing import cast

from mockllm.core.rendering.plan import Plan
from mockllm.dialects.decoded_response import read_called_tools
from mockllm.dialects.dialect import GeneratingDialect
from mockllm.engine.plan_context import PlanContext
from mockllm.engine.planned_response import PlannedResponse


def with_calls(planned: PlannedResponse, plan: Plan, context: PlanContext) -> PlannedResponse:
    """Return the response with the tools that it calls. The encoder noted them. Where it noted none, or the scenario
    changed what it wrote, they are as a client decodes them."""
    dialect = cast(GeneratingDialect, context.dialect)
    if not dialect.capabilities.call_ids:
        return planned
    noted = context.identity.calls
    if (
        noted
        and len(noted) == context.call_count
        and not context.faults
        and not context.settings.merged.extras
    ):
        return planned._replace(calls=tuple(noted.values()))
    called_tools = read_called_tools(plan, context.call_count, dialect.decode)
    return planned if called_tools is None else planned._replace(calls=tuple(called_tools.items()))
