"""A client may send a model of 20 MB. What is shown is cut before the search for secrets, which takes a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockllm.core import key_forms, redaction
from mockllm.server.access_log import MAX_TEXT, access_log_record_of
from mockllm.server.control.journal_queries import summary
from mockllm.server.journal.entry import MAX_SHOWN_MODEL, entry_of
from mockllm.server.traces.spans import MAX_LENGTH, _redacted
from tests.server.journal.ended_exchanges import ended_exchange

KEY = "sk-" + "aB3" * 8
LONG = f"m {KEY} " + "a" * 1_000_000


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The lengths of the texts and bytes that are searched for keys."""
    lengths: list[int] = []
    redact_text, redact_bytes = key_forms.redact_text, key_forms.redact_bytes

    def text(text: str) -> str:
        lengths.append(len(text))
        return redact_text(text)

    def data(data: bytes) -> bytes:
        lengths.append(len(data))
        return redact_bytes(data)

    monkeypatch.setattr(redaction, "redact_text", text)
    monkeypatch.setattr(redaction, "redact_bytes", data)
    yield lengths
    assert max(lengths) < 100_000


def test_long_model_of_a_line_is_cut_before_the_search(searched: list[int]) -> None:
    ended = ended_exchange()
    ended.model = LONG
    shown = access_log_record_of(ended).model
    assert shown == "m REDACTED " + "a" * (MAX_TEXT - 12) + "…"
    assert searched


def test_long_model_of_the_journal_is_cut_before_the_search(searched: list[int]) -> None:
    ended = ended_exchange()
    ended.model = LONG
    shown = summary(entry_of(1, ended, 10_000_000)).model
    assert shown == "m REDACTED " + "a" * (MAX_SHOWN_MODEL - 12) + "…"
    assert searched


def test_long_attribute_of_a_span_is_cut_before_the_search(searched: list[int]) -> None:
    shown = "m REDACTED " + "a" * (MAX_LENGTH - 12) + "…"
    assert _redacted(LONG, redaction.Redactor()) == shown
    assert _redacted([LONG], redaction.Redactor()) == [shown]
    assert searched
