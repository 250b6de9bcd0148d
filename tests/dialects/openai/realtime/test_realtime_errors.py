"""Errors of a scenario in the responses of a realtime session."""

from __future__ import annotations

import pytest

from mockllm.dialects.openai.realtime import client_events
from tests.dialects.openai.realtime.test_realtime_session import RealtimeSocket


@pytest.mark.parametrize(
    "reply", ["error: {E}", "reply: {chunks: [One, {error: {E}}]}"], ids=["whole", "cut"]
)
def test_failed_response_has_fields_of_scenario(reply: str) -> None:
    error = "{type: overloaded, fields: {own_field: 1}}"
    response = RealtimeSocket(rules=f"rules: [{{{reply.replace('{E}', error)}}}]").say("a")
    assert response["status_details"]["error"]["own_field"] == 1


def test_more_audio_than_an_event_may_have_is_an_error() -> None:
    opened = RealtimeSocket()
    (event,) = opened.hear("A" * (20 * 2**20 + 4))
    expected = (
        "Invalid 'audio': string too long. Expected a string with maximum length 20971520, "
        "but got a string with length 20971524 instead."
    )
    assert event["error"]["message"] == expected
    assert (event["error"]["code"], event["error"]["param"]) == ("string_above_max_length", "audio")
    (error,) = opened.send({"type": "input_audio_buffer.commit"})
    assert error["error"]["message"].endswith("buffer only has 0.00ms of audio.")


def test_event_may_have_all_the_audio_of_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_events, "MAX_AUDIO_TEXT", 12)
    opened = RealtimeSocket()
    assert opened.hear("A" * 12) == []
    assert len(opened.hear("A" * 16)) == 1
