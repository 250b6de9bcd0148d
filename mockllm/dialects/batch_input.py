"""Members of a batch's line, read without parsing what they contain.

A file has up to 50,000 lines, with as many arrays and objects as its bytes can hold. Each body is checked and parsed
when its line is served, as the body of any other request is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from mockllm.core.json.codec import Json, JSONDecodeError, loads

ABSENT: Final = Raw(b"")
"""In place of a member that a line does not have."""

T = TypeVar("T", bound=Struct)
_WRITTEN: Final = re.compile(rb"\S[^\n]*")


class BodyMembers(Struct):
    """The members of a line's body that decide how the line is served."""

    model: Raw = ABSENT
    stream: Raw = ABSENT


def written_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers in the file. Blank ones take neither time nor memory."""
    number, last = 1, 0
    for line in _WRITTEN.finditer(content):
        number += content.count(b"\n", last, line.start())
        last = line.start()
        yield number, line[0]


def read_members(text: bytes, decode: Callable[[bytes], T]) -> T | None:
    """Return some members of a JSON object, each as the client wrote it; None where a text is no JSON object."""
    try:
        if not text.isascii():
            text.decode()  # the decoder passes over bytes that are no UTF-8
        return decode(text)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def is_json(text: bytes) -> bool:
    """Return whether a text is JSON."""
    try:
        text.decode()
        _skip(text)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def object_json(member: Raw) -> bytes | None:
    """Return the JSON of an object; None in place of anything else."""
    text = bytes(member)
    return text if text[:1] == b"{" else None


def is_container(member: Raw) -> bool:
    """Return whether a member is an array or an object."""
    return bytes(member)[:1] in (b"{", b"[")


def scalar(member: Raw) -> Json:
    """Return a text, a number, a Boolean or null; null also for anything else."""
    try:
        return None if is_container(member) else loads(bytes(member))
    except JSONDecodeError:
        return None


read_body: Final = Decoder(BodyMembers).decode
_skip: Final = Decoder(Raw).decode


def is_streamed(body: bytes) -> bool:
    """Return whether a line's body requests a stream."""
    members = read_members(body, read_body)
    return members is not None and bytes(members.stream) == b"true"
