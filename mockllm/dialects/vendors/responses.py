"""POST …/responses, …/completions and …/embeddings of vendors: OpenAI's responses with members added, dropped
or changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JsonObject, dumps, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.completions import Completions
from mockllm.dialects.openai.embeddings import DEFAULT_MODEL, OpenAiEmbeddings
from mockllm.dialects.openai.models import OpenAiModels
from mockllm.dialects.openai.responses.decoder import decode
from mockllm.dialects.openai.responses.dialect import Responses
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.vendors.chat import decode as decode_chat
from mockllm.dialects.vendors.errors import GeneratingVendorCall, VendorCall, head
from mockllm.dialects.vendors.object_edits import response_of
from mockllm.dialects.vendors.vendor import Edit, Vendor


def edit_plan(plan: Plan, vendor: Vendor, identity: ResponseIdentity, edit: Edit | None, media: str) -> Plan:
    """Return OpenAI's plan in the vendor's form: each object changed, with the vendor's head."""
    steps = tuple(
        _edit_step(step, edit) if edit and isinstance(step, EventStep) and step.payload != b"[DONE]" else step
        for step in plan.steps
    )
    return replace(plan, head=head(vendor, identity, media, plan.head.status), steps=steps)


def _edit_step(step: EventStep, edit: Edit) -> EventStep:
    """Return the changed event; the object's type is the event's name."""
    payload: dict[str, Json] = loads(step.payload)
    edit(payload)
    return replace(step, payload=dumps(payload), event=step.event and payload["type"])


class VendorResponses(GeneratingVendorCall, Responses):
    """The responses call of a vendor."""

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, ResponsesRequest)
        check_items = self.vendor.check_items
        failure = None if check_items is None else check_items(request.items)
        return failure or super().check(request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_body(reply, request, self._identified(identity))
        return edit_plan(plan, self.vendor, identity, self._edit_response(reply, request), self.vendor.media)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_stream(reply, request, self._identified(identity))
        return edit_plan(
            plan, self.vendor, identity, self._edit_response(reply, request), self.vendor.form.media
        )

    def _identified(self, identity: ResponseIdentity) -> ResponseIdentity:
        """Return the identity with the vendor's ids."""
        ids = self.vendor.response_ids
        return identity if ids is None else identity._replace(ids=ids(identity.ids))

    def own_edit(self, request: Request) -> Edit | None:
        """Return the vendor's edit of a response to this request."""
        return self.vendor.edit_response

    def _edit_response(self, reply: Reply, request: Request) -> Edit | None:
        """Return the vendor's edit. Where it writes `reasoning`, the extras of the reply are merged into that."""
        edit, own = self.own_edit(request), reply.extras.get("openai", {}).get("reasoning")
        if edit is None or own is None:
            return edit

        def edit_and_merge(payload: JsonObject) -> None:
            edit(payload)
            response = response_of(payload)
            if response is not None:
                response["reasoning"] = merged_json(response.get("reasoning"), own)

        return edit_and_merge

    def build_request(self, request: NeutralRequest) -> WireRequest:
        wire_request = super().build_request(
            request if request.model else replace(request, model=self.vendor.model)
        )
        return replace(wire_request, path=self.vendor.path("/responses"))

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan) or decode_chat(plan)


class VendorCompletions(GeneratingVendorCall, Completions):
    """The legacy completions of a vendor."""

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan, edit = super().encode_body(reply, request, identity), self._edit(reply, streamed=False)
        return edit_plan(plan, self.vendor, identity, edit, self.vendor.media)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_stream(reply, request, identity)
        edit = self._edit(reply, streamed=True)
        if edit is not None:  # the edit adds the usage to the last chunk; the usage chunk is dropped
            steps = tuple(
                step for step in plan.steps if not isinstance(step, EventStep) or step.kind != "usage"
            )
            plan = replace(plan, steps=steps)
        return edit_plan(plan, self.vendor, identity, edit, self.vendor.form.media)

    def _edit(self, reply: Reply, *, streamed: bool) -> Edit | None:
        edit = self.vendor.edit_completion
        return None if edit is None else partial(edit, usage=reply.usage, streamed=streamed)


class VendorEmbeddings(VendorCall, OpenAiEmbeddings):
    """The embeddings of a vendor."""

    def __init__(self, vendor: Vendor) -> None:
        headers = vendor.embedding_headers
        super().__init__(vendor if headers is None else replace(vendor, headers=headers))
        self.vector_forms = vendor.vector_forms
        self.default_name = vendor.embedding_model or vendor.model or DEFAULT_MODEL

    def check(self, request: Request) -> Failure | None:
        failure, own = super().check(request), self.vendor.check_embeddings
        return failure if failure is not None or own is None else own(request.fields)

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().embed(result, request, identity)
        return edit_plan(plan, self.vendor, identity, self.vendor.edit_embeddings, self.vendor.media)


class VendorModels(VendorCall, OpenAiModels):
    """The models of a vendor: those that the rules name, and the model of its examples. Azure has no such
    model and lists OpenAI's."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(vendor)
        if vendor.model is not None:
            self.known = (vendor.model,)

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        plan = super().own_response_from_models(rule_models, request, identity)
        assert isinstance(plan, Plan)
        return edit_plan(
            plan, self.vendor, identity, self.vendor.edit_model and self._edit_models, self.vendor.media
        )

    def _edit_models(self, listed: dict[str, Json]) -> None:
        assert self.vendor.edit_model is not None
        for model in listed["data"] if listed["object"] == "list" else (listed,):
            self.vendor.edit_model(model)
