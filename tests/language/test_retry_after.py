"""`retry_after: none` and `{date: …}` at each provider, and headers that null removes."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from mockllm.dialects.provider_facts import wait_headers
from tests.language.virtual_server import NOW, chat_request, diagnostics_of, respond_once
from tests.wire_events import CALLS, wire_events


def error_of(call: str, retry_after: Any) -> Any:
    return wire_events(call, {"error": {"type": "rate_limit", "retry_after": retry_after}}, stream=False)


@pytest.mark.parametrize("call", CALLS)
def test_retry_after_none_sends_no_wait(call: str) -> None:
    found = error_of(call, "none")
    assert found.status == 429
    own = wait_headers(call.partition("-")[0])
    assert not [name for name in found.headers if name.startswith("retry-after") or name in own]
    assert b"RetryInfo" not in found.body
    assert b"try again in" not in found.body
    assert b"Please retry in" not in found.body


@pytest.mark.parametrize("call", CALLS)
def test_retry_after_date_is_http_date(call: str) -> None:
    headers = error_of(call, {"date": "5s"}).headers
    assert parsedate_to_datetime(headers["retry-after"]).timestamp() == NOW + 5
    assert headers["retry-after"].endswith(" GMT")
    assert "retry-after-ms" not in headers


def test_retry_after_in_script_is_date_too() -> None:
    chunks = [{"error": {"type": "rate_limit", "retry_after": {"date": "2s"}}}]
    headers = wire_events("openai-chat", {"reply": {"chunks": chunks}}, stream=False).headers
    assert parsedate_to_datetime(headers["retry-after"]).timestamp() == NOW + 2


def test_retry_after_of_another_form_is_a_mistake() -> None:
    rule = "rules: [{error: {type: rate_limit, retry_after: %s}}]"
    assert '"soon" is not a duration' in diagnostics_of(rule % "soon")[0]
    assert '"soon" is not a duration' in diagnostics_of(rule % "{date: soon}")[0]


def test_header_that_is_null_is_removed() -> None:
    rule = "{error: rate_limit, headers: {Retry-After: null, x-a: b}}"
    headers = respond_once(f"rules: [{rule}]").headers
    assert "retry-after" not in headers
    assert "retry-after-ms" in headers
    assert headers["x-a"] == "b"


def test_header_of_limit_that_is_null_is_removed() -> None:
    scenario = """
        rules: [{reply: hi}]
        modifiers:
          - {limit: {strategy: fixed-window, requests: 2}, headers: {x-ratelimit-limit-requests: null}}
        """
    headers = respond_once(scenario, chat_request()).headers
    assert "x-ratelimit-limit-requests" not in headers
    assert headers["x-ratelimit-remaining-requests"] == "1"


def test_rule_replaces_removal_by_modifier() -> None:
    scenario = """
        rules: [{reply: hi, headers: {x-request-id: mine}}]
        modifiers: [{headers: {x-request-id: null}}]
        """
    assert respond_once(scenario).headers["x-request-id"] == "mine"
