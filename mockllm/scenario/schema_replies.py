"""Content for `from_schema`: the tool of the request to call with its arguments, and JSON of the requested format.

Values of the conversation replace generated ones where they fit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.display import shortened
from mockllm.core.json.codec import Json, dumps
from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.randomness import Randomness
from mockllm.core.reply.chunking import filler_sentences, split_into_chunks
from mockllm.core.reply.reply import GeneratedToolCall
from mockllm.core.reply.truncation import count_tokens
from mockllm.core.request.called_tools import text_results
from mockllm.core.request.request import Request, Tool
from mockllm.core.request.tools import CLIENT_RUN_KINDS

if TYPE_CHECKING:
    from mockllm.core.schema_values.conversation import ConversationTexts

DRAWS: Final = "from_schema {}"
"""The place of the draws of a generated value, by its number."""
MAX_CALL_CHUNKS: Final = 250
MAX_CALL_TEXT: Final = 16_384
"""The most chunks and characters of a generated tool call in a cached response."""
_MAX_NAME_LENGTH: Final = 100
"""Maximum number of characters of a tool's name that are shown."""
_MAX_SHOWN: Final = 8
"""Maximum number of fields that a note names."""
_MAX_FIELD: Final = 40
"""Maximum number of characters of a field's name that a note shows."""
_MAX_RESULTS: Final = 8
"""The most tool results that are read."""
_MAX_ANSWER: Final = 500
"""Characters of a tool's result in generated JSON."""


def choose_tool(request: Request) -> Tool | str:
    """Return the tool that the request lets the model call. It is the named one; else one that was not called since
    the last user message. Those that the user mentions come first, then one with `final` in its name if there is a
    result, then the first. Return the reason as a text if the request has no such tool.
    """
    choice = request.tool_choice
    if choice.mode == "none":
        return "tool_choice is none"
    allowed = request.callable_tools
    if not allowed:
        if not request.tools:
            return "the request offers none"
        if not any(tool.kind in CLIENT_RUN_KINDS for tool in request.tools):
            return "the request offers only tools that the provider runs, or whose input is unknown"
        return f"the request offers none that is called {choice.names[0]}"
    uncalled = request.uncalled
    names = [*request.mentioned[:1]]
    if not names and len(uncalled) < len(allowed) and request.final_tools:  # one was called
        names = [name for name in uncalled if name in request.final_tools]
    names += uncalled
    return next((tool for name in names for tool in allowed if tool.name == name), allowed[0])


def conversation_of(request: Request, edit: Callable[[str], str] = str) -> ConversationTexts:
    """Return what the person and the tools say in a request, bounded. `edit` changes the person's last text."""
    from mockllm.core.schema_values.conversation import ConversationTexts

    texts = request.last_typed_texts
    results = [part.text for part in reversed(request.tool_results[-_MAX_RESULTS:])]
    results += islice(text_results(request.messages), _MAX_RESULTS)
    return ConversationTexts(edit(texts[0]) if texts else "", results, texts[1:])


def taken_note(taken: tuple[str, ...]) -> str | None:
    """Return the note on the fields whose values are from the conversation; None where there is none."""
    if not taken:
        return None
    more = f" and {len(taken) - _MAX_SHOWN} more" if len(taken) > _MAX_SHOWN else ""
    shown = [name if len(name) <= _MAX_FIELD else shortened(name, _MAX_FIELD) for name in taken[:_MAX_SHOWN]]
    return f"from the conversation: {', '.join(shown)}{more}"


def generate_arguments(
    tool: Tool, draws: Callable[[], Random], max_generated: int, request: Request, *, deferrable: bool = False
) -> tuple[str, list[str]]:
    """Return arguments for a tool, as its call sends them, and notes: their flaw, and the fields with values of the
    conversation. `draws` begins the same draws each time. Raise BudgetExceeded, and with `deferrable` PlanningTooLong
    where it takes long (`Budget`)."""
    from mockllm.core.schema_values.generator import generate  # a start does not need it

    if tool.kind == "custom":
        return _custom_input(tool, draws, max_generated, request, deferrable=deferrable)
    schema = tool.schema
    if schema is None:
        return "{}", []
    if isinstance(schema, dict) and "type" not in schema:
        schema = {"type": "object", **schema}
    subject = f"the arguments of {shortened(tool.name, _MAX_NAME_LENGTH)}"
    budget = Budget(max_generated, subject, deferrable=deferrable)
    conversation = conversation_of(request)
    generated = generate(schema, draws(), budget=budget, conversation=conversation, again=draws)
    if type(generated.value) is not dict:  # no provider's call has such arguments
        return "{}", [f"the arguments of {tool.name} are {{}}: the value for its schema is no object"]
    flaw = generated.flaw and f"the arguments of {tool.name} do not fit its schema: {generated.flaw}"
    return dumps(generated.value).decode(), _notes(flaw, generated.taken)


