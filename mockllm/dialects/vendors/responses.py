"""POST …/responses, …/completions and …/embeddings of vendors: OpenAI's, with members added, dropped or changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.completions import Completions
from mockllm.dialects.openai.embeddings import OpenAiEmbeddings
from mockllm.dialects.openai.models import OpenAiModels
from mockllm.dialects.openai.responses.decoder import decode
from mockllm.dialects.openai.responses.dialect import Responses
from mockllm.dialects.vendors.decoder import decode as hear_chat
from mockllm.dialects.vendors.errors import error_plan, head
from mockllm.dialects.vendors.vendor import Edit, Vendor


def edited(plan: Plan, vendor: Vendor, stamp: ResponseIdentity, edit: Edit | None, media: str) -> Plan:
    """A plan of OpenAI's in the vendor's words: each object changed, under the vendor's head."""
    steps = tuple(
        _edited(step, edit) if edit and isinstance(step, EventStep) and step.payload != b"[DONE]" else step
        for step in plan.steps
    )
    return replace(plan, head=head(vendor, stamp, media, plan.head.status), steps=steps)


def _edited(step: EventStep, edit: Edit) -> EventStep:
    """The event is called what its object says."""
    made: dict[str, Json] = loads(step.payload)
    edit(made)
    return replace(step, payload=dumps(made), event=step.event and made["type"])


class VendorResponses(Responses):
    """A vendor's responses."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(self.vendor, failure, request, stamp)

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        said = super().encode_body(reply, request, stamp)
        return edited(said, self.vendor, stamp, self.vendor.responses, "application/json")

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        said = super().encode_stream(reply, request, stamp)
        return edited(said, self.vendor, stamp, self.vendor.responses, self.vendor.form.media)

    def build_request(self, wish: NeutralRequest) -> WireRequest:
        asked = super().build_request(wish if wish.model else replace(wish, model=self.vendor.model))
        return replace(asked, path=self.vendor.path("/responses"))

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan) or hear_chat(plan)


class VendorCompletions(Completions):
    """A vendor's legacy completions."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(self.vendor, failure, request, stamp)

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        edit = self._edit(reply, streamed=False)
        return edited(
            super().encode_body(reply, request, stamp), self.vendor, stamp, edit, "application/json"
        )

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        said = super().encode_stream(reply, request, stamp)
        edit = self._edit(reply, streamed=True)
        if edit is not None:  # which tells the usage with the finish reason, and in no chunk of its own
            kept = tuple(
                step for step in said.steps if not isinstance(step, EventStep) or step.kind != "usage"
            )
            said = replace(said, steps=kept)
        return edited(said, self.vendor, stamp, edit, self.vendor.form.media)

    def _edit(self, reply: Reply, *, streamed: bool) -> Edit | None:
        completed = self.vendor.completed
        return None if completed is None else partial(completed, usage=reply.usage, streamed=streamed)


class VendorEmbeddings(OpenAiEmbeddings):
    """A vendor's embeddings."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(self.vendor, failure, request, stamp)

    def embed(self, said: EmbeddingResult | None, request: Request, stamp: ResponseIdentity) -> Plan:
        plan = super().embed(said, request, stamp)
        return edited(plan, self.vendor, stamp, self.vendor.embedded, "application/json")


class VendorModels(OpenAiModels):
    """The models of a vendor: those that the rules name, and the one that examples ask for. Azure, which has no
    such one, lists OpenAI's."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        if vendor.model is not None:
            self.known = (vendor.model,)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(self.vendor, failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        said = super().answer(request, models, stamp)
        assert isinstance(said, Plan)
        return edited(said, self.vendor, stamp, self.vendor.listed and self._told, "application/json")

    def _told(self, said: dict[str, Json]) -> None:
        """The list, or one model of it."""
        assert self.vendor.listed is not None
        for model in said["data"] if said["object"] == "list" else (said,):
            self.vendor.listed(model)
