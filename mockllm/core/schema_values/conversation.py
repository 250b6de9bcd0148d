"""The texts of a conversation, from which values for the fields of a schema are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.request.person_texts import shortened
from mockllm.core.schema_values.text_entities import TextEntities
from mockllm.core.text_cache import text_cache

MAX_QUESTION: Final = 4_000
"""Characters of the last text of the person."""
MAX_OTHER: Final = 1_500
"""Characters of all tool results, and of all earlier texts."""
MAX_CACHED: Final = 128
"""The texts whose entities are cached."""
MAX_CACHED_LENGTH: Final = 1_500
"""The most characters of such a text. Its entities take at most about fifty times as many bytes."""


class ConversationTexts:
    """The texts of a conversation: the person's last text, the results of tools since (the last first), and the
    person's earlier texts (the last first)."""

    def __init__(self, question: str, results: Sequence[str] = (), earlier: Sequence[str] = ()) -> None:
        newest = _within(results, MAX_OTHER) if results else []
        texts = [*newest, shortened(question, MAX_QUESTION)]
        if earlier:
            texts += _within(earlier, MAX_OTHER)
        self.texts = entities_of_each(texts)
        self.question = self.texts[len(newest)]
        self.results = self.texts[: len(newest)]

    def __bool__(self) -> bool:
        return bool(self.question.text) or any(entities.text for entities in self.texts)


def _within(texts: Sequence[str], most: int) -> list[str]:
    """Return the texts up to so many characters altogether."""
    found = []
    for text in texts:
        if most <= 0:
            break
        found.append(text[:most])
        most -= len(text)
    return found


def entities_of_each(texts: Sequence[str]) -> list[TextEntities]:
    """Return the entities of each text. Agents repeat their texts, so the entities of short ones are cached. Equal
    texts have separate entities, because a value is taken from one text only."""
    known: set[str] = set()
    found = []
    for text in texts:
        found.append(TextEntities(text) if text in known else _cached_entities(text))
        known.add(text)
    return found


@text_cache(MAX_CACHED, MAX_CACHED_LENGTH)
def _cached_entities(text: str) -> TextEntities:
    return TextEntities(text)
