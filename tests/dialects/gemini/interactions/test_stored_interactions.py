"""What a stored interaction has at a time, as later requests see it."""

from __future__ import annotations

import pytest

from tests.dialects.gemini.interactions.test_interactions import Interacting, text


@pytest.mark.parametrize(
    ("cancelled", "after", "reply"),
    [(False, 0.0, "two! Turn 1."), (True, 9.0, "two! Turn 1."), (False, 9.0, "two! Turn 2.")],
    ids=["queued", "cancelled", "completed"],
)
def test_request_continues_what_an_interaction_has(cancelled: bool, after: float, reply: str) -> None:
    interacting = Interacting()
    id = interacting.create("one", background=True)["id"]
    if cancelled:
        interacting.respond("POST", f"/{id}/cancel")
    body = {"model": "gemini-2.5-flash", "input": "two", "previous_interaction_id": id}
    assert text(interacting.respond(body=body, after=after).json) == reply
