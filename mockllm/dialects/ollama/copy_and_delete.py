"""POST /api/copy and DELETE /api/delete: a local model under another name, and one that is local no longer.

Sources: `CopyHandler` and `DeleteHandler` of Ollama's `server/routes.go`. A response without an error has no body.
Without validation a request may name no model: nothing changes then.
"""

from __future__ import annotations

from collections.abc import Sequence

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.typed_values import text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.ollama.blobs import empty_plan
from mockllm.dialects.ollama.check import COPY, DELETE, check_fields, check_types
from mockllm.dialects.ollama.errors import OllamaCall
from mockllm.dialects.ollama.local_models import is_valid_name, local_models, local_update, tagged
from mockllm.dialects.ollama.request import OllamaRequest


class LocalModelCall(OllamaCall):
    """The base of these calls, whose model has to be local."""

    not_found: str
    """The message for any other model, with its `name`."""

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        name = request.model
        if name and tagged(name) not in local_models(rule_models, request):
            return Failure("model_not_found", message=self.not_found.format(name=name))
        return empty_plan()


class CopyRequest(OllamaRequest):
    """A request to copy a model, whose model is the source."""

    api = "copy_model"

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("source"))

    @property
    def destination(self) -> str:
        return text_of(self.fields.get("destination")) or ""


class CopyModel(LocalModelCall):
    """POST /api/copy."""

    api = "copy_model"
    request_class = CopyRequest
    not_found = 'model "{name}" not found'

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, CopyRequest)
        error = self.check_readable(request) or check_types(request.fields, COPY, "CopyRequest")
        for field, name in (("source", request.model or ""), ("destination", request.destination)):
            if error is None and not is_valid_name(name):
                error = Failure("bad_request", message=f'{field} "{name}" is invalid')
        return error

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, CopyRequest)
        copied = plan.head.status == 200 and is_valid_name(request.destination)
        return local_update(request.destination, present=True) if copied else None


class DeleteRequest(OllamaRequest):
    api = "delete_model"


class DeleteModel(LocalModelCall):
    """DELETE /api/delete."""

    api = "delete_model"
    request_class = DeleteRequest
    not_found = "model '{name}' not found"

    def check(self, request: Request) -> Failure | None:
        error = self.check_readable(request) or check_fields(request.fields, DELETE, "DeleteRequest")
        if error is None and not is_valid_name(request.model or ""):
            return Failure("bad_request", message=f'name "{request.model}" is invalid')
        return error

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        name = request.model
        return local_update(name, present=False) if plan.head.status == 200 and name else None
