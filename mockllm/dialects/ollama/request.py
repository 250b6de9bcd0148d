"""Parses requests of Ollama's own API: chat, generate, and the embeddings calls. No function raises on any JSON.

Fields are those of the types of the `ollama` package (0.6.3, `_types.py`). A request streams unless it declines.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Final, Literal

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import list_of, object_of, objects, text_of, truncated_count
from mockllm.core.request.messages import CallPart, MediaPart, MessagePart, ResultPart, Role, ThinkingPart
from mockllm.core.request.request import Message, Request, TextPart, Tool
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import function_tools
from mockllm.dialects.embedded_texts import EmbeddedTexts
from mockllm.dialects.ollama.context import token_numbers

DEFAULT_MODEL: Final = "llama3.2"
DEFAULT_SIZE: Final = 768
"""The dimensions of a vector where the request names none: those of nomic-embed-text."""
NO_TIME: Final = (0, "0", "0s", "0m", "0h")
"""The values of `keep_alive` that unload a model at once."""
MAX_LOGPROBS: Final = 20
"""The most alternatives of a token."""
MAX_CONTEXT: Final = 8_192
"""The most numbers of an earlier context that a response repeats: a bound of this server."""
MAX_DIMENSIONS: Final = 16_384
MAX_INPUTS: Final = 2048
"""The most inputs of one request that are embedded: a bound of this server."""
_ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_GENERATION_FIELDS: Final = frozenset({
    "model", "stream", "options", "format", "keep_alive", "think", "logprobs", "top_logprobs", "truncate", "shift",
    "debug_render_only", "width", "height", "steps",
})  # fmt: skip


class OllamaRequest(Request):
    """The base of all requests of this API. The body names the model as `model`, in older clients as `name`."""

    dialect = "ollama"

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("model")) or text_of(self.fields.get("name"))


class GenerationRequest(OllamaRequest):
    """The base of the requests that generate."""

    generates = True
    content_field: ClassVar[str]
    """The field without which a request has no content."""

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is not False

    @cached_property
    def response_format(self) -> Format:
        """`format` is `json`, a schema, or empty."""
        value = self.fields.get("format")
        if value == "json":
            return Format("json")
        return Format("schema", None, value) if type(value) is dict else Format()

    @cached_property
    def output_bounds(self) -> OutputBounds:
        options = object_of(self.fields.get("options"))
        stop, limit = options.get("stop"), options.get("num_predict")
        entries = [stop] if type(stop) is str else stop if type(stop) is list else ()
        stops = tuple(entry for entry in entries if type(entry) is str)
        return OutputBounds(1, stops, truncated_count(limit))

    @cached_property
    def load_reason(self) -> Literal["load", "unload"] | None:
        """What a request without content does: it loads its model, or unloads it. None for any other request."""
        if self.fields.get(self.content_field):
            return None
        return "unload" if self.fields.get("keep_alive") in NO_TIME else "load"

    @cached_property
    def logprobs(self) -> int | None:
        """The number of alternatives of each token; None where the request does not include log probabilities."""
        if self.fields.get("logprobs") is not True:
            return None
        top = self.fields.get("top_logprobs")
        return min(max(top, 0), MAX_LOGPROBS) if type(top) is int else 0

    @property
    def omits_thinking(self) -> bool:
        """Whether the request declines thinking."""
        return self.fields.get("think") is False


class OllamaChatRequest(GenerationRequest):
    """A request to /api/chat."""

    api = "chat"
    documented_fields = _GENERATION_FIELDS | {"messages", "tools"}
    content_field = "messages"

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        calls = _OpenCalls()
        turns = (_message(entry, calls) for entry in objects(self.fields.get("messages")))
        return tuple(turn for turn in turns if turn is not None)

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return function_tools(self.fields.get("tools"))


MAX_OPEN_CALLS: Final = 256
"""The most calls of one turn for which results without an id are searched: each result reads them all."""


class _OpenCalls:
    """The calls of a conversation so far, by id, and those of the last turn that have no result yet."""

    def __init__(self) -> None:
        self.names: dict[str, str | None] = {}
        self.open: deque[tuple[str | None, str | None]] = deque()

    def result(self, id: str | None, name: str | None) -> tuple[str | None, str | None]:
        """Return the id and the name of the call that a result belongs to. A result names its tool (`tool_name`, in
        older clients `name`), or repeats the call's id. LangChain's and LiteLLM's results have no name, and an id
        that no call has: such a result belongs to the first call without one."""
        name = name or self.names.get(id or "")
        if name is None and self.open:
            known, name = self.open.popleft()
            return id or known, name
        same = (call for call in self.open if call == (id or call[0], name))
        if (call := next(same, None)) is not None:
            self.open.remove(call)
        return id, name


def _message(entry: dict[str, Json], known: _OpenCalls) -> Message | None:
    """Return a turn; `known` stores its calls."""
    role = entry.get("role")
    if type(role) is not str or role not in _ROLES:
        return None
    content = text_of(entry.get("content")) or ""
    if role == "tool":
        name = text_of(entry.get("tool_name")) or text_of(entry.get("name"))
        id, name = known.result(text_of(entry.get("tool_call_id")), name)
        return Message("tool", (ResultPart(id, name, content),))
    known.open.clear()
    parts: list[MessagePart] = []
    if type(entry.get("thinking")) is str:
        parts.append(ThinkingPart(entry["thinking"]))
    if content:
        parts.append(TextPart(content))
    images = entry.get("images")
    parts += [MediaPart("image")] * (len(images) if type(images) is list else 0)
    for call in objects(entry.get("tool_calls")):
        function = object_of(call.get("function"))
        id, name = text_of(call.get("id")), text_of(function.get("name"))
        if id is not None:
            known.names[id] = name
        if len(known.open) < MAX_OPEN_CALLS:
            known.open.append((id, name))
        parts.append(CallPart(id, name, function.get("arguments")))
    return Message(_ROLES[role], tuple(parts))


class OllamaGenerateRequest(GenerationRequest):
    """A request to /api/generate: a prompt is one message of the user, after a system text."""

    api = "generate"
    documented_fields = _GENERATION_FIELDS | {
        "prompt",
        "suffix",
        "system",
        "template",
        "context",
        "raw",
        "images",
    }
    content_field = "prompt"

    @cached_property
    def prompt_numbers(self) -> list[Json] | None:
        """The numbers of the tokens before the response; None where it has no context. As recorded, a context has the
        tokens of the prompt and of the response. A raw prompt has none (`GenerateHandler` of Ollama's
        `server/routes.go`)."""
        if self.fields.get("raw") is True:
            return None
        earlier = list_of(self.fields.get("context"))[-MAX_CONTEXT:]
        prompt = (number for message in self.messages for number in token_numbers(message.text))
        return [*(number for number in earlier if type(number) is int), *prompt]

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        images = self.fields.get("images")
        parts: list[MessagePart] = [TextPart(text_of(self.fields.get("prompt")) or "")]
        parts += [MediaPart("image")] * (len(images) if type(images) is list else 0)
        system = text_of(self.fields.get("system"))
        before = (Message("system", (TextPart(system),)),) if system else ()
        return (*before, Message("user", tuple(parts)))


class OllamaEmbeddingsRequest(EmbeddedTexts, OllamaRequest):
    """A request to /api/embed (`input`: a text, or several), or to the older /api/embeddings (`prompt`)."""

    api = "embeddings"

    @property
    def single(self) -> bool:
        """Whether the response is one vector: that of /api/embeddings."""
        return self.path.endswith("/embeddings")

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        value = self.fields.get("prompt" if self.single else "input")
        if type(value) is str:
            return (value,)
        entries = value[:MAX_INPUTS] if type(value) is list and not self.single else ()
        return tuple(entry for entry in entries if type(entry) is str)

    @cached_property
    def dimensions(self) -> int:
        value = self.fields.get("dimensions")
        return min(value, MAX_DIMENSIONS) if type(value) is int and value > 0 else DEFAULT_SIZE
