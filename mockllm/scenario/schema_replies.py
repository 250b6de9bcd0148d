"""Content for `from_schema`: the tool of the request to call with its arguments, and JSON of the requested format."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from mockllm.core.budget import Budget
from mockllm.core.display import cut
from mockllm.core.json.codec import dumps
from mockllm.core.reply.chunking import filler_sentences
from mockllm.core.request.request import Request, Tool
from mockllm.core.request.tools import CALLABLE

if TYPE_CHECKING:
    from mockllm.core.schema_values import GeneratedValue

_MAX_NAME_LENGTH: Final = 100
"""Maximum number of characters of a tool's name that are shown."""


def choose_tool(request: Request) -> Tool | str:
    """Return the tool that the request lets the model call: the named one or the first, preferably one that
    was not called since the last user message. Return the reason as a text if the request has no such tool.
    """
    choice = request.tool_choice
    if choice.mode == "none":
        return "tool_choice is none"
    callable_ = [tool for tool in request.tools if tool.kind in CALLABLE]
    if not callable_:
        return "the request offers none"
    allowed = [tool for tool in callable_ if not choice.names or tool.name in choice.names]
    uncalled = (tool for tool in allowed if tool.name in request.uncalled)
    return (
        next(uncalled, allowed[0]) if allowed else f"the request offers none that is called {choice.names[0]}"
    )


def generate_arguments(tool: Tool, random: Random, max_generated: int) -> tuple[str, str | None]:
    """Return arguments for a tool, as its call sends them, and their flaw (None if they are valid). Raise
    BudgetExceeded."""
    from mockllm.core.schema_values import generate  # takes 30 ms to import, which a start does not need

    if tool.kind == "custom":
        return str(generate({"type": "string"}, random, tool.name, tool.description).value), None
    schema = tool.schema
    if schema is None:
        return "{}", None
    if isinstance(schema, dict) and "type" not in schema:
        schema = {"type": "object", **schema}
    budget = Budget(max_generated, f"the arguments of {cut(tool.name, _MAX_NAME_LENGTH)}")
    generated = generate(schema, random, budget=budget)
    flaw = generated.flaw and f"the arguments of {tool.name} do not fit its schema: {generated.flaw}"
    return dumps(generated.value).decode(), flaw


def generate_json(request: Request, random: Random, max_generated: int) -> GeneratedValue:
    """Return JSON of the format that the request wants; some object if the request has no schema or wants
    no JSON. Raise BudgetExceeded."""
    from mockllm.core.schema_values import GeneratedValue, generate

    response_format = request.response_format
    if response_format.kind == "schema" and response_format.schema is not None:
        budget = Budget(max_generated, "structured output")
        generated = generate(response_format.schema, random, response_format.name or "", budget=budget)
        flaw = generated.flaw and f"json does not fit the schema: {generated.flaw}"
        return GeneratedValue(generated.value, flaw)
    flaw = "json: from_schema where the request asks for no JSON" if response_format.kind == "text" else None
    return GeneratedValue({"answer": filler_sentences(1, random)}, flaw)
