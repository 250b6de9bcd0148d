"""What the tool `fileSearch` finds: the documents of the stores that a request names.

A document is stored under its name: its content is the stored request body, its object the stored response body.
Sources: `types.FileSearch` and `types.GroundingChunkRetrievedContext` of google-genai 3.6, and a recorded response of
July 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.request.stored_responses import ResponseLookup, StoredResponse

STORES: Final = "fileSearchStores/"
DOCUMENTS: Final = "/documents/"
MAX_TEXT: Final = 2_000
"""The bytes of a document that a chunk has at most."""
TEXT_TYPES: Final = ("text/", "application/json")


def stored_object(stored: StoredResponse) -> dict[str, Json]:
    """Return the object of a store or of a document."""
    return object_of(loads(stored.response_body))


def documents_of(lookup: ResponseLookup, store: str) -> Sequence[StoredResponse]:
    """Return the documents of a store, the oldest first."""
    return lookup.all_stored(f"{store}{DOCUMENTS}")


def named_stores(tools: Sequence[Json]) -> list[str]:
    """Return the names of the stores in the tools of a request."""
    searches = [object_of(object_of(tool).get("fileSearch")) for tool in tools]
    named = [search.get("fileSearchStoreNames") for search in searches]
    lists = [value if type(value) is list else [value] for value in named]
    return [name for names in lists for name in names if type(name) is str]


def retrieved_contexts(lookup: ResponseLookup, stores: Sequence[str]) -> dict[str, dict[str, Json]]:
    """Return the context of each document in these stores, by its name and by its display name. The context of the
    empty name is that of a source that no document is."""
    found: dict[str, dict[str, Json]] = {"": {"fileSearchStore": stores[0]} if stores else {}}
    searched = frozenset(stores)
    for stored in lookup.all_stored(STORES):
        store, _, id = stored.id.partition(DOCUMENTS)
        if id and store in searched:
            document = stored_object(stored)
            context = dict(_context(stored, store, document))
            found[stored.id] = context
            found.setdefault(text_of(document.get("displayName")) or stored.id, context)
    return found


def _context(stored: StoredResponse, store: str, document: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    if "displayName" in document:
        yield "title", document["displayName"]
    if str(document.get("mimeType")).startswith(TEXT_TYPES):
        yield "text", stored.request_body[:MAX_TEXT].decode(errors="ignore")
    yield "fileSearchStore", store
    if "customMetadata" in document:
        yield "customMetadata", document["customMetadata"]
