"""Models of a request as a conversation, and of its response as events."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from mockllm.scenario.text_forms import ORIGIN
from mockllm.server.control.models.base import RequestModel


class ConversationPart(BaseModel):
    """A part of a turn. `kind` is text, thinking, call, result, failed result, image, file, audio, or the protocol's
    own word. Long texts are cut."""

    kind: str
    text: str | None = None
    name: str | None = None
    """The name of a tool."""
    id: str | None = None
    arguments: JsonValue = None


class ConversationTurn(BaseModel):
    role: Literal["system", "user", "assistant", "tool"]
    parts: list[ConversationPart]


class ReadResponse(BaseModel):
    """The content of a response, as a client reads it from the bytes."""

    text: str | None
    thinking: str | None
    refusal: str | None
    calls: list[ConversationPart]
    finish: str | None
    input_tokens: int | None
    output_tokens: int | None


class TimedEvent(BaseModel):
    """A step of a stream. `planned` and `at` are seconds after the request; `at` is None if it was not sent. `kind`
    is the kind of the event, `event` for one whose bytes were prepared, `raw` for bytes of a fault, `cut` for a
    deliberate end."""

    planned: float
    at: float | None
    kind: str
    chunk: int
    text: str
    fault: str | None
    """The fault that changed the stream there."""


class CodeQuery(RequestModel):
    origin: Annotated[str | None, Field(max_length=300, pattern=ORIGIN)] = None
    """The address of the server in the program; without it the address of this call."""


class RequestCode(BaseModel):
    """A Python program that sends the request again, with a placeholder for the key."""

    python: str


class Conversation(BaseModel):
    """`left_out` is the number of earlier turns that are not in the list."""

    system: str | None
    tools: list[str]
    left_out: int
    turns: list[ConversationTurn]
    response: ReadResponse | None
    events: list[TimedEvent]
