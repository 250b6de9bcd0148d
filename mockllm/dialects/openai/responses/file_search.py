"""The tool `file_search`: what it finds in the vector stores that a request names, and the files that a text cites.

A search reads the completed files of the stores in the session of the request. Sources: `FileSearchTool` and
`ResponseFileSearchToolCall` of the openai package. Public reports quote the beginning of the message about an unknown
store, and its status. Inferred: the rest of the message, and the response for a store that has expired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import objects, texts
from mockllm.core.request.stored_objects import ListedObjects, ObjectLookup, StoredObject
from mockllm.dialects.openai.vector_stores.objects import (
    BATCH_KEYS,
    STORE_ID,
    StoreContents,
    activity,
    file_key,
    has_expired,
    id_of,
    last_use,
)
from mockllm.dialects.openai.vector_stores.retrieval import (
    SearchedStore,
    expired,
    file_name,
    found_passages,
    takes_long,
    texts_of,
)

FILE_RESULTS: Final = "file_search_call.results"
"""The word by which a request includes the results in the response."""
DEFAULT_RESULTS: Final = 20
MAX_STORES: Final = 5
"""The stores that a search reads at most: the first ones. Each takes up to five lookups in the event loop."""
UNKNOWN_NOTE: Final = (
    "a vector store exists after a call of the same session that creates it; `validation: strict` accepts any id, "
    "and finds nothing in it"
)
CitableFiles: TypeAlias = Mapping[str, Sequence[tuple[StoredObject, tuple[str, str]]]]
"""The files of a store by their ids and names, the oldest first, each with its id and name."""


def searching_tool(tools: Json) -> dict[str, Json] | None:
    """Return the first tool of a request that names vector stores."""
    named = (each for each in objects(tools) if each.get("type") == "file_search")
    return next((each for each in named if list(texts(each.get("vector_store_ids")))), None)


class FileSearch:
    """The search of a request in the vector stores that its tool names, at the time of the request.

    Most requests only offer the tool, so nothing but the results reads the texts of the files.
    """

    def __init__(self, tool: dict[str, Json], lookup: ObjectLookup, now: float, monotonic: float) -> None:
        self._tool, self._monotonic = tool, monotonic
        self._stores: dict[str, StoreContents] = {}
        self._files: list[Sequence[StoredObject]] = []
        self._searched: Sequence[SearchedStore] | None = None
        self._unknown: list[str] = []
        self._expired: list[str] = []
        for id in islice(dict.fromkeys(texts(tool["vector_store_ids"])), MAX_STORES):
            stored = lookup.stored(id) if STORE_ID.fullmatch(id) else None
            if stored is None:
                self._unknown.append(id)
                continue
            files, batches = lookup.all_stored(file_key(id, "")), lookup.all_stored(f"{BATCH_KEYS}{id}/")
            contents = StoreContents((*files, *batches, *last_use(lookup, stored)))
            if has_expired(stored, contents, now):
                self._expired.append(id)
            else:
                self._stores[id] = contents
                self._files.append(files)

    def takes_long(self, lookup: ObjectLookup) -> bool:
        """Return whether a thread searches. `results` then reads what this has looked up."""
        return takes_long(self._read(lookup))

    def _read(self, lookup: ObjectLookup) -> Sequence[SearchedStore]:
        """Return what a search reads, which is looked up once. `lookup` is the present one of the request: it may
        have fetched the texts since the search was made."""
        if self._searched is None:
            self._searched = [
                SearchedStore(contents, texts_of(lookup, id)) for id, contents in self._stores.items()
            ]
        return self._searched

    @cached_property
    def key(self) -> int:
        """A hash of all that results, citations and the refusal depend on, beside the tool itself. The
        `request_body` of a file has a checksum of its text."""
        files = tuple(
            (file.id, file.request_body, file.response_body)
            for store in self._stores.values()
            for file in store.completed(self._monotonic)
        )
        return hash((*self._stores, files))

    def failure(self) -> Failure | None:
        """Return the refusal of a search in a store that is unknown or has expired."""
        if self._unknown:
            ids = ", ".join(f"'{id}'" for id in self._unknown)
            return Failure("not_found", message=f"Vector store with id [{ids}] not found.", note=UNKNOWN_NOTE)
        return expired(self._expired[0]) if self._expired else None

    def results(self, query: str, lookup: ObjectLookup) -> list[Json]:
        """Return the passages that fit a query best, the best first."""
        return [
            {
                "attributes": found.attributes,
                "file_id": found.file_id,
                "filename": found.filename,
                "score": found.score,
                "text": found.text,
            }
            for found in found_passages(
                self._read(lookup), [query], self._tool, DEFAULT_RESULTS, self._monotonic
            )
        ]

    def cited_file(self, name: str) -> tuple[str, str] | None:
        """Return the id and the name of the file with this name or id, the oldest first; None without one."""
        for store, citable in zip(self._stores.values(), self._citable, strict=True):
            for file, names in citable.get(name, ()):
                if store.status(file, self._monotonic) == "completed":
                    return names
        return None

    @cached_property
    def _citable(self) -> Sequence[CitableFiles]:
        """The files of each store that a text may cite. They are derived once from each list of files."""
        return [
            files.derived(_citable) if isinstance(files, ListedObjects) else _citable(files)
            for files in self._files
        ]

    def uses(self, lookup: ObjectLookup, second: int) -> Iterator[StoredObject]:
        """Yield what is stored of a search at this time: the last use of each store. A store may have been deleted
        while a thread searched."""
        for id in self._stores:
            if lookup.stored(id) is not None:
                yield activity(id, second)


def _citable(files: Sequence[StoredObject]) -> CitableFiles:
    found: dict[str, list[tuple[StoredObject, tuple[str, str]]]] = {}
    for file in files:
        names = id_of(file), file_name(file)
        for name in names:
            found.setdefault(name, []).append((file, names))
    return found
