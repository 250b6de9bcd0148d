"""Parses requests of Cohere's API, version 2: chat, embed and rerank; of version 1, embed and rerank are here, too.
No property raises on any JSON.

Fields are those of the `cohere` package (7.3, `cohere/v2/client.py`) and of recorded requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import arguments_json, object_of, objects, text_of, texts
from mockllm.core.request.messages import CallPart, MediaPart, MessagePart, ResultPart, Role, ThinkingPart
from mockllm.core.request.request import Message, Request, TextPart, Tool
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.core.request.tools import ToolChoice, function_tools
from mockllm.dialects.embedded_texts import EmbeddedTexts

DEFAULT_MODEL: Final = "command-a-03-2025"
DEFAULT_SIZE: Final = 1536
"""The dimensions of a vector where the request names none: those of embed-v4.0."""
MAX_DIMENSIONS: Final = 16_384
MAX_INPUTS: Final = 2048
"""The most inputs of one request that are embedded or ranked: a bound of this server."""
LONG_DOCUMENTS: Final = 65_536
"""Characters of a question and its documents. To rank more takes more than about 10 ms."""
_ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


class CohereBaseRequest(Request):
    """The base of all requests of this API."""

    dialect = "cohere"

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))


class CohereGenerationRequest(CohereBaseRequest):
    """The base of the requests that generate."""

    generates = True

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @cached_property
    def output_bounds(self) -> OutputBounds:
        stops, limit = texts(self.fields.get("stop_sequences")), self.fields.get("max_tokens")
        return OutputBounds(1, tuple(stops), limit if type(limit) is int and limit > 0 else None)


class CohereChatRequest(CohereGenerationRequest):
    """A request to /v2/chat."""

    api = "chat"
    documented_fields = frozenset({
        "model", "messages", "stream", "tools", "strict_tools", "documents", "citation_options", "response_format",
        "safety_mode", "max_tokens", "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty",
        "k", "p", "logprobs", "tool_choice", "thinking", "priority", "raw_prompting", "reasoning_effort",
    })  # fmt: skip

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        names: dict[str, str | None] = {}
        lookup = self.object_lookup
        turns = (_message(entry, names, lookup) for entry in objects(self.fields.get("messages")))
        return tuple(turn for turn in turns if turn is not None)

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return function_tools(self.fields.get("tools"))

    @cached_property
    def tool_choice(self) -> ToolChoice:
        choice = self.fields.get("tool_choice")
        return ToolChoice("any" if choice == "REQUIRED" else "none" if choice == "NONE" else "auto")

    @cached_property
    def response_format(self) -> Format:
        form = object_of(self.fields.get("response_format"))
        if form.get("type") != "json_object":
            return Format()
        schema = form.get("json_schema")
        if schema is None:
            schema = form.get("schema")
        return Format("json") if schema is None else Format("schema", None, schema)

    @property
    def omits_thinking(self) -> bool:
        """Whether the request declines thinking."""
        return object_of(self.fields.get("thinking")).get("type") == "disabled"

    @property
    def logprobs(self) -> bool:
        """Whether the request includes log probabilities."""
        return self.fields.get("logprobs") is True

    @property
    def cites_results(self) -> bool:
        """Whether the sources of citations are results of tools: whether `tool_results` has any, in half the time."""
        for message in reversed(self.messages):
            if message.role == "assistant":
                return False
            if ResultPart in map(type, message.parts):
                return True
        return False


def _message(entry: dict[str, Json], names: dict[str, str | None], lookup: ObjectLookup) -> Message | None:
    """Return a turn; `names` stores the calls so far, by id: a result repeats only the id. `lookup` finds the calls
    of earlier responses."""
    role = entry.get("role")
    if type(role) is not str or role not in _ROLES:
        return None
    if role == "tool":
        id = text_of(entry.get("tool_call_id"))
        name = None if id is None else names.get(id) or lookup.tool_by_call_id(id)
        return Message("tool", (ResultPart(id, name, _result(entry.get("content"))),))
    parts = list(_parts(entry.get("content")))
    plan = text_of(entry.get("tool_plan"))
    if plan:
        parts.append(ThinkingPart(plan))
    for call in objects(entry.get("tool_calls")):
        function = object_of(call.get("function"))
        id, name = text_of(call.get("id")), text_of(function.get("name"))
        if id is not None:
            names[id] = name
        arguments = function.get("arguments")
        parts.append(CallPart(id, name, arguments_json(arguments) if type(arguments) is str else arguments))
    return Message(_ROLES[role], tuple(parts))


def _parts(content: Json) -> Iterator[MessagePart]:
    if type(content) is str:
        yield TextPart(content)
    for block in objects(content):
        if block.get("type") == "image_url":
            yield MediaPart("image")
        elif type(block.get("thinking")) is str:
            yield ThinkingPart(block["thinking"])
        elif type(block.get("text")) is str:
            yield TextPart(block["text"])


def _result(content: Json) -> str:
    """Return the text of a result, whose documents have texts or data."""
    if type(content) is str:
        return content
    found = []
    for block in objects(content):
        document = object_of(block.get("document"))
        found.append(text_of(block.get("text")) or text_of(document.get("data")) or "")
    return "\n".join(found)


def embedding_inputs(fields: dict[str, Json]) -> list[str]:
    """Return the texts, images and contents that a body embeds, at Cohere and on Bedrock."""
    found = [*texts(fields.get("texts")), *texts(fields.get("images"))]
    for entry in objects(fields.get("inputs")):
        blocks = objects(entry.get("content"))
        found.append("\n".join(str(block.get("text") or block.get("image_url") or "") for block in blocks))
    return found


class CohereEmbedRequest(EmbeddedTexts, CohereBaseRequest):
    """A request to /v2/embed: texts, images, or inputs of both."""

    api = "embeddings"

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(embedding_inputs(self.fields)[:MAX_INPUTS])

    @cached_property
    def dimensions(self) -> int:
        value = self.fields.get("output_dimension")
        return min(value, MAX_DIMENSIONS) if type(value) is int and value > 0 else DEFAULT_SIZE

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The forms of the vectors; `float` where the request names none."""
        value = self.fields.get("embedding_types")
        named = (
            tuple(dict.fromkeys(entry for entry in value if type(entry) is str))
            if type(value) is list
            else ()
        )
        return named or ("float",)


class RankedDocuments(Request):
    """A question, and the documents that are ranked by it."""

    api = "rerank"
    evaluates = True

    @cached_property
    def question(self) -> str:
        return text_of(self.fields.get("query")) or ""

    @cached_property
    def documents(self) -> tuple[str, ...]:
        listed = self.fields.get("documents")
        entries = listed[:MAX_INPUTS] if type(listed) is list else ()
        return tuple(
            entry if type(entry) is str else str(object_of(entry).get("text") or "") for entry in entries
        )

    @cached_property
    def top(self) -> int:
        value = self.fields.get("top_n")
        return value if type(value) is int and value > 0 else len(self.documents)

    @property
    def planning_takes_long(self) -> bool:
        return len(self.question) + sum(map(len, self.documents)) > LONG_DOCUMENTS

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """The query as a message of the user."""
        return (Message("user", (TextPart(self.question),)),) if self.question else ()


class CohereRerankRequest(RankedDocuments, CohereBaseRequest):
    """A request to /v2/rerank."""
