"""Azure's calls: OpenAI's calls addressed by deployment, with content filters and Azure's headers.

The deployment in the path is the model, and the key has its own header.
"""

from __future__ import annotations

from copy import copy
from typing import Final, TypeVar

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps, loads
from mockllm.core.json.typed_values import text_of
from mockllm.core.rendering.plan import EventStep, Plan, Step
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.azure import content_filters
from mockllm.dialects.azure.errors import AZURE
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.chat.dialect import Chat
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions_request import CompletionsRequest
from mockllm.dialects.openai.embeddings import OpenAiEmbeddingsRequest
from mockllm.dialects.openai.model_families import DEFAULT_MODEL, snapshot
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.openai.validators import check_length
from mockllm.dialects.vendors.chat import VendorChat
from mockllm.dialects.vendors.errors import VendorCall, error_body, head
from mockllm.dialects.vendors.responses import VendorCompletions, VendorEmbeddings, VendorResponses
from mockllm.dialects.vendors.vendor import Vendor, VendorIdFormat

AnyRequest = TypeVar("AnyRequest", bound=Request)


class DeploymentRequest(Request):
    @cached_property
    def model(self) -> str | None:
        """The deployment; without one, the model of the body."""
        return self.path_variables.get("deployment") or text_of(self.fields.get("model"))

    @cached_property
    def api_key(self) -> str | None:
        bearer = self.headers.get("authorization", "")
        return self.headers.get("api-key") or bearer.removeprefix("Bearer ").strip() or None


def with_deployment(request_class: type[AnyRequest]) -> type[AnyRequest]:
    """Return the class of those requests of OpenAI whose model is a deployment. It is an attribute of this module:
    workers pickle the classes of the requests in their journals."""
    name = f"Azure{request_class.__name__}"
    if name not in globals():
        globals()[name] = type(name, (DeploymentRequest, request_class), {})
    azure_class: type[AnyRequest] = globals()[name]
    return azure_class


def with_body_model(request: AnyRequest) -> AnyRequest:
    """Return the request with its model also in the body, where OpenAI's checks read it."""
    deployment = request.path_variables.get("deployment")
    if deployment is None or type(request.body) is not dict:
        return request
    result = copy(request)
    vars(result)["body"] = vars(result)["fields"] = {**request.fields, "model": deployment}
    return result


class DeploymentCheck(VendorCall):
    """Checks a request with the deployment as the model."""

    def check(self, request: Request) -> Failure | None:
        return super().check(with_body_model(request))  # type: ignore[misc,no-any-return]  # of OpenAI's call


def azure_call(openai_call: type[OpenAiCall], base: type[VendorCall] = VendorCall) -> Dialect:
    """Return the call of OpenAI below /openai: with Azure's errors, and the deployment as the model."""
    members = {"request_class": with_deployment(openai_call.request_class)}
    call: Dialect = type(f"Azure{openai_call.__name__}", (base, openai_call), members)(AZURE)
    return call


VERSION: Final = "2024-10-21"
"""The version of the API that examples use."""


def with_api_key(wire_request: WireRequest, path: str) -> WireRequest:
    """Return a request with its key in the header that Azure's clients use."""
    headers = dict(wire_request.headers)
    bearer = headers.pop("authorization", None)
    key = {} if bearer is None else {"api-key": bearer.removeprefix("Bearer ")}
    return replace(wire_request, path=f"{path}?api-version={VERSION}", headers={**headers, **key})