def _custom_input(
    tool: Tool, draws: Callable[[], Random], max_generated: int, request: Request, *, deferrable: bool = False
) -> tuple[str, list[str]]:
    """Return a text for a custom tool, and notes. The text fits the tool's regex, where that can be generated."""
    from mockllm.core.schema_values.generator import generate

    field = (tool.name, tool.description)
    conversation, plain = conversation_of(request), {"type": "string"}
    budget = Budget(
        max_generated, f"the input of {shortened(tool.name, _MAX_NAME_LENGTH)}", deferrable=deferrable
    )
    schema = plain if tool.schema is None else tool.schema
    try:
        text = generate(schema, draws(), *field, budget=budget, conversation=conversation, again=draws)
        flaw = text.flaw
    except BudgetExceeded as exceeded:
        flaw = str(exceeded)
    if flaw:
        flaw = f"the input of {tool.name} may not fit its grammar: {flaw}"
        text = generate(plain, draws(), *field, conversation=conversation, again=draws)
    return str(text.value), _notes(flaw, text.taken)


def generate_tool_call(
    tool: Tool,
    request: Request,
    randomness: Randomness,
    max_generated: int,
    size: ChunkSize,
    *,
    in_chunks: bool,
    deferrable: bool = False,
) -> GeneratedToolCall:
    """Return the call of a tool as the reply `from_schema` has it, with `in_chunks` in chunks of this size.
    Raise BudgetExceeded, and with `deferrable` PlanningTooLong where it takes long (`Budget`)."""
    draws = partial(randomness.random, DRAWS.format(1))
    text, notes = generate_arguments(tool, draws, max_generated, request, deferrable=deferrable)
    chunks = split_into_chunks(text, size) if in_chunks or not text else (text,)
    tokens, most = count_tokens(tool.name + text), request.output_bounds.max_tokens
    fits_placeholders = (
        tool.kind == "function"
        and text[:1] == "{"  # some protocols have forms of their own for anything else, and for no arguments
        and 2 < len(text) <= MAX_CALL_TEXT
        and len(chunks) <= MAX_CALL_CHUNKS
        and (most is None or tokens <= most)  # else a note says so
    )
    return GeneratedToolCall(tool.name, text, chunks, tokens, in_chunks, tuple(notes), fits_placeholders)


def generate_json(
    request: Request, draws: Callable[[], Random], max_generated: int, *, deferrable: bool = False
) -> tuple[Json, list[str]]:
    """Return JSON of the format that the request wants, and notes. Without a schema, the keys are those that an
    instruction names, else it is some object. Raise BudgetExceeded, and with `deferrable` PlanningTooLong where it
    takes long (`Budget`)."""
    from mockllm.core.schema_values.generator import generate
    from mockllm.core.schema_values.instructed_schema import instructed_schema, without_placeholders

    response_format, conversation = request.response_format, conversation_of(request)
    schema, name = response_format.schema, response_format.name or ""
    if response_format.kind != "schema":
        schema, name = None, ""
    if schema is None:  # also of a request without a format: some protocols have none for JSON
        prompts = (request.system or "", conversation.question.text)
        question = conversation.question.text
        schema = next(filter(None, (instructed_schema(each, question) for each in reversed(prompts))), None)
        conversation = conversation if schema is None else conversation_of(request, without_placeholders)
    if schema is not None:
        budget = Budget(max_generated, "structured output", deferrable=deferrable)
        generated = generate(schema, draws(), name, budget=budget, conversation=conversation, again=draws)
        flaw = generated.flaw and f"json does not fit the schema: {generated.flaw}"
        return generated.value, _notes(flaw, generated.taken)
    flaw = "json: from_schema where the request asks for no JSON" if response_format.kind == "text" else None
    answer = filler_sentences(1, draws())
    if not conversation.results:
        return {"answer": answer}, _notes(flaw, ())
    return {"answer": conversation.results[0].text[:_MAX_ANSWER]}, _notes(flaw, ("answer",))


def _notes(flaw: str | None, taken: tuple[str, ...]) -> list[str]:
    note = taken_note(taken)
    return [text for text in (flaw, note) if text]
