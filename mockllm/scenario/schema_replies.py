"""What `from_schema` makes of a request: which of its tools is called and with what, and JSON of the form
that it asks for.

Apart from the kitchen, which says these things as parts: here is decided what a model would have done.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from mockllm.core.budget import Budget
from mockllm.core.display import cut
from mockllm.core.json.codec import Json, dumps
from mockllm.core.reply.chunking import filler_sentences
from mockllm.core.request.request import CALLABLE, Request, Tool

if TYPE_CHECKING:
    from mockllm.core.schema_values import GeneratedValue

_NAME: Final = 100
"""No more characters of a tool's name are told."""


def chosen(request: Request) -> Tool | str:
    """The tool that the request lets the model call, the named one or the first, if there is one that was not
    called since the user spoke; or why there is none."""
    choice = request.tool_choice
    if choice.mode == "none":
        return "tool_choice is none"
    callable_ = [tool for tool in request.tools if tool.kind in CALLABLE]
    if not callable_:
        return "the request offers none"
    allowed = [tool for tool in callable_ if not choice.names or tool.name in choice.names]
    left = (tool for tool in allowed if tool.name in request.uncalled)
    return next(left, allowed[0]) if allowed else f"the request offers none that is called {choice.names[0]}"


def offered(request: Request, name: str) -> Tool | None:
    """The offered tool of that name."""
    return next((tool for tool in request.tools if tool.name == name), None)


def arguments(tool: Tool, random: Random, max_generated: int) -> tuple[str, str | None]:
    """Arguments for a tool, as its call says them, and what is wrong with them (None where nothing is). Raises
    BudgetExceeded."""
    from mockllm.core.schema_values import generate  # 30 ms that a start does not need

    if tool.kind == "custom":
        return str(generate({"type": "string"}, random, tool.name, tool.description).value), None
    schema = tool.schema
    if schema is None:
        return "{}", None
    if isinstance(schema, dict) and "type" not in schema:
        schema = {"type": "object", **schema}
    budget = Budget(max_generated, f"the arguments of {cut(tool.name, _NAME)}")
    made = generate(schema, random, budget=budget)
    flaw = None if made.flaw is None else f"the arguments of {tool.name} do not fit its schema: {made.flaw}"
    return dumps(made.value).decode(), flaw


def structured(request: Request, random: Random, max_generated: int) -> GeneratedValue:
    """JSON of the form that the request asks for; some object where it says no more, or does not ask. Raises
    BudgetExceeded."""
    from mockllm.core.schema_values import GeneratedValue, generate

    wanted = request.response_format
    if wanted.kind == "schema" and wanted.schema is not None:
        made = generate(
            wanted.schema, random, wanted.name or "", budget=Budget(max_generated, "structured output")
        )
        return GeneratedValue(
            made.value, None if made.flaw is None else f"json does not fit the schema: {made.flaw}"
        )
    some: Json = {"answer": filler_sentences(1, random)}
    return GeneratedValue(
        some, "json: from_schema where the request asks for no JSON" if wanted.kind == "text" else None
    )