class AzureChat(VendorCall, Chat):
    """POST /openai/deployments/{deployment}/chat/completions."""

    request_class = with_deployment(ChatRequest)

    def check(self, request: Request) -> Failure | None:
        """Check also that the list of tools is not empty: Azure refuses an empty one (reports of 2024 and 2025),
        OpenAI accepts it."""
        tools = request.fields.get("tools")
        empty = check_length(tools, "tools", 1, None) if type(tools) is list else None
        return super().check(with_body_model(request)) or empty

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_body(reply, request, identity)
        harms = content_filters.harms(reply)
        steps = [
            replace(step, payload=dumps(content_filters.filter_body(loads(step.payload), harms)))
            for step in _data(plan)
        ]
        return self._headed(plan, request, identity, "application/json", *steps)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_stream(reply, request, identity)
        first = EventStep(dumps(content_filters.FIRST_CHUNK), 0, "open")
        steps = [self._filtered(step, reply, request, identity) for step in plan.steps]
        return self._headed(plan, request, identity, self.vendor.form.media, first, *steps)

    def _filtered(self, step: Step, reply: Reply, request: Request, identity: ResponseIdentity) -> Step:
        if not isinstance(step, EventStep) or step.kind == "end":
            return step
        if step.kind == "error":
            assert reply.failure is not None
            return replace(step, payload=dumps(error_body(self.vendor, reply.failure, request, identity)))
        return replace(
            step,
            payload=dumps(content_filters.filter_chunk(loads(step.payload), content_filters.harms(reply))),
        )

    def _headed(
        self, plan: Plan, request: Request, identity: ResponseIdentity, media: str, *steps: Step
    ) -> Plan:
        response_head = head(self.vendor, identity, media)
        if request.model is not None:
            response_head = response_head.with_headers((("x-ms-deployment-name", request.model),))
        return replace(plan, head=response_head, steps=steps)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return with_api_key(
            super().build_request(request),
            f"/openai/deployments/{request.model or DEFAULT_MODEL}/chat/completions",
        )


def _data(plan: Plan) -> list[EventStep]:
    return [step for step in plan.steps if isinstance(step, EventStep)]


class AzureResponses(VendorResponses):
    """POST /openai/v1/responses, and /openai/responses of a version."""

    request_class = with_deployment(ResponsesRequest)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self._served(super().encode_body(reply, request, identity), reply, request)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self._served(super().encode_stream(reply, request, identity), reply, request)

    def _served(self, plan: Plan, reply: Reply, request: Request) -> Plan:
        model = reply.model or snapshot(request.model or DEFAULT_MODEL)
        return replace(plan, head=plan.head.with_headers((("x-ms-served-model", model),)))

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return with_api_key(super().build_request(request), "/openai/responses")


class AzureCompletions(DeploymentCheck, VendorCompletions):
    """POST /openai/deployments/{deployment}/completions."""

    request_class = with_deployment(CompletionsRequest)


class AzureEmbeddings(DeploymentCheck, VendorEmbeddings):
    """POST /openai/deployments/{deployment}/embeddings. Responses of Cohere's models have an id, and count
    completion tokens, which are 0."""

    request_class = with_deployment(OpenAiEmbeddingsRequest)

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().embed(result, request, identity)
        if not (request.model or "").lower().startswith("cohere-"):
            return plan
        id = VendorIdFormat().make(identity.ids, "embedding")
        (step,) = _data(plan)
        body = loads(step.payload)
        body["usage"]["completion_tokens"] = 0
        return replace(plan, steps=(replace(step, payload=dumps({"id": id, **body})),))


class FoundryChat(VendorChat):
    """POST /models/chat/completions. OpenAI's models respond there as in deployments."""

    request_class = with_deployment(ChatRequest)

    def __init__(self, vendor: Vendor, openai_chat: AzureChat) -> None:
        super().__init__(vendor)
        self._openai, self._other = openai_chat, VendorChat(vendor)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return self._chat(request).supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self._chat(request).encode_body(reply, request, identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self._chat(request).encode_stream(reply, request, identity)

    def _chat(self, request: Request) -> Chat:
        """Return the chat of OpenAI's models, or that of the models of other model providers."""
        is_openai_model = (request.model or DEFAULT_MODEL).startswith(("gpt-", "o1", "o3", "o4"))
        return self._openai if is_openai_model else self._other
