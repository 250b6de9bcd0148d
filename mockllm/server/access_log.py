"""The live line of a request, for a person at a terminal.

What clients send is never written raw: control characters are escaped and long texts cut, so that a request
cannot move the cursor or forge a line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from mockllm.core.display import cut
from mockllm.core.request.request import Request
from mockllm.core.request.request_hash import cached_hash, cached_older_hash, hash_input_json
from mockllm.server.journal.draft import LONGEST, AccessLogRecord

_LEFT: Final = {
    "close": "cut: connection closed",
    "reset": "cut: connection reset",
    "gone": "the client left",
    "stopped": "cut: the server stopped",
}
MOST: Final = 4000
"""Characters of what was asked that a verbose server shows."""
RETRY: Final = "x-stainless-retry-count"
"""Where OpenAI's and Anthropic's SDKs tell which try it is."""
_COLOURS: Final = {2: "32", 3: "36", 4: "33", 5: "31"}


class AccessLog:
    """Writes records as lines. `write` is given a line without its end. `strict`: a request that no rule
    answers is an error."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        colour: bool = False,
        verbose: bool = False,
        strict: bool = False,
    ) -> None:
        self._write = write
        self._colour = colour
        self._verbose = verbose
        self._missed = ("error: no rule matched", "1;31") if strict else ("no rule matched", "1;33")

    def show(self, record: AccessLogRecord, request: Request | None = None) -> None:
        self._write(self.line(record, request))
        if self._verbose and request is not None:
            self._write(f"  {plain(hash_input_json(request), MOST)}")

    def line(self, record: AccessLogRecord, request: Request | None = None) -> str:
        """`10:12:01 POST /v1/messages claude-x → a.yaml:greeting 200 12ms  [notes]`; what an SDK tried before, which
        retry it is. A verbose one tells the modifiers, the session, the seed, and the hash that `match: {hash: …}`
        sees."""
        rule = plain(record.rule) if record.rule else "-"
        if record.missed:
            rule = self._paint(*self._missed)
        said = [
            time.strftime("%H:%M:%S", time.localtime(record.at)),
            plain(record.method),
            plain(record.path),
            plain(record.model) if record.model else "-",
            "→",
            rule,
            self._paint(str(record.status), _COLOURS.get(record.status // 100, "0")),
            duration(record.took),
        ]
        asides = [plain(note) for note in record.notes]
        if record.left in _LEFT:
            asides.append(_LEFT[record.left])
        if request is not None and (tries := request.headers.get(RETRY, "0")) != "0":
            asides.append(f"retry {plain(tries)}")
        if self._verbose and record.modifiers:
            asides.append("modifiers: " + plain(", ".join(record.modifiers)))
        if self._verbose and record.session is not None:
            asides.append(f"session: {record.session}")
        if self._verbose and record.seed:
            asides.append(f"seed: {record.seed}")
        if self._verbose and request is not None:
            asides.append(f"hash: {cached_hash(request)}")
            if (older := cached_older_hash(request)) is not None:
                asides.append(f"older hash: {older}")
        return " ".join(said) + (f"  [{'; '.join(asides)}]" if asides else "")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def duration(seconds: float) -> str:
    """`0.4ms`, `12ms`, `3.2s`."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f}ms"
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.1f}s"


def plain(text: str, most: int = LONGEST) -> str:
    """One line of printable characters."""
    text = cut(text, most)
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape", "replace").decode() for mark in text
    )
