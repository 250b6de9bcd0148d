"""GET /v1/models, GET /v1/models/{model} and POST /v1/check-api-key.

From the types `GetModelResponse`, `ListModelsResponse` and `CheckApiKeyResponse` of the `cohere` package (7.3), and
the docstring of its `ModelsClient.list`. Names of models are from its docstrings and examples. Endpoints and context
lengths of the models of 2023 and 2024 are from the list of a real account that pgai's documentation shows. Those of
newer models are inferred, as are default endpoints, features, and the messages of the refusals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import whole_number
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.cohere.errors import DEFAULT_CONTEXT, CohereCall, error_plan_v1
from mockllm.dialects.cohere.lookups import body_plan
from mockllm.dialects.cohere.request import DEFAULT_MODEL
from mockllm.dialects.dialect import ResponseIdentity, UncheckedCall

ENDPOINTS: Final = ("chat", "embed", "classify", "summarize", "rerank", "rate", "generate")
"""The values of `endpoint` (SDK: `CompatibleEndpoint`)."""
PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 1000
_PAGE_SIZE: Final = re.compile(r"(\d{1,4})(?:\.\d{1,20})?")
"""A `page_size`, which the SDK declares as a float."""
OWNER: Final = "7d2f6b1e-3c58-4a90-9e1b-5f0c8d4a2b63"
ORGANIZATION: Final = "b91c4e07-62da-4f38-8a75-0e6d3c9f1a24"
"""The ids of the key's owner and of the organization. Tests do not depend on them, so they are constant."""


class CohereModelKind(NamedTuple):
    """What the models of one kind have in common."""

    endpoints: tuple[str, ...]
    context: int
    features: tuple[str, ...] | None = None
    sampling: Mapping[str, Json] | None = None
    """The defaults of the parameters, as the docstrings of `V2Client.chat` and `V2Client.rerank` name them."""


_TEXT: Final = CohereModelKind(
    ("generate", "chat", "summarize"),
    DEFAULT_CONTEXT,
    ("json_mode", "json_schema", "safety_modes", "strict_tools", "tools"),
    {"temperature": 0.3, "k": 0, "p": 0.75, "frequency_penalty": 0.0, "presence_penalty": 0.0},
)
_OLDER_TEXT: Final = _TEXT._replace(context=128_000)
_VECTORS: Final = CohereModelKind(("embed", "classify"), 128_000)
_OLDER_VECTORS: Final = _VECTORS._replace(context=512)
_RANKS: Final = CohereModelKind(("rerank",), 4096, None, {"max_tokens_per_doc": 4096})
KNOWN: Final[Mapping[str, CohereModelKind]] = {
    DEFAULT_MODEL: _TEXT,
    "command-a-plus-05-2026": _TEXT,
    "command-r7b-12-2024": _OLDER_TEXT,
    "command-r-08-2024": _OLDER_TEXT,
    "embed-v5.0": _VECTORS,
    "embed-v4.0": _VECTORS,
    "embed-english-v3.0": _OLDER_VECTORS,
    "embed-english-light-v3.0": _OLDER_VECTORS,
    "embed-multilingual-v3.0": _OLDER_VECTORS,
    "embed-multilingual-light-v3.0": _OLDER_VECTORS,
    "rerank-v5.0-pro": _RANKS,
    "rerank-v3.5": _RANKS,
}
"""The models that the list shows beside the rules' models."""
DEFAULTS: Final[Mapping[str, str]] = {
    "chat": DEFAULT_MODEL,
    "generate": DEFAULT_MODEL,
    "summarize": DEFAULT_MODEL,
    "embed": "embed-v4.0",
    "classify": "embed-english-v3.0",
    "rerank": "rerank-v3.5",
}
"""The default model of each endpoint that has models."""


def _kind(name: str) -> CohereModelKind:
    """Return the kind of a model; an unknown one has the kind that its name begins with."""
    newest = _VECTORS if name.startswith("embed") else _RANKS if name.startswith("rerank") else _TEXT
    return KNOWN.get(name, newest)


