"""One interaction as it was recorded, whatever it was recorded with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from mockllm.core.rendering.recorded_plan import RecordedFrame

Pairs = tuple[tuple[str, str], ...]

LEFT_OUT: Final = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-mockllm-hash",
        "x-mockllm-rule",
    }
)
"""Headers that tell how one answer was carried, or that this server adds itself."""


class RecordedRequest(Struct, frozen=True):
    """A request. `path` has the prefix of its provider, as a client of this server would ask."""

    method: str
    path: str
    query_string: str = ""
    headers: Pairs = ()
    body: bytes = b""


class RecordedResponse(Struct, frozen=True):
    """An answer: its frames are the bytes of its body as they came."""

    status: int
    headers: Pairs
    frames: tuple[RecordedFrame, ...]

    @property
    def told(self) -> bool:
        """Whether its status is one that a scenario may have."""
        return 200 <= self.status <= 599

    @property
    def body(self) -> bytes:
        return b"".join(frame.data for frame in self.frames)


class Interaction(Struct, frozen=True):
    """`where` is its place in the file that it came from; `notes` what could not be carried over, each with its
    place; `hash` in place of the request's own, where the request is not known."""

    request: RecordedRequest
    response: RecordedResponse
    where: str = ""
    session: str | None = None
    notes: tuple[str, ...] = ()


_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_NO_TEXT: Final = re.compile("[\ud800-\udfff]")


def sound_headers(pairs: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """Headers that a file and HTTP can carry, what ends a line or is a control character as a blank, and what is no
    UTF-8 as U+FFFD; and the names that are none (RFC 9110, section 5.6.2)."""
    sound, odd = [], []
    for name, value in pairs:
        if _TOKEN.fullmatch(name):
            sound.append((name, _CONTROL.sub(" ", _NO_TEXT.sub("\ufffd", value)).strip()))
        else:
            odd.append(name)
    return sound, odd
