"""GET /api/tags, GET /api/ps, POST /api/show and GET /api/version: the models of the rules, and well-known ones.

Sizes and digests are constants or derived from the name, because no model exists. Sources: the types of the `ollama`
package (0.6.3) and a recording of /api/show.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity, UncheckedCall
from mockllm.dialects.ollama.check import SHOW, check_fields
from mockllm.dialects.ollama.errors import JSON, OllamaCall
from mockllm.dialects.ollama.local_models import is_deleted, local_models, tagged
from mockllm.dialects.ollama.request import DEFAULT_MODEL, OllamaRequest

VERSION: Final = "0.12.6"
SIZE: Final = 2_019_393_189
"""The bytes of every model."""
MODIFIED_AT: Final = "2026-08-07T06:08:11.017589Z"
EXPIRES_AT: Final = "2318-11-20T10:00:00.017589Z"
"""The end of a model that stays loaded (`keep_alive: -1`)."""
DETAILS: Final[dict[str, Json]] = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "3.2B",
    "quantization_level": "Q4_K_M",
}


def digest(name: str) -> str:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def json_plan(body: Json) -> Plan:
    return Plan(ResponseHead(200, JSON), (EventStep(dumps(body), 0, "body"),))


class ModelsRequest(OllamaRequest):
    api = "models"


class OllamaLookup(UncheckedCall, OllamaCall):
    """The base of the calls without a body, which pass every check."""

    request_class: type[Request] = ModelsRequest


class Tags(OllamaLookup):
    """GET /api/tags: the local models."""

    api: str = "models"

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        return json_plan({"models": [_model(name) for name in local_models(rule_models, request)]})


class RunningRequest(OllamaRequest):
    api = "running_models"


class RunningModels(OllamaLookup):
    """GET /api/ps: the loaded models, which are those of the rules."""

    api: str = "running_models"
    request_class: type[Request] = RunningRequest

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        loaded = {"expires_at": EXPIRES_AT, "size_vram": SIZE, "context_length": 4096}
        running = [{**_model(name), **loaded} for name in rule_models if not is_deleted(request, name)]
        for entry in running:
            del entry["modified_at"]
        return json_plan({"models": running})


class VersionRequest(OllamaRequest):
    api = "version"


class OllamaVersion(OllamaLookup):
    """GET /api/version."""

    api: str = "version"
    request_class: type[Request] = VersionRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return json_plan({"version": VERSION})


class ShowRequest(OllamaRequest):
    api = "show"


class Show(OllamaCall):
    """POST /api/show: one model. Any model exists that the session did not delete, because the generating calls
    accept any model too."""

    api = "show"
    request_class = ShowRequest

    def check(self, request: Request) -> Failure | None:
        return self.check_readable(request) or check_fields(request.fields, SHOW, "ShowRequest")

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        name = tagged(request.model or DEFAULT_MODEL)
        if is_deleted(request, name):
            return Failure("model_not_found")
        return json_plan(
            {
                "license": "",
                "modelfile": f"FROM {name}\n",
                "parameters": 'stop "<|eot_id|>"',
                "template": "{{ .Prompt }}",
                "details": DETAILS,
                "model_info": {
                    "general.architecture": "llama",
                    "general.parameter_count": 3_212_749_888,
                    "llama.context_length": 131_072,
                    "llama.embedding_length": 3072,
                },
                "capabilities": ["completion", "tools", "vision", "thinking", "embedding"],
                "modified_at": MODIFIED_AT,
            }
        )


def _model(name: str) -> dict[str, Json]:
    full = tagged(name)
    return {
        "name": full,
        "model": full,
        "modified_at": MODIFIED_AT,
        "size": SIZE,
        "digest": digest(full),
        "details": DETAILS,
    }