def _model(name: str) -> dict[str, Json]:
    """Return the description of a model.

    `tokenizer_url` is null, as the real list has it for `embed-english-v2.0`. The SDK's `tokenize` and `detokenize`
    download a tokenizer from this address, unless the caller passes `offline=False`. Without an address,
    `get_hf_tokenizer` of `cohere/manually_maintained/tokenizers.py` raises an error before any download. Both methods
    catch it and call the API: so the SDK contacts only this server, and its tokens are those that this server counts.
    """
    kind = _kind(name)
    return {
        "name": name,
        "is_deprecated": False,
        "endpoints": list(kind.endpoints),
        "finetuned": False,
        "context_length": kind.context,
        "tokenizer_url": None,
        "default_endpoints": [endpoint for endpoint in kind.endpoints if DEFAULTS.get(endpoint) == name],
        "features": None if kind.features is None else list(kind.features),
        "sampling_defaults": None if kind.sampling is None else dict(kind.sampling),
    }


class CohereModelsRequest(Request):
    """A request for the list, or for one model, which the path names."""

    dialect = "cohere"
    api = "models"

    @property
    def page_size(self) -> int | None:
        """The models of a page; None for a wrong `page_size`."""
        written = self.query.get("page_size")
        if written is None:
            return PAGE_SIZE
        found = _PAGE_SIZE.fullmatch(written)
        size = 0 if found is None else int(found[1])
        return size if 1 <= size <= MAX_PAGE_SIZE else None

    @property
    def start(self) -> int | None:
        """The number of the page's first model; None for a `page_token` that no response has."""
        token = self.query.get("page_token")
        start = whole_number(token, -1)
        return 0 if token is None else start if start >= 0 else None

    @property
    def endpoint(self) -> str | None:
        return self.query.get("endpoint")

    @property
    def default_only(self) -> bool:
        return self.query.get("default_only", "").lower() == "true"

    def is_listed(self, name: str) -> bool:
        """Whether the filters of the request keep a model."""
        if self.endpoint is None:
            return True
        if self.default_only:
            return DEFAULTS.get(self.endpoint) == name
        return self.endpoint in _kind(name).endpoints


class CohereModels(UncheckedCall, CohereCall):
    """The list of models, and one model of the list."""

    api = "models"
    request_class = CohereModelsRequest
    error = staticmethod(error_plan_v1)

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, CohereModelsRequest)
        if request.model is not None:
            return None
        if request.page_size is None:
            problem = f"page_size must be from 1 to {MAX_PAGE_SIZE}"
        elif request.start is None:
            problem = "page_token is invalid"
        elif request.endpoint not in (None, *ENDPOINTS):
            problem = f"endpoint must be one of {', '.join(ENDPOINTS)}"
        elif request.default_only and request.endpoint is None:
            problem = "default_only is only valid when endpoint is provided"
        else:
            return None
        return Failure("bad_request", message=f"invalid request: {problem}")

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return one model, of any name because any model is served; or a page of the list, which begins with the
        rules' models."""
        assert isinstance(request, CohereModelsRequest)
        if request.model is not None:
            return body_plan(_model(request.model), identity)
        names = list(filter(request.is_listed, dict.fromkeys((*rule_models, *KNOWN))))
        start = request.start or 0
        end = start + (request.page_size or PAGE_SIZE)
        body: dict[str, Json] = {"models": list(map(_model, names[start:end]))}
        if end < len(names):
            body["next_page_token"] = str(end)
        return body_plan(body, identity)


class CohereKeyRequest(Request):
    dialect = "cohere"
    api = "check_api_key"


class CohereCheckKey(UncheckedCall, CohereCall):
    """POST /v1/check-api-key: any key is valid. The response to a request without a key is inferred."""

    api = "check_api_key"
    request_class = CohereKeyRequest
    error = staticmethod(error_plan_v1)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if request.api_key is None:
            return body_plan({"valid": False}, identity)
        return body_plan({"valid": True, "organization_id": ORGANIZATION, "owner_id": OWNER}, identity)
