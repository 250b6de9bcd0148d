"""POST /model/{model}/count-tokens, GET /foundation-models and GET /inference-profiles.

Members are those of botocore's service models `bedrock-runtime/2023-09-30/service-2.json` (`CountTokens`) and
`bedrock/2023-04-20/service-2.json`. The lists have a few well-known models, and the models that the rules name. No
recording of the lists exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import decoded, object_of, whole_number
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.bedrock.converse_check import BedrockRequestProblem, check_conversation, check_readable
from mockllm.dialects.bedrock.converse_request import BedrockRequest, ConverseRequest, WrappingRequest
from mockllm.dialects.bedrock.errors import error_plan, json_plan
from mockllm.dialects.bedrock.invoke import InvokeRequest
from mockllm.dialects.dialect import ResponseIdentity, UncheckedCall

_REGION: Final = "us-east-1"
_ACCOUNT: Final = "123456789012"
_KNOWN: Final = {
    "anthropic.claude-sonnet-4-5-20250929-v1:0": ("Claude Sonnet 4.5", "Anthropic"),
    "anthropic.claude-haiku-4-5-20251001-v1:0": ("Claude Haiku 4.5", "Anthropic"),
    "anthropic.claude-3-5-sonnet-20241022-v2:0": ("Claude 3.5 Sonnet v2", "Anthropic"),
    "amazon.nova-2-lite-v1:0": ("Nova 2 Lite", "Amazon"),
    "amazon.nova-micro-v1:0": ("Nova Micro", "Amazon"),
    "amazon.titan-text-express-v1": ("Titan Text G1 - Express", "Amazon"),
    "meta.llama3-3-70b-instruct-v1:0": ("Llama 3.3 70B Instruct", "Meta"),
    "mistral.mistral-large-2402-v1:0": ("Mistral Large (24.02)", "Mistral AI"),
    "cohere.command-r-plus-v1:0": ("Command R+", "Cohere"),
}
"""The name and the model provider of each model."""
_PREFIXES: Final = ("us", "eu", "apac", "global", "us-gov", "jp", "au", "ca")
_PROFILED: Final = tuple(name for name in _KNOWN if name.startswith(("anthropic.", "amazon.nova", "meta.")))
KNOWN_MODELS: Final = frozenset(_KNOWN) | {f"{prefix}.{name}" for prefix in _PREFIXES for name in _PROFILED}
_PAGE_SIZE: Final = 1000


class BedrockCountRequest(WrappingRequest):
    """POST /model/{model}/count-tokens: a request of Converse, or the body of one of InvokeModel in base64."""

    api = "count_tokens"
    documented_fields = frozenset({"input"})

    @cached_property
    def inner(self) -> Request:
        """The counted request."""
        holder = object_of(self.fields.get("input"))
        invoked = object_of(holder.get("invokeModel"))
        kind = InvokeRequest if "invokeModel" in holder else ConverseRequest
        body = decoded(invoked.get("body")) or b"" if invoked else dumps(object_of(holder.get("converse")))
        return self.read_as(kind, body)


class _Lookup(UncheckedCall):
    """The common part of the dialects in this module."""

    name: str = "bedrock"

    error = staticmethod(error_plan)


class BedrockCountTokens(_Lookup):
    """The dialect of the token count, with the same estimate as a response's usage."""

    api: str = "count_tokens"
    request_class: type[Request] = BedrockCountRequest

    def check(self, request: Request) -> Failure | None:
        failure = check_readable(request)
        if failure is not None:
            return failure
        assert isinstance(request, BedrockCountRequest)
        try:
            if isinstance(request.inner, ConverseRequest):
                check_conversation(request.inner.fields, request.model)
        except BedrockRequestProblem as problem:
            return Failure("bad_request", message=str(problem))
        return None

    check_readable = staticmethod(check_readable)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan({"inputTokens": request.input_tokens}, identity)


class BedrockModelsRequest(BedrockRequest):
    api = "models"


class FoundationModels(_Lookup):
    """The dialect of the list of models, and of one model of the list."""

    api: str = "models"
    request_class: type[Request] = BedrockModelsRequest

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return one model, of any id because any model is served; or the list, with the rules' models first."""
        if request.model is not None:
            return json_plan({"modelDetails": _model(request.model)}, identity)
        names = dict.fromkeys((*map(_foundation, rule_models), *_KNOWN))
        summaries = [_model(name) for name in names]
        maker = request.query.get("byProvider")
        shown = [each for each in summaries if maker is None or each["providerName"].lower() == maker.lower()]
        return json_plan({"modelSummaries": shown}, identity)


def _foundation(model: str) -> str:
    """Return the id of the model of an inference profile or an ARN."""
    name = model.rpartition("/")[2]
    return re.sub(rf"^(?:{'|'.join(_PREFIXES)})\.", "", name)


def _model_arn(name: str) -> str:
    return f"arn:aws:bedrock:{_REGION}::foundation-model/{name}"


def _model(id: str) -> dict[str, Json]:
    """Return the description of a model; an unknown one has its own id as its name."""
    name = _foundation(id)
    title, maker = _KNOWN.get(name, (name, name.partition(".")[0].title()))
    return {
        "modelArn": _model_arn(name),
        "modelId": name,
        "modelName": title,
        "providerName": maker,
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


class InferenceProfilesRequest(BedrockRequest):
    api = "inference_profiles"


class InferenceProfiles(_Lookup):
    """The dialect of the list of inference profiles, and of one of them."""

    api: str = "inference_profiles"
    request_class: type[Request] = InferenceProfilesRequest

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return one profile, of any id; or a page of the list, whose token is the number of the next profile."""
        if request.model is not None:
            return json_plan(_profile(request.model), identity)
        named = (name for name in rule_models if name != _foundation(name))
        names = list(dict.fromkeys((*named, *(f"us.{name}" for name in _PROFILED))))
        start, size = (
            whole_number(request.query.get("nextToken"), 0),
            whole_number(request.query.get("maxResults"), _PAGE_SIZE) or _PAGE_SIZE,
        )
        body: dict[str, Json] = {
            "inferenceProfileSummaries": [_profile(name) for name in names[start : start + size]]
        }
        if start + size < len(names):
            body["nextToken"] = str(start + size)
        return json_plan(body, identity)


def _profile(id: str) -> dict[str, Json]:
    name = id.rpartition("/")[2]
    title = _model(name)["modelName"]
    return {
        "inferenceProfileName": f"{name.partition('.')[0].upper()} {title}",
        "description": f"Routes requests to {title}.",
        "createdAt": "2025-01-01T00:00:00Z",
        "updatedAt": "2025-01-01T00:00:00Z",
        "inferenceProfileArn": f"arn:aws:bedrock:{_REGION}:{_ACCOUNT}:inference-profile/{name}",
        "models": [{"modelArn": _model_arn(_foundation(name))}],
        "inferenceProfileId": name,
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }
