"""GET /v1/models, GET and DELETE /v1/models/{model}: the models of the rules, and OpenAI's well-known models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai import completions, embeddings, moderations
from mockllm.dialects.openai.calls import UncheckedOpenAiCall
from mockllm.dialects.openai.errors import error_plan
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.model_families import SNAPSHOTS

_UNDATED: Final = (
    *(
        "gpt-6.2-astra",
        "gpt-6.2-sol",
        "gpt-6.1-terra",
        "gpt-6.1-sol",
        "gpt-6-astra",
        "gpt-6-sol",
        "gpt-6-luna",
    ),
    *("gpt-5.6", "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.5"),
)
"""Models of OpenAI's page of November 2026 whose dated names are unknown here."""
WELL_KNOWN: Final = tuple(
    dict.fromkeys(
        (
            *_UNDATED,
            *(name for pair in SNAPSHOTS.items() for name in pair),
            *completions.SNAPSHOTS,
            *embeddings.SIZES,
            *(name for pair in moderations.SNAPSHOTS.items() for name in pair),
            moderations.DEFAULT_MODEL,
        )
    )
)
"""The models of all of OpenAI's calls, and the dated models that serve them."""
CREATED = 1715367049
"""A constant in place of each model's creation time, which tests do not depend on."""


class OpenAiModelsRequest(Request):
    dialect = "openai"
    api = "models"


class OpenAiModels(UncheckedOpenAiCall):
    """The list of models, and one model of the list."""

    api = "models"
    request_class = OpenAiModelsRequest
    known: Sequence[str] = WELL_KNOWN
    """The models that the list shows beside the rules' models."""

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        if failure.type == "model_not_found" and failure.message is None and request.model is not None:
            fields = {"param": "model", **failure.fields}
            failure = replace(failure, message=f"The model '{request.model}' does not exist", fields=fields)
        return error_plan(failure, request, identity)

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return each model once: the rules' models in their order, then the well-known models and their snapshots.

        Any single model exists, because chat completions accept any model too.
        """
        known = dict.fromkeys((*rule_models, *self.known))
        requested = request.model
        if requested is None:
            return body_plan({"object": "list", "data": [_model(name) for name in known]}, identity)
        if request.method == "DELETE":  # the real service deletes a fine-tuned model; nothing is deleted here
            return body_plan({"object": "model", "id": requested, "deleted": True}, identity)
        return body_plan(_model(requested), identity)


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "system"}
