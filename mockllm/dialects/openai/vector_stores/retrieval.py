"""What a search of vector stores finds: the passages of their files that fit a query best, by their words.

The call that searches one store uses it, and the tool `file_search` of the responses API. A search has no model:
`core.text_search` defines the `score`. Inferred: the message for a store that has expired, after public reports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import count_of, object_of, text_of
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.core.text_search import SearchedText, best_passages
from mockllm.dialects.openai.validators import Check, decimal, integer, members, one_of, refuse
from mockllm.dialects.openai.vector_stores.checks import document
from mockllm.dialects.openai.vector_stores.filters import check_filters, passes
from mockllm.dialects.openai.vector_stores.objects import TEXTS, StoreContents, file_key, id_of

MAX_RESULTS: Final = 50
LONG: Final = 32 * 1024
"""Bytes of texts: to search more of them takes more than 5 ms."""
MANY_FILES: Final = 50
"""The files that the event loop compares with a filter."""
WANTED: Final[Mapping[str, Check]] = {
    "filters": check_filters,
    "max_num_results": integer(1, MAX_RESULTS),
    "ranking_options": members(
        (),
        {
            "ranker": one_of("none", "auto", "default-2024-11-15", unlisted=("default_2024_08_21",)),
            "score_threshold": decimal(0, 1),
        },
    ),
}
"""The checks of the members by which a client selects and bounds the results."""


class SearchedStore(NamedTuple):
    """What a search reads of a store: its files, and their texts."""

    contents: StoreContents
    texts: Sequence[StoredObject]

    def completed(self, monotonic: float) -> Iterator[tuple[StoredObject, bytes]]:
        """Yield the files that are completed at this time, the oldest first, each with its text."""
        texts = {text.id: text.request_body for text in self.texts}
        for file in self.contents.completed(monotonic):
            text = texts.get(TEXTS + file.id)
            if text is not None:
                yield file, text


class FoundPassage(NamedTuple):
    """A passage of a file with this id and name."""

    file_id: str
    filename: str
    attributes: dict[str, Json]
    text: str
    score: float


class _SearchedFile(NamedTuple):
    """A file as a search reads it."""

    id: str
    name: str
    attributes: dict[str, Json]
    document: SearchedText


def texts_of(lookup: ObjectLookup, store: str) -> Sequence[StoredObject]:
    """Return the texts of the files of a store."""
    return lookup.all_stored(TEXTS + file_key(store, ""))


def about(file: StoredObject) -> dict[str, Json]:
    """Return the name of a file and its division into passages; nothing of a file that an older version stored."""
    return object_of(loads(file.request_body or b"null"))


def file_name(file: StoredObject) -> str:
    """Return the name of a file, in place of one that is not stored its id."""
    return text_of(about(file).get("filename")) or id_of(file)


def takes_long(stores: Collection[SearchedStore]) -> bool:
    """Return whether a thread searches these stores."""
    files = sum(len(store.contents.files) for store in stores)
    return (
        files > MANY_FILES or sum(len(text.request_body) for store in stores for text in store.texts) > LONG
    )


def expired(store: str) -> Failure:
    """Return the refusal of a search in a store that has expired."""
    return refuse(f"Vector store '{store}' has expired.")


def found_passages(
    stores: Collection[SearchedStore],
    queries: Sequence[str],
    wanted: Mapping[str, Json],
    default: int,
    monotonic: float,
) -> list[FoundPassage]:
    """Return the best passages. One without a word of the query has the `score` 0. `wanted` has the members of
    `WANTED`; where `max_num_results` is missing, there are at most `default` passages."""
    files = [file for store in stores for file in _searched(store, wanted.get("filters"), monotonic)]
    count = min(count_of(wanted.get("max_num_results")) or default, MAX_RESULTS)
    threshold = object_of(wanted.get("ranking_options")).get("score_threshold")
    least = threshold if threshold is not None and type(threshold) in (int, float) else 0
    return [
        FoundPassage(*files[passage.document][:3], passage.text, passage.relevance)
        for passage in best_passages([file.document for file in files], queries, count)
        if passage.relevance >= least
    ]


def _searched(store: SearchedStore, wanted: Json, monotonic: float) -> Iterator[_SearchedFile]:
    """Yield the completed files that pass the filters."""
    if wanted is not None and check_filters(wanted, "filters") is not None:
        wanted = None  # nothing is checked with `validation: off`
    for file, text in store.completed(monotonic):
        attributes = object_of(object_of(loads(file.response_body)).get("attributes"))
        if wanted is None or passes(attributes, wanted):
            name = file_name(file)
            content = text.decode(errors="replace") or name
            strategy = about(file).get("chunking_strategy")
            yield _SearchedFile(id_of(file), name, attributes, document(content, strategy))
