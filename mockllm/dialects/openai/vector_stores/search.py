"""POST /v1/vector_stores/{id}/search: the passages of a store's files that fit a query best, by their words.

Sources: `VectorStoreSearchParams` and `VectorStoreSearchResponse` of the openai package, and OpenAI's reference for
the page. A search has no model: `core.text_search` defines the `score`. Inferred: the message for a store that has
expired after public reports, the bounds of `query`, and that `rewrite_query` leaves the query as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import count_of, object_of, texts
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StorageUpdate, StoredResponse
from mockllm.core.text_search import SearchedText, best_passages
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.validators import (
    array,
    boolean,
    decimal,
    integer,
    members,
    one_of,
    refuse,
    text,
    text_or,
)
from mockllm.dialects.openai.vector_stores.checks import document
from mockllm.dialects.openai.vector_stores.filters import check_filters, passes
from mockllm.dialects.openai.vector_stores.objects import (
    TEXTS,
    activity,
    file_key,
    id_of,
    store_object,
)
from mockllm.dialects.openai.vector_stores.store_request import (
    StoreCallWithBody,
    VectorStoreCall,
    VectorStoreRequest,
)

DEFAULT_RESULTS: Final = 10
MAX_RESULTS: Final = 50
MAX_QUERY: Final = 4_096
"""The characters of a query at most."""
MAX_QUERIES: Final = 20
LONG: Final = 32 * 1024
"""Bytes of texts: to search more of them takes more than 5 ms."""
MANY_FILES: Final = 50
"""The files that the event loop compares with a filter."""
_query: Final = text(MAX_QUERY)
FIELDS: Final = {
    "query": text_or(list, array(_query, "strings", 1, MAX_QUERIES), "an array of strings"),
    "filters": check_filters,
    "max_num_results": integer(1, MAX_RESULTS),
    "ranking_options": members(
        (),
        {
            "ranker": one_of("none", "auto", "default-2024-11-15", unlisted=("default_2024_08_21",)),
            "score_threshold": decimal(0, 1),
        },
    ),
    "rewrite_query": boolean,
}


class SearchedFile(NamedTuple):
    """A file as a search reads it."""

    id: str
    name: str
    attributes: dict[str, Json]
    document: SearchedText


class VectorStoreSearchRequest(VectorStoreRequest):
    api = "vector_store_search"

    @cached_property
    def queries(self) -> list[str]:
        """The queries of the body."""
        query = self.fields.get("query")
        found = texts([query] if type(query) is str else query)
        return [each[:MAX_QUERY] for each in found][:MAX_QUERIES]

    @cached_property
    def texts(self) -> Sequence[StoredResponse]:
        """The texts of the store's files."""
        return self.response_lookup.all_stored(TEXTS + file_key(self.store_id, "")) if self.store_id else ()

    @property
    def planning_takes_long(self) -> bool:
        """Whether a thread searches. What the state then stores is the time of the store's last use."""
        if self.store is None:
            return False
        size = sum(len(each.request_body) for each in self.texts)  # the event loop looks them up
        return len(self.contents.files) > MANY_FILES or size > LONG


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

    def respond(self, stored: StoredResponse, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, VectorStoreSearchRequest)
        shown = store_object(stored, request.contents, request.now, request.monotonic)
        if shown["status"] == "expired":
            return refuse(f"Vector store '{stored.id}' has expired.")
        results = {
            "object": "vector_store.search_results.page",
            "search_query": request.queries,
            "data": _results(list(_searched(request)), request),
            "has_more": False,
            "next_page": None,
        }
        return body_plan(results, identity)

    def update(self, stored: StoredResponse, request: Request) -> StorageUpdate | None:
        if request.response_lookup.stored(stored.id) is None:
            return None  # deleted while a thread searched
        return StorageUpdate(others=(activity(stored.id, int(request.now)),))


def _searched(request: VectorStoreSearchRequest) -> Iterator[SearchedFile]:
    """Yield the completed files that pass the filters, the oldest first."""
    wanted = request.fields.get("filters")
    if wanted is not None and check_filters(wanted, "filters") is not None:
        wanted = None  # nothing is checked with `validation: off`
    contents, monotonic = request.contents, request.monotonic
    for stored in request.texts:
        file = contents.files.get(stored.id.removeprefix(TEXTS))
        if file is None or contents.status(file, monotonic) != "completed":
            continue
        attributes = object_of(object_of(loads(file.response_body)).get("attributes"))
        if wanted is None or passes(attributes, wanted):
            about = object_of(loads(stored.response_body))
            content = stored.request_body.decode(errors="replace") or about["filename"]
            yield SearchedFile(
                id_of(file), about["filename"], attributes, document(content, about["chunking_strategy"])
            )


def _results(files: Sequence[SearchedFile], request: VectorStoreSearchRequest) -> list[Json]:
    """Return the best passages, each as a result. One without a word of the query has the `score` 0."""
    count = min(count_of(request.fields.get("max_num_results")) or DEFAULT_RESULTS, MAX_RESULTS)
    threshold = object_of(request.fields.get("ranking_options")).get("score_threshold")
    least = threshold if threshold is not None and type(threshold) in (int, float) else 0
    return [
        {
            "file_id": files[passage.document].id,
            "filename": files[passage.document].name,
            "score": passage.relevance,
            "attributes": files[passage.document].attributes,
            "content": [{"type": "text", "text": passage.text}],
        }
        for passage in best_passages([file.document for file in files], request.queries, count)
        if passage.relevance >= least
    ]
