"""The texts of a conversation, from which values for the fields of a schema are taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.request.person_texts import shortened
from mockllm.core.schema_values.text_entities import entities_of_each

MAX_QUESTION: Final = 4_000
"""Characters of the last text of the person."""
MAX_OTHER: Final = 1_500
"""Characters of all tool results, and of all earlier texts."""


class ConversationTexts:
    """The texts of a conversation: the person's last text, the results of tools since (the last first), and the
    person's earlier texts (the last first)."""

    def __init__(self, question: str, results: Sequence[str] = (), earlier: Sequence[str] = ()) -> None:
        newest = [*_within(results, MAX_OTHER)]
        texts = [*newest, shortened(question, MAX_QUESTION), *_within(earlier, MAX_OTHER)]
        self.texts = entities_of_each(texts)
        self.question = self.texts[len(newest)]
        self.results = self.texts[: len(newest)]

    def __bool__(self) -> bool:
        return any(entities.text for entities in self.texts)


def _within(texts: Sequence[str], most: int) -> Iterator[str]:
    """Yield the texts up to so many characters altogether."""
    for text in texts:
        if most > 0:
            yield text[:most]
        most -= len(text)
