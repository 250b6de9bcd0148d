"""Requests as Azure takes them: the deployment in the path is the model, the key has a header of its own."""

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

Some = TypeVar("Some", bound=Request)


class DeploymentRequest(Request):
    """What all of them share."""

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


def named(request: Some) -> Some:
    """The request with its model in the body too, where OpenAI's checks look for it."""
    deployment = request.route.get("deployment")
    if deployment is None or type(request.body) is not dict:
        return request
    made = copy(request)
    vars(made)["body"] = vars(made)["fields"] = {**request.fields, "model": deployment}
    return made
