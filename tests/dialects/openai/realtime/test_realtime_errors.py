"""Errors of a scenario in the responses of a realtime session."""

from __future__ import annotations

import pytest

from tests.dialects.openai.realtime.test_realtime_session import RealtimeSocket


@pytest.mark.parametrize(
    "reply", ["error: {E}", "reply: {chunks: [One, {error: {E}}]}"], ids=["whole", "cut"]
)
def test_failed_response_has_fields_of_scenario(reply: str) -> None:
    error = "{type: overloaded, fields: {own_field: 1}}"
    response = RealtimeSocket(rules=f"rules: [{{{reply.replace('{E}', error)}}}]").say("a")
    assert response["status_details"]["error"]["own_field"] == 1
