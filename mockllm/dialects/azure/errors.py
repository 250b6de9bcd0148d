"""Azure's errors, and the rows of the two forms in which it serves chat.

An error of its gateway has a code and a message; an error of the model has OpenAI's four members. From
recordings of 2026; the content filter's error and the classic 429 are from public reports.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.dialects.azure import content_filters
from mockllm.dialects.azure.foundry_encoder import FoundryGrok
from mockllm.dialects.openai.errors import INVALID, OpenAiErrorRow
from mockllm.dialects.rate_limit_headers import SpentLimit, milliseconds
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.vendor import (
    DIGITS,
    HeadersWithIds,
    Vendor,
    VendorChatForm,
    VendorErrors,
    VendorIdFormat,
)
from mockllm.dialects.xai.encoder import Grok, grok_usage

DENIED_MESSAGE: Final = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for "
    "an active subscription and use a correct regional API endpoint for your resource."
)
NOT_DEPLOYED_MESSAGE: Final = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 "
    "minutes, please wait a moment and try again."
)
TOO_MANY_MESSAGE: Final = (
    "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded token rate limit of "
    "your current pricing tier. Please retry after {seconds}. Please contact Azure support service if you would "
    "like to further increase the default rate limit."
)
FILTERED_MESSAGE: Final = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
    "modify your prompt and retry."
)


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the envelope: OpenAI's members for the model's errors, an inner error for the filter's, a code
    for the gateway's."""
    code = inner["code"]
    if code == "content_filter":
        inner_error = {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": content_filters.REFUSED_PROMPT,
        }
        return {
            "error": {**inner, "type": None, "param": "prompt", "status": status, "innererror": inner_error}
        }
    if status == 400:
        return {"error": inner}
    own = {name: value for name, value in inner.items() if name not in ("param", "type", "code", "message")}
    error = {"code": code or str(status), "message": inner["message"], **own}
    return {"error": {"type": inner["type"], **error} if code == "DeploymentNotFound" else error}


def foundry_envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return Foundry's envelope, which names the exceeded limit twice."""
    return envelope({**inner, "details": inner["message"]} if status == 429 else inner, status, ids)


_GATEWAY: Final = {
    "authentication": OpenAiErrorRow(401, "", "401", DENIED_MESSAGE),
    "permission": OpenAiErrorRow(403, "", "403", "Access denied due to Virtual Network/Firewall rules."),
    "not_found": OpenAiErrorRow(404, "", "404", "Resource not found"),
    "model_not_found": OpenAiErrorRow(404, INVALID, "DeploymentNotFound", NOT_DEPLOYED_MESSAGE),
    # No recording of a retired model's deployment exists; inferred: the deployment is missing.
    "model_deprecated": OpenAiErrorRow(404, INVALID, "DeploymentNotFound", NOT_DEPLOYED_MESSAGE),
    "content_filter": OpenAiErrorRow(400, "", "content_filter", FILTERED_MESSAGE),
    "server_error": OpenAiErrorRow(500, "", "InternalServerError", "Internal server error"),
    "overloaded": OpenAiErrorRow(
        503, "", "ServiceUnavailable", "The service is temporarily unable to process your request."
    ),
}
_LIMITED: Final = OpenAiErrorRow(429, "", "429", TOO_MANY_MESSAGE, retry_after=1.0)
_FOUNDRY_LIMITED: Final = OpenAiErrorRow(
    429,
    "",
    "RateLimitReached",
    "Your requests to {model} for {model} in westeurope have exceeded rate limit.",
    retry_after=1.0,
)
_UNIDENTIFIED: Final = ("apim-request-id",)
_UNDEPLOYED: Final = ("apim-request-id", "x-ms-region")
_GATEWAY_HEADERS: Final = {
    **dict.fromkeys(("authentication", "permission", "not_found", "request_too_large"), _UNIDENTIFIED),
    **dict.fromkeys(("model_not_found", "model_deprecated"), _UNDEPLOYED),
}
"""The headers of refusals before a deployment, which counts no limit and filters nothing there."""
_PLACE: Final[HeadersWithIds] = {
    "apim-request-id": VendorIdFormat(),
    "x-ms-region": "West Europe",
    "azureai-fe-offer-type": "paygo",
}

AZURE: Final = Vendor(
    "azure",
    Grok,
    bases=("/openai/v1",),
    errors=VendorErrors(
        rows({}, **_GATEWAY, rate_limit=_LIMITED),
        envelope,
        milliseconds="wait",
        headers=_GATEWAY_HEADERS,
        spent=SpentLimit("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", milliseconds),
    ),
    headers={
        **_PLACE,
        "x-request-id": VendorIdFormat(),
        "x-ms-rai-invoked": "true",
        "azureml-model-session": "d20260330170902-0e618f323d34",
        "x-ratelimit-limit-requests": "120",
        "x-ratelimit-limit-tokens": "120000",
        "x-ratelimit-remaining-requests": "119",
        "x-ratelimit-remaining-tokens": "119986",
        "x-ratelimit-renewalperiod-requests": "60",
        "x-ratelimit-renewalperiod-tokens": "60",
        "x-ratelimit-reset-requests": "500",
        "x-ratelimit-reset-tokens": "7",
    },
    form=VendorChatForm(media="text/event-stream; charset=utf-8"),
    edit_response=content_filters.filter_response,
)
"""Deployments of OpenAI's models."""
FOUNDRY: Final = Vendor(
    "azure",
    FoundryGrok,
    bases=("/models",),
    form=VendorChatForm(
        id=VendorIdFormat(),
        call_id=VendorIdFormat("call_", 8, DIGITS),
        body={"prompt_filter_results": None},
        chunk={"system_fingerprint": "fp_49c5j0a323", "service_tier": "default"},
        without_text={"content": ""},
        indexed_calls=True,
        complete_calls=True,
        usage=grok_usage,
    ),
    errors=VendorErrors(
        rows({}, **_GATEWAY, rate_limit=_FOUNDRY_LIMITED),
        foundry_envelope,
        milliseconds="zero",
        headers=_GATEWAY_HEADERS,
    ),
    headers={**_PLACE, "azureai-requested-tier": "default", "azureai-processed-tier": "default"},
)
"""Models of other model providers. Each has its own responses; this row has the form of xAI's Grok (`FoundryGrok`),
whatever the model is."""
