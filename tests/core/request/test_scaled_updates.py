"""Background responses and webhooks on a server with a time scale."""

from __future__ import annotations

from mockllm.core.request.stored_objects import StorageUpdate, StoredObject, Timeline
from mockllm.core.webhook import Webhook

TIMELINE = Timeline(110.0, ((0.0, "a", b""), (20.0, "b", b"")))


def test_scaled_update_runs_at_the_factor() -> None:
    hook = Webhook(130.0, "http://x", "s", "id", b"", "subject")
    stored = StoredObject("r", None, b"", b"", timeline=TIMELINE)
    scaled = StorageUpdate(stored=stored, webhooks=(hook,)).scaled(0.1, 100.0)
    assert scaled.stored is not None
    assert scaled.stored.timeline is not None
    assert scaled.stored.timeline.began == 101.0
    assert round(scaled.stored.timeline.elapsed(103.0), 6) == 20.0
    assert [each.due for each in scaled.webhooks] == [103.0]


def test_scaled_timeline_is_not_scaled_again() -> None:
    scaled = TIMELINE.scaled(0.1, 100.0)
    assert scaled.scaled(0.1, 105.0) == scaled


def test_update_without_a_response_stays() -> None:
    assert StorageUpdate(("x",)).scaled(0.1, 5.0) == StorageUpdate(("x",))
    plain = StorageUpdate(stored=StoredObject("r", None, b"", b""))
    assert plain.scaled(0.1, 5.0) == plain
