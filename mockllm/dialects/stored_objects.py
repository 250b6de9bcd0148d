"""Objects that a response creates, batches among them, and the calls on one object: what providers have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import read_object
from mockllm.core.rendering.plan import BatchStart, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_batches import BatchState, cancelled, state_of
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import BatchDialect, ResponseIdentity


def created_object(plan: Plan, prefix: str) -> dict[str, Json] | None:
    """Return the object of a response that succeeded; None where it is none with such an id."""
    sent = getattr(plan.steps[0], "payload", b"") if plan.head.status == 200 and plan.steps else b""
    created = read_object(sent)
    id = created.get("id")
    return created if type(id) is str and id.startswith(prefix) else None


def completed(created: Mapping[str, Json], own: Mapping[str, Json]) -> dict[str, Json]:
    """Return an object with the members of `own` that it does not have, or has with another type. A rule's own body
    may be of any form, and other calls read these members."""
    kept = {
        name: value
        for name, value in created.items()
        if own.get(name) is None or type(value) is type(own[name])
    }
    return {**own, **kept}


def creation(
    plan: Plan, prefix: str, content: bytes, own: Callable[[str], Mapping[str, Json]] | None = None
) -> StorageUpdate | None:
    """Return the object of a response that has created one with such an id; `content` is stored with it. `own`
    returns the server's own object with an id, whose members complete that of the response."""
    created = created_object(plan, prefix)
    if created is None:
        return None
    id = created["id"]
    stored = created if own is None else completed(created, own(id))
    return StorageUpdate((id,), StoredObject(id, None, content, dumps(stored)))


def uploaded_file(
    plan: Plan, request: Request, prefix: str, own: Callable[[str], Mapping[str, Json]] | None = None
) -> StorageUpdate | None:
    """Return the file of a form that a response has created, with its content."""
    file = next((file for file in request.form_files if file.field == "file"), None)
    return creation(plan, prefix, request.raw if file is None else file.content, own)


class ObjectRequest(Request):
    """A request whose path names a stored object."""

    path_variable: str
    """The variable of the path with the object's id."""
    id_prefix: str = ""

    @cached_property
    def object_id(self) -> str:
        return self.path_variables.get(self.path_variable, "")

    @cached_property
    def stored(self) -> StoredObject | None:
        """The object that the path names."""
        return self.look_up()

    def look_up(self) -> StoredObject | None:
        """Return the object that the path names. A subclass whose `stored` differs calls this: `super().stored` would
        store its result as `stored`, where a second lookup is interrupted."""
        id = self.object_id
        return self.object_lookup.stored(id) if id and id.startswith(self.id_prefix) else None


class ObjectCall:
    """The base of the calls on one stored object."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, ObjectRequest)
        stored = request.stored
        return self.missing(request) if stored is None else self.respond(stored, request, identity)

    def missing(self, request: ObjectRequest) -> Failure:
        """Return the failure of an id without an object."""
        raise NotImplementedError  # pragma: no cover - abstract

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        """Return the response for the object."""
        raise NotImplementedError  # pragma: no cover - abstract

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, ObjectRequest)
        if request.stored is None or plan.head.status != 200:
            return None
        return self.update(request.stored, request)

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        """Return what the state stores after the call has succeeded."""
        changed = self.changed(stored, request)
        return None if changed is None or changed is stored else StorageUpdate((changed.id,), changed)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        """Return the object after the call; None or the same where the call changes nothing."""
        return None


class Deletion(ObjectCall):
    """The base of the calls that delete the object."""

    def update(self, stored: StoredObject, request: Request) -> StorageUpdate | None:
        return StorageUpdate(forgotten=(stored.id,))


class BatchCreation(BatchDialect):
    """The base of the calls that create a batch."""

    api: str = "batches"
    generates: bool = False

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        start = plan.background
        if plan.head.status != 200 or not isinstance(start, BatchStart):
            return None
        created = loads(start.plan.steps[0].payload)  # type: ignore[union-attr]  # one event
        return self.stored_batch(created, start, request, request.monotonic + plan.delay)

    def stored_batch(self, created: Json, start: BatchStart, request: Request, began: float) -> StorageUpdate:
        """Return what the state stores of a batch that began then. `created` is its object in the response."""
        raise NotImplementedError  # pragma: no cover - abstract


class BatchCancellation(ObjectCall):
    """The base of the calls that cancel a batch, before the base of those that read it."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        state = state_of(stored, request.monotonic)
        if state.ended:
            return self.ended(stored, state)
        return super().respond(self.changed(stored, request), request, identity)

    def ended(self, stored: StoredObject, state: BatchState) -> Failure:
        """Return the failure of a batch that has ended."""
        raise NotImplementedError  # pragma: no cover - abstract

    def changed(self, stored: StoredObject, request: Request) -> StoredObject:
        return cancelled(stored, request.monotonic)
