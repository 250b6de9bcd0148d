"""What the engine plans for a rule that passes requests on: where to, after how long, and what breaks nothing."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.plan import ProxyTarget
from tests.language.virtual_server import ClientRequest, chat_request, claude_request, respond_once

PASSES = """
rules:
  - {name: on, proxy: "http://127.0.0.1:9"%s}
"""


@pytest.mark.parametrize("ask", [chat_request(), claude_request()], ids=["OpenAI", "Anthropic"])
def test_a_proxy_plan_has_its_target(ask: ClientRequest) -> None:
    heard = respond_once(PASSES % "", ask)
    assert heard.planned.plan.delivery.proxy_target == ProxyTarget("http://127.0.0.1:9", record=False)
    assert heard.planned.rule == "a.yaml:on"
    assert b"This is passed on to http://127.0.0.1:9" in heard.bytes, "where nobody can ask there"


def test_a_delay_applies_to_a_proxied_request() -> None:
    assert respond_once(PASSES % ", delay: 250ms").delay == 0.25


def test_a_fault_on_a_proxied_response_is_noted() -> None:
    heard = respond_once(PASSES % ", faults: [no_finish, {stall: {for: 1s}}]")
    assert [each for each in heard.planned.notes if "not played" in each] == [
        "no_finish not played: the answer is another server's",
        "stall not played: the answer is another server's",
    ]
