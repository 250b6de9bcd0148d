"""`reply: {mcp: …}`: what only the reply of an MCP server has: blocks, an error mark, messages before it."""

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.values.types import Drawable, Duration, Templated, TemplatedJson
from mockllm.scenario.language.base import ReadLate, Spec, no_items

LogLevel: TypeAlias = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


class McpEventSpec(Spec):
    """A message before the result, or a wait before the next one."""

    wait: Drawable[Duration] | None = None
    """A wait."""
    progress: Templated[float] | None = None
    """How far the call is; sent only to a client that requested progress."""
    total: Templated[float] | None = None
    """What `progress` counts up to."""
    message: Templated[str] | None = None
    """The text beside the progress."""
    log: TemplatedJson[JsonValue] = None
    """A log message: a text or any JSON."""
    level: LogLevel = "info"
    """The level of the log message."""
    logger: Templated[str] | None = None
    """Who logs."""
    method: Templated[str] | None = None
    """The method of any other notification."""
    params: TemplatedJson[dict[str, JsonValue]] = Field(default_factory=dict)
    """The params of that notification."""

    @model_validator(mode="after")
    def one(self) -> Self:
        kinds = [name for name in EVENT_KINDS if name in self.model_fields_set]
        if len(kinds) != 1:
            raise PydanticCustomError("event", "an event is one of wait, progress, log, method")
        for key, kind in _BELONGS.items():
            if key in self.model_fields_set and kind not in kinds:
                raise PydanticCustomError(
                    "event", "{key} belongs to {kind}, which this event lacks", {"key": key, "kind": kind}
                )
        return self


EVENT_KINDS: Final = ("wait", "progress", "log", "method")
_BELONGS: Final = {
    "total": "progress",
    "message": "progress",
    "level": "log",
    "logger": "log",
    "params": "method",
}


class PromptMessageSpec(Spec):
    """A message of a prompt."""

    role: Literal["user", "assistant"] = "user"
    """Who says it."""
    text: Templated[str] | None = None
    """Its text."""
    content: TemplatedJson[dict[str, JsonValue]] | None = None
    """A content block as written, in place of a text."""

    @model_validator(mode="after")
    def one(self) -> Self:
        if (self.text is None) == (self.content is None):
            raise PydanticCustomError("message", "a message is one of text and content")
        return self


def _message(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


PromptMessage: TypeAlias = Annotated[PromptMessageSpec, ReadLate(_message, str)]


class McpTaskSpec(Spec):
    """A task: the result of a call is not in its response, and the client requests it later."""

    after: Drawable[Duration] = 0.0
    """How long the task works, from the call or from the client's last response on."""
    poll: Duration | None = None
    """How often the client is to request the state of the task."""
    ttl: Duration | None = None
    """How long the server has the task; as long as it runs by default."""
    required: bool = False
    """Whether a client that does not support tasks gets an error; else it gets the result at once."""
    error: TemplatedJson[dict[str, JsonValue]] = Field(default_factory=dict)
    """The JSON-RPC error (`code`, `message`) with which the task fails, in place of its result."""


def _task(value: object) -> object:
    return value if isinstance(value, dict | McpTaskSpec) else {"after": value}


Task: TypeAlias = Annotated[McpTaskSpec, ReadLate(_task, str | int | float)]


class McpReplySpec(Spec):
    """What only the reply of an MCP server has."""

    is_error: Templated[bool] = False
    """Whether the tool failed: the result says so, and the client's model sees it."""
    structured: TemplatedJson[JsonValue] = None
    """The structured content; by default the `json` of the reply, where it is an object."""
    content: TemplatedJson[list[JsonValue]] = Field(default_factory=no_items)
    """Content blocks as written, behind those of text and images: audio, resources, links."""
    messages: list[PromptMessage] = Field(default_factory=no_items)
    """The messages of a prompt; a bare text is one of the user."""
    events: list[McpEventSpec] = Field(default_factory=no_items)
    """What is sent before the result: progress, logs, notifications, and waits. The response is then a stream."""
    ask: TemplatedJson[dict[str, dict[str, JsonValue]]] = Field(default_factory=dict)
    """Requests to the client, by name, in place of a result: `elicitation/create`, `sampling/createMessage`,
    `roots/list`, each `{method, params}`. The client calls again with its responses."""
    state: Templated[str] | None = None
    """The request state that the client returns with its responses."""
    task: Task | None = None
    """The result comes by a task, which works for this time; questions of the reply are those of the task."""
