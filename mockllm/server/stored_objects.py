"""The stored objects that the server itself reads, without a request."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.request.stored_objects import StoredObject
from mockllm.server.app import App
from mockllm.state.fetched_objects import ObjectToFetch


async def fetch_stored(app: App, session: str, id: str) -> StoredObject | Failure | None:
    """Return what is stored under an id, in this process or elsewhere, or why that is not known."""
    found = app.engine.stored(session, id)
    if not isinstance(found, ObjectToFetch):
        return found
    assert app.store_client is not None, "what is elsewhere has a store client"
    fetched = await app.store_client.fetch(found)
    return fetched if isinstance(fetched, StoredObject | Failure) else None


async def stored_response_is_gone(app: App, session: str, id: str) -> bool:
    """Return whether a stored background response was cancelled or deleted. A store that is away does not know of
    it."""
    found = await fetch_stored(app, session, id)
    if found is None:
        return app.store_client is None or not app.store_client.status()
    timeline = found.timeline if isinstance(found, StoredObject) else None
    return timeline is not None and timeline.cancelled is not None
