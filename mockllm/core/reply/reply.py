"""What to say, before any wire format: an answer's choices, made of parts, made of pieces.

A *piece* is what one chunk of a stream says. A dialect turns a Reply into its own events (`Encoder`)
or into one body (`whole`); it never decides what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "refusal"]
"""Why an answer ended, in neutral words; each dialect has its own for them."""


Harm: TypeAlias = Literal["hate", "self_harm", "sexual", "violence"]
"""What content filters look for, in neutral words."""


class Pause(Struct, frozen=True):
    """A scripted wait between two pieces, in seconds."""

    seconds: float


class Verbatim(Struct, frozen=True):
    """Bytes that go on the wire as they are, between two pieces (`raw` and `comment` of a script)."""

    data: bytes


ContentChunk: TypeAlias = str | Pause | Verbatim
"""What a part says next: text, or something that stands between two texts."""


def joined_text(pieces: tuple[ContentChunk, ...]) -> str:
    """The text of the pieces, without what stands between them."""
    if len(pieces) == 1 and type(pieces[0]) is str:
        return pieces[0]
    return "".join(piece for piece in pieces if type(piece) is str)


class Citation(Struct, frozen=True):
    """A source that a text names: `quote` is what it says there, `start` and `end` the characters of the text
    that it stands behind (`end` None: to the text's end)."""

    url: str
    title: str | None = None
    quote: str | None = None
    start: int = 0
    end: int | None = None


class Text(Struct, frozen=True):
    chunks: tuple[ContentChunk, ...]
    tokens: int | None = None
    """How many tokens it is, where its maker knows; else they are estimated."""
    whole: str | None = None
    """What a whole answer says instead of the joined pieces."""
    citations: tuple[Citation, ...] = ()
    scripted: bool = False
    """Whether a person has cut it, chunk by chunk."""


class Thinking(Struct, frozen=True):
    chunks: tuple[ContentChunk, ...]
    signature: str | None = None
    """None: the dialect makes one where its wire has one."""
    redacted: bool = False


class Call(Struct, frozen=True):
    """A tool call; the pieces join to the arguments' JSON text (which may be broken on purpose)."""

    name: str
    chunks: tuple[ContentChunk, ...]
    id: str | None = None
    """None: made from the answer's ids."""


class Refusal(Struct, frozen=True):
    chunks: tuple[ContentChunk, ...]


class Media(Struct, frozen=True):
    """A picture that the model made; `data` is base64. It is said at once, and in no words."""

    mime: str
    data: str
    chunks: tuple[ContentChunk, ...] = ("",)


class NativePart(Struct, frozen=True):
    """A block of one dialect's own, sent as written by that dialect and left out by the others."""

    dialect: str
    block: Json


Part: TypeAlias = Text | Thinking | Call | Refusal | Media | NativePart


class Choice(Struct, frozen=True):
    parts: tuple[Part, ...]
    finish: Finish = "stop"
    stopped_by: str | None = None
    """The stop sequence that cut the text, where one did."""
    flagged: Harm | None = None
    """What a content filter found in it, where one ended it and said what."""

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(part for part in self.parts if type(part) is Call)

    @property
    def text(self) -> str:
        """All text parts, as a whole answer says them."""
        return "".join(
            part.whole if part.whole is not None else joined_text(part.chunks)
            for part in self.parts
            if type(part) is Text
        )


class Usage(Struct, frozen=True):
    """Tokens. `input` includes both caches and `output` includes reasoning; each dialect re-adds as its
    provider counts (which is where they differ most)."""

    input: int
    output: int
    cached_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    stated: int | None = None
    """The total that is told in place of the true one."""
    told: Literal["counted", "null", "missing"] = "counted"
    """Whether it is told at all: a null in its place, or nothing, where a fault says so."""

    @property
    def total(self) -> int:
        return self.input + self.output if self.stated is None else self.stated

    def tell(self, said: dict[str, Json], name: str) -> dict[str, Json]:
        """An object of the wire whose usage stands under this name, as it is told: itself, changed in place."""
        if self.told == "null":
            said[name] = None
        elif self.told == "missing":
            said.pop(name, None)
        return said


class Reply(Struct, frozen=True):
    """An answer. `model` None: the one that was asked for. `broken`: it fails there, in mid-answer.

    `extras` holds what only one dialect knows, by dialect: merged into its answer's top level.
    """

    choices: tuple[Choice, ...]
    usage: Usage = Usage(0, 0)
    model: str | None = None
    broken: Failure | None = None
    unfinished: bool = False
    """Whether its stream never says why it ends."""
    extras: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    @property
    def ends(self) -> bool:
        """Whether a stream of it says why it ends."""
        return self.broken is None and not self.unfinished

    def with_usage(self, usage: Usage) -> Reply:
        return replace(self, usage=usage)
