"""POST /api/v1/responses: OpenAI's responses of all makers' models.

From recordings of July and August 2026. Streams have no names of events, and end with `[DONE]` as in chat. A
response echoes the request as it was sent, until the maker's own settings come with the end.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json, JsonObject
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.core.randomness import BASE62
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.model_families import responses_family
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.openai.responses.stored_calls import DONE
from mockllm.dialects.openrouter.encoder import MAKERS, OTHER
from mockllm.dialects.vendors.object_edits import OPENAI_MEMBERS, drop, items_of, response_of
from mockllm.dialects.vendors.response_ids import RESPONSE, CountedIds
from mockllm.dialects.vendors.responses import VendorResponses
from mockllm.dialects.vendors.vendor import LOWER, Edit, VendorIdFormat

OPENING: Final = frozenset({"response.created", "response.in_progress", "response.queued"})
"""The events before the maker's model responds."""
GENERATION: Final = VendorIdFormat("gen-1784218677-", 20)


class OpenRouterIds(CountedIds):
    """The id of a generation for the response. Messages and calls have ids for the time being."""

    __slots__ = ()

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        if prefix == RESPONSE:
            return GENERATION.make(self._ids, prefix)
        if prefix in ("msg_", "fc_"):
            return self._ids.make(f"{prefix}tmp_", 11, place, LOWER)
        return self._ids.make(prefix, length, place, alphabet)


def edit_response(payload: JsonObject) -> None:
    """Drop what only OpenAI sends, and add a price to the usage."""
    drop(payload, "obfuscation")
    response = response_of(payload)
    if response is None:
        return
    drop(response, *OPENAI_MEMBERS, "user")
    drop(response["text"], "verbosity")
    if response.get("usage") is not None:
        cost = {
            "upstream_inference_cost": 0.002196,
            "upstream_inference_input_cost": 0.002046,
            "upstream_inference_output_cost": 0.00015,
        }
        response["usage"] |= {"cost": 0.002196, "is_byok": False, "cost_details": cost}


class OpenRouterResponses(VendorResponses):
    """The responses call. Its edit knows the request."""

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_stream(reply, request, identity)
        return (
            plan if request.background else _sent_form(plan)
        )  # the states of a background response need names

    def in_background(
        self, stream: Plan, pace: Pacing, request: Request, identity: ResponseIdentity, *, streamed: bool
    ) -> Plan:
        plan = super().in_background(stream, pace, request, identity, streamed=streamed)
        return _sent_form(plan) if streamed else plan

    def own_edit(self, request: Request) -> Edit | None:
        assert isinstance(request, ResponsesRequest)
        edit, form = self.vendor.edit_response, _ModelForm(request)
        assert edit is not None

        def edit_object(payload: JsonObject) -> None:
            edit(payload)
            form.edit(payload)

        return edit_object


def _sent_form(plan: Plan) -> Plan:
    """Return a stream as the service sends it."""
    steps = tuple(_unnamed(step) if isinstance(step, EventStep) else step for step in plan.steps)
    last = next(step for step in reversed(steps) if isinstance(step, EventStep))
    done = () if last.kind == "error" else (EventStep(DONE, last.chunk_number, "end"),)
    return replace(plan, steps=(*steps, *done))


def _unnamed(step: EventStep) -> EventStep:
    """Return an event without its name. OpenAI's last event is not the end here."""
    return replace(step, event=None, kind="finish" if step.kind == "end" else step.kind)


class _ModelForm:
    """The form of one model's responses to one request. Only OpenAI's models have families."""

    def __init__(self, request: ResponsesRequest) -> None:
        self.fields = request.fields
        maker, _, self.model = (request.model or "").partition("/")
        self.is_openai = maker == "openai"
        self.family = responses_family(self.model if self.is_openai else "")
        self.reasoning_format = MAKERS.get(maker, OTHER).format
        self.called: dict[str, Json] = {}
        """The names of the called tools, by their items."""
        self.functions: dict[str | None, JsonObject] = {
            name: {**tool, "strict": tool.get("strict")}
            for tool in objects(self.fields.get("tools"))
            if tool.get("type") == "function" and (name := text_of(tool.get("name")))
        }

    def edit(self, payload: JsonObject) -> None:
        """Change one event, or the body."""
        opens = payload.get("type") == "response.output_item.added"
        for item in items_of(payload):
            self._edit_item(item, opens=opens)
        if payload.get("type") == "response.function_call_arguments.done":
            payload["name"] = self.called[payload["item_id"]]
        response = response_of(payload)
        if response is None:
            return
        response["tools"] = [self._as_sent(tool) for tool in objects(response.get("tools"))]
        response["prompt_cache_options"] = self.fields.get("prompt_cache_options")
        early = payload.get("type") in OPENING
        response["reasoning"] = self.fields.get("reasoning") if early else self._reasoning()
        details = object_of(object_of(response.get("usage")).get("input_tokens_details"))
        if self.is_openai and not details.get("cache_write_tokens"):
            drop(details, "cache_write_tokens")

    def _edit_item(self, item: JsonObject, *, opens: bool) -> None:
        if item["type"] == "message" and self.family.phase:
            item["phase"] = "final_answer"
        if item["type"] == "function_call":
            self.called[item["id"]] = item["name"]
        if item["type"] == "reasoning":
            drop(item, "content", *(("encrypted_content",) if opens else ()))
            item["status"] = "in_progress" if opens else "completed"
            item |= {} if opens else {"format": self.reasoning_format}

    def _as_sent(self, tool: JsonObject) -> JsonObject:
        """Return a function as the request has it, and any other tool as OpenAI echoes it."""
        return self.functions.get(text_of(tool.get("name")), tool) if tool.get("type") == "function" else tool

    def _reasoning(self) -> Json:
        """Return the settings of the reasoning at the end. GPT-4o and other makers have those of the request."""
        requested = self.fields.get("reasoning")
        if not self.is_openai or self.model.startswith("gpt-4o"):
            return requested
        wanted = object_of(requested)
        if self.family.context is None:
            return {"context": None, "effort": wanted.get("effort"), "summary": wanted.get("summary")}
        return {
            "context": wanted.get("context") or self.family.context,
            "effort": wanted.get("effort") or self.family.effort,
            "mode": wanted.get("mode") or "standard",
            "summary": "detailed",
        }
