"""What the tool `fileSearch` finds: the documents of the stores that a request names.

A document is stored under its name: its content is the stored request body, its object the stored response body.
Sources: `types.FileSearch` and `types.GroundingChunkRetrievedContext` of google-genai 3.6, and a recorded response of
July 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from operator import itemgetter
from typing import Final, NamedTuple

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.request.stored_objects import ListedObjects, ObjectLookup, StoredObject

STORES: Final = "fileSearchStores/"
DOCUMENTS: Final = "/documents/"
MAX_TEXT: Final = 2_000
"""The bytes of a document that a chunk has at most."""
TEXT_TYPES: Final = ("text/", "application/json")


def stored_object(stored: StoredObject) -> dict[str, Json]:
    """Return the object of a store or of a document."""
    return object_of(loads(stored.response_body))


def documents_of(lookup: ObjectLookup, store: str) -> Sequence[StoredObject]:
    """Return the documents of a store, the oldest first."""
    return lookup.all_stored(f"{store}{DOCUMENTS}")


def named_stores(tools: Sequence[Json]) -> list[str]:
    """Return the names of the stores in the tools of a request."""
    searches = [object_of(object_of(tool).get("fileSearch")) for tool in tools]
    named = [search.get("fileSearchStoreNames") for search in searches]
    lists = [value if type(value) is list else [value] for value in named]
    return [name for names in lists for name in names if type(name) is str]


class StoreDocuments(NamedTuple):
    """The documents of a store with their places in the list of all stores, the oldest first. `key` is a hash of all
    that their contexts depend on."""

    documents: Sequence[tuple[int, StoredObject]]
    key: int


def _documents_by_store(listed: Sequence[StoredObject]) -> dict[str, StoreDocuments]:
    found: dict[str, list[tuple[int, StoredObject]]] = {}
    for place, each in enumerate(listed):
        if store := _store_of_document(each):
            found.setdefault(store, []).append((place, each))
    return {
        store: StoreDocuments(
            documents, hash(tuple((each.id, each.response_body, each.request_body) for _, each in documents))
        )
        for store, documents in found.items()
    }


class RetrievedContexts:
    """The documents that a search of files finds; a document is read when a response cites it."""

    def __init__(self, lookup: ObjectLookup, stores: Sequence[str]) -> None:
        self._source: dict[str, Json] = {"fileSearchStore": stores[0]} if stores else {}
        listed = lookup.all_stored(STORES) if stores else ()
        by_store = (
            listed.derived(_documents_by_store)
            if isinstance(listed, ListedObjects)
            else _documents_by_store(listed)
        )
        self._searched = [by_store[store] for store in dict.fromkeys(stores) if store in by_store]

    @property
    def key(self) -> int:
        """A hash of all that a context depends on. The lists of stores know their hashes after the first time."""
        return hash((*self._source.values(), *(each.key for each in self._searched)))

    def find(self, name: str) -> dict[str, Json] | None:
        """Return the context of the document with this name or display name, the oldest first. Without one it is the
        first store, or None for the address of a page."""
        written = dumps(name)
        documents = merge(*(each.documents for each in self._searched), key=itemgetter(0))
        for _, stored in documents:
            if stored.id == name or written in stored.response_body:
                document = stored_object(stored)
                if name in (stored.id, document.get("displayName")):
                    return dict(_context(stored, _store_of_document(stored), document))
        return None if name.startswith(("http://", "https://")) else self._source


def _store_of_document(stored: StoredObject) -> str:
    """Return the store of a document; empty for a store itself."""
    store, _, id = stored.id.partition(DOCUMENTS)
    return store if id else ""


def _context(stored: StoredObject, store: str, document: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    if "displayName" in document:
        yield "title", document["displayName"]
    if str(document.get("mimeType")).startswith(TEXT_TYPES):
        yield "text", stored.request_body[:MAX_TEXT].decode(errors="ignore")
    yield "fileSearchStore", store
    if "customMetadata" in document:
        yield "customMetadata", document["customMetadata"]
