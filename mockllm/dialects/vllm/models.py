"""The models of vLLM: base models and loaded LoRA adapters, and the calls that load and unload adapters.

Sources: `OpenAIServingModels` and `OpenAIModelRegistry` of `vllm/entrypoints/openai/models/serving.py`, `ModelCard`
and `ModelPermission` of `vllm/entrypoints/openai/engine/protocol.py`, `LoadLoRAAdapterRequest` of
`vllm/entrypoints/serve/lora/protocol.py`. An adapter is stored in its session under its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import text_of
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import CLIENT_NAMED, StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.models import CREATED
from mockllm.dialects.openai.validators import check_readable
from mockllm.dialects.vendors.errors import VendorCall
from mockllm.dialects.vendors.responses import VendorModels
from mockllm.dialects.vllm.request import MAX_MODEL_LEN

ADAPTER: Final = f"{CLIENT_NAMED}lora-adapter:"
"""The prefix of the id under which an adapter is stored."""
MAX_NAME: Final = 512
"""The characters of an adapter's name and path that are stored."""
PERMISSION: Final[dict[str, Json]] = {
    "id": "modelperm-0f1c8b6f3d0b4a2f9e7d5c3b1a908172",
    "object": "model_permission",
    "created": CREATED,
    "allow_create_engine": False,
    "allow_sampling": True,
    "allow_logprobs": True,
    "allow_search_indices": False,
    "allow_view": True,
    "allow_fine_tuning": False,
    "organization": "*",
    "group": None,
    "is_blocking": False,
}


def model_card(model: dict[str, Json]) -> None:
    """Make a model of OpenAI's list vLLM's card of a base model, in place."""
    model.update(
        owned_by="vllm",
        root=model["id"],
        parent=None,
        max_model_len=MAX_MODEL_LEN,
        permission=[PERMISSION],
    )


class VllmModels(VendorModels):
    """GET /v1/models: the base models, then the loaded adapters, whose parent is the first base model."""

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        plan = super().own_response_from_models(rule_models, request, identity)
        assert isinstance(plan, Plan)
        adapters = [loads(stored.response_body) for stored in request.object_lookup.all_stored(ADAPTER)]
        if request.path_variables.get("model") is not None or not adapters:
            return plan
        (step,) = plan.steps
        assert isinstance(step, EventStep)
        listed = loads(step.payload)
        parent = listed["data"][0]["id"]
        listed["data"] += [_adapter_card(adapter, parent) for adapter in adapters]
        return Plan(plan.head, (EventStep(dumps(listed), 0, "body"),))


def _adapter_card(adapter: dict[str, Json], parent: str) -> Json:
    return {
        "id": adapter["lora_name"],
        "object": "model",
        "created": CREATED,
        "owned_by": "vllm",
        "root": adapter["lora_path"],
        "parent": parent,
        "max_model_len": None,
        "permission": [PERMISSION],
    }


class LoraRequest(Request):
    dialect = "openai"
    api = "lora_adapters"

    @property
    def adapter(self) -> str | None:
        return text_of(self.fields.get("lora_name")) or None

    @property
    def loaded(self) -> bool:
        """Whether an adapter of this name is loaded."""
        return self.adapter is not None and self.object_lookup.stored(ADAPTER + self.adapter) is not None


class LoraCall(VendorCall):
    """The base of both calls. Their response is a text without a content type (`lora/api_router.py`)."""

    name = "openai"
    api = "lora_adapters"
    generates = False
    request_class = LoraRequest
    done: str

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, LoraRequest)
        return check_readable(request) or self.refusal(request)

    check_readable = staticmethod(check_readable)

    def refusal(self, request: LoraRequest) -> Failure | None:
        raise NotImplementedError  # pragma: no cover - abstract

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, LoraRequest)
        text = f"Success: LoRA adapter '{request.adapter}' {self.done} successfully."
        return Plan(ResponseHead(200, ()), (EventStep(text.encode("utf-8", "replace"), 0, "body"),))


def _invalid(message: str) -> Failure:
    return Failure("bad_request", message=message, fields={"type": "InvalidUserInput", "param": None})


class LoadLora(LoraCall):
    """POST /v1/load_lora_adapter."""

    done = "added"

    def refusal(self, request: LoraRequest) -> Failure | None:
        path = text_of(request.fields.get("lora_path"))
        if request.adapter is None or not path:
            return _invalid("Both 'lora_name' and 'lora_path' must be provided.")
        if max(len(request.adapter), len(path)) > MAX_NAME:
            return _invalid(f"'lora_name' and 'lora_path' have at most {MAX_NAME} characters.")
        if request.loaded and request.fields.get("load_inplace") is not True:
            return _invalid(
                f"The lora adapter '{request.adapter}' has already been loaded. If you want to load the adapter in "
                "place, set 'load_inplace' to True."
            )
        return None

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, LoraRequest)
        path = text_of(request.fields.get("lora_path")) or ""
        if plan.head.status != 200 or request.adapter is None or len(request.adapter + path) > 2 * MAX_NAME:
            return None
        id = f"{ADAPTER}{request.adapter}"
        shown = dumps({"lora_name": request.adapter, "lora_path": path})
        return StorageUpdate((id,), StoredObject(id, None, b"", shown))


class UnloadLora(LoraCall):
    """POST /v1/unload_lora_adapter."""

    done = "removed"

    def refusal(self, request: LoraRequest) -> Failure | None:
        if request.adapter is None:
            return _invalid("'lora_name' needs to be provided to unload a LoRA adapter.")
        if not request.loaded:
            message = f"The lora adapter '{request.adapter}' cannot be found."
            return Failure("not_found", message=message, fields={"param": None})
        return None

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, LoraRequest)
        if plan.head.status != 200 or not request.loaded:
            return None
        return StorageUpdate(forgotten=(f"{ADAPTER}{request.adapter}",))
