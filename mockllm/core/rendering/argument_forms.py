"""The forms in which encoders write the arguments of a generated tool call.

A cached response stores the form of each place. For another call, each form writes the bytes that the encoder would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import dumps_temporary_text, loads, pretty, spaced, without_angles
from mockllm.core.reply.reply import GeneratedToolCall

ValueSelector: TypeAlias = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Selects, from the values of all placeholders of a response, those that a part of its bytes contains, in order."""

NO_VALUES: Final[ValueSelector] = itemgetter(slice(0))

_SEPARATOR: Final = "\x7f"
"""A character that JSON does not escape, and that few arguments have."""


class ArgumentsForm(Protocol):
    """One form of arguments."""

    def write(self, call: GeneratedToolCall, values: Sequence[bytes]) -> bytes:
        """Return the arguments of a call. `values` are those of the response's other placeholders."""
        ...


class JsonText(Struct, frozen=True):
    """Arguments as a text within a JSON string."""

    def write(self, call: GeneratedToolCall, values: Sequence[bytes]) -> bytes:
        """Return the escaped text without quotes."""
        return dumps_temporary_text(call.text)[1:-1]


class CompactJson(Struct, frozen=True):
    """Arguments as JSON without spaces."""

    def write(self, call: GeneratedToolCall, values: Sequence[bytes]) -> bytes:
        """Return the text of the arguments, which is such JSON."""
        return call.text.encode()


class IndentedJson(Struct, frozen=True):
    """Arguments as indented JSON, perhaps with escaped angle brackets. `line_break` precedes its last line."""

    line_break: bytes
    escapes_angles: bool

    def write(self, call: GeneratedToolCall, values: Sequence[bytes]) -> bytes:
        """Return the JSON, as deep as it is in the response."""
        indented = pretty(loads(call.text)).replace(b"\n", self.line_break)
        return without_angles(indented) if self.escapes_angles else indented


class OneLineJson(Struct, frozen=True):
    """Arguments as JSON on one line, with spaces after colons and escaped angle brackets."""

    def write(self, call: GeneratedToolCall, values: Sequence[bytes]) -> bytes:
        """Return the JSON."""
        return without_angles(spaced(loads(call.text)))


class TextChunks(Struct, frozen=True):
    """Arguments as texts within JSON strings, one for each chunk. `between` are the parts of the bytes between two
    chunks. Every second part is empty for a value, which `select` selects."""

    between: Sequence[bytes]
    select: ValueSelector = NO_VALUES

    def write(self, call: GeneratedToolCall, values: Sequence[bytes]) -> bytes:
        """Return the chunks, and what is between them."""
        parts = [*self.between]
        parts[1::2] = self.select(values)
        between = b"".join(parts)
        if _SEPARATOR in call.text:
            return between.join([dumps_temporary_text(chunk)[1:-1] for chunk in call.chunks])
        joined = dumps_temporary_text(_SEPARATOR.join(call.chunks))[
            1:-1
        ]  # one call costs less than one for each chunk
        return joined.replace(_SEPARATOR.encode(), between)


class ChunkCount(Struct, frozen=True):
    """The number of the arguments' chunks: the index of the response's last chunk follows from it."""

    def write(self, call: GeneratedToolCall, values: Sequence[bytes]) -> bytes:
        """Return the number in decimal digits."""
        return b"%d" % len(call.chunks)
