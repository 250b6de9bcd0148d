"""The tool `file_search`: what it finds in the vector stores that a request names, and the files that a text cites.

A search reads the completed files of the stores in the session of the request. Sources: `FileSearchTool` and
`ResponseFileSearchToolCall` of the openai package. Public reports quote the beginning of the message about an unknown
store, and its status. Inferred: the rest of the message, and the response for a store that has expired.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of, objects, texts
from mockllm.core.request.stored_responses import ResponseLookup, StoredResponse
from mockllm.dialects.openai.vector_stores.objects import (
    STORE_ID,
    activity,
    contents_of,
    has_expired,
    id_of,
)
from mockllm.dialects.openai.vector_stores.retrieval import (
    SearchedStore,
    expired,
    found_passages,
    takes_long,
    texts_of,
)

FILE_RESULTS: Final = "file_search_call.results"
"""The word by which a request includes the results in the response."""
DEFAULT_RESULTS: Final = 20
MAX_STORES: Final = 5
"""The stores that a search reads at most: the first ones. Each takes four lookups in the event loop."""
UNKNOWN_NOTE: Final = (
    "a vector store exists after a call of the same session that creates it; `validation: strict` accepts any id, "
    "and finds nothing in it"
)


def searching_tool(tools: Json) -> dict[str, Json] | None:
    """Return the first tool of a request that names vector stores."""
    named = (each for each in objects(tools) if each.get("type") == "file_search")
    return next((each for each in named if list(texts(each.get("vector_store_ids")))), None)


class FileSearch:
    """The search of a request in the vector stores that its tool names, at the time of the request."""

    def __init__(self, tool: dict[str, Json], lookup: ResponseLookup, now: float, monotonic: float) -> None:
        self._tool, self._monotonic = tool, monotonic
        self._stores: dict[str, SearchedStore] = {}
        self._unknown: list[str] = []
        self._expired: list[str] = []
        for id in islice(dict.fromkeys(texts(tool["vector_store_ids"])), MAX_STORES):
            stored = lookup.stored(id) if STORE_ID.fullmatch(id) else None
            if stored is None:
                self._unknown.append(id)
                continue
            contents = contents_of(lookup, id)
            if has_expired(stored, contents, now):
                self._expired.append(id)
            else:
                self._stores[id] = SearchedStore(contents, texts_of(lookup, id))

    @property
    def takes_long(self) -> bool:
        """Whether a thread searches."""
        return takes_long(self._stores.values())

    @property
    def key(self) -> int:
        """A hash of all that results, citations and the refusal depend on, beside the tool itself."""
        files = tuple(
            (text.id, text.request_body, text.response_body, file.response_body)
            for store in self._stores.values()
            for file, text in store.completed(self._monotonic)
        )
        return hash((*self._stores, files))

    def failure(self) -> Failure | None:
        """Return the refusal of a search in a store that is unknown or has expired."""
        if self._unknown:
            ids = ", ".join(f"'{id}'" for id in self._unknown)
            return Failure("not_found", message=f"Vector store with id [{ids}] not found.", note=UNKNOWN_NOTE)
        return expired(self._expired[0]) if self._expired else None

    def results(self, query: str) -> list[Json]:
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
                self._stores.values(), [query], self._tool, DEFAULT_RESULTS, self._monotonic
            )
        ]

    def cited_file(self, name: str) -> tuple[str, str] | None:
        """Return the id and the name of the file with this name or id, the oldest first; None without one."""
        written = dumps(name)
        for store in self._stores.values():
            for file, text in store.completed(self._monotonic):
                if id_of(file) == name or written in text.response_body:
                    filename = object_of(loads(text.response_body))["filename"]
                    if name in (id_of(file), filename):
                        return id_of(file), filename
        return None

    def uses(self, lookup: ResponseLookup, second: int) -> Iterator[StoredResponse]:
        """Yield what is stored of a search at this time: the last use of each store. A store may have been deleted
        while a thread searched."""
        for id in self._stores:
            if lookup.stored(id) is not None:
                yield activity(id, second)
