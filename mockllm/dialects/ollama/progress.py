"""POST /api/pull, /api/push and /api/create: lines with the progress, or the last of them as one object.

Nothing is transferred: each model has one layer of a constant size, whose digest is derived from the name. Sources:
`PullHandler`, `PushHandler`, `streamResponse` and `waitForStream` of Ollama's `server/routes.go`, `PullModel` and
`PushModel` of `server/images.go`, `CreateHandler` of `server/create.go`. No recording was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.ollama.blobs import BLOB
from mockllm.dialects.ollama.check import CREATE, PULL, TypeCheck, check_types
from mockllm.dialects.ollama.encoder import NDJSON
from mockllm.dialects.ollama.errors import OllamaCall
from mockllm.dialects.ollama.local_models import is_valid_name, local_models, local_update, tagged
from mockllm.dialects.ollama.models import SIZE, digest
from mockllm.dialects.ollama.request import OllamaRequest

SUCCESS: Final = dumps({"status": "success"})
JSON: Final = (("content-type", "application/json"),)
INVALID_NAME: Final = "invalid model name"
LAYERS: Final = ("template", "system", "parameters", "messages", "license", "adapters")
"""The fields of a request to create a model of which each makes a layer."""


class ProgressRequest(OllamaRequest):
    """The base of these requests: they stream unless they decline."""

    @property
    def in_lines(self) -> bool:
        return self.fields.get("stream") is not False


def line(status: str, name: str | None = None, completed: int = 0) -> dict[str, Json]:
    """Return one object; members that are 0 or empty are left out. `name`: the model whose layer it is about."""
    if name is None:
        return {"status": status}
    layer = f"sha256:{digest(tagged(name))}"
    done: dict[str, Json] = {"completed": completed} if completed else {}
    return {"status": f"{status} {layer[7:19]}", "digest": layer, "total": SIZE, **done}


def transfer(verb: str, name: str) -> list[dict[str, Json]]:
    """Return the lines of the transfer of one layer."""
    return [line(verb, name), line(verb, name, SIZE // 2), line(verb, name, SIZE)]


class ProgressCall(OllamaCall):
    """The base of these calls."""

    api: str
    request_class: type[Request] = ProgressRequest
    checks: Mapping[str, TypeCheck] = PULL
    structure: str
    no_name = INVALID_NAME
    """The error of a request without a model."""

    def check(self, request: Request) -> Failure | None:
        error = self.check_readable(request) or check_types(request.fields, self.checks, self.structure)
        if error is None and not is_valid_name(request.model or ""):
            message = self.no_name if request.model is None else INVALID_NAME
            return Failure("bad_request", message=message)
        return error

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        assert isinstance(request, ProgressRequest)
        lines = self.lines(request, local_models(rule_models, request))
        if isinstance(lines, Failure):
            return lines
        if request.in_lines:
            steps = tuple(EventStep(dumps(entry), place, "chunk") for place, entry in enumerate(lines, 1))
            return Plan(ResponseHead(200, NDJSON), steps, Framing.NDJSON)
        error = text_of(lines[-1].get("error"))
        if error is not None:
            return Failure("server_error", message=error)
        return Plan(ResponseHead(200, JSON), (EventStep(dumps(lines[-1]), 0, "body"),))

    def lines(self, request: Request, local: Sequence[str]) -> list[dict[str, Json]] | Failure:
        """Return the progress. `local`: the names of the local models."""
        raise NotImplementedError  # pragma: no cover - abstract

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        """Make the model local, unless the stream was cut."""
        last = None
        for step in plan.steps:
            if isinstance(step, CutStep):
                return None
            last = step.payload if isinstance(step, EventStep) else last
        name = request.model
        return local_update(name, present=True) if last == SUCCESS and name is not None else None


class PullRequest(ProgressRequest):
    api = "pull_model"


class PullModel(ProgressCall):
    """POST /api/pull: any model exists in the library."""

    api = "pull_model"
    request_class = PullRequest
    structure = "PullRequest"

    def lines(self, request: Request, local: Sequence[str]) -> list[dict[str, Json]] | Failure:
        return pulled(request.model or "", local)


def pulled(name: str, local: Sequence[str]) -> list[dict[str, Json]]:
    """Return the lines of a pull. The layer of a local model is complete at once."""
    layer = [line("pulling", name, SIZE)] if tagged(name) in local else transfer("pulling", name)
    rest = ("verifying sha256 digest", "writing manifest", "success")
    return [line("pulling manifest"), *layer, *map(line, rest)]


class PushRequest(ProgressRequest):
    api = "push_model"


class PushModel(ProgressCall):
    """POST /api/push: a model that is not local is an error behind the first lines."""

    api = "push_model"
    request_class = PushRequest
    structure = "PushRequest"
    no_name = "model is required"

    def lines(self, request: Request, local: Sequence[str]) -> list[dict[str, Json]] | Failure:
        name = request.model or ""
        if tagged(name) not in local:
            path = tagged(name).replace(":", "/")
            error = f"open manifests/{path}: no such file or directory"
            return [line("retrieving manifest"), line("couldn't retrieve manifest"), {"error": error}]
        layer = transfer("pushing", name)
        return [line("retrieving manifest"), *layer, line("pushing manifest"), line("success")]

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        return None


class CreateRequest(ProgressRequest):
    api = "create_model"


class CreateModel(ProgressCall):
    """POST /api/create: from a model, which is pulled where it is not local, or from files that were uploaded."""

    api = "create_model"
    request_class = CreateRequest
    checks = CREATE
    structure = "CreateRequest"

    def check(self, request: Request) -> Failure | None:
        error = super().check(request)
        if error is None and not (request.fields.get("from") or request.fields.get("files")):
            return Failure("bad_request", message="neither 'from' or 'files' was specified")
        return error

    def lines(self, request: Request, local: Sequence[str]) -> list[dict[str, Json]] | Failure:
        base, layers = text_of(request.fields.get("from")), []
        if base:
            begun = [] if tagged(base) in local else pulled(base, local)
            layers = [f"using existing layer sha256:{digest(tagged(base))}"]
        else:
            begun = [line("parsing GGUF")]
            for blob in object_of(request.fields.get("files")).values():
                if request.object_lookup.stored(f"{BLOB}{blob}") is None:
                    message = f"open blobs/{str(blob).replace(':', '-')}: no such file or directory"
                    return Failure("server_error", message=message)
                layers.append(f"using existing layer {blob}")
        named = [name for name in LAYERS if request.fields.get(name)]
        layers += [f"creating new layer sha256:{digest(f'{request.model} {name}')}" for name in named]
        return [*begun, *map(line, layers), line("writing manifest"), line("success")]
