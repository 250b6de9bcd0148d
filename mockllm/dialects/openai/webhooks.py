"""Webhooks: the calls on a project's endpoints, and the events that a response sends to them.

An endpoint is stored under its id in the session, with its secret as the request body. Sources: the SDK's `Webhooks`
resource, `openai.types.webhooks`, and `openai.lib._webhooks`, which verifies the signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import text_of, texts
from mockllm.core.randomness import HEX, Ids
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import ObjectLookup, StorageUpdate, StoredObject
from mockllm.core.webhook import Webhook
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiObjectCall, page
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.validators import (
    array,
    check_fields,
    check_readable,
    check_required,
    refuse,
    string,
)
from mockllm.dialects.stored_objects import Deletion, ObjectRequest

PREFIX: Final = "we_"
SECRET_CHARACTERS: Final = 44
CANCELLED: Final = "response.cancelled"
EVENT_TYPES: Final = ("response.completed", "response.failed", CANCELLED, "response.incomplete")
"""The events that are sent. An endpoint may name others, which never come."""


def _address(value: Json, path: str) -> Failure | None:
    """Refuse a URL without a host, to which no event can be sent. The message is inferred."""
    error = string(value, path)
    if error is not None:
        return error
    try:
        host = urlsplit(value).hostname
    except ValueError:
        host = None
    return None if host else refuse(f"Invalid '{path}': expected a URL with a host.", path, "invalid_value")


FIELDS: Final = {"event_types": array(string, "strings", min_length=1), "name": string, "url": _address}


def response_webhooks(
    lookup: ObjectLookup, response: str, type_: str, due: float, created: int
) -> tuple[Webhook, ...]:
    """Return the events for all endpoints that want this type; `created` is in seconds since the epoch."""
    webhooks = []
    for endpoint in lookup.all_stored(PREFIX):
        shown = loads(endpoint.response_body)
        if type_ in shown["event_types"]:
            event = _event(endpoint, {"id": response}, type_, due, created)
            webhooks.append(event._replace(ends="" if type_ == CANCELLED else response))
    return tuple(webhooks)


def _event(endpoint: StoredObject, data: Json, type_: str, due: float, created: int) -> Webhook:
    subject = f"{endpoint.id} {data['id']}"
    id = Ids(0, f"{subject} {type_}", 0).make("evt_", 50, alphabet=HEX)
    payload = {"id": id, "object": "event", "created_at": created, "type": type_, "data": data}
    url = loads(endpoint.response_body)["url"]
    return Webhook(due, url, endpoint.request_body.decode(), id, dumps(payload), subject)


class EndpointRequest(ObjectRequest):
    dialect = "openai"
    api = "webhook_endpoints"
    path_variable = "endpoint"
    id_prefix = PREFIX


class EndpointCall(OpenAiObjectCall):
    """The base of the calls on one endpoint."""

    api = "webhook_endpoints"
    request_class = EndpointRequest
    object_name = "webhook endpoint"
    missing_message = "No webhook endpoint found with id '{}'."
    required: Sequence[str] = ()

    def check(self, request: Request) -> Failure | None:
        error = self.check_readable(request) or check_fields(request.fields, FIELDS)
        return error or check_required(request.fields, *self.required)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request) if request.raw else None

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan(self.shown(stored, request, identity), identity)

    def shown(self, endpoint: StoredObject, request: Request, identity: ResponseIdentity) -> Json:
        """Return the body of the response."""
        return loads(endpoint.response_body)


class ListEndpoints(EndpointCall):
    """GET /v1/webhook_endpoints."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        shown = [loads(endpoint.response_body) for endpoint in request.object_lookup.all_stored(PREFIX)]
        return body_plan(page(shown, request.query, "asc"), identity)


class EventTypes(EndpointCall):
    """GET /v1/webhook_event_types."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan({"object": "list", "data": list(EVENT_TYPES)}, identity)


class CreateEndpoint(EndpointCall):
    """POST /v1/webhook_endpoints: the only response, beside that of a rotation, that contains the secret."""

    required = ("event_types", "name", "url")

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        secret = identity.ids.make("whsec_", SECRET_CHARACTERS)
        shown = {
            "id": identity.ids.make(PREFIX, 32, alphabet=HEX),
            "object": "webhook_endpoint",
            "created_at": identity.epoch_second,
            "updated_at": identity.epoch_second,
            "event_types": list(texts(request.fields.get("event_types"))),
            "name": text_of(request.fields.get("name")) or "",
            "signing_secret": secret,
            "signing_secret_hint": _hint(secret),
            "url": text_of(request.fields.get("url")) or "",
        }
        return body_plan(shown, identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        return _stored_with_secret(plan)


class UpdateEndpoint(EndpointCall):
    """POST /v1/webhook_endpoints/{id}."""

    def shown(self, endpoint: StoredObject, request: Request, identity: ResponseIdentity) -> Json:
        before = loads(endpoint.response_body)
        changed = {name: value for name in FIELDS if (value := request.fields.get(name)) is not None}
        updated = before["updated_at"] if before | changed == before else int(request.now)
        return {**before, **changed, "updated_at": updated}

    def changed(self, stored: StoredObject, request: Request) -> StoredObject:
        shown = self.shown(stored, request, ResponseIdentity(Ids(0, "", 0), request.now))
        return stored._replace(response_body=dumps(shown))


class RotateSecret(EndpointCall):
    """POST /v1/webhook_endpoints/{id}/rotate_secret. The old secret ends at once."""

    def shown(self, endpoint: StoredObject, request: Request, identity: ResponseIdentity) -> Json:
        secret = identity.ids.make("whsec_", SECRET_CHARACTERS)
        before = loads(endpoint.response_body)
        rotated = {
            "signing_secret": secret,
            "signing_secret_hint": _hint(secret),
            "updated_at": identity.epoch_second,
        }
        return {**before, **rotated}

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        return _stored_with_secret(plan)


class DeleteEndpoint(Deletion, EndpointCall):
    """DELETE /v1/webhook_endpoints/{id}."""

    def shown(self, endpoint: StoredObject, request: Request, identity: ResponseIdentity) -> Json:
        return {"id": endpoint.id, "object": "webhook_endpoint.deleted", "deleted": True}


class TestEndpoint(EndpointCall):
    """POST /v1/webhook_endpoints/{id}/test: sends a sample event. The status in the response is always 200, because
    the response does not wait for the endpoint."""

    __test__ = False
    required = ("event_type",)

    def shown(self, endpoint: StoredObject, request: Request, identity: ResponseIdentity) -> Json:
        return {
            "object": "webhook_endpoint.test",
            "event_type": request.fields.get("event_type"),
            "status_code": 200,
            "success": True,
            "webhook_endpoint_id": endpoint.id,
        }

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        type_ = text_of(request.fields.get("event_type"))
        if type_ is None:
            return None
        second = int(request.now)
        sample = _event(stored, {"id": f"sample_{second}"}, type_, request.monotonic, second)
        return StorageUpdate(webhooks=(sample._replace(subject=""),))  # there is no such object


def _hint(secret: str) -> str:
    return f"{secret[:8]}...{secret[-4:]}"


def _stored_with_secret(plan: Plan) -> StorageUpdate | None:
    """Return the endpoint of a response that contains its secret. The stored object is without it."""
    sent = loads(getattr(plan.steps[0], "payload", b"{}")) if plan.head.status == 200 else {}
    secret = sent.pop("signing_secret", None)
    if secret is None:
        return None
    return StorageUpdate((sent["id"],), StoredObject(sent["id"], None, secret.encode(), dumps(sent)))
