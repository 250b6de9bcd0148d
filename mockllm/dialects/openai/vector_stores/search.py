"""POST /v1/vector_stores/{id}/search: the passages of a store's files that fit a query best, by their words.

Sources: `VectorStoreSearchParams` and `VectorStoreSearchResponse` of the openai package, and OpenAI's reference for
the page. Inferred: the bounds of `query`, and that `rewrite_query` leaves the query as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import texts
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.validators import array, boolean, text, text_or
from mockllm.dialects.openai.vector_stores.objects import activity, has_expired
from mockllm.dialects.openai.vector_stores.retrieval import (
    WANTED,
    FoundPassage,
    SearchedStore,
    expired,
    found_passages,
    takes_long,
    texts_of,
)
from mockllm.dialects.openai.vector_stores.store_request import (
    StoreCallWithBody,
    VectorStoreCall,
    VectorStoreRequest,
)

DEFAULT_RESULTS: Final = 10
MAX_QUERY: Final = 4_096
"""The characters of a query at most."""
MAX_QUERIES: Final = 20
_query: Final = text(MAX_QUERY)
FIELDS: Final = {
    "query": text_or(list, array(_query, "strings", 1, MAX_QUERIES), "an array of strings"),
    **WANTED,
    "rewrite_query": boolean,
}


class VectorStoreSearchRequest(VectorStoreRequest):
    api = "vector_store_search"

    @cached_property
    def queries(self) -> list[str]:
        """The queries of the body."""
        query = self.fields.get("query")
        found = texts([query] if type(query) is str else query)
        return [each[:MAX_QUERY] for each in found][:MAX_QUERIES]

    @cached_property
    def texts(self) -> Sequence[StoredObject]:
        """The texts of the store's files."""
        return texts_of(self.object_lookup, self.store_id) if self.store_id else ()

    @property
    def searched(self) -> SearchedStore:
        """What the search reads."""
        return SearchedStore(self.contents, self.texts)

    @property
    def planning_takes_long(self) -> bool:
        """Whether a thread searches. What the state then stores is the time of the store's last use. The event loop
        looks up what the search reads."""
        return self.store is not None and takes_long([self.searched])


class SearchVectorStore(StoreCallWithBody, VectorStoreCall):
    """POST /v1/vector_stores/{id}/search."""

    api = "vector_store_search"
    request_class = VectorStoreSearchRequest
    checks = FIELDS
    required = ("query",)

    def check(self, request: Request) -> Failure | None:
        query = request.fields.get("query")
        too_long = _query(query, "query") if type(query) is str else None
        return super().check(request) or too_long

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreSearchRequest)
        if has_expired(stored, request.contents, request.now):
            return expired(stored.id)
        found = found_passages(
            [request.searched], request.queries, request.fields, DEFAULT_RESULTS, request.monotonic
        )
        results = {
            "object": "vector_store.search_results.page",
            "search_query": request.queries,
            "data": list(map(_result, found)),
            "has_more": False,
            "next_page": None,
        }
        return body_plan(results, identity)

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        if request.object_lookup.stored(stored.id) is None:
            return None  # deleted while a thread searched
        return StorageUpdate(others=(activity(stored.id, int(request.now)),))


def _result(found: FoundPassage) -> dict[str, Json]:
    return {
        "file_id": found.file_id,
        "filename": found.filename,
        "score": found.score,
        "attributes": found.attributes,
        "content": [{"type": "text", "text": found.text}],
    }
