"""Azure's requests: the deployment in the path is the model, and the key has its own header."""

from __future__ import annotations

from copy import copy
from typing import TypeVar

from mockllm.core.lazy import lazy
from mockllm.core.request.request import Request
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions_request import CompletionsRequest
from mockllm.dialects.openai.embeddings import OpenAiEmbeddingsRequest
from mockllm.dialects.openai.request_helpers import text_of
from mockllm.dialects.openai.responses.request import ResponsesRequest

AnyRequest = TypeVar("AnyRequest", bound=Request)


class DeploymentRequest(Request):
    """The base of all of Azure's requests."""

    @lazy
    def model(self) -> str | None:
        """The deployment; without one, the model of the body."""
        return self.route.get("deployment") or text_of(self.fields.get("model"))

    @lazy
    def api_key(self) -> str | None:
        bearer = self.headers.get("authorization", "")
        return self.headers.get("api-key") or bearer.removeprefix("Bearer ").strip() or None


class AzureChatRequest(DeploymentRequest, ChatRequest):
    pass


class AzureCompletionsRequest(DeploymentRequest, CompletionsRequest):
    pass


class AzureEmbeddingsRequest(DeploymentRequest, OpenAiEmbeddingsRequest):
    pass


class AzureResponsesRequest(DeploymentRequest, ResponsesRequest):
    pass


def with_body_model(request: AnyRequest) -> AnyRequest:
    """Return the request with its model also in the body, where OpenAI's checks read it."""
    deployment = request.route.get("deployment")
    if deployment is None or type(request.body) is not dict:
        return request
    result = copy(request)
    vars(result)["body"] = vars(result)["fields"] = {**request.fields, "model": deployment}
    return result
