"""Searches of a text in journal entries: in what lists show of a request, and in the bodies."""

from __future__ import annotations

import contextlib
import re
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.server.control.models.journal import RequestSummary
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.reconstruction import reconstruct

_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")


def has_words(shown: RequestSummary, text: str) -> bool:
    """Return whether each word of a text is in what a list shows of a request, as the dashboard's filter searches."""
    plain = (
        shown.id, shown.method, shown.path, shown.model, shown.rule, shown.status, shown.session, shown.client,
        shown.error, *shown.faults, *shown.modifiers, shown.left,
    )  # fmt: skip
    searched = " ".join("" if each is None else str(each) for each in plain).lower()
    return all(word in searched for word in text.lower().split())


def contains(entry: JournalEntry, text: str) -> bool:
    """Return whether a text is in the request's body or in the response, as readers see them; case does not matter.
    A text that a stream sends in several events is found in the joined texts of its events."""
    wanted = text.lower()
    redactor = entry.full_redactor
    if wanted in _searched(redactor.data(entry.raw)):
        return True
    sent = reconstruct(entry, redactor).body
    return wanted in _searched(sent) or (entry.streamed and wanted in _joined(sent).lower())


def _searched(data: bytes) -> str:
    """Return bytes as a text in lower case, with JSON's escapes of letters resolved."""
    text = data.decode("utf-8", "replace")
    if "\\u" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return text.lower()


def _joined(data: bytes) -> str:
    """Return the texts in the events of a stream, joined by key."""
    texts: dict[str, list[str]] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        with contextlib.suppress(JSONDecodeError):
            _collect(loads(line.removeprefix("data:").strip()), "", texts)
    return "\n".join("".join(parts) for parts in texts.values())


def _collect(value: Json, key: str, texts: dict[str, list[str]]) -> None:
    if isinstance(value, str):
        texts.setdefault(key, []).append(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _collect(inner, name, texts)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, key, texts)
