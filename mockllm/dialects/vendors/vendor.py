"""What a vendor's row says: where its calls are found, and how its answers differ from OpenAI's.

A vendor speaks OpenAI's protocol in its own accent. What is the same everywhere is code (`chat.py`), what
differs is a field here, and what only one of them does is a small class of its own (`accents.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.randomness import BASE62, HEX, Ids
from mockllm.core.rendering.placeholders import derive
from mockllm.core.reply.reply import Finish, Usage
from mockllm.dialects.openai.errors import ROWS, Rows
from mockllm.dialects.rate_limit_headers import LimitHeaders

Edit: TypeAlias = Callable[[dict[str, Json]], None]
"""Changes an object in place."""


DIGITS: Final = bytes(b"0123456789"[byte % 10] for byte in range(256))


class VendorIdFormat(Struct, frozen=True):
    """An id to be made: `length` characters after the prefix, a UUID where it is None."""

    prefix: str = ""
    length: int | None = None
    alphabet: bytes = BASE62

    def made(self, ids: Ids, place: str) -> str:
        if self.length is not None:
            return ids.make(self.prefix, self.length, place, self.alphabet)
        return self.prefix + derive(_uuid, ids.make("", 32, place, HEX))


def _uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


Members: TypeAlias = Mapping[str, Any]
"""JSON in which an `Id` stands for an id that is made for each answer."""


def filled(members: Members, ids: Ids) -> dict[str, Json]:
    """The members with their ids."""
    made: dict[str, Json] = {}
    for name, value in members.items():
        if type(value) is VendorIdFormat:
            made[name] = value.made(ids, name)
        else:
            made[name] = filled(value, ids) if isinstance(value, dict) else value
    return made


def plain_usage(counted: Usage) -> dict[str, Json]:
    """Three counts and nothing else."""
    return {
        "prompt_tokens": counted.input,
        "completion_tokens": counted.output,
        "total_tokens": counted.total,
    }


FINISH: Final[Mapping[Finish, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "stop",
}


class VendorChatForm(Struct, frozen=True):
    """A vendor's chat answers. The members are merged into what every vendor's answers have: `body` and
    `chunk` at the top, `choice` and `message` below it."""

    id: VendorIdFormat = VendorIdFormat("chatcmpl-")
    call_id: VendorIdFormat = VendorIdFormat("call_", 24)
    body: Members = field(default_factory=dict)
    chunk: Members = field(default_factory=dict)
    choice: Members = field(default_factory=dict)
    message: Members = field(default_factory=dict)
    thinking: str | None = None
    """The member that shows the reasoning; None where it is never shown."""
    silent: Members = field(default_factory=lambda: {"content": None})
    """What stands in a message that only calls, in place of its content."""
    placed_calls: bool = False
    """Whether the calls of a whole answer have an index too."""
    whole_calls: bool = False
    """Whether a stream says a call at once."""
    joined_calls: Literal["each", "last"] | None = None
    """Which calls tell the finish reason with their last piece."""
    finish: Mapping[Finish, str] = field(default_factory=lambda: FINISH)
    usage: Callable[[Usage], dict[str, Json]] = plain_usage
    counted: Literal["alone", "finish"] = "alone"
    """Where a stream tells its usage: in a chunk of its own, or in the one with the finish reason."""
    always: bool = False
    """Whether a stream tells its usage unasked."""
    null_usage: bool = False
    """Whether the chunks before it have a usage of null."""
    media: str = "text/event-stream"
    """The content type of a stream."""


Envelope: TypeAlias = Callable[[dict[str, Json], int, Ids], Json]
"""The body of an error, of OpenAI's inner object and the status."""


def wrapped(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """OpenAI's own envelope."""
    return {"error": inner}


class VendorErrors(Struct, frozen=True):
    """A vendor's errors. `event` names the one inside a stream, where it has a name."""

    rows: Rows = field(default_factory=lambda: ROWS)
    envelope: Envelope = wrapped
    event: str | None = None
    milliseconds: bool = False
    """Whether when to try again is told in milliseconds too."""
    details: Callable[[float], list[Json]] | None = None
    """Tells in the error, of so many seconds, when to try again; None: it is told in headers."""


class Vendor(Struct, frozen=True):
    """A vendor. `bases` are the paths before `/chat/completions` and the other calls, of which the first is
    the one that its clients are told; `headers` stand in every answer. `responses` and `embedded` change the
    objects of these calls (in place); without `responses` there is no such call."""

    name: str
    wire: Any
    """How chat is said: the class of `accents.py`."""
    bases: tuple[str, ...] = ("/v1",)
    form: VendorChatForm = field(default_factory=VendorChatForm)
    errors: VendorErrors = field(default_factory=VendorErrors)
    headers: Members = field(default_factory=dict)
    responses: Edit | None = None
    embedded: Edit | None = None
    completed: Callable[..., None] | None = None
    """Changes an object of the legacy completions in place; it is given the `usage` too, and whether the object
    is a chunk of a stream (`streamed`)."""
    listed: Edit | None = None
    """Changes each of its models, in place."""
    words: Callable[[dict[str, Json]], dict[str, Json]] | None = None
    """A chat request in OpenAI's words, where the vendor takes what OpenAI refuses; it is only checked so."""
    model: str | None = None
    """What an example asks for that names none."""
    title: str | None = None
    """Its name in the docs; None: `name` with a capital letter."""
    telemetry_name: str | None = None
    """`gen_ai.provider.name` of OpenTelemetry; None: `name`."""
    limit_headers: LimitHeaders | None = None
    """Writes the state of a rate limit as its headers; None where it sends none."""
    hosts: tuple[str, ...] = ()
    """The ends of its API's host names, by which recordings are known as this vendor's."""

    def path(self, call: str) -> str:
        """Where a client of this server finds a call."""
        return f"/{self.name}{self.bases[0]}{call}"
