"""What a scenario sets of an error is in the response of every protocol: status, fields, headers, wait."""

from __future__ import annotations

from itertools import product
from typing import Final

import pytest

from mockllm.core.failure import NAMED, NEVER, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider import Provider
from mockllm.dialects.providers import REGISTERED
from tests.dialects.test_building_and_decoding import IDENTITY, dialects, requested


def failed(dialect: ReplyDialect, failure: Failure) -> Plan:
    return dialect.error(failure, requested(dialect, NeutralRequest()), IDENTITY)


def members(value: Json) -> set[str]:
    """The names of all members, however deep."""
    if isinstance(value, list):
        return {name for item in value for name in members(item)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {name for item in value.values() for name in members(item)}


OF_FRAMES: Final = ("live", "live_setup")
"""The messages of WebSockets whose errors are close frames, which have no room for fields."""


@pytest.mark.parametrize("provider", REGISTERED, ids=lambda provider: provider.name)
def test_error_of_each_call_has_what_a_scenario_sets(provider: Provider) -> None:
    """Also of the calls without a reply: each error, of each call."""
    paths = {route.call.id: route.path for route in provider.routes}
    for call, name in product(provider.calls, NAMED):
        failure = Failure(name, 418, "Own text.", fields={"own_field": 1}, headers=(("x-own", "1"),))
        path = paths.get(call.id, "/")
        request = call.dialect.request_class(method="POST", path=path, headers={}, provider=provider.name)
        plan = call.dialect.error(failure, request, IDENTITY)
        own = {
            "status": plan.head.status == 418,
            "message": b"Own text." in sent_bytes(plan),
            "fields": b"own_field" in sent_bytes(plan) or call.id in OF_FRAMES,
            "headers": ("x-own", "1") in plan.head.headers or call.id in OF_FRAMES,
        }
        lacking = [member for member, there in own.items() if not there]
        assert not lacking, f"{name} of {call.endpoint}: `error` writes these members of the failure"


@dialects
def test_error_has_status_of_failure(dialect: ReplyDialect) -> None:
    assert failed(dialect, Failure("rate_limit", status=418)).head.status == 418


@dialects
def test_error_has_fields_of_failure(dialect: ReplyDialect) -> None:
    plan = failed(dialect, Failure("server_error", fields={"own_field": 1}))
    assert "own_field" in members(loads(sent_bytes(plan)))


@dialects
def test_error_has_headers_of_failure(dialect: ReplyDialect) -> None:
    plan = failed(dialect, Failure("server_error", headers=(("x-own", "1"),)))
    assert ("x-own", "1") in plan.head.headers


@dialects
def test_error_states_wait_of_failure(dialect: ReplyDialect) -> None:
    """In a header or in the body: `again()` returns it."""
    plan, other = (failed(dialect, Failure("rate_limit", retry_after=wait)) for wait in (1234.0, 2345.0))
    assert (plan.head.headers, sent_bytes(plan)) != (other.head.headers, sent_bytes(other))
    assert b"1234" in sent_bytes(plan) or any("1234" in value for _, value in plan.head.headers)


@dialects
def test_error_without_retry_has_no_wait(dialect: ReplyDialect) -> None:
    names = {name for name, _ in failed(dialect, Failure("rate_limit", retry_after=NEVER)).head.headers}
    assert not {"retry-after", "retry-after-ms"} & names
