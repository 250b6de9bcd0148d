"""POST /api/v1/rerank: documents by their relevance to a question, as at Cohere.

From a recording of August 2026 (a model of Voyage AI). Cohere's search units and documents with images are from the
reference of OpenRouter's SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.cohere.lookups import ranking, search_units
from mockllm.dialects.cohere.request import RankedDocuments
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.request_fields import ModelRequest
from mockllm.dialects.openai.validators import (
    Check,
    array,
    check_fields,
    check_readable,
    check_required,
    integer,
    object_,
    string,
    text_or,
)
from mockllm.dialects.vendors.errors import VendorCall
from mockllm.dialects.vendors.vendor import VendorIdFormat

REQUIRED: Final = ("model", "query", "documents")
FIELDS: Final[Mapping[str, Check]] = {
    "model": string,
    "query": string,
    "documents": array(text_or(dict, object_, "object"), "documents", min_length=1),
    "top_n": integer(1),
    "provider": object_,
}
ID: Final = VendorIdFormat("gen-rerank-1784218677-", 20)
PROVIDERS: Final = {"cohere": "Cohere", "voyageai": "VoyageAI by MongoDB"}
"""The provider of each maker's models; any other maker is its own."""
HEAD: Final = ResponseHead(200, (("content-type", "application/json"),))
"""The head of a ranking, which has its id in the body alone."""
TOKEN_COST: Final = 2e-8
"""The price of a token in the recording."""


class OpenRouterRerankRequest(RankedDocuments, ModelRequest):
    """A ranking. Its list of fields may have gaps, so others are not reported."""


class OpenRouterRerank(VendorCall, OpenAiCall):
    """The ranking of documents. A response contains the documents themselves."""

    api = "rerank"
    request_class: type[Request] = OpenRouterRerankRequest

    def check(self, request: Request) -> Failure | None:
        failure = check_readable(request) or check_required(request.fields, *REQUIRED)
        return failure or check_fields(request.fields, FIELDS)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, OpenRouterRerankRequest)
        maker, _, name = (request.model or "").rpartition("/")
        tokens = estimate(request.question) + sum(map(estimate, request.documents))
        units: dict[str, Json] = (
            {"search_units": search_units(request.documents)} if maker == "cohere" else {}
        )
        body = {
            "model": name,
            "results": [
                {"index": place, "relevance_score": score, "document": self._document(request, place)}
                for place, score in ranking(request)
            ],
            "usage": {**units, "total_tokens": tokens, "cost": round(tokens * TOKEN_COST, 10)},
            "provider": PROVIDERS.get(maker, maker or "Cohere"),
            "id": ID.make(identity.ids, "rerank"),
        }
        return Plan(HEAD, (EventStep(dumps(body), 0, "body"),))

    def _document(self, request: OpenRouterRerankRequest, place: int) -> Json:
        """Return a document of the request as an object."""
        sent = request.fields["documents"][place]
        return sent if type(sent) is dict else {"text": request.documents[place]}
