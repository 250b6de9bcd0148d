"""The items of a realtime conversation, in their order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import objects, text_of
from mockllm.core.rendering.websocket_session import MAX_CONVERSATION
from mockllm.dialects.audio import MS_PER_CHARACTER
from mockllm.dialects.openai.realtime.client_events import EventError

MAX_ITEMS: Final = 2000
"""The items of a conversation; the oldest are evicted first."""
CONTENT: Final = {"input_audio": "input_text", "output_audio": "output_text"}
"""The types of contents whose transcript is a text for the rules."""
FIRST: Final = "root"
"""The id that means no item: the place before all others."""


class RealtimeConversation:
    """Items by id."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Json]] = {}
        self._sizes: dict[str, int] = {}
        """The bytes of each item."""
        self._played_ms: dict[str, int] = {}
        """The ends of the truncated items."""

    @property
    def items(self) -> Iterable[dict[str, Json]]:
        return self._items.values()

    @property
    def last(self) -> str | None:
        """The id of the newest item."""
        return next(reversed(self._items), None)

    def find(self, id: Json) -> dict[str, Json] | None:
        return self._items.get(text_of(id) or "")

    def remove(self, id: Json) -> dict[str, Json] | None:
        for by_id in (self._sizes, self._played_ms):
            by_id.pop(text_of(id) or "", None)
        return self._items.pop(text_of(id) or "", None)

    def id_error(self, id: Json) -> EventError | None:
        """Return what is wrong with the id of a new item: another item has it. A public report of
        swigerb/SonicAIDriveThru quotes the service."""
        if self.find(id) is None:
            return None
        message = f"Error adding item: an item with id '{id}' already exists."
        return EventError(message, "item_create_duplicate_item_id")

    def place_error(self, previous: str | None) -> EventError | None:
        """Return what is wrong with a place behind another item; None and an empty text are the end. The wording is
        that of a public project with logs of real sessions."""
        if not previous or previous == FIRST or previous in self._items:
            return None
        message = f"Error adding item: the previous item with id '{previous}' does not exist."
        return EventError(message, "item_create_invalid_previous_item_id")

    def insert(self, item: dict[str, Json], previous: str | None = None) -> str | None:
        """Add an item after another one, or at the end. Return the item before it."""
        self.remove(item["id"])
        last = next(reversed(self._items), None)
        if previous is None or previous == last or (previous != FIRST and previous not in self._items):
            self._items[item["id"]] = item
        else:
            entries = list(self._items.items())
            at = 0 if previous == FIRST else [id for id, _ in entries].index(previous) + 1
            last = None if at == 0 else previous
            self._items = dict([*entries[:at], (item["id"], item), *entries[at:]])
        self._measure(item)
        return last

    def complete(self, item: dict[str, Json]) -> None:
        """Replace an item that was in progress, unless it was deleted. A truncated one is cut again."""
        if item["id"] in self._items:
            self._items[item["id"]] = item
            self._cut(item)
            self._measure(item)

    def truncate(self, id: Json, end_ms: int) -> dict[str, Json] | None:
        """Shorten the transcript of an item to the part that was played. Return the item."""
        item = self.find(id)
        if item is not None:
            self._played_ms[item["id"]] = end_ms
            self._cut(item)
        return item

    def _cut(self, item: dict[str, Json]) -> None:
        end = self._played_ms.get(item["id"])
        if end is None:
            return
        for part in objects(item.get("content")):
            transcript = text_of(part.get("transcript"))
            if transcript is not None:
                part["transcript"] = transcript[: end // MS_PER_CHARACTER]

    def _measure(self, item: dict[str, Json]) -> None:
        """Count the bytes of an item, and evict the oldest items where there are too many."""
        self._sizes[item["id"]] = len(dumps(item))
        size = sum(self._sizes.values())
        while len(self._items) > MAX_ITEMS or (size > MAX_CONVERSATION and len(self._items) > 1):
            oldest = next(iter(self._items))
            size -= self._sizes[oldest]
            self.remove(oldest)


def user_audio_item(id: str) -> dict[str, Json]:
    """Return an item of the user, of audio without a transcript."""
    content: list[Json] = [{"type": "input_audio", "transcript": None}]
    item = {"id": id, "object": "realtime.item", "type": "message"}
    return {**item, "status": "completed", "role": "user", "content": content}


def readable(item: dict[str, Json]) -> dict[str, Json]:
    """Return an item as the responses protocol has it: with the transcripts of audio as texts."""
    content = item.get("content")
    if type(content) is not list:
        return item
    parts = []
    for part in objects(content):
        kind = text_of(part.get("type")) or ""
        if kind in CONTENT:
            part = {"type": CONTENT[kind], "text": text_of(part.get("transcript")) or ""}
        parts.append(part)
    return {**item, "content": parts}
