"""Scenarios for known symptoms of clients: what was seen, where it was reported, and the YAML that shows it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import Struct, convert, field

CHAPTERS: Final = {
    "connections": "Connections and HTTP",
    "errors": "Errors and waits",
    "streams": "Streams",
    "tool_calls": "Tool calls",
    "meaning": "Contents of responses",
}
"""The files of the entries and their titles, in the order of the page."""


class CookbookEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A symptom of clients and a scenario that causes it."""

    name: str
    symptom: str
    source: str
    """Where it was reported or specified."""
    scenario: str
    sent: dict[str, str] = field(name="bytes")
    """For each call a pattern of the response. Behind its name `whole` is without streaming, `long` with a long
    system text, and `again` the second one of two such requests. Others, such as `openai-realtime`, are sessions."""

    def mentions(self, word: str) -> bool:
        """Return whether the word is in the name, in the symptom, in the scenario or among the calls, in any case."""
        texts = (self.name, self.symptom, self.scenario, self.source, *self.sent)
        return word.lower() in "\n".join(texts).lower()


@cache
def cookbook() -> dict[str, tuple[CookbookEntry, ...]]:
    """Return the entries of each chapter."""
    from ruamel.yaml import YAML  # takes 20 ms to import

    yaml = YAML(typ="safe", pure=True)
    folder = files(__package__)
    return {
        chapter: convert(
            yaml.load(folder.joinpath(f"{chapter}.yaml").read_text(encoding="utf-8")),
            tuple[CookbookEntry, ...],
        )
        for chapter in CHAPTERS
    }


def entries() -> tuple[CookbookEntry, ...]:
    return tuple(entry for chapter in cookbook().values() for entry in chapter)
