"""The check of JSON mode: the conversation must contain the word `json`.

Sources: Microsoft's page of JSON mode and public reports of chat completions. For responses: public reports, and
pydantic-ai, whose comment says that the service does not read `instructions`. Their `param` is inferred. The word may
be anywhere in a message, in upper or lower case.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.typed_memo import MemoKey


class JsonWord(Struct, eq=False):
    """Whether the messages so far contain the word."""

    found: bool = False


_WORD: Final = MemoKey[JsonWord]()


def contain_word_json(items: Iterable[Json]) -> bool:
    """Return whether messages contain the word."""
    return any(map(_contains, items))


def turns_contain_word_json(divided: DividedBody) -> bool:
    """Return whether the messages of a body contain the word; only those are read that no earlier body had."""
    word = divided.reduce_turns(memo_key=_WORD, initial=_initial_word, step=_read)
    return word is not None and word.found


def _contains(item: Json) -> bool:
    return b"json" in dumps(item).lower()


def _initial_word(word: JsonWord | None) -> JsonWord:
    return JsonWord() if word is None else JsonWord(word.found)


def _read(word: JsonWord, item: Json) -> bool:
    word.found = word.found or _contains(item)
    return True
