"""What the server itself reads of stored objects, in this process or elsewhere."""

from __future__ import annotations

import asyncio

import pytest

from mockllm.core.failure import Failure
from mockllm.core.request.stored_objects import StoredObject, Timeline
from mockllm.server.app import App
from mockllm.server.stored_objects import stored_response_is_gone
from mockllm.server.workers.no_store import NoStore
from mockllm.state.fetched_objects import FetchedObject, ObjectToFetch
from tests.server.fake_engine import FakeEngine

TIMELINE = Timeline(0.0, ((1.0, "response.completed", b"{}"),))
STORED = StoredObject("resp_1", None, b"", b"", timeline=TIMELINE)
CANCELLED = STORED._replace(timeline=TIMELINE._replace(cancelled=0.5))
AWAY = Failure("unavailable", 503, "The store is away.")


class Storing(FakeEngine):
    """Has one stored response, or needs a lookup elsewhere."""

    def __init__(self, found: StoredObject | None, *, elsewhere: bool) -> None:
        super().__init__()
        self._found = found
        self._elsewhere = elsewhere

    def stored(self, session: str, id: str) -> StoredObject | ObjectToFetch | None:
        if self._elsewhere:
            return ObjectToFetch(session, ("stored", id), lambda: None)
        return self._found


class Elsewhere(NoStore):
    """Looks up one stored response."""

    def __init__(self, found: FetchedObject | Failure) -> None:
        """Without the state of workers."""
        self._found = found

    async def fetch(self, to_fetch: ObjectToFetch) -> FetchedObject | Failure:
        assert (to_fetch.session, to_fetch.key) == ("one", ("stored", "resp_1"))
        return self._found


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("found", [STORED, CANCELLED, STORED._replace(timeline=None), None])
def test_cancelled_or_deleted_response_is_gone(found: StoredObject | None, *, elsewhere: bool) -> None:
    app = App(Storing(found, elsewhere=elsewhere))
    app.store_client = Elsewhere(found)
    assert asyncio.run(stored_response_is_gone(app, "one", "resp_1")) is (found in (CANCELLED, None))


@pytest.mark.parametrize("found", [AWAY, None])
def test_response_is_not_gone_while_the_store_is_away(
    found: Failure | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--store-failure local`, a store that is away finds nothing."""
    app = App(Storing(CANCELLED, elsewhere=True))
    app.store_client = Elsewhere(found)
    monkeypatch.setattr(Elsewhere, "status", lambda self: "the store is away")
    assert not asyncio.run(stored_response_is_gone(app, "one", "resp_1"))
