"""The sizes of schemas and values: what they cost before anything else walks them."""

from __future__ import annotations

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json, dumps


def written_schema(schema: Json, budget: Budget) -> bytes | None:
    """Return a schema's JSON; None where it nests deeper than can be written. Raise BudgetExceeded where it is too
    long, and with `deferrable` PlanningTooLong where generating a value takes long."""
    try:
        written = dumps(schema)
    except TypeError:
        budget.require_schema(value_size(schema), is_deep=True)
        return None
    budget.require_schema(len(written))
    return written


def value_size(value: Json) -> int:
    """Return about how many characters a value has, at any depth."""
    size, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        size += 1
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, dict):
            waiting += (*item, *item.values())
        elif isinstance(item, list):
            waiting += item
    return size
